"""Rules of single products that concern several fields."""

import pytest

from .support import IMAGE

FRAME = {"image_url": IMAGE, "type": "first_frame"}
END = {"image_url": IMAGE, "type": "end_frame"}
URL = "http://127.0.0.1:9/x.mp4"
BASE = [{"video_url": URL}]
FEATURE = [{"video_url": URL, "refer_type": "feature"}]
SHOTS = [{"index": 1, "prompt": "a", "duration": "2"}, {"index": 2, "prompt": "b", "duration": "3"}]


def refusal(kling, path, body):
    return kling.refusal(kling.send("POST", path, json=body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"image_list": [END]}, "end_frame needs a first_frame and no more than 2 images"),
        ({"image_list": [FRAME, END, {"image_url": IMAGE}]}, "end_frame needs a first_frame and no more than 2 images"),
        ({"image_list": [{"image_url": IMAGE}] * 8}, "image_list and element_list cannot exceed 7 in total"),
        ({"image_list": [{"image_url": IMAGE}] * 5, "video_list": FEATURE},
         "image_list and element_list cannot exceed 4 in total"),
        ({"video_list": BASE, "sound": "on"}, "sound on is not supported with video input"),
        ({"video_list": BASE, "image_list": [FRAME]}, "first_frame and end_frame are not supported with a base video"),
        ({"video_list": [{"video_url": "x"}]}, "Video URL is invalid"),
        ({}, "Aspect ratio must be specified unless a first frame is provided or the task is video editing"),
        ({"prompt": "", "image_list": [FRAME]}, "prompt can not be null"),
        ({"aspect_ratio": "1:1", "duration": "7"},
         "Duration only supports 5 or 10 seconds when no refer_image is provided"),
        ({"aspect_ratio": "1:1", "duration": "11"}, "duration value '11' is invalid"),
        ({"aspect_ratio": "1:1", "mode": "4k"}, "model/mode/duration(kling-video-o1/4k/5) is not supported"),
        ({"aspect_ratio": "1:1", "multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS[:1]},
         "the sum of multi_prompt durations must be equal to duration"),
    ],
)  # fmt: skip
def test_an_omni_video_is_refused(kling, body, message):
    assert refusal(kling, "/v1/videos/omni-video", {"prompt": "a cat"} | body) == (400, 1201, message)


@pytest.mark.parametrize(
    ("body", "units"),
    [
        ({"mode": "std"}, "3"),
        ({}, "4"),
        ({"model_name": "kling-v3-omni", "sound": "on"}, "5"),
        ({"model_name": "kling-v3-omni", "mode": "4k", "duration": "3"}, "9"),
        ({"multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS, "prompt": ""}, "4"),
    ],
)
def test_the_price_of_an_omni_video_follows_mode_sound_and_length(kling, body, units):
    given = {"prompt": "a cat", "aspect_ratio": "1:1"} | body
    response = kling.send("POST", "/v1/videos/omni-video", json=given).json()
    assert response["code"] == 0, response
    assert kling.finished(response["data"]["task_id"], "/v1/videos/omni-video")["final_unit_deduction"] == units


SPOKEN = {"mode": "text2video", "video_url": URL, "text": "hello", "voice_id": "girl"}
PLAYED = {"mode": "audio2video", "video_url": URL}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (SPOKEN | {"mode": "x"}, "input.mode value 'x' is invalid, allowed values: text2video, audio2video"),
        ({}, "input.mode: must not be null"),
        (SPOKEN | {"video_url": ""}, "video_id or video_url is required"),
        (SPOKEN | {"text": ""}, "text is required"),
        (SPOKEN | {"voice_id": ""}, "Voice language not found"),
        (SPOKEN | {"voice_id": "", "voice_language": "en"}, "Voice id not found"),
        (SPOKEN | {"voice_language": "bogus"}, "input.voice_language value 'bogus' is invalid, allowed values: zh, en"),
        (SPOKEN | {"voice_speed": 2.5}, "input.voiceSpeed: must be less than or equal to 2.0"),
        (PLAYED, "Audio type is null"),
        (PLAYED | {"audio_type": "bogus"}, "input.audio_type value 'bogus' is invalid, allowed values: file, url"),
        (PLAYED | {"audio_type": "url"}, "input.audio_url can not be null"),
        (PLAYED | {"video_url": "", "video_id": "7"}, "input.video_id value '7' is invalid"),
    ],
)
def test_a_lip_sync_is_refused_with_the_texts_that_were_observed(kling, asked, message):
    assert refusal(kling, "/v1/videos/lip-sync", {"input": asked}) == (400, 1201, message)


