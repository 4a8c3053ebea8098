"""Any fields give a request or a list of problems."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import advice_first
from support_prepare import BASE64, URL

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=30),
    st.sampled_from(
        [
            BASE64[:300],
            "5s",
            "\ud800",
            "a\x00b",
            "None",
            "https://x.example/\ud800",
            "std",
            "on",
            "true",
            "[]",
            "{}",
            '[{"mask": 1}]',
            "data:,",
            "/9j/",
            URL,
            "http://",
            "kling-v2-6",
        ]
    ),
)


ANYTHING = st.recursive(
    LEAVES,
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mask",
                    "trajectories",
                    "x",
                    "y",
                    "t",
                    "index",
                    "prompt",
                    "duration",
                    "type",
                    "config",
                    "pan",
                    "enabled",
                    "",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=10,
)


NAMES = sorted({name for row in PRODUCTS.values() for name in (*row.by_name, *row.unsent)})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    product=st.sampled_from(sorted(PRODUCTS)),
    fields=st.dictionaries(st.sampled_from([*NAMES, "unknown", "\ud800"]), ANYTHING, max_size=8),
    extra=st.none() | st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2) | ANYTHING,
    validate=st.sampled_from(["strict", "warn", "off"]),
)
def test_whatever_is_given_the_result_is_a_request_or_a_list_of_problems(product, fields, extra, validate):
    problems: tuple[str, ...] = ()
    try:
        prepared = prepare(PRODUCTS[product], fields, extra_body=extra, validate=validate)
    except KlingValidationError as error:
        problems = error.problems
    if problems:
        assert all(map(advice_first, problems))
    else:
        json.dumps(prepared.body, allow_nan=False)
        json.dumps(prepared.content, allow_nan=False, ensure_ascii=False).encode()
        assert all(map(advice_first, prepared.warnings))


@settings(max_examples=200, deadline=None)
@given(product=st.sampled_from(sorted(PRODUCTS)), fields=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6))
def test_a_body_that_is_prepared_again_stays_the_same(product, fields):
    try:
        once = prepare(PRODUCTS[product], fields, validate="off")
        twice = prepare(PRODUCTS[product], once.body, validate="off")
    except KlingValidationError:
        return
    assert twice.body == once.body
    assert twice.content == once.content
