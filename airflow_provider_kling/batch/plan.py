"""
What a batch is going to send, decided and checked once on the worker, and read by the triggerer as often as it starts.

A plan holds no image content. Pictures that only the worker can read (local files, bytes, base64) are written beside
the plan; those in object storage are named, with their checksum, so that what was checked is what is sent.
"""

from __future__ import annotations

import base64
import collections
import copy
import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import Desired, ImageUnavailableError
from airflow_provider_kling.exceptions import KlingBatchError, KlingStorageError, KlingValidationError
from airflow_provider_kling.foreign import reason
from airflow_provider_kling.preparation.arguments import Validate, rendered_none
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.fields import IMAGE_FIELDS
from airflow_provider_kling.products.media import ImageLoadError
from airflow_provider_kling.products.wording import counted, named, shown
from airflow_provider_kling.submission import identity
from airflow_provider_kling.submission.protocol import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.preparation.prepare import Prepared

#: What names an item also names its file.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
#: An id that the package made; a checksum meets no other.
_DERIVED = re.compile(r"af-[0-9a-f]{40}")
_REMOTE = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")

#: How many items a sentence about several of them names.
NAMED_ITEMS = 5

#: More than the 128 digits that a key may have.
MAX_KEY_BITS = 512

#: Characters of an item's key in a sentence.
NAME_CHARACTERS = 60


@dataclasses.dataclass(frozen=True)
class PlannedItem:
    """
    One item of a plan.

    :param key: its name.
    :param external_task_id: id of its first attempt.
    :param body: what is sent, without image content.
    :param images: by place in the body: where the content is, its checksum, the Airflow connection.
    """

    key: str
    external_task_id: str
    body: dict[str, Any]
    images: dict[str, dict[str, Any]]

    @property
    def desired(self) -> Desired:
        """What the reconciler needs to know of it."""
        return Desired(self.key, self.external_task_id)

    def full_body(self) -> dict[str, Any]:
        """
        Return the body with its images.

        :raises ImageUnavailableError: when an image cannot be read now.
        :raises KlingValidationError: when it is another one than was checked.
        """
        body = copy.deepcopy(self.body)
        for where, holder, name in _slots(body):
            if where in self.images:
                holder[name] = _wire(where, **self.images[where])
        return body


