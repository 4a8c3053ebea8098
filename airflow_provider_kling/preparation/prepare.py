"""
Makes a checked Kling request from a Dag author's fields, before a credit is spent.

Nothing here sends a request to Kling. All problems are reported at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.preparation.arguments import Validate
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.image_conversion import Fit
from airflow_provider_kling.preparation.media_link import ImageBy, link_image, load_link
from airflow_provider_kling.preparation.request_content import content_of
from airflow_provider_kling.products import capabilities, generations, limits
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.convert import RESOLUTIONS, FieldEncodingError
from airflow_provider_kling.products.field_names import suggest_field
from airflow_provider_kling.products.fields import Field, is_omitted
from airflow_provider_kling.products.formatting import named, one_of, shown
from airflow_provider_kling.products.json_value import NotJsonError, json_value, shorten
from airflow_provider_kling.products.media import FileLoadError, LoadedFile
from airflow_provider_kling.products.problem import Problem, Request
from airflow_provider_kling.products.rules import check
from airflow_provider_kling.products.rules.trajectories import TrajectoryError, is_normalised, to_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_kling.products.product import Product

#: Texts to which a template without a value renders: as Python, JSON, pandas and JavaScript write "no value". In other
#: letters they are words, of a ``negative_prompt`` for example.
NONE_WORDS = frozenset({"None", "null", "nan", "NaN", "undefined"})
#: The same before JSON text is read: there ``null`` leaves a field out.
NONE_BEFORE_READING = frozenset({"None"})

#: The most products that a sentence names as owners of a field.
NAMED_OWNERS = 3


@dataclass(frozen=True)
class Prepared:
    """
    A checked request.

    :param body: the JSON body, which no traceback shows; ``external_task_id`` and ``callback_url`` are in it only when
        they were given.
    :param content: for a fingerprint: the body with the sha256 of images in place of their content, with links without
        signatures, and without ``external_task_id`` and ``callback_url``.
    :param warnings: sentences for the log.
    :param files: the loaded files, by their places in the body.
    """

    body: dict[str, Any] = field(repr=False)
    content: dict[str, Any]
    warnings: tuple[str, ...]
    files: Mapping[str, LoadedFile] = field(repr=False)

    @property
    def has_signed_links(self) -> bool:
        """Whether it holds links that expire."""
        return any(loaded.stored_version for loaded in self.files.values())


@dataclass(eq=False, repr=False)
class _Draft:
    """A request that is being built, with the problems found so far."""

    product: Product
    conn_id: str | None
    fit: str
    image_by: str
    extra: Mapping[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    images: dict[str, LoadedFile] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Fields with an error; problems that the rules find in them would only repeat it.
    refused_fields: set[str] = field(default_factory=set)

    def refuse(self, name: str, sentence: str) -> None:
        self.errors.append(sentence)
        self.refused_fields.add(name)

    def load(self, value: Any, place: str) -> str:
        """Return the link or content of a file for the body; empty text when it cannot be loaded."""
        try:
            kind = self.product.media_kind(place)
            if kind == "sound":
                from airflow_provider_kling.preparation.sounds import load_sound

                loaded = load_sound(value, field=place, conn_id=self.conn_id)
            elif kind == "image":
                most = limits.image_bytes(self.product, {**self.body, **self.extra})
                load = link_image if self.image_by == "link" else load_image
                loaded = load(value, field=place, conn_id=self.conn_id, fit=self.fit, most=most)
            else:
                loaded = load_link(value, field=place, conn_id=self.conn_id)
            if loaded.digest is None:
                json_value(loaded.payload, place)  # what cannot be in any text cannot be in a link
        except (FileLoadError, NotJsonError) as error:
            self.errors.append(str(error))
            return ""
        self.images[place] = loaded
        if loaded.conversion:
            how = "" if self.image_by == "content" else " It goes as content: a link leads to the file as it is."
            self.warnings.append(f"Sending {place} changed, as fit='shrink' asks: it was {loaded.conversion}.{how}")
        return loaded.payload


def prepare(
    product: Product,
    fields: Mapping[str, Any],
    *,
    extra_body: Mapping[str, Any] | None = None,
    validate: Validate = "strict",
    image_conn_id: str | None = None,
    fit: Fit = "refuse",
    image_by: ImageBy = "content",
) -> Prepared:
    """
    Turn fields into a request body, and check it.

    :param product: what is asked for.
    :param fields: Kling's classic field names with friendly values; None and blank text are left out.
    :param extra_body: keys that replace those of the body, unchecked: for fields that Kling added after this version.
    :param validate: ``strict`` (errors are refused), ``warn`` (all problems are warnings) or ``off``. What
        cannot be encoded at all, such as a missing file, is always an error.
    :param image_conn_id: Airflow connection for images in object storage.
    :param fit: ``shrink`` converts images that Kling would not take, see :func:`.image_conversion.convert_image`.
    :param image_by: ``link`` sends a signed link to an image in object storage, ``content`` the image.
    :raises KlingValidationError: with every problem, not only the first.
    """
    product = generations.classic_product(product)
    strictness = arguments.choice("validate", validate, get_args(Validate))
    extra, extra_errors = _read_extra_body(extra_body)
    mend = arguments.choice("fit", fit, get_args(Fit))
    conn_id = arguments.connection("image_conn_id", image_conn_id)
    draft = _Draft(product, conn_id, mend, arguments.choice("image_by", image_by, get_args(ImageBy)), extra)
    _encode(draft, arguments.fields(fields))
    body = {**draft.body, **extra}
    for problem in generations.translation_problems(product, body):
        draft.refuse(problem.field, problem.sentence)
    problems = [] if strictness == "off" else _find_problems(draft)
    errors = [problem for problem in problems if problem.severity == "error" and strictness == "strict"]
    refused = [*draft.errors, *extra_errors, *(problem.sentence for problem in errors)]
    if refused:
        raise KlingValidationError(list(dict.fromkeys(refused)))
    remarks = generations.request_warnings(product, body, extra)
    warnings = [*draft.warnings, *(problem.sentence for problem in problems), *remarks]
    return Prepared(body, content_of(body, draft.images), tuple(dict.fromkeys(warnings)), draft.images)


def _read_extra_body(extra_body: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the keys that replace those of the body, and what is wrong with them."""
    try:
        extra = json_value(extra_body, "extra_body")
        if isinstance(extra, str) and not is_omitted(extra):
            extra = json_value(json.loads(extra), "extra_body")
    except NotJsonError as error:
        return {}, [str(error)]
    except (ValueError, RecursionError):
        extra = extra_body
    if isinstance(extra, dict) or is_omitted(extra):
        return dict(extra) if isinstance(extra, dict) else {}, []
    return {}, [f"Give extra_body as a dict {{field: value}}: {named('extra_body', extra)} is not a dict."]


