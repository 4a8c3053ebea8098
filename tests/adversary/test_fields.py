"""Field values from templates, XComs and other code, and the error messages before anything is paid."""

from __future__ import annotations

import collections
import contextlib
import decimal
import enum
import fractions
import json
import time
import types
from collections.abc import Sequence
from datetime import date

import pytest
from support import PHOTOGRAPH, advice_first

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingValidationError
from airflow_provider_kling.preparation.prepare import Prepared, prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.catalogue import PRODUCTS, product_of
from airflow_provider_kling.products.media import InlineImage
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO
from airflow_provider_kling.utils._airflow.start_from_trigger import CannotStartInTriggererError, rendered_in_triggerer
from airflow_provider_kling.utils.untrusted import clean_text

URL = "https://x.example/a.png"
NAMES = sorted({name for row in PRODUCTS.values() for name in row.by_name})
PROMPTS = ["prompt", "negative_prompt"]


def animate(extra_body=None, validate="strict", **fields) -> Prepared:
    prepared = prepare(
        IMAGE2VIDEO, {"image": URL, "prompt": "a cat", **fields}, extra_body=extra_body, validate=validate
    )
    for warning in prepared.warnings:
        advice_first(warning)
    json.dumps(prepared.body, allow_nan=False).encode()
    return prepared


def refused(extra_body=None, validate="strict", **fields) -> str:
    with pytest.raises(KlingValidationError) as caught:
        animate(extra_body, validate, **fields)
    text = "\n".join(map(advice_first, caught.value.problems))
    text.encode()
    return text


class Lazy(Sequence):
    """Like Airflow's output of a mapped task: not a list, and each item is a request."""

    def __init__(self, *items):
        self.items = items
        self.read = 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        self.read += 1
        return item


# Types

ELEMENTS = [{"element_id": 1}, {"element_id": 2}]


