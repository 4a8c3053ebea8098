"""What a task made, by kind; the shapes are those of Kling's pages and of recorded answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_kling.api.task_record import read_task
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.models import (
    KINDS,
    Audio,
    Element,
    Face,
    Image,
    Result,
    Segment,
    Task,
    Video,
    Voice,
)
from airflow_provider_kling.plugins.links import link_of

LINK = "https://h1.example.com/a"


def task_of(**fields: Any) -> Task:
    return read_task({"task_id": "930810057590833241", "task_status": "succeed", **fields}, "any", "r")


def results(result: dict[str, Any]) -> tuple[Result, ...]:
    return task_of(task_result=result).results


def test_images_keep_their_numbers():
    listed = [{"index": 0, "url": f"{LINK}0.png", "watermark_url": ""}, {"index": 1, "url": f"{LINK}1.png"}]
    assert results({"images": listed}) == (Image(0, f"{LINK}0.png"), Image(1, f"{LINK}1.png"))


def test_a_series_is_images():
    response = {"result_type": "series", "images": [], "series_images": [{"index": 0, "url": f"{LINK}.png"}]}
    assert results(response) == (Image(0, f"{LINK}.png"),)


def test_the_three_views_of_a_multi_shot_are_three_images():
    views = {f"url_{view}": f"{LINK}{view}.png" for view in (1, 2, 3)}
    assert results({"images": [{"index": 4, **views}]}) == tuple(
        Image(4, f"{LINK}{view}.png", view=view) for view in (1, 2, 3)
    )


def test_a_sound_is_one_result_with_two_files():
    entry = {"id": "8300", "url_mp3": f"{LINK}.mp3", "url_wav": f"{LINK}.wav", "duration_mp3": "5.0"}
    (sound,) = results({"audios": [entry]})
    assert sound == Audio("8300", f"{LINK}.mp3", "5.0", f"{LINK}.wav")
    assert [link.extension for link in sound.links] == ["mp3", "wav"]


def test_speech_has_one_file():
    (sound,) = results({"audios": [{"id": "9308", "url": f"{LINK}.mp3", "duration": "11.3"}]})
    assert sound == Audio("9308", f"{LINK}.mp3", "11.3")
    assert [link.url for link in sound.links] == [f"{LINK}.mp3"]


def test_a_voice_and_an_element_are_their_ids():
    voice = {"voice_id": "930801338081615883", "voice_name": "mine", "trial_url": f"{LINK}.mp3", "owned_by": "9308"}
    assert results({"voices": [voice]}) == (Voice("930801338081615883", "mine", f"{LINK}.mp3", "9308"),)
    element = {"element_id": 321922438904313, "element_name": "a", "reference_type": "image_refer", "owned_by": "1"}
    (made,) = results({"elements": [element]})
    assert made == Element("321922438904313", "a", reference_type="image_refer", owned_by="1")
    assert made.links == ()


def test_outputs_of_the_second_generation_are_distinguished_by_their_type():
    outputs = [
        {"type": "image", "url": f"{LINK}0.png"},
        {"type": "video", "id": "1", "url": f"{LINK}.mp4", "duration": "5.041"},
        {"type": "image", "url": f"{LINK}1.png"},
        {"type": "hologram", "url": f"{LINK}.holo"},
    ]
    assert task_of(outputs=outputs).results == (
        Image(0, f"{LINK}0.png"),
        Video("1", f"{LINK}.mp4", "5.041"),
        Image(1, f"{LINK}1.png"),
    )


def test_outputs_of_the_second_generation_are_read_like_classic_results():
    sound = {"id": "1", "url_mp3": f"{LINK}.mp3", "url_wav": f"{LINK}.wav", "duration_mp3": "3.0", "duration_wav": "3"}
    voice = {"voice_id": "2", "voice_name": "mine", "trial_url": f"{LINK}.mp3", "owned_by": "9308"}
    element = {"element_id": 3, "element_name": "a", "element_description": "b", "reference_type": "image_refer"}
    outputs = [
        {"type": "audio", "id": "1", "mp3_url": f"{LINK}.mp3", "wav_url": f"{LINK}.wav", "mp3_duration": "3.0"},
        {"type": "voice", "id": "2", "name": "mine", "url": f"{LINK}.mp3", "owned_by": "9308", "status": "succeeded"},
        {"type": "element", "id": "3", "name": "a", "description": "b", "element_type": "multi_image_elements"},
    ]
    classic = results({"audios": [sound], "voices": [voice], "elements": [element]})
    assert task_of(outputs=outputs).results == classic
    assert len(classic) == 3


def test_outputs_of_packaged_scenarios_are_videos_and_images():
    kinds = ("product_image", "model_images", "product_video", "subbed_video", "srt")
    outputs = [{"type": kind, "url": f"{LINK}/{kind}"} for kind in kinds]
    assert task_of(outputs=outputs).results == (
        Image(0, f"{LINK}/product_image"),
        Image(1, f"{LINK}/model_images"),
        Video("", f"{LINK}/product_video"),
        Video("", f"{LINK}/subbed_video"),
    )


def test_what_was_sent_is_not_a_result():
    assert task_of(images=[{"url": f"{LINK}.png"}], voices=[{"voice_id": "1"}], task_result={}).results == ()


@pytest.mark.parametrize("link", ["", None, 5, "javascript:alert(1)", "file:///etc/passwd"])
def test_an_entry_without_a_link_that_opens_is_not_a_result(link):
    found = results({group: [{"id": "1", "index": 0, "url": link}] for group in ("videos", "images", "audios")})
    assert found == ()


def test_the_manifest_groups_by_klings_word_and_a_batch_reads_it_again():
    made = (
        Image(0, f"{LINK}.png"),
        Audio("1", f"{LINK}.mp3", "2"),
        Voice("3"),
        Element("4"),
        Video("5", f"{LINK}.mp4"),
        Face("0", f"{LINK}.png", 0, 5200),
        Segment("head_seg", f"{LINK}.png"),
    )
    manifest = json.loads(json.dumps(task_of().manifest()))
    assert manifest["videos"] == []
    groups = {kind.group for kind in map(type, made)}
    assert groups == set(KINDS)
    task = Task("1", task_of().status, "any", results=made)
    line = json.loads(json.dumps({**task.manifest(), "key": "a", "external_task_id": "b"}))
    record = read_record(line)
    assert record is not None
    assert set(record.results) == set(made)


def test_the_button_opens_the_first_file_whatever_it_is():
    for made in (Image(0, f"{LINK}.png"), Audio("1", f"{LINK}.mp3"), Voice("3", trial_url=f"{LINK}.mp3")):
        task = Task("1", task_of().status, "any", results=(made,))
        assert link_of(task.manifest()) == task.link == made.links[0].url
    assert link_of(Task("1", task_of().status, "any", results=(Element("4"),)).manifest()) == ""
