"""Sends a checked request through the protocol that fits it. Pauses, log and times are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingError, KlingTaskNotFoundError
from airflow_provider_kling.products.generations import keeps_external_id, spoken
from airflow_provider_kling.submission import protocol
from airflow_provider_kling.submission.drive import drive
from airflow_provider_kling.submission.identity import attempt_id
from airflow_provider_kling.submission.unnamed import UnnamedSubmission, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_kling.api.client import KlingClient
    from airflow_provider_kling.products.product import Product


class Asked(NamedTuple):
    """
    How a request is to be submitted.

    :param name: ``external_task_id`` of the logical submission's first attempt.
    :param may_be_sent: whether an earlier try may have sent it already.
    :param on_doubt: see :class:`.UnnamedSubmission`; ``None`` for the first protocol wherever there is an id.
    :param window: when it was sent, or will be.
    :param owned: returns ids of tasks that are known to be others'.
    :param permit: called before each paid call; what it raises is raised, and nothing is sent.
    :param keep: likewise, with what the next try needs, for requests that are not found by an id.
    """

    name: str
    may_be_sent: bool
    on_doubt: protocol.OnDoubt | None = None
    window: Window | None = None
    owned: Callable[[], Iterable[str]] = tuple
    permit: Callable[[], None] = lambda: None
    keep: Callable[[Window], None] = lambda _window: None


def finds_by_id(client: KlingClient, product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether a request can be found again by its ``external_task_id``, as far as anybody knows.

    :param client: knows what its host keeps.
    :param product: its row in either generation.
    :param body: the canonical body.
    """
    has_field = spoken(product, body).has_external_id
    return has_field and keeps_external_id(body) and client.settings.external_ids


class Submitter:
    """
    Submits for one account.

    :param client: its client.
    :param warn: logs a sentence.
    :param sleep: waits for seconds.
    """

    def __init__(self, client: KlingClient, warn: Callable[[str], object], sleep: Callable[[float], None]) -> None:
        self._client = client
        self._warn = warn
        self._sleep = sleep

    def submit(self, product: Product, body: Mapping[str, Any], asked: Asked) -> protocol.Done:
        """
        Drive the protocol of a request to its end.

        :param product: its row in either generation.
        :param body: the canonical body, checked.
        :param asked: how.
        :raises KlingError: when there is no task, or nobody can tell.
        """
        product = spoken(product, body)
        is_found = finds_by_id(self._client, product, body)

        machine = _machine(product, asked, is_found=is_found)

        def post(name: str) -> protocol.Outcome:
            asked.permit()
            if isinstance(machine, UnnamedSubmission) and machine.window:
                asked.keep(machine.window)
            return self._post(product, {**body, "external_task_id": name} if product.has_external_id else dict(body))

        done = drive(
            machine,
            post=post,
            look_up=lambda name: self._look_up(product, name),
            search=lambda since: self._search(product, since, asked),
            sleep=self._sleep,
        )
        if is_found and not (done.adopted or done.task.external_task_id):
            self._check_that_ids_are_kept(product, attempt_id(asked.name, done.attempt))
        return done

    def _post(self, product: Product, body: dict[str, Any]) -> protocol.Outcome:
        try:
            return protocol.Found(self._client.create_once(product, body))
        except KlingError as error:
            return protocol.Problem(error)

    def _look_up(self, product: Product, name: str) -> protocol.Outcome:
        try:
            return protocol.Found(self._client.get_task(product, name))
        except KlingTaskNotFoundError:
            return protocol.Absent()
        except KlingError as error:
            return protocol.Problem(error)

    def _search(self, product: Product, since: float, asked: Asked) -> protocol.Outcome:
        try:
            return protocol.Listed(tuple(self._client.list_since(product, since)), frozenset(asked.owned()))
        except KlingError as error:
            return protocol.Problem(error)

    def _check_that_ids_are_kept(self, product: Product, name: str) -> None:
        """Say so when a host drops the id, of which its answer had none: one free look."""
        if isinstance(self._look_up(product, name), protocol.Absent):
            self._warn(
                "Set external_ids to false in the connection's extra: this host drops external_task_id, and a lost "
                "answer would be paid twice."
            )


def _machine(product: Product, asked: Asked, *, is_found: bool) -> protocol.Submission | UnnamedSubmission:
    if is_found or (product.has_external_id and asked.on_doubt is None):
        # Where it is not known whether Kling refuses a name twice, a doubtful POST is not sent again.
        sends = protocol.MAX_SENDS if is_found else 1
        return protocol.Submission(asked.name, look_up_first=asked.may_be_sent, max_sends=sends)
    return UnnamedSubmission(
        may_be_sent=asked.may_be_sent,
        on_doubt=asked.on_doubt or "fail",
        name=asked.name if product.has_external_id else "",
        window=asked.window if product.answers == "task" else None,
    )
