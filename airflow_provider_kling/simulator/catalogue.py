"""Models, capabilities and prices, read from ``data/models.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True)
class Model:
    """One classic video model.

    :param name: value of ``model_name``.
    :param retired: whether Kling has discontinued it.
    :param short_side: pixels of the short side, by mode.
    :param fps: frames per second, by product.
    """

    name: str
    retired: bool
    short_side: dict[str, int]
    fps: dict[str, int]


@dataclass(frozen=True)
class Catalogue:
    """Models, their capabilities and prices.

    :param models: by name, in order of release.
    :param capabilities: supported features by (model, product, mode, duration).
    :param prices: price rule by model, as in the data file.
    :param other_models: names of models of other products.
    :param unknown_to_videos: those among them that classic video paths call unknown.
    """

    models: dict[str, Model]
    capabilities: dict[tuple[str, str, str, str], frozenset[str]]
    prices: dict[str, dict[str, Any]]
    other_models: frozenset[str] = frozenset()
    unknown_to_videos: frozenset[str] = frozenset()

    def models_of(self, product: str) -> list[str]:
        """Names of the models that ``product`` has ever offered."""
        offered = {key[0] for key in self.capabilities if key[1] == product}
        return [name for name in self.models if name in offered]

    def allows(self, model: str, product: str, feature: str) -> bool:
        """Whether ``model`` has ``feature`` in any mode and duration of ``product``."""
        return any(feature in extras for key, extras in self.capabilities.items() if key[:2] == (model, product))


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Read the packaged table once."""
    text = resources.files(__package__).joinpath("data/models.yaml").read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    capabilities = {
        (row["model"], row["product"], mode, duration): frozenset(row["allows"])
        for row in raw["capabilities"]
        for mode in row["modes"]
        for duration in row["durations"]
    }
    models = {name: _model(name, row) for name, row in raw["models"].items()}
    unknown = frozenset(raw["unknown_to_videos"])
    return Catalogue(models, capabilities, raw["prices"], frozenset(raw["other_models"]) | unknown, unknown)


def _model(name: str, row: dict[str, Any]) -> Model:
    fps = row["fps"]
    per_product = fps if isinstance(fps, dict) else {"image2video": fps, "text2video": fps}
    return Model(name, row["retired"], row["short_side"], per_product)
