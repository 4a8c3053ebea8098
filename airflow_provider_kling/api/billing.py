"""
What each task of an account was charged: the reports ``/account/billing/package`` and ``/account/billing/balance``.

Source: billing page of https://kling.ai/document-api, read 2026-11; the reports exist since 2026-07-06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kling.api import values
from airflow_provider_kling.api.account import MAX_NAME_CHARACTERS
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import KlingResponseError, error_details
from airflow_provider_kling.models.account import Deduction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.transport import Transport

ReportKind = Literal["package", "balance"]

#: The most deductions on one page, which is also Kling's default.
PAGE_SIZE = 500
#: The most pages that are read of one report; with 500 lines on a page that is half a million lines.
MAX_PAGES = 1000


class Billing:
    """
    The reports of one account; free.

    :param transport: the connection to the account.
    :param page_size: deductions on one page, 1 to 500; default 500.
    """

    def __init__(self, transport: Transport, *, page_size: int = PAGE_SIZE) -> None:
        self._transport = transport
        self._page_size = page_size

    def units(self, start_ms: int, end_ms: int, **filters: Sequence[str]) -> Iterator[Deduction]:
        """
        Yield what tasks took from resource packs, page by page.

        :param start_ms: epoch milliseconds.
        :param end_ms: epoch milliseconds.
        :param filters: ``api_key_name``, ``product_type`` (``video``, ``image``, ``try-on``), and ``package_name`` or
            ``package_id``: values of which one has to fit.
        """
        return self._report("package", start_ms, end_ms, filters)

    def money(self, start_ms: int, end_ms: int, **filters: Sequence[str]) -> Iterator[Deduction]:
        """
        Yield what tasks took from the balance of a post-paid account, page by page.

        :param start_ms: epoch milliseconds.
        :param end_ms: epoch milliseconds.
        :param filters: ``api_key_name``: values of which one has to fit.
        """
        return self._report("balance", start_ms, end_ms, filters)

    def _report(
        self, kind: ReportKind, start_ms: int, end_ms: int, filters: Mapping[str, Sequence[str]]
    ) -> Iterator[Deduction]:
        body: dict[str, Any] = {"start_time": start_ms, "end_time": end_ms, "limit": self._page_size}
        if filters:
            body["filters"] = [{"key": key, "values": list(words)} for key, words in filters.items()]
        seen = set[str]()
        for _ in range(MAX_PAGES):
            response = self._transport.read(Request("POST", f"/account/billing/{kind}", json=body))
            yield from read_deductions(response)
            data = values.json_object(response.data)
            cursor = data.get("next_cursor")
            if data.get("has_more") is not True or not isinstance(cursor, str) or cursor in seen:
                return
            seen.add(cursor)
            # A cursor stands for the window, the filters and the limit; what is sent beside it does not count.
            body = {"cursor": cursor}


@raises_response_error
def read_deductions(response: Response) -> list[Deduction]:
    """
    Read one page; a line whose amount cannot be read is left out: 0 would say that it was free.

    :param response: to either report.
    :raises KlingResponseError: when it holds no report.
    """
    report = values.json_object(response.data).get("result")
    if not isinstance(report, dict):
        known = error_details(request_id=response.request_id)
        raise KlingResponseError(f"Check the connection's host: the response holds no report.{known}", http_status=200)
    lines = (_deduction(item) for item in values.json_objects(report.get("detail")))
    return [line for line in lines if line.amount]


def _deduction(item: dict[str, Any]) -> Deduction:
    def word(name: str) -> str:
        return values.text(item.get(name), MAX_NAME_CHARACTERS)

    def remaining(moment: str) -> str:
        return values.amount(values.first(item, f"unit_{moment}_deduction", f"balance_{moment}_deduction"))

    return Deduction(
        task_id=values.identifier(item.get("task_id")),
        amount=values.amount(item.get("deduction_amount")),
        unit=word("currency") or "units",
        product_type=word("product_type"),
        product_function=word("product_function"),
        model_name=word("model_name"),
        api_key_name=word("api_key_name"),
        package_id=word("package_id"),
        at=values.milliseconds(item.get("deduction_time")),
        before=remaining("before"),
        after=remaining("after"),
    )
