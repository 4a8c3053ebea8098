"""A validated create request, and the task that it becomes."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

Status = Literal["submitted", "processing", "succeed", "failed"]


@dataclass(kw_only=True)
class TaskFields:
    """What a request and its task have in common.

    :param product: name of the product, such as ``image2video``.
    :param model: model name; concurrency is counted per model.
    :param counted_as: name under which its slots are counted, if it differs from ``model``.
    :param pack: type of the resource pack that pays.
    :param price: units charged on success.
    :param slots: number of slots that the task holds until it ends: an image task needs one for each image.
    :param external_task_id: the caller's id.
    :param callback_url: where status changes are posted.
    :param watermark: whether a watermarked copy was requested.
    :param kinds: ``image``, ``large_image``, ``video`` or ``audio`` by role of the input; default ``image``.
    :param recipe: input of the renderer; plain JSON.
    :param failure: why the task will fail; empty if it will succeed.
    """

    product: str
    model: str
    pack: str
    price: Decimal
    slots: int = 1
    counted_as: str = ""
    external_task_id: str | None = None
    callback_url: str | None = None
    watermark: bool = False
    kinds: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    def common_fields(self) -> dict[str, Any]:
        """Copies of the values of these fields, by name."""
        return {field.name: copy(getattr(self, field.name)) for field in fields(TaskFields)}


@dataclass(kw_only=True)
class TaskRequest(TaskFields):
    """A validated create request, not yet accepted.

    :param seconds: processing time.
    :param media: inputs by role: a URL or base64, or the key of a stored content.
    """

    seconds: float
    media: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Task(TaskFields):
    """An accepted task. Times are epoch milliseconds.

    :param task_id: 18 digits.
    :param result_id: id of the result, 18 digits.
    :param starts_at: when it becomes ``processing``.
    :param ends_at: when it becomes ``succeed`` or ``failed``.
    :param sources: inputs to load and check, by role: URLs and keys of stored contents.
    :param inspected: whether the inputs were checked; a task cannot end before.
    :param message: why it has failed.
    :param charged: units deducted, or their equivalent if the account pays with money.
    :param money: US dollars deducted instead, if the account pays with money.
    """

    task_id: str
    result_id: str
    created_at: int
    updated_at: int
    starts_at: int
    ends_at: int
    sources: dict[str, str] = field(default_factory=dict)
    status: Status = "submitted"
    inspected: bool = False
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
        # A copy of recipe: record_inputs changes it later.
        money = {name: str(getattr(self, name)) for name in ("price", "charged", "money")}
        return values | money | {"recipe": dict(self.recipe)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Task:
        """The inverse of :meth:`as_json`."""
        money: dict[str, Any] = {
            name: Decimal(values[name]) for name in ("price", "charged", "money") if name in values
        }
        return cls(**(values | money))
