"""Codec of ``/account/costs``. Source: billing page of https://kling.ai/document-api, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import envelope, values
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import KlingResponseError, error_details
from airflow_provider_kling.models.account import ResourcePack

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Response

#: The longest name of a pack and of its status; Kling's have less than 60 characters.
MAX_NAME_CHARACTERS = 120


def costs(start_time: int, end_time: int) -> Request:
    """
    Build the call that lists resource packs; free, at most one a second.

    :param start_time: epoch milliseconds.
    :param end_time: epoch milliseconds.
    """
    return Request("GET", "/account/costs", params={"start_time": str(start_time), "end_time": str(end_time)})


@raises_response_error
def read_costs(response: Response) -> list[ResourcePack]:
    """
    Read the resource packs; this endpoint wraps them in a second envelope inside ``data``.

    A pack whose quantities cannot be read is left out: 0 would say that it is used up.

    :raises KlingApiError: when the inner envelope carries an error; the outer one has code 0 even then.
    :raises KlingResponseError: when there is no account in the response.
    """
    inner = values.json_object(response.data)
    code = envelope.service_code(inner.get("code", 0))
    if not inner or code is None:
        raise KlingResponseError(
            "Check the connection's host: the response holds no account data."
            f"{error_details(request_id=response.request_id)}",
            http_status=200,
        )
    if code != 0 and code not in envelope.RELAY_SUCCESS:
        message = values.text(values.first(inner, "msg", "message"))
        raise envelope.api_error(code, message, http_status=200, request_id=response.request_id)
    packs = (_pack(item) for item in values.json_objects(inner.get("resource_pack_subscribe_infos")))
    return [pack for pack in packs if pack]


def _pack(item: dict[str, Any]) -> ResourcePack | None:
    quantities = [values.amount(item.get(name) or 0) for name in ("total_quantity", "remaining_quantity")]
    if "" in quantities:
        return None
    return ResourcePack(
        name=values.text(item.get("resource_pack_name"), MAX_NAME_CHARACTERS),
        status=values.text(item.get("status"), MAX_NAME_CHARACTERS),
        total_quantity=float(quantities[0]),
        remaining_quantity=float(quantities[1]),
        invalid_time=values.milliseconds(item.get("invalid_time")),
    )
