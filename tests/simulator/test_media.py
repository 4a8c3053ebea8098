"""Inputs are loaded after acceptance; invalid ones fail the task with Kling's text."""

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from .support import T2V, encoded, eventually, picture

UNREACHABLE = "Something went wrong when we tried to get the contents of the file."
FILES = {
    "/good.png": picture(),
    "/page.html": b"<html>not an image</html>",
    "/large.png": bytes(10 * 1024 * 1024 + 1),
}


@pytest.fixture(scope="module")
def files():
    class Files(BaseHTTPRequestHandler):
        def do_GET(self):
            content = FILES.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            if content:
                self.wfile.write(content)

        def log_message(self, *_arguments):
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def sized(size, form="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, form)
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_result_is_an_input_under_a_name_that_only_clients_know(start):
    kling = start(public_url="https://kling.invalid")
    first = kling.finished(kling.text2video().json()["data"]["task_id"], T2V)["task_result"]["videos"][0]["url"]
    assert first.startswith("https://kling.invalid/results/")
    omni = {"prompt": "x", "video_list": [{"video_url": first}]}
    for url, status in ((first, "succeed"), (first[:-1] + "!", "failed")):
        omni["video_list"][0]["video_url"] = url
        task = kling.send("POST", "/v1/videos/omni-video", json=omni).json()["data"]["task_id"]
        assert kling.finished(task, "/v1/videos/omni-video")["task_status"] == status
    kling.simulator.advance(31 * 24 * 3600)
    omni["video_list"][0]["video_url"] = first
    task = kling.send("POST", "/v1/videos/omni-video", json=omni).json()["data"]["task_id"]
    assert kling.finished(task, "/v1/videos/omni-video")["task_status_msg"] == UNREACHABLE, "its link has expired"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (sized((299, 400)), "Image pixel is invalid"),
        (sized((300, 751)), "The resolution or aspect ratio of the input image is invalid. "
                            "Please ensure it meets the required specifications."),
        (sized((400, 400), "WEBP"), "Image format is invalid"),
        (encoded(picture()[:400]), "Image format is invalid"),
        (base64.b64encode(b"no image").decode(), "Image format is invalid"),
        ("http://127.0.0.1:9/x.png", UNREACHABLE),
        ("http://", UNREACHABLE),
    ],
)  # fmt: skip
def test_a_bad_input_is_accepted_and_fails_the_task_at_its_end(kling, image, message):
    task_id = kling.create(image=image)
    assert kling.task(task_id)["task_status"] == "submitted"
    seen = kling.finished(task_id)
    assert (seen["task_status"], seen["task_status_msg"]) == ("failed", message)
    assert kling.simulator.ledger()["units_used"] == "0"


@pytest.mark.parametrize("size", [(300, 300), (300, 750), (750, 300)])
def test_the_smallest_and_the_longest_allowed_images_succeed(kling, size):
    assert kling.finished(kling.create(image=sized(size, "JPEG")))["task_status"] == "succeed"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/good.png", ""),
        ("/missing.png", UNREACHABLE),
        ("/page.html", "Image format is invalid"),
        ("/large.png", "The resolution or aspect ratio of the input image is invalid. "
                       "Please ensure it meets the required specifications."),
    ],
)  # fmt: skip
def test_an_image_url_is_fetched_after_submission(kling, files, path, message):
    seen = kling.finished(kling.create(image=files + path))
    assert seen["task_status_msg"] == message
    assert seen["task_status"] == ("failed" if message else "succeed")


def test_a_bad_tail_image_fails_the_task_too(kling):
    task_id = kling.create(mode="pro", image_tail=sized((10, 10)))
    assert kling.finished(task_id)["task_status_msg"] == "Image pixel is invalid"


def test_a_task_of_no_duration_still_waits_for_its_inputs(start):
    kling = start(seconds=0)
    task_id = kling.create(image=sized((10, 10)))
    seen = eventually(lambda: (got := kling.task(task_id))["task_status"] not in {"submitted", "processing"} and got)
    assert seen["task_status_msg"] == "Image pixel is invalid"
