"""Codec of ``/account/costs``. Source: billing page of https://kling.ai/document-api, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import envelope, parts, values
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.exceptions import KlingResponseError, particulars
from airflow_provider_kling.models import ResourcePack

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Answer

#: The longest name of a pack and of its status; Kling's have less than 60 characters.
WORD_CHARACTERS = 120


def costs(start_time: int, end_time: int) -> Request:
    """
    Build the call that lists resource packs; free, at most one a second.

    :param start_time: epoch milliseconds.
    :param end_time: epoch milliseconds.
    """
    return Request("GET", "/account/costs", params={"start_time": str(start_time), "end_time": str(end_time)})


@parts.guarded
def read_costs(answer: Answer) -> list[ResourcePack]:
    """
    Read the packs out of the second envelope that this endpoint wraps them in.

    A pack whose quantities cannot be read is left out: 0 would say that it is used up.

    :raises KlingApiError: when the inner envelope carries an error; the outer one says 0 all the same.
    :raises KlingResponseError: when there is no account in the answer.
    """
    inner = values.record(answer.data)
    code = envelope.service_code(inner.get("code", 0))
    if not inner or code is None:
        raise KlingResponseError(
            "Check the connection's host: the answer holds no account data."
            f"{particulars(request_id=answer.request_id)}",
            http_status=200,
        )
    if code != 0 and code not in envelope.RELAY_SUCCESS:
        message = values.text(values.first(inner, "msg", "message"))
        raise envelope.refusal(code, message, http_status=200, request_id=answer.request_id)
    packs = (_pack(item) for item in values.records(inner.get("resource_pack_subscribe_infos")))
    return [pack for pack in packs if pack]


def _pack(item: dict[str, Any]) -> ResourcePack | None:
    quantities = [values.amount(item.get(name) or 0) for name in ("total_quantity", "remaining_quantity")]
    if "" in quantities:
        return None
    return ResourcePack(
        name=values.text(item.get("resource_pack_name"), WORD_CHARACTERS),
        status=values.text(item.get("status"), WORD_CHARACTERS),
        total_quantity=float(quantities[0]),
        remaining_quantity=float(quantities[1]),
        invalid_time=values.milliseconds(item.get("invalid_time")),
    )