def _encode(draft: _Draft, fields: Mapping[str, Any]) -> None:
    product = draft.product
    given = {}
    for name, value in fields.items():
        try:
            given[json_value(str(name), "the names of the fields")] = value
        except NotJsonError as error:
            draft.errors.append(str(error))
    known = product.by_name
    ordered = [*(name for name in known if name in given), *(name for name in given if name not in known)]
    shaped = {name: _convert_field(draft, known.get(name, Field(name)), given[name]) for name in ordered}
    present = {name: value for name, value in shaped.items() if not is_omitted(value)}
    defaults = {"model_name": product.default_model} if product.default_model else {}
    for name, value in {**defaults, **present}.items():
        if name in product.unsent:
            draft.warnings.append(f"Leave {name} out: {named(name, value)} is not sent, {product.unsent[name]}.")
        else:
            draft.body[name] = value
    _resolution_to_mode(draft)
    _original_sound_to_flag(draft)
    _load_media(draft)
    _encode_trajectories(draft)


def _resolution_to_mode(draft: _Draft) -> None:
    """Replace ``resolution``, the second generation's word, by the classic ``mode``."""
    modes = {resolution: mode for mode, resolution in RESOLUTIONS.items()}
    asked, mode = draft.body.get("resolution"), draft.body.get("mode")
    if "mode" not in draft.product.by_name or not isinstance(asked, str) or asked not in modes:
        return
    if mode is not None and mode != modes[asked]:
        draft.refuse(
            "resolution",
            f"Give resolution or mode, not both: {named('resolution', asked)} is mode {modes[asked]!r}, and "
            f"{named('mode', mode)}.",
        )
        return
    del draft.body["resolution"]
    draft.body["mode"] = modes[asked]


def _original_sound_to_flag(draft: _Draft) -> None:
    """Replace ``sound="original"``, the second generation's word, by the classic ``keep_original_sound``."""
    body = draft.body
    sound, videos = body.get("sound"), body.get("video_list")
    if "video_list" not in draft.product.by_name or not isinstance(sound, str) or sound.strip().lower() != "original":
        return
    given = [video for video in videos if isinstance(video, dict)] if isinstance(videos, list) else []
    if any(video.setdefault("keep_original_sound", "yes") != "yes" for video in given) or not given:
        advice = "Set keep_original_sound='yes' too, or leave it out" if given else "Give video_list too"
        draft.refuse("sound", f"{advice}: {named('sound', sound)} keeps the sound of the video in video_list.")
        return
    del body["sound"]