@dataclasses.dataclass(frozen=True)
class Planner:
    """
    What all items of a batch share.

    :param endpoint: the product.
    :param account: see :func:`airflow_provider_kling.submission.identity.fingerprint`.
    :param origin: the Airflow task instance.
    :param work_uri: folder of the plan and its images.
    :param output_conn_id: Airflow connection of that folder.
    :param image_conn_id: Airflow connection for images in object storage.
    :param extra_body: see :class:`~airflow_provider_kling.operators.KlingTaskOperator`.
    :param validate: the same.
    """

    endpoint: str
    account: str
    origin: identity.Origin
    work_uri: str
    output_conn_id: str | None = None
    image_conn_id: str | None = None
    extra_body: Mapping[str, Any] | None = None
    validate: Validate = "strict"

    def plan(self, items: Sequence[Mapping[str, Any]]) -> tuple[list[PlannedItem], list[str]]:
        """
        Check every item.

        :param items: Kling's fields, and ``key``.
        :return: the plan, and sentences for the log.
        :raises KlingValidationError: with every problem of every item.
        """
        planned: list[PlannedItem] = []
        warnings: dict[str, list[str]] = {}
        problems: dict[str, list[str]] = {}
        taken: dict[str, int] = {}
        for index, item in enumerate(items):
            own_key = _own_key(item)
            key = str(index) if own_key is None else own_key
            fields = {name: value for name, value in item.items() if name != "key"}
            try:
                prepared = self._prepare(key, fields)
                for sentence in prepared.warnings:
                    warnings.setdefault(sentence, []).append(key)
                planned.append(self._planned(key, own_key is not None, fields, prepared, taken))
            except KlingValidationError as error:
                for sentence in error.problems:
                    problems.setdefault(sentence, []).append(key)
            except (UnicodeError, TypeError, RecursionError) as error:
                # Text that is no text (half an emoji), objects that are no JSON: the rules above name most of it.
                problems.setdefault(f"it cannot be sent ({reason(error)}).", []).append(key)
        sentences = [*_sentences(problems), *_clashes(planned), *_file_clashes(planned)]
        if sentences:
            raise KlingValidationError(sentences)
        return planned, _sentences(warnings)

    def _prepare(self, key: str, fields: Mapping[str, Any]) -> Prepared:
        if rendered_none(key):
            raise KlingValidationError([f"Give the template of key a value: it rendered to {named('key', key)}."])
        if not _KEY.fullmatch(key):
            raise KlingValidationError(
                [f"Write key with letters, digits, '.', '_' and '-', 1 to 128: {named('key', key)} is none."]
            )
        if strange := [name for name in fields if not isinstance(name, str)]:
            raise KlingValidationError([f"Name fields with text: {shown(strange[0])} is no name of a field."])
        return prepare(
            self.endpoint,
            fields,
            extra_body=self.extra_body,
            validate=self.validate,
            image_conn_id=self.image_conn_id,
        )

    def _planned(
        self, key: str, has_key: bool, fields: Mapping[str, Any], prepared: Prepared, taken: dict[str, int]
    ) -> PlannedItem:
        content = identity.fingerprint(account=self.account, endpoint=self.endpoint, content=prepared.content)
        taken[content] = taken.get(content, -1) + 1
        # Without a key of its own an item is told from its equals by their number, not by its place in the list: an
        # item that comes or goes before it changes nothing.
        part = f"[{key}]" if has_key else f"[~{taken[content]}]"
        origin = dataclasses.replace(self.origin, task_id=self.origin.task_id + part)
        body = dict(prepared.body)
        name = identity.own_id(body.pop("external_task_id", None)) or identity.external_task_id(origin, content)
        images = {}
        for where, holder, slot in _slots(body):
            if not _is_link(holder[slot]):
                images[where] = self._keep(base64.b64decode(holder[slot]), fields.get(where))
                holder[slot] = ""
        return PlannedItem(key, name, body, images)

    def _keep(self, content: bytes, given: Any) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        if isinstance(given, str) and _REMOTE.match(given.strip()):
            return {"uri": given.strip(), "sha256": digest, "conn_id": self.image_conn_id}
        uri = f"{self.work_uri}images/{digest}"
        if not files.exists(uri, self.output_conn_id):
            files.write_bytes(uri, content, self.output_conn_id)
        return {"uri": uri, "sha256": digest, "conn_id": self.output_conn_id}


def read_plan(uri: str, conn_id: str | None, count: int = 0) -> list[PlannedItem]:
    """
    Read a plan, perhaps of another version of the package.

    :param uri: the file.
    :param conn_id: Airflow connection of its storage.
    :param count: how many items it was written with; 0 when not known.
    :raises KlingBatchError: when a line is no item of a plan (it names the line), or items are missing or there twice.
    """
    try:
        lines = files.read_lines(uri, conn_id)
    except ValueError as error:
        raise _broken_plan(uri, reason(error)) from None
    plan = []
    for number, line in enumerate(lines, 1):
        item = _planned_item(line)
        if item is None:
            raise _broken_plan(uri, f"item {number} lacks a part, or has one of another kind")
        plan.append(item)
    if not plan:
        raise _broken_plan(uri, "it is empty")
    if count and len(plan) != count:
        raise _broken_plan(uri, f"it has {counted(len(plan), 'item')}, and was written with {count}")
    if len({item.key for item in plan}) < len(plan) or len({item.external_task_id for item in plan}) < len(plan):
        raise _broken_plan(uri, "an item stands there twice")
    return plan


def _broken_plan(uri: str, what: str) -> KlingBatchError:
    return KlingBatchError(f"Run this Airflow task again: it writes the plan of the batch anew. {uri}: {what}.")


def _planned_item(line: Mapping[str, Any]) -> PlannedItem | None:
    key, name, body = line.get("key"), line.get("external_task_id"), line.get("body")
    images = line.get("images") or {}
    whole = isinstance(key, str) and _KEY.fullmatch(key) and isinstance(name, str) and name and isinstance(body, dict)
    if not whole or not isinstance(images, dict) or not all(map(_is_image, images.values())):
        return None
    assert isinstance(key, str)
    assert isinstance(name, str)
    assert isinstance(body, dict)
    # A picture without its place, or a place without its picture, would be paid for and not be what was checked.
    if {where for where, holder, slot in _slots(body) if not holder[slot]} != images.keys():
        return None
    kept = {where: {part: image.get(part) for part in ("uri", "sha256", "conn_id")} for where, image in images.items()}
    return PlannedItem(key, name, body, kept)


