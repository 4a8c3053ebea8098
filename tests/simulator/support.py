"""Shared by the tests of the simulator: a plain HTTP client and images. Nothing of the package's client."""

import base64
import io
import time

import jwt
import requests
from PIL import Image

MODEL = "kling-v2-5-turbo"
I2V = "/v1/videos/image2video"
T2V = "/v1/videos/text2video"
NOT_FOUND = "Task not found by id/external id: "


def picture(size=(640, 360), colour=(200, 40, 40), form="PNG"):
    """A dark blue image whose left third has ``colour``."""
    image = Image.new("RGB", size, colour)
    image.paste((10, 10, 90), (size[0] // 3, 0, size[0], size[1]))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def encoded(content):
    return base64.b64encode(content).decode()


IMAGE = encoded(picture())
TAIL = encoded(picture(colour=(40, 200, 40)))


class Client:
    def __init__(self, simulator):
        self.simulator = simulator
        self.headers = {"Authorization": f"Bearer {simulator.api_key}"}

    def send(self, method, path, **options):
        options.setdefault("headers", self.headers)
        return requests.request(method, self.simulator.url + path, timeout=10, **options)

    def get(self, path, **parameters):
        return self.send("GET", path, params=parameters)

    def image2video(self, **body):
        return self.send("POST", I2V, json={"model_name": MODEL, "image": IMAGE} | body)

    def text2video(self, **body):
        return self.send("POST", T2V, json={"model_name": MODEL, "prompt": "a cat"} | body)

    def create(self, **body):
        response = self.image2video(**body).json()
        assert response["code"] == 0, response
        return response["data"]["task_id"]

    def task(self, task_id, path=I2V):
        return self.get(f"{path}/{task_id}").json()["data"]

    def finished(self, task_id, path=I2V):
        self.simulator.finish(task_id)
        return self.task(task_id, path)

    def refusal(self, response):
        body = response.json()
        assert "data" not in body
        return response.status_code, body["code"], body["message"]


def eventually(condition, timeout=5.0):
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)
    return value


def token(simulator, *, shift=0.0, secret=None, algorithm="HS256", **claims):
    now = time.time() + shift
    payload = {"iss": simulator.access_key, "exp": int(now) + 1800, "nbf": int(now) - 5} | claims
    return jwt.encode({k: v for k, v in payload.items() if v is not None}, secret or simulator.secret_key, algorithm)
