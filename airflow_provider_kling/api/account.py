"""Codec of ``/account/costs``. Source: billing page of https://kling.ai/document-api, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.api.request import Request
from airflow_provider_kling.exceptions import KlingApiError, KlingResponseError, particulars
from airflow_provider_kling.models import ResourcePack

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Answer


def costs(start_time: int, end_time: int) -> Request:
    """
    Build the call that lists resource packs; free, at most one a second.

    :param start_time: epoch milliseconds.
    :param end_time: epoch milliseconds.
    """
    return Request("GET", "/account/costs", params={"start_time": str(start_time), "end_time": str(end_time)})


def read_costs(answer: Answer) -> list[ResourcePack]:
    """
    Read the packs out of the second envelope that this endpoint wraps them in.

    :raises KlingApiError: when the inner envelope carries an error; the outer one says 0 all the same.
    """
    inner = answer.data
    known = particulars(request_id=answer.request_id)
    if not isinstance(inner, dict):
        raise KlingResponseError(
            f"Check the connection's host: the answer holds no account data.{known}",
            http_status=200,
        )
    code = int(inner.get("code") or 0)
    if code != 0:
        raise KlingApiError(code, str(inner.get("msg") or ""), http_status=200, request_id=answer.request_id)
    return [
        ResourcePack(
            name=str(pack.get("resource_pack_name") or ""),
            status=str(pack.get("status") or ""),
            total_quantity=float(pack.get("total_quantity") or 0),
            remaining_quantity=float(pack.get("remaining_quantity") or 0),
            invalid_time=int(pack.get("invalid_time") or 0),
        )
        for pack in inner.get("resource_pack_subscribe_infos") or []
    ]