def _is_image(image: Any) -> bool:
    return (
        isinstance(image, dict)
        and isinstance(image.get("uri"), str)
        and isinstance(image.get("sha256"), str)
        and isinstance(image.get("conn_id"), (str, type(None)))
    )


def _own_key(item: Mapping[str, Any]) -> str | None:
    key = item.get("key")
    if isinstance(key, int) and key.bit_length() > MAX_KEY_BITS:
        return shown(key)  # Python does not print it
    return None if key is None or (isinstance(key, str) and not key.strip()) else str(key).strip()


def _slots(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each place that holds an image: its name, the object that it stands in, and the key there."""
    yield from ((name, body, name) for name in IMAGE_FIELDS if isinstance(body.get(name), str))
    masks = body.get("dynamic_masks")
    for index, mask in enumerate(masks if isinstance(masks, list) else []):
        if isinstance(mask, dict) and isinstance(mask.get("mask"), str):
            yield f"dynamic_masks[{index}].mask", mask, "mask"


def _is_link(wire: str) -> bool:
    return wire[:8].lower().startswith(("http://", "https://"))


def _wire(where: str, *, uri: str, sha256: str, conn_id: str | None) -> str:
    try:
        loaded = load_image(uri, field=where, conn_id=conn_id)
    except (ImageLoadError, KlingStorageError) as error:
        raise ImageUnavailableError(
            f"Check that the triggerer can read the image; the item was not sent, nothing was paid. {error}"
        ) from None
    if loaded.digest != sha256:
        raise KlingValidationError(
            [f"{named(where, uri)} has changed since the batch was checked; clear the Airflow task to check it again."]
        )
    return loaded.wire


def _sentences(by_sentence: Mapping[str, Sequence[str]]) -> list[str]:
    # What to do comes first: a log shows the beginning of a line.
    return [f"{sentence} ({_item_names(keys)})" for sentence, keys in by_sentence.items()]


def _item_names(keys: Sequence[str]) -> str:
    names = ", ".join(shown(key, NAME_CHARACTERS) for key in keys[:NAMED_ITEMS])
    more = f" and {counted(len(keys) - NAMED_ITEMS, 'more item')}" if len(keys) > NAMED_ITEMS else ""
    return f"item {names}{more}"


def _clashes(planned: Sequence[PlannedItem]) -> list[str]:
    sentences = []
    for name in ("key", "external_task_id"):
        numbers = collections.Counter(getattr(item, name) for item in planned)
        twice = [value for value, number in numbers.items() if number > 1]
        if twice:
            more = f", as {counted(len(twice) - 1, 'more')} do" if len(twice) > 1 else ""
            sentences.append(f"Give each item its own {name}: {named(name, twice[0])} names several{more}.")
    return sentences + _attempt_clashes(planned)


def _file_clashes(planned: Sequence[PlannedItem]) -> list[str]:
    """Keys whose file another item writes too: its twin with the watermark."""
    keys = {item.key for item in planned}
    problems: dict[str, list[str]] = {}
    for item in planned:
        info = item.body.get("watermark_info")
        if isinstance(info, dict) and info.get("enabled") and f"{item.key}_watermark" in keys:
            problems.setdefault("Give another key to what names the watermarked file of an item.", []).extend(
                (item.key, f"{item.key}_watermark")
            )
    return _sentences(problems)


def _attempt_clashes(planned: Sequence[PlannedItem]) -> list[str]:
    """Ids that a further attempt of another item would have: the video of that one would be delivered for both."""
    owners = {item.external_task_id: item for item in planned}
    sentences = []
    for item in planned:
        if _DERIVED.fullmatch(item.external_task_id):
            continue
        for number in range(2, MAX_ATTEMPTS + 1):
            name = identity.attempt_id(item.external_task_id, number)
            other = owners.setdefault(name, item)
            if other is not item and other.external_task_id != item.external_task_id:
                sentences.append(
                    f"Give one of two items another external_task_id: {shown(item.external_task_id)} and "
                    f"{shown(other.external_task_id)} have a further attempt in common "
                    f"({_item_names([item.key, other.key])})."
                )
                break
    return sentences
