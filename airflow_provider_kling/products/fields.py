"""
The fields of Kling's requests, one row each: how a Dag author's value is converted, which values are valid, and which
files it holds. Whether a *model* takes a value, :mod:`.capabilities` checks.

Field names, values and defaults: the products' pages of https://kling.ai/document-api, classic API, read 2026-10 and
2026-11.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.formatting import one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Kling documents neither length nor characters of an external id; these are safe in every response seen (2026-09).
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: The most characters of an id, or of another name that Kling gives: a bound of this package, far above every one seen.
#: Kling documents none.
MAX_ID = 256
MAX_PROMPT = 2500
#: Of no width and no meaning alone: a zero-width space, a word joiner, a byte order mark.
INVISIBLE = "\u200b\u2060\ufeff"
ASPECT_RATIOS = ("16:9", "9:16", "1:1")
#: The proportions that the image products make.
IMAGE_RATIOS = (*ASPECT_RATIOS, "4:3", "3:4", "3:2", "2:3", "21:9")
#: The most words that fit into the beginning of a sentence.
SHORT_CHOICE = 4
SHOT_TYPES = ("customize", "intelligence")


class Shape(NamedTuple):
    """
    Which values of a field are valid, and what to say of others.

    :param fits: whether a value is valid.
    :param advice: what to give instead, the beginning of a sentence.
    :param problem: what is wrong with the value, the end of the sentence.
    :param words: the words that are valid, to suggest the nearest one.
    """

    fits: Callable[[Any], bool]
    advice: str
    problem: str
    words: tuple[str, ...] = ()


class Media(NamedTuple):
    """
    The files in a field, which are loaded, checked and sent as a link or as content.

    :param kind: of the files; videos and audio are sent as links.
    :param keys: keys of objects that hold a file; empty when the field's value is the file.
    :param max_depth: how many objects deep such a key may be; deeper ones are refused.
    :param sounds: those of the keys that hold a sound that is sent as content.
    """

    kind: Literal["image", "video", "audio"]
    keys: tuple[str, ...] = ()
    max_depth: int = 1
    sounds: tuple[str, ...] = ()


class Field(NamedTuple):
    """
    One field of a request.

    :param name: by Kling's classic name, which is also the name of the operator's argument.
    :param convert: makes Kling's value from a Dag author's.
    :param shape: which converted values are valid; ``None`` when a rule of the product checks it.
    :param media: the files that it holds, if it can hold any.
    :param max_length: the most characters of its text; 0 for no limit.
    """

    name: str
    convert: Callable[[Any], Any] | None = None
    shape: Shape | None = None
    media: Media | None = None
    max_length: int = 0

    @property
    def is_media(self) -> bool:
        """Whether the value itself is a file."""
        return self.media is not None and not self.media.keys

    @property
    def file_keys(self) -> frozenset[str]:
        """Keys whose value is a file and not JSON."""
        return frozenset(self.media.keys) if self.media else frozenset()

    def canonical(self, value: Any) -> Any:
        """
        Return the value that Kling takes.

        :raises FieldEncodingError: a JSON string cannot be parsed.
        """
        return self.convert(value) if self.convert else value

    def file_places(self, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        """
        Yield each place of a body that holds a file of this field: its name, the object around it, its key there.

        :param body: a request body, which may be changed between two of them.
        """
        if self.is_media and self.name in body:
            yield self.name, body, self.name
        elif self.media:
            yield from _places(self.name, body.get(self.name), self.file_keys, self.media.max_depth)


def _places(place: str, value: Any, keys: frozenset[str], max_depth: int) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the places in a value that hold a file under one of these keys, at most ``max_depth`` objects deep."""
    if isinstance(value, dict) and max_depth:
        for key in list(value):
            if key in keys:
                yield f"{place}.{key}", value, key
            else:
                yield from _places(f"{place}.{key}", value[key], keys, max_depth - 1)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _places(f"{place}[{index}]", item, keys, max_depth)


