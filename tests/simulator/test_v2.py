"""The second generation: the model in the path, its field names, defaults and errors."""

import io

import av
import pytest
import requests

from .support import IMAGE, TAIL, token

T2V = "/text-to-video/kling-3.0-turbo"
I2V = "/image-to-video/kling-3.0-turbo"
FRAME = {"type": "first_frame", "url": IMAGE}
LAST = {"type": "last_frame", "url": TAIL}
WORDS = {"type": "prompt", "text": "a cat walks"}
ALWAYS = {"id", "status", "message", "create_time", "update_time"}


def send(kling, path=T2V, **body):
    return kling.send("POST", path, json=({"prompt": "a cat"} if path.startswith("/text") else {}) | body)


def made(kling, path=T2V, **body):
    response = send(kling, path, **body).json()
    assert response["code"] == 0, response
    kling.simulator.finish(response["data"]["id"])
    (seen,) = kling.get("/tasks", task_ids=response["data"]["id"]).json()["data"]
    return seen


def amount(seen):
    assert seen["status"] == "succeeded", seen
    return seen["billing"][0]["amount"]


def film(seen):
    response = requests.get(seen["outputs"][0]["url"], timeout=20)
    assert response.headers["Content-Type"] == "video/mp4"
    return av.open(io.BytesIO(response.content))


def test_a_create_response_has_the_field_names_of_the_second_generation(kling):
    data = send(kling).json()["data"]
    assert data.keys() == ALWAYS
    assert (data["status"], data["message"], len(data["id"])) == ("submitted", "", 18)
    named = send(kling, options={"external_task_id": "a"}).json()["data"]
    assert named.keys() == ALWAYS | {"external_id"}
    assert named["external_id"] == "a"


def test_a_task_is_read_with_its_outputs_and_its_bill(kling):
    seen = made(kling, options={"external_task_id": "a"}, settings={"duration": 3})
    assert seen.keys() == ALWAYS | {"external_id", "outputs", "billing"}
    assert seen["outputs"][0].keys() == {"type", "id", "url", "duration"}
    assert seen["billing"] == [{"charge_type": "unit", "amount": "2.4", "package_type": "video"}]
    assert kling.get("/tasks", external_task_ids="a").json()["data"] == [seen]
    assert kling.get(f"{T2V}/{seen['id']}").json()["error"] == "Not Found"


def test_the_defaults_are_720p_and_5_seconds_and_turbo_has_sound(kling):
    seen = made(kling)
    assert (seen["outputs"][0]["duration"], amount(seen)) == ("5.041", "4")
    with film(seen) as container:
        assert container.streams.audio
    with film(made(kling, "/text-to-video/kling-3.0")) as container:
        assert not container.streams.audio


def test_unknown_keys_are_ignored_wherever_they_stand(kling):
    seen = made(kling, settings={"surprise": 1}, external_task_id="a", duration=10, callback_url="http://127.0.0.1:9/")
    assert (seen.get("external_id"), amount(seen)) == (None, "4")
    assert kling.simulator.callbacks() == []
    send(kling, external_task_id="a")


def test_an_external_id_is_taken_in_both_generations(kling):
    kling.create(external_task_id="a")
    refused = send(kling, options={"external_task_id": "a"})
    assert kling.refusal(refused) == (400, 1201, "External_task_id a already exists")


@pytest.mark.parametrize("path", [T2V, I2V, "/omni-video/kling-o1", "/motion-control/kling-3.0"])
def test_a_token_of_access_and_secret_key_is_refused(kling, path):
    headers = {"Authorization": f"Bearer {token(kling.simulator)}"}
    status, code, message = kling.refusal(kling.send("POST", path, json={}, headers=headers))
    assert (status, code) == (401, 1002)
    assert "does not support AK/SK" in message


@pytest.mark.parametrize("path", ["/text-to-video/kling-v3", "/image-to-video/kling-3.0-omni", "/omni-video/x"])
def test_an_unknown_model_in_the_path_is_refused(kling, path):
    assert kling.refusal(send(kling, path)) == (400, 1201, "model is not supported")


