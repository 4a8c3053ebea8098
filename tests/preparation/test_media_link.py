"""Files in a real S3 server as links that anybody can open for a while."""

from __future__ import annotations

import io
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from object_store import BUCKET
from PIL import Image
from support import PHOTOGRAPH, advice_first

from airflow_provider_kling.exceptions import KlingStorageError, KlingValidationError
from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.media_link import load_link
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.fields import Field, Media
from airflow_provider_kling.products.media import FileLoadError
from airflow_provider_kling.products.product import Product
from airflow_provider_kling.products.video import IMAGE2VIDEO

URI = f"s3://store@{BUCKET}/clip.mp4"


def refused(value, **kwargs) -> str:
    with pytest.raises(FileLoadError) as caught:
        load_link(value, field="video_url", **kwargs)
    sentence = str(caught.value)
    assert "video_url" in sentence[:75]
    return sentence


def test_a_stored_file_becomes_a_link_that_opens_without_a_key(object_store):
    object_store.write("clip.mp4", b"a video")
    link = load_link(URI, field="video_url").payload
    assert requests.get(link, timeout=10).content == b"a video"
    assert "secretsecret" not in link


@pytest.mark.parametrize("seconds", [60, 7200])
def test_the_link_lives_as_long_as_was_asked(object_store, seconds):
    object_store.write("clip.mp4", b"a video")
    query = dict(parse_qsl(urlsplit(load_link(URI, field="video_url", seconds=seconds).payload).query))
    # The older signature of S3 says when, the newer one how long.
    lives = int(query["Expires"]) - time.time() if "Expires" in query else int(query["X-Amz-Expires"])
    assert lives == pytest.approx(seconds, abs=30)


def test_the_connection_may_stand_beside_the_uri(object_store):
    object_store.write("clip.mp4", b"a video")
    link = load_link(f"s3://{BUCKET}/clip.mp4", field="video_url", conn_id="store").payload
    assert requests.get(link, timeout=10).content == b"a video"


def test_the_same_content_is_known_by_object_and_version_and_not_by_its_signature(object_store):
    object_store.write("clip.mp4", b"a video")
    first = load_link(URI, field="video_url", seconds=60)
    again = load_link(URI, field="video_url", seconds=7200)
    assert first.payload != again.payload
    assert first.identity == again.identity != ""
    object_store.write("clip.mp4", b"another video")
    assert load_link(URI, field="video_url").identity != first.identity
    object_store.write("other.mp4", b"a video")
    assert load_link(f"s3://store@{BUCKET}/other.mp4", field="video_url").identity != first.identity


def test_a_url_is_passed_on(object_store):
    loaded = load_link(" https://x.example/a.mp4 ", field="video_url")
    assert (loaded.payload, loaded.identity) == ("https://x.example/a.mp4", "")
    assert object_store.actions == []


@pytest.mark.parametrize("value", ["clip.mp4", "/data/clip.mp4", "file:///data/clip.mp4"])
def test_a_private_file_gets_a_message_with_what_to_do(value):
    assert refused(value).startswith("Copy video_url to object storage")


def test_a_missing_or_unreadable_file_or_an_invalid_address_is_refused_with_a_message(object_store):
    assert "no such file" in refused(URI)
    assert "type int" in refused(7)
    object_store.write("clip.mp4", b"a video")
    object_store.refused.add("get")
    assert "cannot be read" in refused(URI)


def test_a_storage_that_signs_nothing_is_named(monkeypatch):
    import fsspec

    fsspec.filesystem("memory").pipe("/clip.mp4", b"a video")
    monkeypatch.setattr(
        "airflow_provider_kling.utils._airflow.object_storage.Place.filesystem",
        property(lambda _: fsspec.filesystem("memory")),
    )
    assert "signs no link" in refused("memory://clip.mp4")


def test_an_outage_is_not_reported_as_a_bad_request(object_store):
    object_store.write("clip.mp4", b"a video")
    object_store.broken = lambda environ: True
    with pytest.raises(KlingStorageError, match="Retry when the storage of video_url answers"):
        load_link(URI, field="video_url")


def test_a_field_that_holds_a_video_is_sent_as_a_link_and_known_by_the_file(object_store):
    product = Product(
        "voiced",
        "/v1/voiced",
        (Field("model_name"), Field("video_url", media=Media("video"))),
        (),
        default_model="m",
        typical_seconds=1,
    )
    object_store.write("clip.mp4", b"a video")
    prepared = prepare(product, {"video_url": f"s3://{BUCKET}/clip.mp4"}, image_conn_id="store")
    assert requests.get(prepared.body["video_url"], timeout=10).content == b"a video"
    assert prepared.content["video_url"].startswith(f"s3://{BUCKET}/clip.mp4#")