@pytest.mark.parametrize(
    "given",
    [
        (1, 2),
        Lazy(1, 2),
        Lazy({"element_id": "1"}, {"element_id": 2}),
        iter(["1", "2"]),
        (number for number in (1, 2)),
        collections.deque([1, 2]),
        range(1, 3),
        [types.MappingProxyType({"element_id": 1}), collections.OrderedDict(element_id=2)],
        "[1, 2]",
        Lazy(decimal.Decimal(1), decimal.Decimal("2.0")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_sequence_is_accepted_as_a_list(given):
    assert animate(element_list=given).body["element_list"] == ELEMENTS


def test_a_lazy_sequence_is_read_once():
    lazy = Lazy(1, 2)
    animate(element_list=lazy)
    assert lazy.read == 2


def test_an_empty_lazy_sequence_is_left_out():
    assert "element_list" not in animate(element_list=Lazy(), voice_list=iter([])).body


def test_shots_voices_and_masks_may_be_lazy_too():
    shots = Lazy(types.MappingProxyType({"index": "1", "prompt": 7, "duration": 5}))
    body = animate(prompt=None, multi_shot="True", shot_type="customize", multi_prompt=shots).body
    assert body["multi_prompt"] == [{"index": 1, "prompt": "7", "duration": "5"}]
    paths = Lazy({"x": 1, "y": 2}, {"x": "3", "y": 4.0})
    masks = Lazy(types.MappingProxyType({"mask": PHOTOGRAPH, "trajectories": paths}))
    body = animate(validate="warn", model_name="kling-v1", image=PHOTOGRAPH, dynamic_masks=masks).body
    assert body["dynamic_masks"][0]["trajectories"] == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert body["dynamic_masks"][0]["mask"] == body["image"]
    body = animate(validate="warn", sound=True, voice_list=Lazy(5, "b")).body
    assert body["voice_list"] == [{"voice_id": "5"}, {"voice_id": "b"}]


@pytest.mark.parametrize(("given", "text"), [(5, "5"), (2.5, "2.5"), (True, "True"), (decimal.Decimal(7), "7")])
@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_that_native_rendering_turned_into_a_number_is_text_again(name, given, text):
    assert animate(**{name: given}).body[name] == text


def test_an_own_id_that_native_rendering_turned_into_a_number_is_text_again():
    assert animate(external_task_id=20251125).body["external_task_id"] == "20251125"


@pytest.mark.parametrize("given", [fractions.Fraction(1, 2), decimal.Decimal("0.5"), 0.5, "0.5"])
def test_a_number_of_any_type_is_a_number(given):
    assert animate(cfg_scale=given).body["cfg_scale"] == 0.5


def test_a_member_of_a_text_enum_is_its_value():
    mode = enum.StrEnum("Mode", {"PRO": "pro"}).PRO
    old = enum.Enum("Model", {"V3": "kling-v3"}, type=str)
    assert animate(mode=mode, model_name=old.V3).content == animate(mode="pro", model_name="kling-v3").content


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({1, 2}, "Give element_list as a list: it is a set"),
        (frozenset({1}), "Give element_list as a list: it is a frozenset"),
        (date(2026, 11, 25), "Give element_list in another type: it is a date"),
        (b"1", "Give element_list in another type: it is a bytes"),
        ([object()], "Give element_list[0] in another type: it is an object"),
        ({1: 2}, "Write the keys of element_list as text: one of them is 1"),
        ([float("nan")], "Give element_list[0] as a finite number"),
        ([float("-inf")], "Give element_list[0] as a finite number"),
        ([decimal.Decimal("sNaN")], "Give element_list[0] as a finite number"),
        ("[NaN]", "Give element_list[0] as a finite number"),
        ("[1e999]", "Give element_list[0] as a finite number"),
        ([10**4000], "Give element_list[0] as a smaller number"),
        ([10**9000], "Give element_list[0] as a smaller number"),
        (iter(int, 1), "Shorten element_list: it has more than 20000 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("validate", ["strict", "off"])
def test_what_cannot_become_json_is_named_with_its_place(given, words, validate):
    if not isinstance(given, collections.abc.Iterator) or validate == "strict":
        assert words in refused(element_list=given, validate=validate)


@pytest.mark.parametrize("name", ["prompt", "multi_prompt", "element_list", "camera_control", "cfg_scale"])
@pytest.mark.parametrize("size", [60, 2_000, 100_000])
def test_deep_nesting_is_a_clear_error(name, size):
    deep: list = []
    for _ in range(size):
        deep = [deep]
    assert "Nest " in refused(**{name: deep})
    assert "Nest " in refused(extra_body={name: deep})


def test_a_list_that_holds_itself_is_a_clear_error_and_takes_no_time():
    twice: list = []
    twice += [twice, twice]
    assert "element_list" in refused(element_list=twice)
    assert "extra_body" in refused(extra_body={"a": twice})
    assert "extra_body" in refused(extra_body=redact_images({"a": twice}))


def test_a_small_list_that_stands_for_a_billion_values_is_a_clear_error():
    billion = [[[0] * 300] * 2000] * 2000
    assert "it has more than 20000 values" in refused(element_list=billion)
    assert "it has more than 20000 values" in refused(extra_body={"a": billion})
    assert len(redact_images(billion)) == 2000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": NaN}', "Give extra_body.a as a finite number"),
        ('{"a": 1e999}', "Give extra_body.a as a finite number"),
        ('{"a": "\\ud83d"}', "Take U+D83D out of extra_body.a"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "Nest extra_body.a"),
    ],
)
def test_extra_body_as_text_is_read_as_strictly_as_a_dict(text, words):
    assert words in refused(extra_body=text)


@pytest.mark.parametrize("given", [None, "prompt", 5, [("prompt", "x")], {"prompt"}, object()])
def test_fields_that_are_not_a_dict_are_a_clear_error(given):
    with pytest.raises(KlingValidationError, match="Give fields as a dict") as caught:
        prepare(TEXT2VIDEO, given)
    advice_first(caught.value.problems[0])


def test_extra_body_may_be_json_text_and_any_mapping():
    for extra in ('{"new": [1, 2]}', types.MappingProxyType({"new": (1, 2)}), {"new": Lazy(1, 2)}):
        assert animate(extra_body=extra).body["new"] == [1, 2]
    assert animate(extra_body="").body == animate(extra_body=None).body


# The text "None"


@pytest.mark.parametrize("name", [*NAMES, "aspect_ratio"])
@pytest.mark.parametrize("text", ["None", " None\n"])
@pytest.mark.parametrize("validate", ["strict", "warn", "off"])
def test_a_template_that_rendered_to_none_is_named(name, text, validate):
    sentence = refused(validate=validate, **{name: text})
    assert name in sentence
    assert "a value, or leave it out" in sentence


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("multi_prompt", [{"index": 1, "prompt": "None", "duration": 5}], "multi_prompt[0].prompt"),
        ("voice_list", ["None"], "voice_list[0]"),
        ("voice_list", '["None"]', "voice_list[0].voice_id"),
        ("element_list", [{"element_id": "None"}], "element_list[0].element_id"),
        ("dynamic_masks", [{"mask": "None", "trajectories": []}], "dynamic_masks[0].mask"),
        ("camera_control", {"type": "simple", "config": {"pan": "None"}}, "camera_control.config.pan"),
    ],
)
def test_the_text_none_inside_a_field_is_named_with_its_place(name, value, place):
    assert f"Give {place} a value, or leave it out: it is the text None, as of a template" in refused(**{name: value})