def _convert_field(draft: _Draft, field: Field, value: Any) -> Any:
    """Return a field's value as Kling takes it; ``None`` when it is refused. Files in it are left unchanged."""
    name, keep = field.name, field.file_keys
    try:
        if field.is_media:
            if isinstance(value, str):  # whatever else it is, it is no JSON yet, and may contain itself
                _refuse_none(value, name, keep)
        else:
            value = json_value(value, name, keep=keep)
            _refuse_none(value, name, keep, words=NONE_BEFORE_READING)
            # Converting may parse JSON text, and what is in that has to fit too.
            value = json_value(_canonical(field, value), name, keep=keep)
            _refuse_none(value, name, keep)
    except FieldEncodingError as error:
        draft.refuse(name, f"{error.advice.format(field=name)}: {name} {error.problem}.")
    except NotJsonError as error:
        draft.refuse(name, str(error))
    else:
        return value
    return None


def _canonical(field: Field, value: Any) -> Any:
    try:
        return field.canonical(value)
    except FieldEncodingError:
        _refuse_none(value, field.name, field.file_keys)  # whatever the field takes, this is what went wrong
        raise


def _refuse_none(value: Any, name: str, keep: frozenset[str], *, words: frozenset[str] = NONE_WORDS) -> None:
    found = _find_rendered_none(value, name, keep, words)
    if found:
        place, word = found
        raise NotJsonError(
            f"Give {shorten(place)} a value, or leave it out: it is the text {word}, as of a template without one. "
            "Where that word is meant, send it with extra_body."
        )


def _find_rendered_none(value: Any, place: str, keep: frozenset[str], words: frozenset[str]) -> tuple[str, str] | None:
    """Return the place and the text that a template without a value rendered to, or ``None``."""
    if isinstance(value, str):
        word = value.strip()
        return (place, word) if word in words else None
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        inside = ((f"{place}.{key}", item) for key, item in value.items() if key not in keep or isinstance(item, str))
    elif isinstance(value, list):
        inside = ((f"{place}[{index}]", item) for index, item in enumerate(value))
    return next((found for name, item in inside if (found := _find_rendered_none(item, name, keep, words))), None)


def _load_media(draft: _Draft) -> None:
    for place, holder, key in draft.product.file_places(draft.body):
        holder[key] = draft.load(holder[key], place)
    # A file at a place where the field takes none was left unchanged, and is no JSON.
    for name in [row.name for row in draft.product.fields if row.file_keys and row.name in draft.body]:
        try:
            json_value(draft.body[name], name)
        except NotJsonError as error:
            draft.refuse(name, str(error))
            del draft.body[name]


def _encode_trajectories(draft: _Draft) -> None:
    masks = draft.body.get("dynamic_masks")
    for index, mask in enumerate(masks if isinstance(masks, list) else ()):
        if isinstance(mask, dict) and "trajectories" in mask:
            _encode_trajectory(draft, f"dynamic_masks[{index}].trajectories", mask)


def _encode_trajectory(draft: _Draft, place: str, mask: dict[str, Any]) -> None:
    points, image = mask["trajectories"], draft.images.get("image")
    try:
        mask["trajectories"] = to_pixels(points, image.header if image else None)
    except TrajectoryError as error:
        draft.refuse("dynamic_masks", f"{error.advice}: {place} {error.problem}.")
    if is_normalised(points):
        draft.warnings.append(
            f"Give 1 - y if your y grows downwards: {place} has normalised points, which were turned into pixels from "
            "the image's bottom-left corner, as Kling counts."
        )


def _find_problems(draft: _Draft) -> list[Problem]:
    problems = [
        *_unknown_fields(draft),
        *check(Request(draft.product, draft.body, draft.images)),
        *capabilities.problems(draft.product, draft.body),
    ]
    return [problem for problem in problems if problem.field not in draft.refused_fields]


def _unknown_fields(draft: _Draft) -> list[Problem]:
    """Find fields that the product does not have."""
    product = draft.product
    return [Problem(name, _unknown_field(product, name)) for name in draft.body if name not in product.by_name]


def _unknown_field(product: Product, name: str) -> str:
    problem = f"{shown(name)} is not a field of {product.endpoint}"
    owners = [other.endpoint for other in PRODUCTS.values() if name in other.by_name]
    if owners:
        others = " and others" if len(owners) > NAMED_OWNERS else ""
        return f"Leave {name} out: {problem}, only of {one_of(owners[:NAMED_OWNERS])}{others}."
    return f"Check the spelling, or use extra_body: {problem}{suggest_field(name, product.by_name)}."
