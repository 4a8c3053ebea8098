"""Makes the plan of a batch on the worker, and checks all items."""

from __future__ import annotations

import base64
import collections
import dataclasses
import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.image_copies import ImageCopies
from airflow_provider_kling.batch.plan import KEY, PlannedItem, problem_of_product
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.files import is_link
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.fields import is_omitted
from airflow_provider_kling.products.formatting import counted, named, shown
from airflow_provider_kling.results.poster import SUFFIX
from airflow_provider_kling.submission import identity
from airflow_provider_kling.submission.protocol import MAX_ATTEMPTS
from airflow_provider_kling.utils.no_value import is_rendered_none
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.preparation.arguments import Validate
    from airflow_provider_kling.preparation.image_conversion import Fit
    from airflow_provider_kling.preparation.media_link import ImageBy
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.products.product import Product

_REMOTE = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")

#: How many items an error names.
MAX_NAMED_ITEMS = 5

#: More than the 128 digits that a key may have.
MAX_KEY_BITS = 512

#: Results of one task, at most.
MAX_RESULTS = 9

#: What the name of a video's picture has behind that of the video.
POSTER = SUFFIX.partition(".jpg")[0]

#: Characters of an item's key in an error.
NAME_CHARACTERS = 60


@dataclasses.dataclass(frozen=True)
class Planner:
    """
    The arguments that all items of a batch share.

    :param endpoint: the product of items that name none.
    :param account: see :func:`airflow_provider_kling.submission.identity.fingerprint`.
    :param origin: the Airflow task instance.
    :param work_uri: folder of the plan and its images.
    :param output_conn_id: Airflow connection of that folder.
    :param image_conn_id: Airflow connection for images in object storage.
    :param extra_body: see :class:`~airflow_provider_kling.operators.KlingTaskOperator`.
    :param validate: the same.
    :param fit: the same.
    :param image_by: the same.
    """

    endpoint: str
    account: str
    origin: identity.Origin
    work_uri: str
    output_conn_id: str | None = None
    image_conn_id: str | None = None
    extra_body: Mapping[str, Any] | None = None
    validate: Validate = "strict"
    fit: Fit = "refuse"
    image_by: ImageBy = "content"

    @functools.cached_property
    def copies(self) -> ImageCopies:
        """The images that the plan needs beside it."""
        return ImageCopies(self.work_uri, self.output_conn_id)

    def plan(self, items: Sequence[Mapping[str, Any]]) -> tuple[list[PlannedItem], list[str]]:
        """
        Check every item.

        :param items: Kling's fields, and ``key``.
        :return: the plan, and warnings for the log.
        :raises KlingValidationError: with every problem of every item.
        """
        planned: list[PlannedItem] = []
        warnings: dict[str, list[str]] = {}
        problems: dict[str, list[str]] = {}
        counts_by_content: dict[str, int] = {}
        for index, item in enumerate(items):
            own_key = _own_key(item)
            key = str(index) if own_key is None else own_key
            endpoint, fields = self._endpoint_and_fields(item)
            try:
                prepared = self._prepare(key, endpoint, fields)
                for sentence in prepared.warnings:
                    warnings.setdefault(sentence, []).append(key)
                planned.append(self._planned(key, endpoint, own_key is not None, fields, prepared, counts_by_content))
            except KlingValidationError as error:
                self.copies.refuse()
                for sentence in error.problems:
                    problems.setdefault(sentence, []).append(key)
            except (UnicodeError, TypeError, RecursionError) as error:
                self.copies.refuse()
                # Invalid text (half an emoji) or objects that are no JSON; the rules above name most of them.
                problems.setdefault(f"it cannot be sent ({reason(error)}).", []).append(key)
        sentences = [*_sentences(problems), *_duplicate_names(planned), *_file_clashes(planned)]
        if sentences:
            raise KlingValidationError(sentences)
        return planned, _sentences(warnings)

    def requests(self, items: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Product, dict[str, Any]]]:
        """
        Yield what each item asks for, without writing anything.

        :param items: Kling's fields, and ``key``.
        :raises KlingValidationError: with the problems of the first bad item.
        """
        for index, item in enumerate(items):
            endpoint, fields = self._endpoint_and_fields(item)
            body = self._prepare(_own_key(item) or str(index), endpoint, fields).body
            yield product_of(endpoint), body

    def _endpoint_and_fields(self, item: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the product of an item, and its fields."""
        endpoint = item.get("endpoint")
        fields = {name: value for name, value in item.items() if name not in ("key", "endpoint")}
        return self.endpoint if is_omitted(endpoint) else endpoint, fields

    def _prepare(self, key: str, endpoint: Any, fields: Mapping[str, Any]) -> Prepared:
        if is_rendered_none(key):
            raise KlingValidationError([f"Give the template of key a value: it rendered to {named('key', key)}."])
        if not KEY.fullmatch(key):
            raise KlingValidationError(
                [f"Write key with letters, digits, '.', '_' and '-', 1 to 128: {named('key', key)} is not valid."]
            )
        if invalid_names := [name for name in fields if not isinstance(name, str)]:
            raise KlingValidationError([f"Name fields with text: {shown(invalid_names[0])} is no name of a field."])
        if problem := problem_of_product(endpoint):
            raise KlingValidationError([problem])
        return prepare(
            product_of(endpoint),
            fields,
            extra_body=self.extra_body,
            validate=self.validate,
            image_conn_id=self.image_conn_id,
            fit=self.fit,
            image_by=self.image_by,
        )

    def _planned(
        self,
        key: str,
        endpoint: str,
        has_key: bool,
        fields: Mapping[str, Any],
        prepared: Prepared,
        counts: dict[str, int],
    ) -> PlannedItem:
        content = identity.fingerprint(account=self.account, endpoint=endpoint, content=prepared.content)
        counts[content] = counts.get(content, -1) + 1
        # Items without a key are numbered among items with equal content, so that inserting one does not change the ids
        # of the others.
        part = f"[{key}]" if has_key else f"[~{counts[content]}]"
        origin = self.origin._replace(task_id=self.origin.task_id + part)
        body = dict(prepared.body)
        name = identity.own_id(body.pop("external_task_id", None)) or identity.external_task_id(origin, content)
        images = {}
        for where, holder, slot in product_of(endpoint).file_places(body):
            loaded = prepared.files.get(where)
            if loaded and loaded.stored_version:
                # A link that is signed now would be dead when the item is sent.
                images[where] = {
                    "uri": loaded.stored_uri,
                    "sha256": "",
                    "conn_id": None,
                    "known_as": loaded.stored_version,
                }
                holder[slot] = ""
            elif isinstance(holder[slot], str) and not is_link(holder[slot]):
                # A converted image exists nowhere else.
                given = None if loaded and loaded.conversion else fields.get(where)
                images[where] = self._store_image(base64.b64decode(holder[slot]), given)
                holder[slot] = ""
        return PlannedItem(key, name, body, images, endpoint)

    def _store_image(self, content: bytes, given: Any) -> dict[str, Any]:
        if isinstance(given, str) and _REMOTE.match(given.strip()):
            digest = hashlib.sha256(content).hexdigest()
            return {"uri": given.strip(), "sha256": digest, "conn_id": self.image_conn_id}
        return self.copies.store(content)


def _own_key(item: Mapping[str, Any]) -> str | None:
    key = item.get("key")
    if isinstance(key, int) and key.bit_length() > MAX_KEY_BITS:
        return shown(key)  # Python does not print it
    return None if key is None or (isinstance(key, str) and not key.strip()) else str(key).strip()


def _sentences(by_sentence: Mapping[str, Sequence[str]]) -> list[str]:
    # The advice comes first: a log shows the beginning of a line.
    return [f"{sentence} ({_item_names(keys)})" for sentence, keys in by_sentence.items()]


def _item_names(keys: Sequence[str]) -> str:
    names = ", ".join(shown(key, NAME_CHARACTERS) for key in keys[:MAX_NAMED_ITEMS])
    more = f" and {counted(len(keys) - MAX_NAMED_ITEMS, 'more item')}" if len(keys) > MAX_NAMED_ITEMS else ""
    return f"item {names}{more}"


def _duplicate_names(planned: Sequence[PlannedItem]) -> list[str]:
    sentences = []
    for name in ("key", "external_task_id"):
        numbers = collections.Counter(getattr(item, name) for item in planned)
        twice = [value for value, number in numbers.items() if number > 1]
        if twice:
            more = f", as {counted(len(twice) - 1, 'more')} do" if len(twice) > 1 else ""
            sentences.append(f"Give each item its own {name}: {named(name, twice[0])} names several{more}.")
    return sentences + _attempt_clashes(planned)


def _file_clashes(planned: Sequence[PlannedItem]) -> list[str]:
    """Errors for keys whose file another item also writes: its watermarked copy, or one of its several results."""
    keys = {item.key for item in planned}
    problems: dict[str, list[str]] = {}
    for item in planned:
        marks = ("", "_watermark") if _has_watermarked_copy(item.body) else ("",)
        files = {number + mark for number in _file_suffixes(item.body) for mark in marks}
        # A video's picture stands beside it: it would replace what another item has paid for.
        for name in sorted((files | {file + POSTER for file in files}) - {""}):
            if item.key + name in keys:
                kind = "a poster" if name.endswith(POSTER) else "the watermarked file" if name[-1] == "k" else "a file"
                sentence = f"Give another key to what names {kind} of an item."
                problems.setdefault(sentence, []).extend((item.key, item.key + name))
    return _sentences(problems)


def _has_watermarked_copy(body: Mapping[str, Any]) -> bool:
    info = body.get("watermark_info")
    return isinstance(info, dict) and bool(info.get("enabled"))


def _file_suffixes(body: Mapping[str, Any]) -> list[str]:
    """Return the suffixes of an item's files after the key; several files are numbered."""
    count = MAX_RESULTS if body.get("result_type") == "series" else body.get("n", 1)
    # Without validation it may be any number.
    return [f"_{index}" for index in range(min(count, MAX_RESULTS))] if isinstance(count, int) and count > 1 else [""]


def _attempt_clashes(planned: Sequence[PlannedItem]) -> list[str]:
    """Errors for ids that a further attempt of another item may get: its video would be delivered for both."""
    owners = {item.external_task_id: item for item in planned}
    sentences = []
    for item in planned:
        if identity.DERIVED.fullmatch(item.external_task_id):
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