@pytest.mark.parametrize("name", ["prompt", "negative_prompt", "image", "duration", "mode", "sound", "model_name"])
@pytest.mark.parametrize("text", ["null", " nan", "NaN", "undefined"])
def test_null_values_of_other_programs_are_reported_too(name, text):
    said = refused(**{name: text})  # words are compared in small letters
    assert f"give {name} a value, or leave it out: it is the text {text.strip()}, as of".lower() in said.lower()
    assert "send it with extra_body" in said


def test_json_of_nothing_leaves_a_field_out():
    assert "element_list" not in animate(element_list="null").body


@pytest.mark.parametrize("text", ["\u200b", "\ufeff", " \ufeff\u200b\n", "\u2060"])
def test_text_of_invisible_characters_is_blank(text):
    with pytest.raises(KlingValidationError, match="prompt is missing"):
        prepare(TEXT2VIDEO, {"prompt": text})
    assert "negative_prompt" not in animate(negative_prompt=text).body


@pytest.mark.parametrize("text", ["none", "NONE", "None of them smiles", "'None'", "Null", "nan khatai"])
def test_any_other_text_is_a_prompt(text):
    assert animate(prompt=text).body["prompt"] == text


def test_the_text_none_can_be_sent_with_extra_body():
    assert animate(prompt=None, extra_body={"prompt": "None"}).body["prompt"] == "None"
    assert animate(prompt=None).content == animate(prompt="").content


# Text that no text is


@pytest.mark.parametrize("bad", ["\ud83d", "\x00", "\x1b[31m", "\x7f", "\x9b"])
@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("prompt", lambda text: {"prompt": text}),
        ("negative_prompt", lambda text: {"negative_prompt": text}),
        ("model_name", lambda text: {"model_name": text}),
        ("external_task_id", lambda text: {"external_task_id": text}),
        ("multi_prompt[1].prompt", lambda text: {"multi_prompt": [{}, {"prompt": text}]}),
        ("the keys of camera_control", lambda text: {"camera_control": {text: 1}}),
        ("element_list[0].element_id", lambda text: {"element_list": json.dumps([{"element_id": text}])}),
        ("extra_body.a[0]", lambda text: {"extra_body": {"a": [text]}}),
        ("image", lambda text: {"image": f"https://x.example/{text}"}),
        ("callback_url", lambda text: {"callback_url": f"https://x.example/{text}"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_control_characters_and_halves_of_emoji_are_named_with_their_field(bad, place, fields):
    given = fields(f"a{bad}b")
    if place == "image" and bad == "\x9b":
        pytest.skip("a URL may hold it; servers decide")
    sentence = refused(extra_body=given.pop("extra_body", None), **given)
    assert place in sentence


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\r\nb", "a\u2028b", "a\u2029b", "a\u0085b", "\N{CAT FACE}", "שלום"])
def test_line_ends_and_every_language_are_text(text):
    assert animate(prompt=text).body["prompt"] == text


# Size

NASTY = {
    "dots": "a." * 50_000,
    "schemes": "a://" * 25_000,
    "urls": "https://" + "a" * 100_000 + " ",
    "at": "https://" + "a@" * 50_000,
    "queries": "https://x.example/?" + "&".join(["sig=1"] * 20_000),
    "digits": "1" * 100_000,
    "fraction": "5." + "0" * 100_000 + "x",
    "blanks": "5" + " " * 100_000 + "x",
    "brackets": "[" * 100_000,
    "references": "<<<voice_" * 12_000,
    "pulls": "xcom_pull(" * 50_000,
    "braces": "{{" * 50_000,
    "base64": "/9j/" + "A" * 1_000_000,
    "lines": "\n".join(["A" * 64] * 2_000),
    "labels": "https://" + "a." * 50_000 + "example/x",
    "colons": "https://[" + ":" * 100_000 + "]/x",
    "words": "kling-v2-6 " * 10_000,
}


@pytest.mark.parametrize("shape", sorted(NASTY))
def test_no_field_takes_long_to_check(shape):
    started = time.monotonic()
    text = NASTY[shape]
    for name in [*NAMES, "camera", text]:
        for value in (text, [{text: text, "prompt": text, "mask": text}]):
            with contextlib.suppress(KlingValidationError):
                prepare(IMAGE2VIDEO, {"prompt": "a cat", name: value}, extra_body={"a": text})
    redact_images([text, {"a": text}])
    clean_text(text)
    with contextlib.suppress(CannotStartInTriggererError):
        rendered_in_triggerer("x", text)
    # Less than a second; a single field takes minutes where a regular expression goes back over the text.
    assert time.monotonic() - started < 60


def test_a_message_about_a_long_value_is_short():
    for text in NASTY.values():
        assert all(len(line) < 1000 for line in refused(mode=text, image=text, camera_control=text).splitlines())


# Did you mean


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"promt": "x"}, "did you mean 'prompt'?"),
        ({"negativ_prompt": "x"}, "did you mean 'negative_prompt'?"),
        ({"model": "kling-v3"}, "did you mean 'model_name'?"),
        ({"end_image_url": URL}, "did you mean 'image_tail'?"),
        ({"mode": "standart"}, "did you mean 'std'?"),
        ({"mode": "por"}, "did you mean 'pro'?"),
        ({"shot_type": "customise", "multi_shot": True}, "did you mean 'customize'?"),
        ({"camera_control": {"type": "down_bck"}}, "did you mean 'down_back'?"),
        ({"camera_control": {"type": "simple", "config": {"zom": 1}}}, "did you mean 'zoom'?"),
    ],
)
def test_a_misspelt_value_gets_a_suggestion(fields, asked):
    assert asked in refused(**fields)