def test_multi_shot_is_on_unless_it_is_switched_off(kling):
    for settings in ({}, {"multi_shot": False}):
        send(kling, "/text-to-video/kling-3.0", settings=settings)
    assert [task["recipe"]["multi_shot"] for task in kling.simulator.tasks()] == [True, False]


@pytest.mark.parametrize("duration", [10, "10"])
def test_a_duration_is_a_number_or_its_digits(kling, duration):
    assert amount(made(kling, settings={"duration": duration})) == "8"


def test_a_first_and_a_last_frame_become_a_video(kling):
    path = "/image-to-video/kling-3.0"
    seen = made(kling, path, contents=[WORDS, FRAME, LAST], settings={"duration": 3, "multi_shot": False})
    with film(seen) as container:
        pictures = [frame.to_image() for frame in container.decode(video=0)]
    assert pictures[0].getpixel((20, 90))[0] > 150
    assert pictures[-1].getpixel((20, 90))[1] > 150
    assert amount(seen) == "1.8"


def test_a_frame_that_cannot_be_fetched_fails_the_task_and_costs_nothing(kling):
    seen = made(kling, I2V, contents=[{"type": "first_frame", "url": "http://127.0.0.1:9/x.png"}])
    assert (seen["status"], seen["outputs"], seen["billing"]) == ("failed", [], [{"amount": "0"}])
    assert seen["message"] == "Something went wrong when we tried to get the contents of the file."


@pytest.mark.parametrize(
    ("path", "body", "units"),
    [
        (T2V, {"settings": {"resolution": "1080p"}}, "5"),
        ("/text-to-video/kling-3.0", {"settings": {"audio": "native"}}, "4.5"),
        ("/text-to-video/kling-3.0", {"settings": {"resolution": "4k"}}, "15"),
        ("/text-to-video/kling-2.6", {"settings": {"resolution": "1080p", "audio": "native"}}, "5"),
        ("/text-to-video/kling-2.5-turbo", {"settings": {"duration": 10}}, "3"),
        ("/image-to-video/kling-2.6", {"contents": [FRAME, {"type": "voice", "voice_id": "1"}],
                                       "settings": {"resolution": "1080p", "audio": "native"}}, "6"),
        ("/omni-video/kling-3.0-omni", {"contents": [WORDS], "settings": {"aspect_ratio": "1:1"}}, "3"),
        ("/omni-video/kling-v3-omni", {"contents": [WORDS, FRAME], "settings": {"audio": "native"}}, "4"),
    ],
)  # fmt: skip
def test_the_price_follows_model_resolution_sound_and_length(kling, path, body, units):
    assert amount(made(kling, path, **body)) == units


def test_a_motion_video_decides_length_and_price(start):
    kling = start()
    source = made(kling, settings={"duration": 3})["outputs"][0]["url"]
    contents = [{"type": "image", "url": IMAGE}, {"type": "video", "url": source}]
    seen = made(kling, "/motion-control/kling-3.0", contents=contents, settings={"character_orientation": "video"})
    assert (amount(seen), seen["outputs"][0]["duration"]) == ("2.7", "3.041")
    with film(seen) as container:
        assert next(container.decode(video=0)).to_image().getpixel((20, 90))[0] > 150, "the image, not the video"


def test_items_that_an_omni_video_ignores_are_accepted_and_change_nothing(start):
    kling = start()
    ignored = [{"type": kind, "url": "http://127.0.0.1:9/nothing"} for kind in ("image", "video")]
    seen = made(kling, "/omni-video/kling-3.0-omni", contents=[WORDS, *ignored], settings={"aspect_ratio": "1:1"})
    assert (seen["status"], amount(seen)) == ("succeeded", "3")