def is_omitted(value: Any) -> bool:
    """Whether the field is left out: None, text of which nothing is seen, or an empty list."""
    if isinstance(value, str):
        return not value.strip().strip(INVISIBLE)
    return value is None or (isinstance(value, (list, tuple)) and not value)


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number; True and False are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_id(value: Any) -> bool:
    """Whether a value can be an id, or another name that Kling gives."""
    return isinstance(value, str) and len(value) <= MAX_ID and bool(value.strip())


def _is_watermark(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"enabled"} and isinstance(value["enabled"], bool)


def _is_effect(value: Any) -> bool:
    return isinstance(value, dict) and ("image" in value) is not ("images" in value)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in values


def _text_shape(advice: str) -> Shape:
    return Shape(_is_text, advice, "is not text")


def id_shape(advice: str) -> Shape:
    """
    What is valid where an id is asked for.

    :param advice: what to give, the beginning of a sentence.
    """
    return Shape(is_id, advice, f"is none of at most {MAX_ID} characters, a bound of this package")


def _image_field(name: str) -> Field:
    return Field(name, media=Media("image"))


def _switch_field(name: str) -> Field:
    shape = Shape(lambda value: isinstance(value, bool), f"Give {name} as True or False", "is not a switch")
    return Field(name, convert.switch, shape)


def _id_field(name: str) -> Field:
    return Field(name, convert.id_to_text, id_shape(f"Give {name} as the text of an id"))


def list_field(
    name: str,
    kind: Literal["image", "video", "audio"],
    key: str,
    least: int,
    most: int,
    *,
    needed: tuple[str, ...] | None = None,
) -> Field:
    """
    A field that takes a list of objects with a file each.

    :param name: of the field.
    :param kind: of the files.
    :param key: under which a file stands.
    :param least: the fewest that it takes.
    :param most: the most.
    :param needed: keys that each object has; default is ``key``.
    """
    keys = (key,) if needed is None else needed

    def fits(value: Any) -> bool:
        return isinstance(value, list) and least <= len(value) <= most and all(map(whole, value))

    def whole(item: Any) -> bool:
        return isinstance(item, dict) and all(name in item for name in keys)

    count = str(least) if least == most else f"{least} to {most}"
    shape = Shape(fits, f"Give {name} as a list of {count} {{'{keys[0]}': …}}", "is none")
    return Field(name, convert.list_of(key), shape, Media(kind, keys=(key,)))


def text_field(name: str, max_length: int = MAX_PROMPT) -> Field:
    """
    A field that takes text.

    :param name: of the field.
    :param max_length: characters that it may have.
    """
    return Field(name, convert.to_text, _text_shape(f"Give {name} as text"), max_length=max_length)


def choice_field(name: str, values: tuple[str, ...], convert_: Callable[[Any], Any] = convert.lowercase) -> Field:
    """
    A field that takes one of some words.

    :param name: of the field.
    :param values: what it takes.
    :param convert_: from a Dag author's words.
    """
    advice, problem = f"Give {name} as {one_of(values)}", "is not offered"
    if len(values) > SHORT_CHOICE:
        advice, problem = f"Give {name} one of its {len(values)} values", f"is not offered; it takes {one_of(values)}"
    return Field(name, convert_, Shape(_is_one_of(*values), advice, problem, values))


