"""
Lists and deletes the voices and elements of an account, and lists those that Kling offers to everybody.

Tasks make them, see :class:`~airflow_provider_kling.operators.KlingCustomVoiceOperator`; listing and deleting is
free. Source: pages of assets of https://kling.ai/document-api, classic API, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_kling.api import classic, values
from airflow_provider_kling.api.outputs import read_results
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import KlingRequestError, KlingValidationError
from airflow_provider_kling.models import Element, Result, Voice
from airflow_provider_kling.products.asset import CUSTOM_ELEMENT, CUSTOM_VOICE
from airflow_provider_kling.products.formatting import named, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.products.product import Product

R = TypeVar("R", bound=Result)

#: What a refusal says about an id that is unknown, or no longer known (measured, 2026-09); the code says nothing.
UNKNOWN_TEXT = "id not found"


@dataclass(frozen=True)
class AssetKind(Generic[R]):
    """
    One kind of asset: voices, or elements.

    :param kind: the class of its results.
    :param product: the product whose tasks make one.
    :param presets: path that lists those of Kling.
    :param delete: paths that delete one, by the name of the documentation page that has the path.
    :param id_name: name of the field that holds an id.
    :param page_size: the largest page.
    """

    kind: type[R]
    product: Product
    presets: str
    delete: Mapping[str, str]
    id_name: str
    page_size: int


VOICES = AssetKind(
    Voice,
    CUSTOM_VOICE,
    presets="/v1/general/presets-voices",
    delete={"assets": "/v1/general/delete-voices"},
    id_name="voice_id",
    page_size=1000,
)
# Both paths act on one store (measured, 2026-09).
ELEMENTS = AssetKind(
    Element,
    CUSTOM_ELEMENT,
    presets="/v1/general/advanced-presets-elements",
    delete={"videos": "/v1/general/delete-advanced-elements", "images": "/v1/general/delete-elements"},
    id_name="element_id",
    page_size=500,
)


class AssetCollection(Generic[R]):
    """
    The assets of one kind that a request of this account can name; all calls are free.

    :param transport: the connection to the account.
    :param asset_kind: voices or elements.
    """

    def __init__(self, transport: Transport, asset_kind: AssetKind[R]) -> None:
        self._transport = transport
        self._asset_kind = asset_kind

    def presets(self, page: int = 1, page_size: int = 30) -> list[R]:
        """
        List what Kling offers to everybody.

        :param page: 1 to 1000.
        :param page_size: 1 to 1000 for voices, to 500 for elements; a page that is shorter is the last.
        """
        params = {"pageNum": str(page), "pageSize": str(page_size)}
        response = self._transport.read(Request("GET", self._asset_kind.presets, params=params))
        return _read_presets(response, self._asset_kind.kind)

    def own(self, page: int = 1, page_size: int = 30) -> list[R]:
        """
        List what this account has made; the order is not documented. Deleted ones may be among them.

        :param page: 1 to 1000.
        :param page_size: tasks on a page, 1 to 1000 for voices, to 500 for elements. A task that failed or still runs
            has no asset, so a page may hold fewer.
        """
        product = self._asset_kind.product
        response = self._transport.read(classic.page(product, page, page_size))
        return [made for task in classic.read_page(response, product) for made in task.of_kind(self._asset_kind.kind)]

    def delete(self, any_id: str | int, *, by: str = "") -> bool:
        """
        Delete one. The request is repeated when the network fails: deleting twice does no harm.

        :param any_id: ``voice_id`` or ``element_id``.
        :param by: for elements, which of Kling's two paths is used: ``videos`` (default) or ``images``; both do the
            same.
        :return: ``False`` when Kling knows no such id, which is also its response to a repeated request.
        :raises KlingValidationError: when it is no id.
        """
        paths, name = self._asset_kind.delete, self._asset_kind.id_name
        path = paths.get(by) if by else next(iter(paths.values()))
        if path is None:
            raise KlingValidationError([f"Give by as {one_of(paths)}: {named('by', by)} is neither."])
        if not (known := values.identifier(any_id)):
            raise KlingValidationError([f"Give {name} an id: {named(name, any_id)} is none."])
        try:
            self._transport.read(Request("POST", path, json={name: known}))
        except KlingRequestError as error:
            if UNKNOWN_TEXT in error.kling_message.lower():
                return False
            raise
        return True


@raises_response_error
def _read_presets(response: Response, kind: type[R]) -> list[R]:
    found = [result for record in values.json_objects(response.data) for result in read_results(record)]
    return [result for result in found if isinstance(result, kind)]
