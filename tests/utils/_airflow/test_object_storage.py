"""A place on a team's storage, as others are told of it."""

from __future__ import annotations

import pytest

from airflow_provider_kling.utils._airflow.object_storage import with_connection


@pytest.mark.parametrize(
    ("uri", "conn_id", "told"),
    [
        ("s3://bucket/m.jsonl", "aws", "s3://aws@bucket/m.jsonl"),
        ("s3://other@bucket/m.jsonl", "aws", "s3://aws@bucket/m.jsonl"),
        ("s3://other@bucket/m.jsonl", None, "s3://other@bucket/m.jsonl"),
        ("/data/m.jsonl", None, "/data/m.jsonl"),
    ],
)
def test_the_reader_of_a_batch_manifest_gets_the_connection(uri, conn_id, told):
    assert with_connection(uri, conn_id) == told