def number_field(name: str, least: float, most: float, *, is_whole: bool = False) -> Field:
    """
    A field that takes a number.

    :param name: of the field.
    :param least: the smallest one.
    :param most: the largest one.
    :param is_whole: whether it has no fraction.
    """

    def fits(value: Any) -> bool:
        return is_number(value) and (isinstance(value, int) or not is_whole) and least <= value <= most

    kind = "a whole number" if is_whole else "a number"
    return Field(
        name,
        convert.number if is_whole else convert.fraction,
        Shape(fits, f"Give {name} as {kind} from {least:.10g} to {most:.10g}", "is none"),
    )


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("model_name", convert.strip, id_shape("Give model_name as text, such as 'kling-v3'")),
        text_field("prompt"),
        text_field("negative_prompt"),
        text_field("text", 1000),
        choice_field("voice_language", ("zh", "en")),
        number_field("voice_speed", 0.8, 2),
        Field("mode", convert.mode, _text_shape("Give mode as 'std', 'pro' or '4k'")),
        Field(
            "duration",
            convert.duration,
            Shape(
                _matches(re.compile(r"[0-9]{1,4}")),
                "Give duration in whole seconds, '5' or '10' for example",
                "is not a whole number of seconds",
            ),
        ),
        choice_field("aspect_ratio", ASPECT_RATIOS, convert.ratio),
        Field(
            "sound",
            convert.sound,
            Shape(
                _is_one_of("on", "off"),
                "Give sound as 'on' or 'off', or as True or False",
                "is not a switch",
                ("on", "off"),
            ),
        ),
        Field(
            "cfg_scale",
            convert.fraction,
            Shape(is_number, "Give cfg_scale as a number from 0 to 1", "is not a number, Kling's default is 0.5"),
        ),
        _switch_field("multi_shot"),
        Field(
            "shot_type",
            convert.lowercase,
            Shape(_is_one_of(*SHOT_TYPES), f"Give shot_type as {one_of(SHOT_TYPES)}", "is unknown", SHOT_TYPES),
        ),
        Field("multi_prompt", convert.shots),
        Field("element_list", convert.elements),
        Field("voice_list", convert.voices),
        _image_field("image"),
        _image_field("image_tail"),
        _image_field("static_mask"),
        Field("dynamic_masks", convert.masks, media=Media("image", keys=("mask",))),
        Field("camera_control", convert.camera),
        Field(
            "watermark_info",
            convert.watermark,
            Shape(_is_watermark, "Give watermark_info as True or False, or {'enabled': True}", "is not a switch"),
        ),
        choice_field("image_reference", ("subject", "face")),
        number_field("image_fidelity", 0, 1),
        number_field("human_fidelity", 0, 1),
        choice_field("resolution", ("1k", "2k")),
        number_field("n", 1, 9, is_whole=True),
        choice_field("result_type", ("single", "series")),
        choice_field("series_amount", ("2", "3", "4", "5", "6", "7", "8", "9", "auto"), convert.series),
        *(number_field(f"{side}_expansion_ratio", 0, 2) for side in ("up", "down", "left", "right")),
        *(_image_field(name) for name in ("scene_image", "style_image", "human_image", "cloth_image", "image_url")),
        list_field("image_list", "image", "image", 1, 10),
        list_field("subject_image_list", "image", "subject_image", 1, 4),
        list_field("video_list", "video", "video_url", 1, 1)._replace(convert=convert.videos),
        Field("video_url", media=Media("video")),
        Field("sound_file", media=Media("audio")),
        *(_id_field(name) for name in ("voice_id", "video_id", "audio_id", "session_id")),
        Field("effect_scene", convert.strip, id_shape("Give effect_scene as the name of an effect")),
        Field(
            "input",
            convert.effect,
            Shape(_is_effect, "Give input as {'image': …}, or {'images': [left, right]}", "has not one of them"),
            Media("image", keys=("image",)),
        ),
        text_field("sound_effect_prompt", 200),
        text_field("bgm_prompt", 200),
        _switch_field("asmr_mode"),
        choice_field("keep_original_sound", ("yes", "no"), convert.yes_no),
        choice_field("character_orientation", ("image", "video")),
        list_field("face_choose", "audio", "sound_file", 1, 1, needed=("face_id",))._replace(convert=convert.faces),
        Field("callback_url", convert.strip, _text_shape("Give callback_url as an http(s) URL that Kling can open")),
        Field(
            "external_task_id",
            convert.id_to_text,
            Shape(
                _matches(EXTERNAL_ID),
                "Give external_task_id as 1 to 64 letters, digits, '_' or '-'",
                "is not a safe id (it must be unique in the account)",
            ),
        ),
    )
}


def named_fields(*names: str, **own: Field) -> tuple[Field, ...]:
    """
    Return the fields of a product.

    :param names: in the order in which they are sent.
    :param own: rows of the product itself, by their names; they come before those of :data:`FIELDS`.
    """
    return tuple(own[name] if name in own else FIELDS[name] for name in names)


def field_of(place: str) -> str:
    """
    Return the name of the field that a place is in.

    :param place: as :meth:`Field.file_places` names it.
    """
    return re.split(r"[.\[]", place, maxsplit=1)[0]