@pytest.mark.parametrize(
    "path", ["/v1/videos/identify-face", "/v1/videos/multi-elements/init-selection", "/v1/audio/video-to-audio"]
)
def test_a_video_has_an_id_or_an_address(kling, path):
    video = kling.finished(kling.create())["task_result"]["videos"][0]
    both = {"video_id": video["id"], "video_url": video["url"]}
    assert refusal(kling, path, both) == (400, 1201, "video_id and video_url are mutually exclusive")
    assert kling.send("POST", path, json=both | {"video_id": ""}).json()["code"] == 0


RATIOS = {f"{side}_expansion_ratio": 0.2 for side in ("up", "down", "left", "right")}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/videos/avatar/image2video", {"image": IMAGE}, "audio_id or sound_file is required"),
        ("/v1/videos/avatar/image2video", {"image": IMAGE, "sound_file": "%"},
         "File is not in a valid base64 format"),
        ("/v1/videos/effects", {"effect_scene": "hug", "input": {}}, "input.image or input.images is required"),
        ("/v1/videos/effects", {"effect_scene": "hug", "input": {"images": [IMAGE]}},
         "input.images size must be equal to 2"),
        ("/v1/images/omni-image", {"prompt": "a", "resolution": "4k"},
         "resolution value '4k' is invalid, allowed values: 1k, 2k"),
        ("/v1/images/omni-image", {"prompt": "a", "result_type": "series"},
         "result_type value 'series' is invalid, allowed values: single"),
        ("/v1/images/omni-image", {"prompt": "a", "model_name": "kling-v3-omni", "series_amount": 10},
         "series_amount value '10' is invalid, must be between 2 and 9"),
        ("/v1/images/editing/expand", RATIOS | {"image": IMAGE, "up_expansion_ratio": 1.5},
         "the expanded area can not exceed 3 times the original"),
        ("/v1/images/multi-image2image", {"subject_image_list": [{"subject_image": IMAGE}] * 5},
         "subject_image_list size must be less than or equal to 4"),
        ("/v1/general/custom-voices", {"voice_name": "x"}, "voice_url or video_id is required"),
        ("/v1/general/advanced-custom-elements",
         {"element_name": "a", "element_description": "b", "reference_type": "image_refer"},
         "element_image_list can not be null"),
        ("/v1/audio/text-to-audio", {"prompt": "rain", "duration": 2.9},
         "duration value '2.9' is invalid, must be between 3.0 and 10.0"),
        ("/v1/videos/motion-control",
         {"image_url": IMAGE, "video_url": URL, "mode": "4k", "character_orientation": "image"},
         "mode value '4k' is invalid, allowed values: std, pro"),
    ],
)  # fmt: skip
def test_a_body_is_refused(kling, path, body, message):
    assert refusal(kling, path, body) == (400, 1201, message)
    assert kling.simulator.tasks() == []


@pytest.mark.parametrize(("amount", "count"), [(2, 2), ("3", 3), ("auto", 4)])
def test_a_series_takes_a_slot_for_each_image_and_costs_as_many(start, amount, count):
    kling = start(image_concurrency=count)
    body = {"prompt": "a cat", "model_name": "kling-v3-omni", "result_type": "series", "series_amount": amount}
    created = kling.send("POST", "/v1/images/omni-image", json=body).json()["data"]["task_id"]
    assert kling.send("POST", "/v1/images/omni-image", json=body | {"series_amount": 2}).status_code == 429
    seen = kling.finished(created, "/v1/images/omni-image")
    assert len(seen["task_result"]["series_images"]) == count
    assert seen["final_unit_deduction"] == str(8 * count)


def test_an_expanded_image_is_larger(start):
    kling = start(video_size="full")
    body = {"image": IMAGE, "up_expansion_ratio": 0, "down_expansion_ratio": 1, "left_expansion_ratio": 0,
            "right_expansion_ratio": 0}  # fmt: skip
    kling.send("POST", "/v1/images/editing/expand", json=body)
    assert kling.simulator.tasks()[0]["recipe"]["grow"] == [1, 2]
