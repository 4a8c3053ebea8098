"""A sound that is sent as its content, in each of the forms in which it may be given."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingOneCallLipSyncOperator
from airflow_provider_kling.preparation.sounds import MAX_SOUND_BYTES, load_sound
from airflow_provider_kling.products.media import FileLoadError, InlineImage

VOICE = Path(__file__).parents[2] / "example_dags" / "files" / "voice.mp3"
BASE64 = base64.b64encode(VOICE.read_bytes()).decode()


@pytest.mark.parametrize(
    "value",
    [
        str(VOICE),
        VOICE,
        f"file://{VOICE}",
        ObjectStoragePath(f"file://{VOICE}"),
        VOICE.read_bytes(),
        BASE64,
        f"data:audio/mpeg;base64,{BASE64}",
        InlineImage(VOICE.read_bytes()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_form_is_the_same_content(value):
    loaded = load_sound(value, field="input.audio_file")
    assert loaded.payload == BASE64
    assert loaded.identity == load_sound(str(VOICE), field="x").identity


def test_a_sound_in_object_storage_is_read_over_its_connection(object_store):
    object_store.write("voice.mp3", VOICE.read_bytes())
    assert load_sound("s3://videos/voice.mp3", field="input.audio_file", conn_id="store").payload == BASE64


@pytest.mark.parametrize("head", [b"ID3\x04", b"\xff\xfb\x90", b"\xff\xf1", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypM4A "])
def test_the_four_formats_are_known_by_their_beginning(head):
    assert load_sound(head + b"\0" * 64, field="input.audio_file").digest


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("https://example.com/voice.mp3", "Give a link as audio_url"),
        ("/no/such/voice.mp3", "Check the path of input.audio_file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "Give input.audio_file a sound"),
        (b"", "Give input.audio_file a sound"),
        (b"ID3" + b"\0" * MAX_SOUND_BYTES, "Cut input.audio_file"),
        ("A" * (2 * MAX_SOUND_BYTES + 4), "Cut input.audio_file"),
        ("data:audio/mpeg;base64,AAA", "Give input.audio_file whole base64"),
        (7, "Give input.audio_file as a path"),
        ("nothing://bucket/voice.mp3", "Check address and connection of input.audio_file"),
    ],
)
def test_what_is_no_such_sound_is_refused(value, advice):
    with pytest.raises(FileLoadError, match=f"^{advice}"):
        load_sound(value, field="input.audio_file")


def lip_sync(video: str, **kwargs):
    fields = {"video_id": video, "audio_file": str(VOICE)}
    where = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
    return KlingOneCallLipSyncOperator(task_id="dub", input=fields, **where, **kwargs)


def test_a_lip_sync_in_one_call_takes_a_file_and_stores_its_video(kling, ti, tmp_path):
    made = KlingHook().create_task("text2video", {"prompt": "A presenter", "duration": 5})
    video = KlingHook().wait(made.task_id, "text2video", poll_interval=0.05).videos[0].id
    manifest = lip_sync(video, output_uri=f"{tmp_path}/").execute({"ti": ti})
    assert manifest["files"][0]["content_type"] == "video/mp4"
    sent = kling.requests(path="/v1/videos/lip-sync")[0]["body"]["input"]
    assert (sent["mode"], sent["audio_type"]) == ("audio2video", "file")
    assert (
        lip_sync(video).execute({"ti": dataclasses.replace(ti, try_number=2, xcoms={})})["task_id"]
        == manifest["task_id"]
    )


def test_a_file_that_is_not_a_sound_is_refused_before_anything_is_sent(kling, ti):
    operator = KlingOneCallLipSyncOperator(task_id="dub", input={"video_id": "1", "audio_file": __file__})
    with pytest.raises(KlingValidationError, match=r"Give input\.audio_file a sound"):
        operator.execute({"ti": ti})
    assert kling.requests(method="POST") == []
