"""What a product is: where it is served, what it accepts and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Order, Task
    from airflow_provider_kling.simulator.validation import Body

#: The length for which the usual processing times are known.
USUAL_LENGTH: Final = 5


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product; in the new generation, one function with one model.

    :param path: where it is served.
    :param validate: request body -> order; raises 1201. The price and the model come from here.
    :param result: task that succeeded -> ``task_result``.
    :param usual_seconds: how long Kling takes for :data:`USUAL_LENGTH` seconds of output; 0 answers at once, with the
        result.
    :param reads: whether its tasks can be read below ``path`` and listed there.
    :param is_new: whether it belongs to the new generation, which has words of its own.
    :param is_task: whether a call makes a task; if not, ``result`` is all that it answers.
    :param watermark: whether a watermarked copy can be ordered; without, no answer speaks of one.
    :param retired: whether Kling has discontinued it.
    :param max_page: the most tasks on one page of its list.
    :param aliases: other paths that mean the same.
    """

    path: str
    validate: Callable[[Body, Context], Order]
    result: Callable[[Task, Links], dict[str, Any]]
    usual_seconds: float
    reads: bool = True
    is_new: bool = False
    is_task: bool = True
    watermark: bool = True
    retired: bool = False
    max_page: int = 500
    aliases: tuple[str, ...] = ()

    @property
    def at_once(self) -> bool:
        """Whether the answer to the create call is the result."""
        return not self.usual_seconds

    def order(self, body: Body, context: Context, *, scale: float, seconds: float | None) -> Order:
        """Validate ``body`` and decide how long the task will take.

        The usual time grows with the length of the video: 10 s take twice as long as 5 s. That is this simulator's
        rule, not a published one.

        :param scale: multiplies the usual time.
        :param seconds: replaces the usual time.
        """
        order = self.validate(body, context)
        if seconds is None or self.at_once:
            seconds = self.usual_seconds * order.seconds / USUAL_LENGTH * scale
        return replace(order, seconds=seconds)
