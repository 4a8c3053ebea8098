"""A product as data: an entry of a file in ``data/products/``."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.products.fields import Field
from airflow_provider_kling.simulator.products.rules import RULES
from airflow_provider_kling.simulator.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.products.fields import ParsedBody

#: Fields of every product, unless its row has ``task_fields: false``.
TASK_FIELDS = (
    Field(name="watermark_info", kind="object", fields=(Field(name="enabled", kind="boolean", default=False),)),
    Field(name="callback_url"),
    Field(name="external_task_id"),
)


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of a product, in units.

    :param rates: conditions and units; the first row whose conditions all match applies. A condition is a field and its
        value, or whether the field was given.
    :param per: unit of the rate: an image (``n``), ``seconds``, ``five_seconds``, or the task (empty).
    """

    rates: tuple[tuple[Mapping[str, Any], Decimal], ...]
    per: str = ""

    def rate(self, values: Mapping[str, Any]) -> Decimal:
        """The rate for these values.

        :raises KlingError: 1201, if no rate applies.
        """
        for conditions, units in self.rates:
            if _matches(conditions, values):
                return units
        chosen = "/".join(str(values.get(name)) for name in ("model_name", "mode", "duration"))
        raise invalid(f"model/mode/duration({chosen}) is not supported")


def _matches(conditions: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return all(
        bool(values.get(name)) is wanted if isinstance(wanted, bool) else values.get(name) == wanted
        for name, wanted in conditions.items()
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One product.

    :param result: kind of the result, a key of :data:`.outputs.RESULTS`.
    :param aliases: other paths of the create call.
    :param models: ``live`` and ``retired`` names and the ``default``; empty for a product without ``model_name``.
    :param one_of: groups of fields of which at least one must be given.
    :param exclusive: groups of fields of which at most one may be given.
    :param at_most: limits of the total number of items of several fields: ``{"of": [...], "items": 10}``.
    :param rules: further checks, keys of :data:`.rules.RULES`.
    :param video: how the video is rendered: inputs that it shows (``pictures``), input whose length it has
        (``follows``), whether it has ``sound``, and which input is its ``parent``.
    :param retired: whether Kling has discontinued the whole product.
    :param is_task: whether the call creates a task; if not, the response is the result alone.
    :param watermark: whether a watermarked copy can be requested.
    :param max_page: maximum number of tasks on one page of the list.
    """

    name: str
    path: str
    pack: str
    result: str
    usual_seconds: float
    price: Price
    fields: tuple[Field, ...]
    models: Mapping[str, Any]
    reads: bool = True
    aliases: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    at_most: tuple[Mapping[str, Any], ...] = ()
    rules: tuple[str, ...] = ()
    video: Mapping[str, Any] = field(default_factory=dict)
    retired: bool = False
    is_task: bool = True
    watermark: bool = True
    max_page: int = 500

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Row:
        """Read one entry of ``products``."""
        values = dict(row)
        fields = tuple(Field.from_row(key, value or {}) for key, value in values.pop("fields", {}).items())
        if values.pop("task_fields", True):
            fields += TASK_FIELDS if values.get("watermark", True) else TASK_FIELDS[1:]
        return cls(
            name=name,
            fields=fields,
            price=_price(values.pop("units", "0"), values.pop("units_per", "")),
            models=values.pop("models", {}),
            aliases=tuple(values.pop("aliases", ())),
            one_of=tuple(map(tuple, values.pop("one_of", ()))),
            exclusive=tuple(map(tuple, values.pop("exclusive", ()))),
            at_most=tuple(values.pop("at_most", ())),
            rules=tuple(values.pop("rules", ())),
            **values,
        )

    def check(self, parsed: ParsedBody) -> None:
        """Check the rules that concern several fields.

        :raises KlingError: 1201.
        """
        given = {name for name, value in parsed.given.items() if value not in (None, "", [], {})}
        for group in self.one_of:
            if not given & set(group):
                raise invalid(f"{' or '.join(group)} is required")
        for group in self.exclusive:
            if len(given & set(group)) > 1:
                raise invalid(f"{' and '.join(group)} are mutually exclusive")
        for rule in self.at_most:
            if sum(_items(parsed.values.get(name)) for name in rule["of"]) > rule["items"]:
                raise invalid(f"{' and '.join(rule['of'])} cannot exceed {rule['items']} in total")
        for name in self.rules:
            RULES[name](parsed)


def _items(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value is not None)


def _price(units: Any, per: str) -> Price:
    rows = units if isinstance(units, list) else [{"units": units}]
    return Price(rates=tuple((row.get("when", {}), Decimal(row["units"])) for row in rows), per=per)