PICTURE = f"s3://store@{BUCKET}/fox.jpg"


def asked(image, **kwargs):
    fields = {"model_name": "kling-v3", "prompt": "It moves", "image": image}
    return prepare(IMAGE2VIDEO, fields, **{"image_by": "link", **kwargs})


def test_an_image_goes_as_content_or_as_a_link_and_is_the_same_request(object_store):
    object_store.write("fox.jpg", PHOTOGRAPH.read_bytes())
    link, content = asked(PICTURE), asked(PICTURE, image_by="content")
    assert requests.get(link.body["image"], timeout=10).content == PHOTOGRAPH.read_bytes()
    assert not content.body["image"].startswith("http")
    assert link.content == content.content
    assert (link.has_signed_links, content.has_signed_links) == (True, False)
    assert asked("https://x.example/fox.jpg").body["image"] == "https://x.example/fox.jpg"
    object_store.write("fox.jpg", PHOTOGRAPH.read_bytes() + b"\0")
    assert asked(PICTURE).content != link.content, "another version of the object"


def test_an_image_that_goes_as_a_link_is_checked_like_content(object_store):
    object_store.write("fox.jpg", b"no picture")
    with pytest.raises(KlingValidationError, match="Give image as a JPEG or PNG file"):
        asked(PICTURE)
    with pytest.raises(KlingValidationError, match="Give image_by as 'content' or 'link'"):
        asked(PICTURE, image_by="post")


@pytest.mark.parametrize("image", [str(PHOTOGRAPH), PHOTOGRAPH, f"file://{PHOTOGRAPH}", PHOTOGRAPH.read_bytes()])
def test_an_image_that_stands_in_no_storage_has_no_link(image):
    with pytest.raises(KlingValidationError, match="Copy image to object storage, or set image_by='content'"):
        asked(image)


def test_a_corrected_image_goes_as_content_whatever_was_asked(object_store):
    stream = io.BytesIO()
    Image.new("RGB", (400, 400)).save(stream, "WEBP")
    object_store.write("fox.webp", stream.getvalue())
    converted = asked(f"s3://store@{BUCKET}/fox.webp", fit="shrink")
    assert not converted.body["image"].startswith("http")
    assert any("a link leads to the file as it is" in warning for warning in converted.warnings)


def test_links_are_signed_again_after_a_wait_on_a_worker(object_store):
    object_store.write("fox.jpg", PHOTOGRAPH.read_bytes())
    made = KlingImageToVideoOperator(task_id="x", image=PICTURE, prompt="It runs", image_by="link")
    prepared = made._prepare()
    time.sleep(1.1)  # signatures tell seconds apart
    fresh = made._sign_links_again(prepared)
    assert fresh.body["image"] != prepared.body["image"]
    assert fresh.content == prepared.content
    object_store.write("fox.jpg", PHOTOGRAPH.read_bytes() + b"\0")
    with pytest.raises(KlingValidationError, match="Clear the task to send what is there now"):
        made._sign_links_again(prepared)
    content = KlingImageToVideoOperator(task_id="x", image=PICTURE, prompt="It runs")
    prepared = content._prepare()
    assert content._sign_links_again(prepared) is prepared


@pytest.mark.parametrize("given", ["/nowhere/clip.mp4", "nowhere://bucket/clip.mp4", "file://host/clip.mp4"])
def test_the_longest_place_of_a_file_leaves_room_for_what_to_do(given):
    place = "element_video_list.refer_videos[10].video_url"
    with pytest.raises(FileLoadError) as caught:
        load_link(given, field=place)
    advice_first(str(caught.value))
    with pytest.raises(FileLoadError) as caught:
        load_image(given, field=place)
    advice_first(str(caught.value))


@pytest.mark.parametrize("load", [load_link, load_image])
def test_a_password_in_a_storage_uri_is_refused_before_the_storage_is_asked(load, caplog):
    with caplog.at_level("DEBUG"), pytest.raises(FileLoadError, match="Take the password out of image_list") as caught:
        load("s3://KEY:hidden-key@bucket/x.png", field="image_list[0].image")
    assert "hidden-key" not in advice_first(str(caught.value)) + caplog.text


def test_a_connection_whose_name_has_a_colon_is_one(object_store, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_TEAM:STORE", object_store.connection)
    object_store.write("clip.mp4", b"a video")
    assert load_link(f"s3://team:store@{BUCKET}/clip.mp4", field="video_url").payload.startswith("http")
