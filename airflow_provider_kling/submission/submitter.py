"""Submits a checked request through one of the two pay-once protocols. Sleep, log and times are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingError, KlingTaskNotFoundError
from airflow_provider_kling.products.generations import refuses_repeated_id, serving_product
from airflow_provider_kling.submission import protocol
from airflow_provider_kling.submission.drive import drive
from airflow_provider_kling.submission.identity import attempt_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_kling.api.client import KlingClient
    from airflow_provider_kling.products.product import Product
    from airflow_provider_kling.submission.unnamed import UnnamedSubmission, Window


class SubmitOptions(NamedTuple):
    """
    How a request is to be submitted.

    :param name: ``external_task_id`` of the logical submission's first attempt.
    :param may_be_sent: whether an earlier try may have sent it already.
    :param on_doubt: see :class:`.UnnamedSubmission`; ``None`` for the first protocol wherever there is an id.
    :param window: the time in which it was sent, or will be.
    :param ids_of_others: returns ids of tasks that are known to belong to other submissions.
    :param permit: called before each paid call; what it raises is raised, and nothing is sent.
    :param save_window: called before each paid call of a request that is not found by an id, with the time window that
        the next try needs.
    """

    name: str
    may_be_sent: bool
    on_doubt: protocol.OnDoubt | None = None
    window: Window | None = None
    ids_of_others: Callable[[], Iterable[str]] = tuple
    permit: Callable[[], None] = lambda: None
    save_window: Callable[[Window], None] = lambda _window: None


def finds_by_id(client: KlingClient, product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether a request can be found again by its ``external_task_id``, as far as is known.

    :param client: knows whether its host keeps the field.
    :param product: its row in either generation.
    :param body: the canonical body.
    """
    has_field = serving_product(product, body).has_external_id
    return has_field and refuses_repeated_id(body) and client.settings.external_ids


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

    def submit(self, product: Product, body: Mapping[str, Any], options: SubmitOptions) -> protocol.Done:
        """
        Drive the protocol of a request to its end.

        :param product: its row in either generation.
        :param body: the canonical body, checked.
        :param options: the rest.
        :raises KlingError: when there is no task, or it is not known.
        """
        product = serving_product(product, body)
        is_found = finds_by_id(self._client, product, body)
        submission = _new_submission(product, options, is_found=is_found)

        def post(name: str) -> protocol.Outcome:
            options.permit()
            if not isinstance(submission, protocol.Submission) and submission.window:
                options.save_window(submission.window)
            return self._post(product, {**body, "external_task_id": name} if product.has_external_id else dict(body))

        done = drive(
            submission,
            post=post,
            look_up=lambda name: self._look_up(product, name),
            search=lambda since: self._search(product, since, options),
            sleep=self._sleep,
        )
        if is_found and not (done.adopted or done.task.external_task_id):
            self._warn_if_ids_are_dropped(product, attempt_id(options.name, done.attempt))
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

    def _search(self, product: Product, since: float, options: SubmitOptions) -> protocol.Outcome:
        try:
            return protocol.Listed(tuple(self._client.list_since(product, since)), frozenset(options.ids_of_others()))
        except KlingError as error:
            return protocol.Problem(error)

    def _warn_if_ids_are_dropped(self, product: Product, name: str) -> None:
        """The response had no id. One free read tells whether the host dropped it."""
        if isinstance(self._look_up(product, name), protocol.Absent):
            self._warn(
                "Set external_ids to false in the connection's extra: this host drops external_task_id, and a lost "
                "response would be paid twice."
            )


def _new_submission(
    product: Product, options: SubmitOptions, *, is_found: bool
) -> protocol.Submission | UnnamedSubmission:
    if is_found or (product.has_external_id and options.on_doubt is None):
        # It is not known whether Kling refuses this id a second time, so a doubtful POST is not sent again.
        sends = protocol.MAX_SENDS if is_found else 1
        return protocol.Submission(options.name, look_up_first=options.may_be_sent, max_sends=sends)
    # Most requests have an id: the second protocol and its reading of lists cost a fresh process 2 ms.
    from airflow_provider_kling.submission.unnamed import UnnamedSubmission

    return UnnamedSubmission(
        may_be_sent=options.may_be_sent,
        on_doubt=options.on_doubt or "fail",
        name=options.name if product.has_external_id else "",
        window=options.window if product.answers == "task" else None,
    )
