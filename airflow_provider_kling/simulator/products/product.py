"""A product: its path, the validation of its requests and its results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Task, TaskRequest
    from airflow_provider_kling.simulator.validation import Body

#: Seconds of video for which the usual processing times are known.
USUAL_LENGTH: Final = 5


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product; in the second generation, one function with one model.

    :param path: path of the create call.
    :param validate: request body -> validated request, with model and price; raises 1201.
    :param result: succeeded task -> ``task_result``.
    :param usual_seconds: Kling's processing time for :data:`USUAL_LENGTH` seconds of output; 0 is synchronous: the
        response to the create call holds the result.
    :param reads: whether its tasks can be queried and listed below ``path``.
    :param is_v2: whether it belongs to the second generation, which has other field names.
    :param is_task: whether a call creates a task; if not, the response is ``result`` alone.
    :param watermark: whether a watermarked copy can be requested; if not, no response has ``watermark_info``.
    :param retired: whether Kling has discontinued it.
    :param max_page: maximum number of tasks on one page of the list.
    :param aliases: other paths of the create call.
    """

    path: str
    validate: Callable[[Body, Context], TaskRequest]
    result: Callable[[Task, Links], dict[str, Any]]
    usual_seconds: float
    reads: bool = True
    is_v2: bool = False
    is_task: bool = True
    watermark: bool = True
    retired: bool = False
    max_page: int = 500
    aliases: tuple[str, ...] = ()

    @property
    def at_once(self) -> bool:
        """Whether the response to the create call holds the result."""
        return not self.usual_seconds

    def task_request(self, body: Body, context: Context, *, scale: float, seconds: float | None) -> TaskRequest:
        """Validate ``body`` and set the processing time of the task.

        The usual time grows with the length of the video: 10 s take twice as long as 5 s. That is this simulator's
        rule, not a published one.

        :param scale: multiplies the usual time.
        :param seconds: replaces the usual time.
        """
        task_request = self.validate(body, context)
        if seconds is None or self.at_once:
            seconds = self.usual_seconds * task_request.seconds / USUAL_LENGTH * scale
        return replace(task_request, seconds=seconds)