def test_a_misspelt_aspect_ratio_and_validate_get_a_suggestion():
    with pytest.raises(KlingValidationError, match="did you mean '16:9'"):
        prepare(TEXT2VIDEO, {"prompt": "x", "aspect_ratio": "16/9"})
    with pytest.raises(KlingValidationError, match="Did you mean validate='strict'"):
        prepare(TEXT2VIDEO, {"prompt": "x"}, validate="strickt")  # type: ignore[arg-type]
    with pytest.raises(KlingConfigurationError, match="did you mean 'text2video'"):
        product_of("txt2video")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kling-v26", "did you mean 'kling-v2-6'?"),
        ("kling-v2.6", "did you mean 'kling-v2-6'?"),
        ("klingv2-6", "did you mean 'kling-v2-6'?"),
        ("Kling-V3", "did you mean 'kling-v3'?"),
        ("kling-v1.6", "did you mean 'kling-v1-6', retired on 2026-09-15? use 'kling-v2-5-turbo'"),
    ],
)
def test_a_model_that_is_nearly_known_gets_a_suggestion_and_is_sent(name, meant):
    prepared = animate(model_name=name)
    assert prepared.body["model_name"] == name
    assert meant in prepared.warnings[0]


@pytest.mark.parametrize("name", ["kling-4.0", "kling-4.0-flash", "kling-v9", "sora"])
def test_a_model_of_another_version_is_new_and_not_misspelt(name):
    prepared = animate(model_name=name, duration=30)
    assert prepared.body["model_name"] == name
    assert "did you mean" not in prepared.warnings[0]


def test_seven_seconds_of_kling_v2_6_are_a_warning_because_sources_disagree():
    prepared = animate(model_name="kling-v2-6", duration=7)
    assert prepared.warnings[0].startswith("Give duration as 5 or 10 for kling-v2-6: duration='7' is not listed")
    assert "Give duration as 5 or 10 for kling-v2-6" in refused(model_name="kling-v2-6", duration=11)


# Addresses

