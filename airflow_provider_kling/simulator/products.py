"""The products, one row each: to add one, write a validator and a result maker and add its row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator import video_fields
from airflow_provider_kling.simulator.results import Links, video_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.tasks import Order, Task
    from airflow_provider_kling.simulator.validation import Body
    from airflow_provider_kling.simulator.video_fields import World

#: The length for which the usual processing times are known.
USUAL_LENGTH: Final = 5


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of the classic generation.

    :param path: where it is served.
    :param validate: request body -> order; raises 1201. The price and the model come from here.
    :param result: task that succeeded -> ``task_result``.
    :param usual_seconds: how long Kling takes for :data:`USUAL_LENGTH` seconds of output.
    """

    path: str
    validate: Callable[[Body, World], Order]
    result: Callable[[Task, Links], dict[str, Any]]
    usual_seconds: float

    def order(self, body: Body, world: World, *, scale: float, seconds: float | None) -> Order:
        """Validate ``body`` and decide how long the task will take.

        The usual time grows with the length of the video: 10 s take twice as long as 5 s. That is this simulator's
        rule, not a published one.

        :param scale: multiplies the usual time.
        :param seconds: replaces the usual time.
        """
        order = self.validate(body, world)
        if seconds is None:
            seconds = self.usual_seconds * order.seconds / USUAL_LENGTH * scale
        return replace(order, seconds=seconds)


#: Usual seconds: the expected times that a widely used client shows to its users (ComfyUI, 2026).
PRODUCTS: Final[dict[str, Product]] = {
    "image2video": Product(
        path="/v1/videos/image2video",
        validate=video_fields.image2video,
        result=video_result,
        usual_seconds=164,
    ),
    "text2video": Product(
        path="/v1/videos/text2video",
        validate=video_fields.text2video,
        result=video_result,
        usual_seconds=319,
    ),
}
