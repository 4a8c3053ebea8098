"""Reads the arguments of a batch that are no fields of Kling's, before anything is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.operators.task_arguments import OnClear
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.preparation.arguments import Validate
from airflow_provider_kling.preparation.image_conversion import Fit
from airflow_provider_kling.preparation.media_link import ImageBy

if TYPE_CHECKING:
    from collections.abc import Callable

OnItemFailure = Literal["continue", "fail"]

#: Seconds that a batch lasts unless the Dag says otherwise: a thousand videos of two minutes on five slots take seven
#: hours.
DEFAULT_TIMEOUT = 86_400.0

#: The smallest resource pack has this many slots.
DEFAULT_CONCURRENCY = 5

#: The least time between two status checks, in seconds.
MIN_POLL_INTERVAL = 0.01


class Limits(NamedTuple):
    """The converted and checked arguments."""

    folder: str
    manifest_uri: str
    concurrency: int
    submit_concurrency: int
    store_concurrency: int
    item_retries: int
    max_units: float | None
    max_run_usd: float | None
    units_per_item: float | None
    on_item_failure: OnItemFailure
    on_clear: OnClear
    poll_interval: float
    timeout: float


def read_limits(operator: Any) -> Limits:
    """
    Convert and check a batch operator's arguments.

    :param operator: has them as attributes.
    :raises KlingValidationError: with all problems.
    """
    from airflow_provider_kling.batch.plan import problem_of_product

    problems: list[str] = []

    def read(function: Callable[..., Any], name: str, *options: Any, **keywords: Any) -> Any:
        try:
            return function(name, getattr(operator, name), *options, **keywords)
        except KlingValidationError as error:
            problems.extend(error.problems)
            return None

    folder, manifest_uri = _read_uris(read, problems)
    _check_file_options(operator, read)
    if problem := problem_of_product(operator.endpoint):
        problems.append(problem)
    limits = Limits(
        folder,
        manifest_uri,
        concurrency=read(arguments.whole_number, "concurrency", 1),
        submit_concurrency=read(arguments.whole_number, "submit_concurrency", 1),
        store_concurrency=read(arguments.whole_number, "store_concurrency", 1),
        item_retries=read(arguments.whole_number, "item_retries", 0),
        max_units=read(arguments.amount, "max_units"),
        max_run_usd=read(arguments.amount, "max_run_usd"),
        units_per_item=read(arguments.amount, "units_per_item"),
        on_item_failure=read(arguments.choice, "on_item_failure", get_args(OnItemFailure)),
        on_clear=read(arguments.choice, "on_clear", get_args(OnClear)),
        poll_interval=read(
            arguments.seconds, "poll_interval", default=polling.DEFAULT_POLL_INTERVAL, minimum=MIN_POLL_INTERVAL
        ),
        timeout=read(arguments.seconds, "timeout", default=DEFAULT_TIMEOUT),
    )
    if problems:
        raise KlingValidationError(problems)
    return limits


def _check_file_options(operator: Any, read: Callable[..., Any]) -> None:
    operator.output_conn_id = read(arguments.connection, "output_conn_id")
    operator.image_conn_id = read(arguments.connection, "image_conn_id")
    read(arguments.choice, "validate", get_args(Validate))
    read(arguments.choice, "fit", get_args(Fit))
    read(arguments.choice, "image_by", get_args(ImageBy))


def _read_uris(read: Callable[..., Any], problems: list[str]) -> tuple[str, str]:
    """Return the folder of the videos, ending with a slash, and the manifest's URI."""
    folder = read(arguments.place, "output_uri")
    if folder is None and not problems:
        problems.append("Give output_uri the folder of the videos: it is empty.")
    folder = (folder or "").rstrip("/") + "/"
    if read(arguments.connection, "kling_conn_id") is None and not problems:
        problems.append("Give kling_conn_id the name of an Airflow connection: it is empty.")
    manifest_uri = read(arguments.place, "manifest_uri") or f"{folder}manifest.jsonl"
    if manifest_uri.lower().endswith(("/", ".mp4")):
        problems.append(f"Give manifest_uri a file of its own: {manifest_uri[-60:]!r} is a folder or a video.")
    return folder, manifest_uri


def work_uri(limits: Limits, batch_id: str) -> str:
    """
    Return the folder of the plan, and of files that only a worker can read.

    :param limits: the checked arguments.
    :param batch_id: names the batch.
    """
    return f"{limits.folder}.{batch_id}/"
