"""
The plan of a batch: the file of its requests, which the triggerer reads each time it starts.

A plan holds no image content. Images that only the worker can read (local files, bytes, base64) are written beside the
plan. Images in object storage are named with their checksum, so that what was checked is what is sent.
"""

from __future__ import annotations

import array
import collections
import copy
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import Desired, ImageUnavailableError
from airflow_provider_kling.batch.kinds import Kind, lists_of, pools_of
from airflow_provider_kling.exceptions import (
    KlingBatchError,
    KlingConfigurationError,
    KlingStorageError,
    KlingValidationError,
)
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.media_link import load_link
from airflow_provider_kling.products.catalogue import PRODUCTS, product_of
from airflow_provider_kling.products.formatting import counted, named
from airflow_provider_kling.products.limits import image_bytes
from airflow_provider_kling.products.media import FileLoadError
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.results.targets import SEGMENT
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


#: A key also names the item's file.
KEY = SEGMENT


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedItem:
    """
    One item of a plan.

    :param key: its name.
    :param external_task_id: id of its first attempt.
    :param body: what is sent, without image content.
    :param images: by place in the body: where the file is, its checksum, the Airflow connection; of one that is sent as
        a signed link, the version that was checked.
    :param endpoint: the product.
    """

    key: str
    external_task_id: str
    body: dict[str, Any]
    images: dict[str, dict[str, Any]]
    endpoint: str = DEFAULT_ENDPOINT

    @property
    def kind(self) -> Kind:
        """Its product and model."""
        model = self.body.get("model_name")
        return Kind(self.endpoint, model if isinstance(model, str) else "")

    def full_body(self) -> dict[str, Any]:
        """
        Return the body with its images, and with links that are signed now.

        :raises ImageUnavailableError: when an image cannot be read now.
        :raises KlingValidationError: when an image has changed since it was checked.
        """
        body = copy.deepcopy(self.body)
        product = product_of(self.endpoint)
        for where, holder, key in product.file_places(body):
            if where in self.images:
                holder[key] = _load_wire(where, image_bytes(product, body), **self.images[where])
        return body


class Plan(Sequence[PlannedItem]):
    """
    The items of a plan, kept as lines of JSON; each access parses one line.

    A hundred thousand bodies would need memory, and time of Python's garbage collector, as long as the batch lasts;
    each of them is needed twice.

    :param lines: one for each item.
    :param names: the ``external_task_id`` of each, by its key.
    :param kinds: product and model of the items, each once.
    :param kind_numbers: the index in ``kinds`` of each item.
    """

    def __init__(
        self, lines: Sequence[bytes], names: Mapping[str, str], kinds: Sequence[Kind], kind_numbers: Sequence[int]
    ) -> None:
        self._lines = lines
        self._names = names
        self._kinds = kinds
        self._kind_numbers = kind_numbers
        self._places = {key: place for place, key in enumerate(names)}
        #: The pools of slots that the items need.
        self.pools, self._pool_of_kind = pools_of(kinds)

    @property
    def desired(self) -> Iterator[Desired]:
        """The items as the reconciler needs them."""
        pools = (self._pool_of_kind[kind] for kind in self._kind_numbers)
        return (Desired(key, name, pool) for (key, name), pool in zip(self._names.items(), pools, strict=True))

    @property
    def endpoints(self) -> list[str]:
        """The products of the items, each once."""
        return list(dict.fromkeys(kind.endpoint for kind in self._kinds))

    @property
    def lists(self) -> dict[str, int]:
        """The products whose lists show tasks of this batch, and how many items each list may show."""
        counts = collections.Counter(self._kind_numbers)
        return lists_of({kind: counts[number] for number, kind in enumerate(self._kinds)})

    def endpoint_of(self, key: str) -> str:
        """
        Return the product of an item.

        :param key: its name.
        """
        return self._kinds[self._kind_numbers[self._places[key]]].endpoint

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> PlannedItem: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PlannedItem]: ...
    def __getitem__(self, place: int | slice) -> PlannedItem | Sequence[PlannedItem]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        item = _planned_item(json.loads(self._lines[place]))
        assert item is not None, "a plan is read as a whole before one of its items is"
        return item

    def item(self, key: str) -> PlannedItem:
        """
        Return an item.

        :param key: its name.
        """
        return self[self._places[key]]


