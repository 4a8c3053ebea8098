"""A product as data: one entry of a file in ``data/products/``."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.products.fields import Field
from airflow_provider_kling.simulator.products.rules import RULES
from airflow_provider_kling.simulator.validation import bad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.products.fields import Reading

#: Every product takes these, unless its row says ``task_fields: false``.
TASK_FIELDS = (
    Field(name="watermark_info", kind="object", fields=(Field(name="enabled", kind="boolean", default=False),)),
    Field(name="callback_url"),
    Field(name="external_task_id"),
)


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a product costs, in units.

    :param rates: conditions and units; the first whose conditions all hold counts. A condition is a field and its
        value, or whether the field was given at all.
    :param per: what the rate is for: an image (``n``), one of the ``seconds``, ``five_seconds``, or the task (empty).
    """

    rates: tuple[tuple[Mapping[str, Any], Decimal], ...]
    per: str = ""

    def rate(self, values: Mapping[str, Any]) -> Decimal:
        """The units of one piece.

        :raises KlingError: 1201: what has no price is not offered.
        """
        for conditions, units in self.rates:
            if _holds(conditions, values):
                return units
        chosen = "/".join(str(values.get(name)) for name in ("model_name", "mode", "duration"))
        raise bad(f"model/mode/duration({chosen}) is not supported")


def _holds(conditions: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return all(
        bool(values.get(name)) is wanted if isinstance(wanted, bool) else values.get(name) == wanted
        for name, wanted in conditions.items()
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One product.

    :param result: kind of the result, a key of :data:`.outputs.RESULTS`.
    :param aliases: other paths that mean the same.
    :param models: ``live`` and ``retired`` names and the ``default``; empty for a product without ``model_name``.
    :param one_of: groups of fields of which at least one must be given.
    :param exclusive: groups of fields of which at most one may be given.
    :param at_most: fields whose items together are no more than a number: ``{"of": [...], "items": 10}``.
    :param rules: names of further checks, keys of :data:`.rules.RULES`.
    :param film: which inputs a video shows (``pictures``), whose length it has (``follows``), whether it has ``sound``,
        and which input is its ``parent``.
    :param retired: whether Kling has discontinued the whole product.
    :param is_task: whether the call makes a task; if not, its answer is all there is.
    :param watermark: whether a watermarked copy can be ordered.
    :param max_page: the most tasks on one page of the list.
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
    film: Mapping[str, Any] = field(default_factory=dict)
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

    def check(self, reading: Reading) -> None:
        """What the fields of the product say together.

        :raises KlingError: 1201.
        """
        given = {name for name, value in reading.given.items() if value not in (None, "", [], {})}
        for group in self.one_of:
            if not given & set(group):
                raise bad(f"{' or '.join(group)} is required")
        for group in self.exclusive:
            if len(given & set(group)) > 1:
                raise bad(f"{' and '.join(group)} are mutually exclusive")
        for rule in self.at_most:
            if sum(_items(reading.values.get(name)) for name in rule["of"]) > rule["items"]:
                raise bad(f"{' and '.join(rule['of'])} cannot exceed {rule['items']} in total")
        for name in self.rules:
            RULES[name](reading)


def _items(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value is not None)


def _price(units: Any, per: str) -> Price:
    rows = units if isinstance(units, list) else [{"units": units}]
    return Price(rates=tuple((row.get("when", {}), Decimal(row["units"])) for row in rows), per=per)