def test_both_names_of_a_model_share_its_slots(start):
    kling = start(concurrency=1)
    assert send(kling, "/text-to-video/kling-3.0").json()["code"] == 0
    assert kling.refusal(kling.text2video(model_name="kling-v3"))[:2] == (429, 1303)
    assert send(kling).json()["code"] == 0, "3.0 Turbo is another model"


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (T2V, {"prompt": " "}, "prompt can not be null"),
        (T2V, {"settings": {"resolution": "x"}},
         "settings.resolution value 'x' is invalid, allowed values: 480p, 720p, 1080p, 4k"),
        (T2V, {"settings": {"resolution": "480p"}}, "video resolution value '480p' is invalid"),
        (T2V, {"settings": {"resolution": "4k"}}, "video resolution value '4k' is invalid"),
        (T2V, {"settings": {"duration": 99}}, "duration value '99' is invalid"),
        (T2V, {"settings": {"aspect_ratio": "99:1"}},
         "aspect_ratio value '99:1' is invalid, supported values: 16:9, 9:16, 1:1"),
        (T2V, {"settings": {"seed": "x"}}, "settings.seed value 'x' is invalid"),
        ("/text-to-video/kling-2.6", {"settings": {"duration": 7}}, "duration value '7' is invalid"),
        (T2V, {"settings": {"audio": "bogus"}},
         "settings.audio value 'bogus' is invalid, allowed values: native, off, original"),
        ("/text-to-video/kling-3.0", {"settings": {"audio": "bogus"}},
         "settings.audio value 'bogus' is invalid, allowed values: native, off, original"),
        ("/text-to-video/kling-3.0", {"settings": {"audio": "original"}},
         "audio mode 'original' is not supported by the current model"),
        (I2V, {"prompt": "a flat body"}, "contents cannot be empty"),
        (I2V, {"contents": {}}, "contents value type is invalid, expected array"),
        (I2V, {"contents": [{"type": "text"}]}, "contents[0].type value 'text' is invalid"),
        (I2V, {"contents": [WORDS]}, "content item of type 'first_frame' is required"),
        (I2V, {"contents": [{"type": "first_frame", "url": " "}]},
         "content item of type 'first_frame' must have a non-blank url"),
        (I2V, {"contents": [{"type": "prompt", "text": " "}, FRAME]},
         "content item of type 'prompt' must have non-blank text"),
        (I2V, {"contents": [FRAME, LAST]}, "contents[1].type value 'last_frame' is invalid"),
        (I2V, {"contents": [{"type": "first_frame", "url": "data:image/png;base64,x"}]},
         "File is not in a valid base64 format"),
        ("/image-to-video/kling-2.5-turbo", {"contents": [FRAME, LAST]},
         "content item of type 'last_frame' is only supported with resolution 1080p"),
        ("/image-to-video/kling-3.0", {"contents": [FRAME, {"type": "element", "element_id": 7}]},
         "Element id not found: 7"),
        ("/image-to-video/kling-3.0", {"contents": [FRAME, {"type": "element"}]}, "Invalid element id: "),
        ("/omni-video/kling-3.0-omni", {"contents": [WORDS]},
         "Aspect ratio must be specified unless a first frame is provided or the task is video editing"),
        ("/omni-video/kling-3.0-omni", {"contents": [{"type": "base_video", "url": "x"}]}, "Video URL is invalid"),
        ("/omni-video/kling-o1", {"contents": [WORDS], "settings": {"aspect_ratio": "1:1", "duration": 7}},
         "Duration only supports 5 or 10 seconds when no refer_image is provided"),
        ("/motion-control/kling-2.6", {"contents": [WORDS]}, "content item of type 'image' is required"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_the_text_of_the_second_generation(start, path, body, message):
    kling = start(known_elements=())
    assert kling.refusal(send(kling, path, **body)) == (400, 1201, message)
    assert kling.simulator.tasks() == []


def test_the_journal_shows_contents_without_images(kling):
    send(kling, I2V, contents=[WORDS, FRAME])
    words, frame = kling.simulator.requests()[0]["body"]["contents"]
    assert words == WORDS
    assert frame["url"]["base64_length"] == len(IMAGE)
