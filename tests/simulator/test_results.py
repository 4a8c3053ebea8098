"""Results: signed links, and real films."""

import io

import av
import pytest
import requests
from PIL import Image, ImageChops, ImageStat

from airflow_provider_kling.simulator.picture import output_size
from airflow_provider_kling.simulator.video import make_video

from .support import T2V, TAIL, encoded, picture

RECIPE = {"prompt": "", "ratio": "16:9", "short_side": 720, "fps": 24, "duration": 5, "sound": False}


def fetch(seen, key="url"):
    response = requests.get(seen["task_result"]["videos"][0][key], timeout=20)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "video/mp4"
    return response.content


def frames(content):
    with av.open(io.BytesIO(content)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def likeness(left, other):
    """Mean difference of two pictures at 64 x 36, per channel, 0 to 255."""
    small = [image.convert("RGB").resize((64, 36)) for image in (left, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean)


def opened(content):
    return Image.open(io.BytesIO(content))


def test_the_video_is_h264_begins_with_the_image_and_moves(kling):
    content = fetch(kling.finished(kling.create()))
    with av.open(io.BytesIO(content)) as container:
        (stream,) = container.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.average_rate, stream.frames) == (24, 121)
        assert (stream.width, stream.height) == (320, 180)
        assert container.duration / 1e6 == pytest.approx(5.041, abs=0.002)
    shown = frames(content)
    source = opened(picture())
    assert likeness(shown[0], source) < 6
    assert likeness(shown[0], opened(picture(colour=(40, 200, 40)))) > 30
    assert likeness(shown[0], shown[-1]) > 0.5
    assert content.index(b"moov") < content.index(b"mdat")


def test_with_a_tail_image_the_video_ends_on_it(kling):
    shown = frames(fetch(kling.finished(kling.create(mode="pro", image_tail=TAIL))))
    tail = opened(picture(colour=(40, 200, 40)))
    assert likeness(shown[0], opened(picture())) < 6
    assert likeness(shown[-1], tail) < 6
    assert 8 < likeness(shown[90], tail) < 45


@pytest.mark.parametrize(
    ("proportions", "short_side", "small", "size"),
    [
        ((640, 360), 720, False, (1280, 720)),
        ((360, 640), 1080, False, (1080, 1920)),
        ((1000, 1000), 720, False, (720, 720)),
        ((16, 9), 2160, False, (3840, 2160)),
        ((640, 360), 1080, True, (320, 180)),
        ((701, 333), 720, False, (1516, 720)),
        ((333, 701), 720, True, (152, 320)),
    ],
)
def test_the_size_follows_the_image_and_the_mode_and_is_even(proportions, short_side, small, size):
    assert output_size(proportions, short_side, small=small) == size


def test_full_size_videos_have_the_resolution_of_the_mode(start):
    kling = start(video_size="full")
    content = fetch(kling.finished(kling.create(model_name="kling-v3", mode="pro", duration="3")))
    with av.open(io.BytesIO(content)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1920, 1080)


def test_ten_seconds_and_thirty_frames_are_what_was_ordered(start):
    kling = start(retired="accept")
    seen = kling.finished(kling.create(model_name="kling-v1", duration="10"))
    assert seen["task_result"]["videos"][0]["duration"] == "10.033"
    with av.open(io.BytesIO(fetch(seen))) as container:
        assert container.streams.video[0].average_rate == 30
        assert container.duration / 1e6 == pytest.approx(10.033, abs=0.002)


def loudest(frame):
    """The largest sample of a frame; a plane may be longer than its samples, and hold anything there."""
    return max(abs(value) for value in memoryview(bytes(frame.planes[0])[: 4 * frame.samples]).cast("f"))


def test_sound_on_adds_an_aac_track_no_longer_than_the_video(kling):
    seen = kling.finished(kling.create(model_name="kling-v3", sound="on", duration="3"))
    with av.open(io.BytesIO(fetch(seen))) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        assert container.duration / 1e6 == pytest.approx(3.041, abs=0.002)
        levels = [loudest(frame) for frame in container.decode(audio=0)]
    assert 0.01 < max(levels) < 0.5


@pytest.mark.parametrize(("ratio", "size"), [("16:9", (320, 180)), ("9:16", (180, 320)), ("1:1", (320, 320))])
def test_a_text_video_has_the_ratio_and_shows_its_prompt(kling, ratio, size):
    def first_frame(prompt):
        task_id = kling.text2video(prompt=prompt, aspect_ratio=ratio).json()["data"]["task_id"]
        return frames(fetch(kling.finished(task_id, T2V)))[0]

    shown = first_frame("a cat walks")
    assert shown.size == size
    assert max(ImageStat.Stat(shown.convert("L")).extrema[0]) > 180, "no white letters"
    assert likeness(shown, first_frame("a dog 狗 runs")) > 3


def test_a_watermarked_copy_is_another_video_of_the_same_length(kling):
    seen = kling.finished(kling.create(watermark_info={"enabled": True}))
    plain, marked = frames(fetch(seen)), frames(fetch(seen, "watermark_url"))
    assert len(plain) == len(marked)
    corner = (0, 0, 80, 30)
    assert likeness(plain[0].crop(corner), marked[0].crop(corner)) > 5


def test_tasks_with_one_image_share_one_rendering(start, monkeypatch):
    from airflow_provider_kling.simulator import files

    made = []
    monkeypatch.setattr(files, "make_video", lambda *arguments, **options: made.append(1) or b"film")
    kling = start(concurrency=100)
    ids = [kling.create(prompt=f"prompt {number}") for number in range(30)]
    assert made == []
    assert {fetch(kling.finished(left)) for left in ids} == {b"film"}
    assert made == [1]
    fetch(kling.finished(kling.create(image=encoded(picture((400, 400))))))
    assert made == [1, 1]


def test_a_link_is_the_same_in_every_response_and_needs_no_credential(kling):
    task_id = kling.create()
    first, second = kling.finished(task_id), kling.task(task_id)
    assert first == second
    assert requests.head(first["task_result"]["videos"][0]["url"], timeout=10).status_code == 200


def test_a_link_expires_thirty_days_after_the_end_and_not_before(kling):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    kling.simulator.advance(30 * 24 * 3600 - 60)
    assert requests.get(url, timeout=10).status_code == 200
    kling.simulator.advance(120)
    assert requests.get(url, timeout=10).status_code == 403


def test_the_life_of_a_link_is_a_setting(start):
    kling = start(url_ttl=10)
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    assert requests.get(url, timeout=10).status_code == 200
    kling.simulator.advance(11)
    assert requests.get(url, timeout=10).status_code == 403


def test_a_link_that_was_tampered_with_is_403(kling):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    base, _, query = url.partition("?")
    expires, signature = (part.split("=")[1] for part in query.split("&"))
    wrong = [
        base,
        f"{base}?Expires={int(expires) + 1}&Signature={signature}",
        f"{base}?Expires={expires}&Signature={signature[:-1]}",
        f"{base}?Expires={expires}&Signature=ü",
        f"{base}?Expires=²&Signature={signature}",
        url.replace(".mp4", "_watermark.mp4"),
    ]
    assert [requests.get(left, timeout=10).status_code for left in wrong] == [403] * len(wrong)


def test_the_image_of_a_phone_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (640, 360), "red").save(buffer, "JPEG", exif=exif)
    film = make_video(RECIPE | {"duration": 1, "ratio": ""}, {"image": buffer.getvalue()}, watermark=False, small=True)
    assert frames(film)[0].size == (180, 320)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=9-99999999", slice(9, None)),
    ],
)
def test_a_part_of_a_result_can_be_asked_for(kling, asked, part):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    whole = requests.get(url, timeout=20)
    assert whole.headers["Accept-Ranges"] == "bytes"
    response = requests.get(url, headers={"Range": asked}, timeout=20)
    assert (response.status_code, response.content) == (206, whole.content[part])
    first = range(len(whole.content))[part].start
    assert (
        response.headers["Content-Range"] == f"bytes {first}-{first + len(response.content) - 1}/{len(whole.content)}"
    )


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2"])
def test_a_range_that_is_invalid_gets_the_whole(kling, asked):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    assert requests.get(url, headers={"Range": asked}, timeout=20).status_code == 200


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_outside_of_the_result_is_416(kling, asked):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    response = requests.get(url, headers={"Range": asked}, timeout=20)
    assert response.status_code == 416
    assert response.headers["Content-Range"].startswith("bytes */")


def test_ranges_can_be_ignored(start):
    kling = start(ranges="ignore")
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    response = requests.get(url, headers={"Range": "bytes=0-9"}, timeout=20)
    assert response.status_code == 200
    assert "Accept-Ranges" not in response.headers
