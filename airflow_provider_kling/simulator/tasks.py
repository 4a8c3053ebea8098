"""The nouns of the account: an order is a valid request, a task is what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

Status = Literal["submitted", "processing", "succeed", "failed"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """A validated create request, not yet accepted.

    :param product: name of the product, such as ``image2video``.
    :param model: model name; concurrency is counted per model.
    :param counted_as: name under which its slots are counted, if that is another one.
    :param pack: type of the resource pack that pays.
    :param price: units charged on success.
    :param seconds: how long Kling usually takes.
    :param external_task_id: the caller's own id.
    :param callback_url: where status changes are posted.
    :param watermark: whether a watermarked copy was ordered.
    :param slots: how many slots it takes: an image task takes one for each image.
    :param media: inputs to be fetched or decoded, by role: a URL or base64, or the key of a stored content.
    :param kinds: ``image``, ``video`` or ``audio`` by role; a role that is not named is an image.
    :param recipe: what the result maker needs; plain JSON.
    :param failure: text that makes the task fail, whatever its inputs are.
    """

    product: str
    model: str
    pack: str
    price: Decimal
    seconds: float
    slots: int = 1
    counted_as: str = ""
    external_task_id: str | None = None
    callback_url: str | None = None
    watermark: bool = False
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    failure: str = ""


@dataclass(kw_only=True)
class Task:
    """One accepted task. Times are epoch milliseconds.

    :param task_id: 18 digits.
    :param result_id: id of the result, 18 digits.
    :param starts_at: when it becomes ``processing``.
    :param ends_at: when it becomes ``succeed`` or ``failed``.
    :param slots: how many slots it holds until it ends.
    :param sources: the inputs that are to be inspected, by role: URLs and keys of stored contents.
    :param kinds: kinds of the inputs, by role.
    :param inspected: whether the inputs have been looked at; a task cannot end before.
    :param failure: why it will fail; empty if it will succeed.
    :param message: why it has failed.
    :param charged: units deducted, or what they would have been.
    :param money: US dollars deducted instead, by an account that pays with money.
    """

    task_id: str
    result_id: str
    product: str
    model: str
    pack: str
    price: Decimal
    created_at: int
    updated_at: int
    starts_at: int
    ends_at: int
    slots: int = 1
    counted_as: str = ""
    external_task_id: str | None = None
    callback_url: str | None = None
    watermark: bool = False
    recipe: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    status: Status = "submitted"
    inspected: bool = False
    failure: str = ""
    message: str = ""
    charged: Decimal = Decimal(0)
    money: Decimal = Decimal(0)

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in {"succeed", "failed"}

    def as_json(self) -> dict[str, Any]:
        """Every field as plain JSON, for the state file and the control routes."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        # A copy: what was handed out must not change when the inputs have been read.
        money = {name: str(getattr(self, name)) for name in ("price", "charged", "money")}
        return values | money | {"recipe": dict(self.recipe)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Task:
        """The inverse of :meth:`as_json`."""
        money: dict[str, Any] = {
            name: Decimal(values[name]) for name in ("price", "charged", "money") if name in values
        }
        return cls(**(values | money))
