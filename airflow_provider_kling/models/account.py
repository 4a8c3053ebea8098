"""What an account has and has paid, and the session of a video whose areas are marked; few processes need them."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ResourcePack:
    """
    A prepaid pack of units, as ``GET /account/costs`` lists it.

    :param name: for example ``Trial-Video-100Units-5Con-1Months``; ``NCon`` is the number of slots.
    :param status: ``toBeOnline``, ``online``, ``expired`` or ``runOut``.
    :param total_quantity: units bought.
    :param remaining_quantity: units left; up to 12 hours late.
    :param invalid_time: when it expires, epoch milliseconds.
    """

    name: str
    status: str
    total_quantity: float
    remaining_quantity: float
    invalid_time: int = 0


@dataclasses.dataclass(frozen=True)
class Deduction:
    """
    What one task was charged, as the reports of ``/account/billing`` list it.

    :param task_id: Kling's.
    :param amount: a decimal string.
    :param unit: ``units`` of a resource pack, or the currency of money: ``USD`` or ``CNY``.
    :param product_type: ``video``, ``image`` or ``try-on``.
    :param product_function: what was asked for, such as ``text_to_video``.
    :param model_name: as Kling calls it.
    :param api_key_name: of the key by which it was asked for.
    :param package_id: of the resource pack.
    :param at: when it was charged, epoch milliseconds.
    :param before: what the pack or the balance held before, a decimal string.
    :param after: and afterwards.
    """

    task_id: str
    amount: str
    unit: str
    product_type: str = ""
    product_function: str = ""
    model_name: str = ""
    api_key_name: str = ""
    package_id: str = ""
    at: int = 0
    before: str = ""
    after: str = ""


@dataclasses.dataclass(frozen=True)
class Selection:
    """
    A session in which areas of a video are marked; it lives a day.

    :param session_id: for a multi-elements task.
    :param frames: how many the video has.
    :param fps: frames in a second.
    :param milliseconds: how long the video is.
    :param width: pixels.
    :param height: pixels.
    :param video_url: signed link to the video as Kling works on it.
    """

    session_id: str
    frames: int = 0
    fps: float = 0.0
    milliseconds: int = 0
    width: int = 0
    height: int = 0
    video_url: str = dataclasses.field(default="", repr=False)
