"""
What a batch is going to send, decided and checked once on the worker, and read by the triggerer as often as it starts.

A plan holds no image content. Pictures that only the worker can read (local files, bytes, base64) are written beside
the plan; those in object storage are named, with their checksum, so that what was checked is what is sent.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import identity
from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import Desired
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.fields import IMAGE_FIELDS
from airflow_provider_kling.images import ImageLoadError, load_image
from airflow_provider_kling.preparation import prepare
from airflow_provider_kling.validation.wording import counted, named, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.preparation import Prepared, Validate

#: What names an item also names its file.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_REMOTE = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")

#: How many items a sentence about several of them names.
NAMED_ITEMS = 5


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

        :raises KlingValidationError: when an image is gone, or is another one than was checked.
        """
        body = copy.deepcopy(self.body)
        for place, holder, name in _slots(body):
            if place in self.images:
                holder[name] = _wire(place, **self.images[place])
        return body


@dataclasses.dataclass(frozen=True)
class Planner:
    """
    What all items of a batch share.

    :param endpoint: the product.
    :param account: see :func:`airflow_provider_kling.identity.fingerprint`.
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
            key = str(item.get("key", index))
            fields = {name: value for name, value in item.items() if name != "key"}
            try:
                prepared = self._prepare(key, fields)
                for sentence in prepared.warnings:
                    warnings.setdefault(sentence, []).append(key)
                planned.append(self._planned(key, "key" in item, fields, prepared, taken))
            except KlingValidationError as error:
                for sentence in error.problems:
                    problems.setdefault(sentence, []).append(key)
        sentences = [*_sentences(problems), *_clashes(planned)]
        if sentences or not items:
            raise KlingValidationError(sentences or ["items is empty; give at least one item."])
        return planned, _sentences(warnings)

    def _prepare(self, key: str, fields: Mapping[str, Any]) -> Prepared:
        if not _KEY.fullmatch(key):
            raise KlingValidationError([f"{named('key', key)} takes letters, digits, '.', '_' and '-' (1 to 128)."])
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
        for place, holder, slot in _slots(body):
            if not _is_link(holder[slot]):
                images[place] = self._keep(base64.b64decode(holder[slot]), fields.get(place))
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


def read_items(items: Any, defaults: Mapping[str, Any] | None, conn_id: str | None) -> list[dict[str, Any]]:
    """
    Return the items as a list of dicts, with the defaults filled in.

    :param items: a list, the same as JSON text, or the URI of a JSON Lines file.
    :param defaults: fields of every item that does not have them.
    :param conn_id: Airflow connection of that file.
    :raises KlingValidationError: when it is none of these.
    """
    if isinstance(items, str):
        items = _from_text(items.strip(), conn_id)
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, dict) for item in items):
        raise KlingValidationError(
            [f"{named('items', items)} is not a list of dicts; give [{{'image': …, 'prompt': …}}, …] or a file's URI."]
        )
    return [{**(defaults or {}), **item} for item in items]


def _from_text(text: str, conn_id: str | None) -> Any:
    try:
        return json.loads(text) if text.startswith("[") else files.read_lines(text, conn_id)
    except FileNotFoundError as error:
        raise KlingValidationError([f"{named('items', text)}: there is no such file."]) from error
    except ValueError as error:
        raise KlingValidationError([f"items cannot be read: {shown(str(error), 300)}."]) from error


def _slots(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each place that holds an image: its name, the object that it stands in, and the key there."""
    yield from ((name, body, name) for name in IMAGE_FIELDS if isinstance(body.get(name), str))
    masks = body.get("dynamic_masks")
    for index, mask in enumerate(masks if isinstance(masks, list) else []):
        if isinstance(mask, dict) and isinstance(mask.get("mask"), str):
            yield f"dynamic_masks[{index}].mask", mask, "mask"


def _is_link(wire: str) -> bool:
    return wire[:8].lower().startswith(("http://", "https://"))


def _wire(place: str, *, uri: str, sha256: str, conn_id: str | None) -> str:
    try:
        loaded = load_image(uri, field=place, conn_id=conn_id)
    except ImageLoadError as error:
        raise KlingValidationError([str(error)]) from error
    if loaded.digest != sha256:
        raise KlingValidationError(
            [f"{named(place, uri)} has changed since the batch was checked; clear the Airflow task to check it again."]
        )
    return loaded.wire


def _sentences(by_sentence: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{_who(keys)}: {sentence}" for sentence, keys in by_sentence.items()]


def _who(keys: Sequence[str]) -> str:
    names = ", ".join(repr(key) for key in keys[:NAMED_ITEMS])
    more = f" and {counted(len(keys) - NAMED_ITEMS, 'more item')}" if len(keys) > NAMED_ITEMS else ""
    return f"item {names}{more}"


def _clashes(planned: Sequence[PlannedItem]) -> list[str]:
    sentences = []
    for name in ("key", "external_task_id"):
        values = [getattr(item, name) for item in planned]
        twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
        sentences += [f"{named(name, value)} names more than one item; give each its own." for value in twice]
    return sentences