NOWHERE = [
    "https://",
    "https:///x.jpg",
    "https://exa mple/x",
    "https://.",
    "https://a..b/x",
    "https://x.example:99999/x",
    "https://x.example:0/x",
    "https://x.example:port/x",
    "https://[::1",
    "https://[not-an-ip]/x",
    "https://999.1.1.1/x",
    "https://a\\@b.example/x",
    "https://x.example/a\nb",
    "https://-a.example/x",
    f"https://{'a' * 64}.example/x",
    f"https://x.example/{'a' * 9000}",
]
PRIVATE = [
    "https://10.0.0.5/x.jpg",
    "https://localhost/x",
    "https://127.0.0.1:8080/x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://169.254.1.1/x",
    "https://[::1]/x",
    "https://[fe80::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://nas.local/x",
    "https://host.docker.internal/x",
    "https://minio:9000/bucket/x",
    "https://LOCALHOST./x",
    "https://100.64.0.1/x",
    "https://224.0.0.1/x",
    "https://192.0.0.192/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[fe80::1%25eth0]/x",
]
PUBLIC = [
    "https://x.example/a.png?X-Amz-Signature=a%2Fb&c=d#e",
    "https://my_bucket.s3.amazonaws.com/cat.jpg",
    "https://münchen.example/k%C3%A4tzchen.jpg",
    "https://उदाहरण.परीक्षा/x",
    "https://1.1.1.1/x",
    "https://[2606:4700::1111]/x",
    "https://x.example:8443/x",
    "https://x.example./x",
    "HTTPS://X.EXAMPLE/x",
]


@pytest.mark.parametrize("url", NOWHERE)
@pytest.mark.parametrize("name", ["image", "callback_url", "image_tail"])
def test_an_address_that_nobody_can_open_is_refused(url, name):
    assert f"Give {name} as an http(s) URL that Kling can open" in refused(model_name="kling-v9", **{name: url})


def test_the_address_of_a_mask_is_checked_too():
    masks = [{"mask": "https://.", "trajectories": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}]
    assert "Give dynamic_masks[0].mask as an http(s) URL" in refused(model_name="kling-v9", dynamic_masks=masks)


@pytest.mark.parametrize("url", PRIVATE)
@pytest.mark.parametrize("name", ["image", "callback_url"])
def test_an_address_that_only_this_network_can_open_is_a_warning(url, name):
    warnings = animate(**{name: url}).warnings
    assert any(warning.startswith(f"Put {name} where Kling can open it:") for warning in warnings)


@pytest.mark.parametrize("url", PUBLIC)
@pytest.mark.parametrize("name", ["image", "callback_url"])
def test_a_public_address_is_accepted_without_a_warning(url, name):
    assert animate(**{name: url}).warnings == ()


def test_a_login_in_an_address_is_a_warning_that_does_not_repeat_it():
    (warning,) = animate(image="https://user:secret@x.example/a.png").warnings
    assert warning.startswith("Take the login out of image:")
    assert "secret" not in warning


# Concealed for the UI, sent as it was


def test_a_prompt_of_plain_text_is_never_read_as_an_image():
    prompt = "a cat runs over the field and then it sleeps " * 20
    items = redact_images([{"image": URL, "prompt": prompt, "dynamic_masks": "[]"}])
    assert items[0]["prompt"] == prompt
    assert animate(prompt=prompt, extra_body=redact_images({"x": prompt})).body["x"] == prompt


def test_an_image_in_extra_body_is_redacted_and_sent_as_it_is():
    text = "/9j/" + "A" * 400
    extra = {"image_list": [{"image_url": text}], "note": json.dumps([{"image": f"data:image/png;base64,{text}"}])}
    hidden = redact_images(extra)
    assert text[:40] not in str(hidden)
    assert isinstance(hidden["image_list"][0]["image_url"], InlineImage)
    assert animate(extra_body=hidden).body == animate(extra_body=extra).body


@pytest.mark.parametrize("left", ["{{ ds }}", "a {{ params.animal }} runs", "{% if x %}a{% endif %}", "{{" + "x" * 190])
@pytest.mark.parametrize("endpoint", ["image2video", "text-to-audio"])
def test_a_template_that_nobody_rendered_is_noticed_and_sent(left, endpoint):
    fields = {"prompt": left, **({"image": URL} if endpoint == "image2video" else {"duration": 5})}
    prepared = prepare(product_of(endpoint), fields)
    assert prepared.body["prompt"] == left
    (warning,) = [warning for warning in prepared.warnings if "Render prompt before it is sent: it holds" in warning]
    assert len(advice_first(warning)) < 200
    assert not [
        line for line in prepare(product_of(endpoint), {**fields, "prompt": "{ a }"}).warnings if "Render" in line
    ]
