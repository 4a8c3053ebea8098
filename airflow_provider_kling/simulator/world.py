"""What a validator may look at besides the body of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kling.simulator.envelope import KlingError

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.catalogue import Catalogue


@dataclass(frozen=True, kw_only=True)
class World:
    """The models, and those settings that decide whether a request is refused.

    :param catalogue: models, capabilities, prices.
    :param refuse_retired: whether discontinued models are refused.
    :param retired_code: service code of that refusal.
    :param known_elements: element ids that exist; ``None`` for all.
    """

    catalogue: Catalogue
    refuse_retired: bool = True
    retired_code: int = 1201
    known_elements: tuple[int, ...] | None = None

    def discontinued(self, model: str) -> KlingError:
        """The refusal of a retired model."""
        text = f"The model '{model}' has been discontinued and is no longer available."
        return KlingError(self.retired_code, text)

    def knows_element(self, element_id: int) -> bool:
        """Whether an element exists."""
        return self.known_elements is None or element_id in self.known_elements
