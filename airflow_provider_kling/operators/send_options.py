"""How an operator sends a request, whichever pay-once protocol it goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context


class SendOptions(NamedTuple):
    """
    How a request is sent.

    :param context: Airflow's context.
    :param name: the ``external_task_id``.
    :param look_up_first: whether an earlier try may have sent it.
    :param is_refused: whether Kling certainly refused it before, in the same try.
    :param permit: called before the paid call.
    """

    context: Context
    name: str
    look_up_first: bool
    is_refused: bool
    permit: Callable[[], None]

    @property
    def may_be_sent(self) -> bool:
        """Whether an earlier try may have sent it, as far as is known without a store."""
        return self.look_up_first and not self.is_refused
