"""The context of a validation: everything besides the body that decides whether a request is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.owners import OFFICIAL_VOICES, OWNER

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.account import Account
    from airflow_provider_kling.simulator.catalogue import Catalogue
    from airflow_provider_kling.simulator.tasks import Task

#: Ids have 18 digits, and Python refuses to convert very long ones.
MAX_ID: Final = 18


@dataclass(frozen=True, kw_only=True)
class Context:
    """The models, the settings that concern validation, and the account.

    :param catalogue: models, capabilities, prices.
    :param refuse_retired: whether discontinued models are rejected.
    :param retired_code: service code of that error.
    :param known_elements: element ids that exist besides those of the account; ``None`` for all.
    :param takes_digits: whether an element id may be a string of digits.
    :param takes_data_uris: whether an image of the second generation may be a ``data:`` URI.
    :param account: knows earlier results: videos, sounds, sessions, voices, elements.
    """

    catalogue: Catalogue
    refuse_retired: bool = True
    retired_code: int = 1201
    known_elements: tuple[int, ...] | None = None
    accepts_digits: bool = True
    accepts_data_uris: bool = True
    account: Account | None = None

    def discontinued(self, model: str) -> KlingError:
        """The error for a retired model."""
        text = f"The model '{model}' has been discontinued and is no longer available."
        return KlingError(self.retired_code, text)

    def result(self, result_id: str) -> Task | None:
        """The task of a result."""
        return self.account.task_of_result(result_id) if self.account else None

    def voice(self, voice_id: str) -> dict[str, str]:
        """Name and owner of a voice; empty for an unknown one."""
        task = self.result(voice_id)
        if task is not None and task.product == "custom-voices":
            return {"voice_name": task.recipe["name"], "owned_by": OWNER}
        return OFFICIAL_VOICES.get(voice_id, {"voice_name": "", "owned_by": ""})

    def own_element(self, element_id: int) -> Task | None:
        """The task that created an element; it may be deleted."""
        return self.account.task_of_element(element_id) if self.account else None

    def element_number(self, element_id: Any) -> Any:
        """The element id as a number if it is a string of digits and the settings accept those; else unchanged."""
        digits = isinstance(element_id, str) and element_id.isascii() and element_id.isdecimal()
        return int(element_id) if digits and self.accepts_digits and len(element_id) <= MAX_ID else element_id

    def knows_element(self, element_id: int) -> bool:
        """Whether an element exists."""
        if (own := self.own_element(element_id)) is not None:
            return not own.recipe.get("deleted")
        return self.known_elements is None or element_id in self.known_elements
