"""What belongs to an account besides its tasks: voices, elements, sessions on videos, reports of what was charged."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_kling.api.assets import AssetCollection
    from airflow_provider_kling.api.billing import Billing
    from airflow_provider_kling.api.selection import Selections
    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.models import Element, Voice


class AccountResources:
    """Mixin of client and hook. All calls of these resources are free. Each is imported when it is first used."""

    @property
    def transport(self) -> Transport:
        """The connection to the account."""
        raise NotImplementedError

    @cached_property
    def voices(self) -> AssetCollection[Voice]:
        """Voices for ``voice_list``: Kling's, and the account's own."""
        from airflow_provider_kling.api.assets import VOICES, AssetCollection

        return AssetCollection(self.transport, VOICES)

    @cached_property
    def elements(self) -> AssetCollection[Element]:
        """Elements for ``element_list``: Kling's, and the account's own."""
        from airflow_provider_kling.api.assets import ELEMENTS, AssetCollection

        return AssetCollection(self.transport, ELEMENTS)

    @cached_property
    def selections(self) -> Selections:
        """Sessions in which areas of a video are marked."""
        from airflow_provider_kling.api.selection import Selections

        return Selections(self.transport)

    @cached_property
    def billing(self) -> Billing:
        """What each task was charged."""
        from airflow_provider_kling.api.billing import Billing

        return Billing(self.transport)