def problem_of_product(endpoint: Any) -> str | None:
    """
    Say why a batch cannot make this product; ``None`` when it can.

    :param endpoint: as a Dag author gives it.
    """
    try:
        product = product_of(endpoint)
        if product.is_made_for_another:
            return f"Give endpoint as {product.counterpart!r}: the model of each item decides about {endpoint}."
        if product.has_external_id:
            return None
    except KlingConfigurationError as error:
        return error.message
    return f"Map the operator of {endpoint} instead: it has no external_task_id, by which a batch finds what it paid."


def write_plan(uri: str, plan: Iterable[PlannedItem], conn_id: str | None) -> None:
    """
    Write a plan for the triggerer.

    :param uri: the file.
    :param plan: the items.
    :param conn_id: Airflow connection of its storage.
    """
    files.write_lines(uri, map(_line, plan), conn_id)


def _line(item: PlannedItem) -> dict[str, Any]:
    # Not dataclasses.asdict, which copies every value of every body first.
    return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}


def read_plan(uri: str, conn_id: str | None, count: int = 0) -> Plan:
    """
    Read a plan, perhaps of another version of the package.

    :param uri: the file.
    :param conn_id: Airflow connection of its storage.
    :param count: how many items it was written with; 0 when not known.
    :raises KlingBatchError: when a line is no item of a plan (it names the line), or items are missing or there twice.
    """
    lines: list[bytes] = []
    names: dict[str, str] = {}
    kinds: dict[Kind, int] = {}
    kind_numbers = array.array("L")
    try:
        for line, value in files.each_line(uri, conn_id):
            item = _planned_item(value)
            if item is None:
                raise plan_error(uri, f"item {len(lines) + 1} lacks a part, or has one of another kind")
            lines.append(line)
            names[item.key] = item.external_task_id
            kind_numbers.append(kinds.setdefault(item.kind, len(kinds)))
    except ValueError as error:
        raise plan_error(uri, reason(error)) from None
    if not lines:
        raise plan_error(uri, "it is empty")
    if count and len(lines) != count:
        raise plan_error(uri, f"it has {counted(len(lines), 'item')}, and was written with {count}")
    if len(names) < len(lines) or len(set(names.values())) < len(lines):
        raise plan_error(uri, "an item is there twice")
    return Plan(lines, names, list(kinds), kind_numbers)


def plan_error(uri: str, what: str) -> KlingBatchError:
    """
    Return the error of a plan that cannot be used.

    :param uri: the file.
    :param what: the problem.
    """
    return KlingBatchError(f"Run this Airflow task again: it writes the plan of the batch again. {uri}: {what}.")


def _planned_item(line: Mapping[str, Any]) -> PlannedItem | None:
    key, name, body = line.get("key"), line.get("external_task_id"), line.get("body")
    images, endpoint = line.get("images") or {}, line.get("endpoint", DEFAULT_ENDPOINT)
    is_complete = (
        isinstance(key, str) and KEY.fullmatch(key) and isinstance(name, str) and name and isinstance(body, dict)
    )
    if not is_complete or not isinstance(images, dict) or not all(map(_is_image, images.values())):
        return None
    if not isinstance(endpoint, str) or endpoint not in PRODUCTS:
        return None
    assert isinstance(key, str)
    assert isinstance(name, str)
    assert isinstance(body, dict)
    # An image without its place in the body, or a place without its image, would be paid but differs from the check.
    if {where for where, holder, slot in PRODUCTS[endpoint].file_places(body) if holder[slot] == ""} != images.keys():
        return None
    parts = ("uri", "sha256", "conn_id", "known_as")
    kept = {where: {part: image.get(part) for part in parts} for where, image in images.items()}
    return PlannedItem(key, name, body, kept, endpoint)


def _is_image(image: Any) -> bool:
    return (
        isinstance(image, dict)
        and isinstance(image.get("uri"), str)
        and isinstance(image.get("sha256"), str)
        and isinstance(image.get("conn_id"), (str, type(None)))
        and isinstance(image.get("known_as"), (str, type(None)))
    )


def _load_wire(
    where: str, most: int, *, uri: str, sha256: str, conn_id: str | None, known_as: str | None = None
) -> str:
    try:
        if known_as:
            loaded = load_link(uri, field=where, conn_id=conn_id)
        else:
            loaded = load_image(uri, field=where, conn_id=conn_id, most=most)
    except (FileLoadError, KlingStorageError) as error:
        raise ImageUnavailableError(
            f"Check that the triggerer can read the file; the item was not sent, nothing was paid. {error}"
        ) from None
    if loaded.stored_version != known_as if known_as else loaded.digest != sha256:
        raise KlingValidationError(
            [f"{named(where, uri)} has changed since the batch was checked; clear the Airflow task to check it again."]
        )
    return loaded.payload
