"""
The prompt, and the shots that replace it.

Rules: V3 pages of https://kling.ai/document-api, classic API, read 2026-07; the order of ``index`` was tested by a
public client (2026-02).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.formatting import counted, named, shown
from airflow_provider_kling.products.generations import serving_product
from airflow_provider_kling.products.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

MAX_SHOTS = 6
MAX_SHOT_PROMPT = 512

#: Models whose pages say that the prompt beside an image is optional.
_PROMPT_OPTIONAL = ("kling-v1", "kling-v2", "kling-2")
#: What a prompt refers to, in the words of each generation.
_REFERENCE = re.compile(r"<<<(image|video|voice|element)_([0-9]{1,4})>>>")
_V2_REFERENCE = re.compile(r"@(image|video|voice|element)_([0-9]{1,4})(?![0-9])")


def prompt_needed(request: Request) -> Iterator[Problem]:
    """A prompt is needed, unless each shot has its own."""
    if not _is_told(request):
        yield _unplanned(request) or Problem(
            "prompt",
            f"Write a prompt: prompt is missing, and {request.product.endpoint} has nothing else to go by.",
        )


def prompt_with_image(request: Request) -> Iterator[Problem]:
    """Beside an image a prompt is asked for by some models."""
    if _is_told(request):
        return
    if problem := _unplanned(request):
        yield problem
    elif not str(request.body.get("model_name")).startswith(_PROMPT_OPTIONAL):
        yield Problem(
            "prompt",
            "Write a prompt: prompt is missing. Kling's V3 pages ask for one with an image too; without it the motion "
            "is left to Kling.",
            severity="warning",
        )


def _is_told(request: Request) -> bool:
    return "prompt" in request.body or request.custom_shots()


def _unplanned(request: Request) -> Problem | None:
    """Shots that Kling plans itself need a prompt everywhere."""
    if request.body.get("multi_shot") is True and request.body.get("shot_type") == "intelligence":
        return Problem("prompt", "Write a prompt: prompt is missing, shot_type='intelligence' cuts the shots from it.")
    return None


def shots(request: Request) -> Iterator[Problem]:
    """``multi_shot`` and the fields that belong to it."""
    body = request.body
    if body.get("multi_shot") is not True:
        for name in ("shot_type", "multi_prompt"):
            if name in body:
                yield _ignored(name, body[name], "multi_shot is not True", f"Set multi_shot=True, or leave {name} out")
    elif "shot_type" not in body:
        yield Problem(
            "shot_type",
            "Give shot_type as 'customize' or 'intelligence': shot_type is missing, and multi_shot=True needs it "
            "('customize' with multi_prompt).",
        )
    elif request.custom_shots():
        if "prompt" in body:
            advice = "Put the words of prompt into multi_prompt"
            yield _ignored("prompt", body["prompt"], "shot_type is 'customize'", advice)
        yield from _custom_shots(request, body.get("multi_prompt", []))
    elif "multi_prompt" in body:
        advice = "Leave multi_prompt out, or set shot_type='customize'"
        yield _ignored("multi_prompt", body["multi_prompt"], "shot_type is not 'customize'", advice)


def _ignored(name: str, value: Any, reason: str, advice: str) -> Problem:
    return Problem(name, f"{advice}: {named(name, value)} is ignored by Kling because {reason}.", severity="warning")


def _custom_shots(request: Request, items: Any) -> Iterator[Problem]:
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_SHOTS:
        size = f"has {counted(len(items), 'item')}" if isinstance(items, list) else f"is the value {shown(items)}"
        yield Problem(
            "multi_prompt",
            f"Give multi_prompt as a list of 1 to {MAX_SHOTS} shots: it {size}; shot_type='customize' needs "
            "{index, prompt, duration} for each.",
        )
        return
    sentences = [sentence for place, item in enumerate(items) for sentence in _shot_sentences(place, item)]
    yield from (Problem("multi_prompt", sentence) for sentence in sentences)
    if not sentences:
        total = sum(int(item["duration"]) for item in items)
        if str(total) != request.duration():
            yield Problem(
                "multi_prompt",
                f"Make duration the sum of the shots, or change a shot: the shots of multi_prompt last {total} s "
                f"together and {named('duration', request.duration())}.",
            )


def _shot_sentences(place: int, item: Any) -> Iterator[str]:
    name = f"multi_prompt[{place}]"
    if not isinstance(item, dict) or set(item) != {"index", "prompt", "duration"}:
        yield f"Give {name} as {{index, prompt, duration}}: {name}={shown(item)} is not a shot."
        return
    if item["index"] != place + 1 or isinstance(item["index"], bool):
        problem = f"{named('index', item['index'])}; shots are numbered from 1 without gaps"
        yield f"Give {name} the index {place + 1}: {problem}."
    if not isinstance(item["prompt"], str) or not 1 <= len(item["prompt"].strip()) <= MAX_SHOT_PROMPT:
        length = f"{len(item['prompt'])} characters" if isinstance(item["prompt"], str) else "no text"
        yield f"Give {name} a prompt of 1 to {MAX_SHOT_PROMPT} characters: it has {length}."
    if not _whole_seconds(item["duration"]):
        yield f"Give {name} whole seconds, at least 1: {named('duration', item['duration'])}."


def _whole_seconds(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value) is not None and int(value) >= 1


def references(request: Request) -> Iterator[Problem]:
    """``<<<voice_1>>>`` and ``<<<element_1>>>`` in a prompt count on an entry of the list of that name."""
    shots_ = request.body.get("multi_prompt")
    of_shots = [item.get("prompt") for item in shots_ if isinstance(item, dict)] if isinstance(shots_, list) else []
    words = " ".join(text for text in [request.body.get("prompt"), *of_shots] if isinstance(text, str))
    for kind, index in sorted(set(_REFERENCE.findall(words))):
        yield from _missing_entry(request, kind, index, f"<<<{kind}_{index}>>>")
    is_v2 = serving_product(request.product, request.body).generation == "v2"
    for kind, index in sorted(set(_V2_REFERENCE.findall(words))):
        mark = f"@{kind}_{index}"
        if is_v2:
            yield from _missing_entry(request, kind, index, mark)
        else:
            model = shown(request.body.get("model_name"))
            yield Problem(
                "prompt",
                f"Write <<<{kind}_{index}>>> instead of {mark}: model_name={model} is a classic model, to which {mark} "
                "is only text.",
                severity="warning",
            )


def _missing_entry(request: Request, kind: str, index: str, mark: str) -> Iterator[Problem]:
    name = f"{kind}_list"
    if name not in request.product.by_name:
        return
    entries = request.body.get(name)
    count = len(entries) if isinstance(entries, list) else 0
    if not 1 <= int(index) <= count:
        yield Problem(
            "prompt",
            f"Add entry {index} to {name}, or take {mark} out: the prompt refers to it, but {name} has {count} "
            f"{'entry' if count == 1 else 'entries'}.",
            severity="warning",
        )
