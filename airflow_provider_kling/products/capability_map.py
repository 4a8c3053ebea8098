"""The capability map as it is read from ``capabilities.yaml``: models, and what each does for a product."""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.products.data_file import read_data

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How ids of the second generation look, ``kling-3.0-turbo``; classic ones have a letter before the number. Decides for
#: models that the table does not know.
_V2_ID = re.compile(r"kling-\d.*")


class Model(NamedTuple):
    """
    One model.

    :param generation: ``classic`` (``model_name`` in the body) or ``new`` (model in the path).
    :param released: year and month, or date; empty when not known.
    :param retired: date on which Kling retired it; None while it is live.
    :param replacement: a live model that comes nearest.
    :param ignores: fields that it does not support although its product has them.
    :param live_for: products for which it lives on although it is retired.
    :param disputed: durations about which sources disagree; asking for one is a warning.
    :param plain_durations: the only ones of an omni video that has no reference; empty for no such rule.
    :param certain: whether Kling's own pages describe it; what only relays say of it is no reason to refuse.
    :param prompt: characters of a prompt by product, where they are not the usual ones.
    :param ratios: proportions of a video besides the usual ones.
    :param image_mb: of an image, where it is not what its generation takes.
    """

    generation: str
    released: str = ""
    retired: str | None = None
    replacement: str | None = None
    ignores: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    live_for: tuple[str, ...] = ()
    plain_durations: tuple[str, ...] = ()
    certain: bool = True
    prompt: Mapping[str, int] = MappingProxyType({})
    ratios: tuple[str, ...] = ()
    image_mb: int | None = None

    def retired_for(self, product: str) -> str | None:
        """
        Return the date on which Kling retired it for a product; ``None`` while it is live.

        :param product: an endpoint.
        """
        return None if product in self.live_for else self.retired


class Row(NamedTuple):
    """
    What a model does for a product in some modes and durations.

    :param modes: empty when mode has no effect on the model.
    :param durations: seconds, as Kling's strings; empty for a product that makes images.
    :param features: name to True or a restriction in words; a feature that is not here is not supported.
    :param source: where it is written, with the date it was read.
    """

    model: str
    product: str
    modes: tuple[str, ...]
    durations: tuple[str, ...]
    features: Mapping[str, bool | str]
    source: str


class Table(NamedTuple):
    """
    The whole map, as of a date.

    :param image_mb: the largest image that a generation takes.
    """

    as_of: str
    models: Mapping[str, Model]
    rows: tuple[Row, ...]
    image_mb: Mapping[str, int]

    def is_live(self, row: Row, generation: str) -> bool:
        """Whether a row's model is of this generation, not retired, and known from Kling: one to advise."""
        model = self.models[row.model]
        return model.retired_for(row.product) is None and model.generation == generation and model.certain


@cache
def table() -> Table:
    """The capability map of this version of the package, read once."""
    data = read_data("capabilities.yaml")
    models = {name: _model(**model) for name, model in data["models"].items()}
    rows = tuple(
        Row(model, product, tuple(modes), tuple(map(str, durations)), features, data["sources"][source])
        for model, product, modes, durations, features, source in data["rows"]
    )
    return Table(data["as_of"], models, rows, {name: most["image_mb"] for name, most in data["limits"].items()})


def _model(**values: Any) -> Model:
    for name in ("ignores", "disputed", "live_for", "plain_durations", "ratios"):
        values[name] = tuple(map(str, values.get(name, ())))
    return Model(**values)


def generation_of(model_name: Any) -> str:
    """
    Return ``classic`` or ``new``.

    :param model_name: as Kling calls it.
    """
    model = table().models.get(model_name) if isinstance(model_name, str) else None
    if model is not None:
        return model.generation
    return "v2" if isinstance(model_name, str) and _V2_ID.fullmatch(model_name) else "classic"


def is_certain(model_name: Any) -> bool:
    """
    Whether it is known from Kling what a model takes; of one that the table does not know it is not.

    :param model_name: as Kling calls it; a product without models has none.
    """
    if not isinstance(model_name, str):
        return True
    model = table().models.get(model_name)
    return model is not None and model.certain
