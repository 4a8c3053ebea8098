"""Requests as other clients' documentation writes them: each works here, or is refused with the reason.

The page ``docs/coming-from.rst`` has the table in words.
"""

from __future__ import annotations

import base64

import pytest
from PIL import Image
from support import PHOTOGRAPH, connect

from airflow_provider_kling.exceptions import KlingResponseError, KlingResultError, KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator

PICTURE = str(PHOTOGRAPH)


def sent(simulator) -> dict:
    return simulator.requests(method="POST")[-1]["body"]


def animate(ti, **fields):
    return KlingImageToVideoOperator(task_id="animate", **fields).execute({"ti": ti})


def refusal(ti, **fields) -> str:
    with pytest.raises(KlingValidationError) as caught:
        animate(ti, **fields)
    return str(caught.value)


class TestComfyUIImageToVideo:
    """docs.comfy.org: Kling Image to Video node."""

    NODE = {"image": PICTURE, "prompt": "Waves", "negative_prompt": "", "duration": "5s", "mode": "pro"}

    def test_the_node_with_live_values_works_and_its_outputs_are_in_the_manifest(self, kling, ti):
        manifest = animate(
            ti, **self.NODE, cfg_scale=0.5, wait_for_completion=True, deferrable=False, poll_interval=0.05
        )
        assert manifest["videos"][0]["id"]
        assert manifest["videos"][0]["duration"]
        body = sent(kling)
        assert (body["duration"], body["mode"], body["model_name"]) == ("5", "pro", "kling-v3")
        assert "negative_prompt" not in body

    def test_pixels_in_memory_are_as_good_as_a_file(self, kling, ti):
        animate(ti, **{**self.NODE, "image": PHOTOGRAPH.read_bytes()})
        assert len(kling.tasks()) == 1

    def test_its_cfg_scale_of_seven_is_explained(self, kling, ti):
        text = refusal(ti, **self.NODE, cfg_scale=7.0)
        assert "cfg_scale" in text
        assert "0 to 1" in text

    @pytest.mark.kling_simulator(retired="refuse")
    def test_its_retired_default_model_is_named_with_its_date_and_kling_refuses_it(self, kling, ti, logged):
        operator = KlingImageToVideoOperator(task_id="animate", **self.NODE, model_name="kling-v1-5")
        lines = logged(operator)
        with pytest.raises(Exception, match="discontinued"):
            operator.execute({"ti": ti})
        assert any("retired by Kling on 2026-09-15" in line for line in lines)

    def test_its_aspect_ratio_is_accepted_warned_about_and_not_sent(self, kling, ti, logged):
        operator = KlingImageToVideoOperator(task_id="animate", **self.NODE, aspect_ratio="16:9")
        lines = logged(operator)
        operator.execute({"ti": ti})
        assert "aspect_ratio" not in sent(kling)
        assert any("aspect_ratio" in line for line in lines)

    def test_an_end_frame_is_the_image_tail(self, kling, ti):
        animate(ti, **self.NODE, image_tail=PICTURE)
        assert "image_tail" in sent(kling)

    def test_camera_control_gives_the_reason_why_no_live_model_supports_it(self, kling, ti):
        camera = {"type": "simple", "config": {"zoom": 5}}
        assert "no live model takes it since 2026-09-15" in refusal(ti, **self.NODE, camera_control=camera)

    def test_a_prompt_that_is_too_long_is_refused_and_never_cut(self, kling, ti):
        assert "2500" in refusal(ti, **{**self.NODE, "prompt": "x" * 2501})
        assert kling.requests() == []

    def test_an_unknown_value_is_refused_with_the_allowed_ones(self, kling, ti):
        assert "'pro'" in refusal(ti, **{**self.NODE, "mode": "best"})

    def test_a_response_without_a_task_is_an_error(self, kling, monkeypatch):
        from airflow_provider_kling.api import classic
        from airflow_provider_kling.api.envelope import Response
        from airflow_provider_kling.products.video import IMAGE2VIDEO

        with pytest.raises(KlingResponseError, match="holds no task"):
            classic.read_task(Response({}, "r"), IMAGE2VIDEO)


class TestComfyUITextToVideo:
    """docs.comfy.org: Kling Text to Video node."""

    @pytest.mark.parametrize("aspect_ratio", ["16:9", "9:16", "1:1"])
    def test_the_node_works(self, kling, ti, aspect_ratio):
        KlingTextToVideoOperator(
            task_id="t", prompt="A boat", negative_prompt="", aspect_ratio=aspect_ratio, duration=5, mode="std"
        ).execute({"ti": ti})
        assert sent(kling)["aspect_ratio"] == aspect_ratio

    @pytest.mark.kling_simulator(retired="accept")
    def test_camera_control_works_where_kling_v1_still_runs(self, kling, ti):
        KlingTextToVideoOperator(
            task_id="t", prompt="A boat", model_name="kling-v1", camera_control={"type": "down_back"}
        ).execute({"ti": ti})
        assert sent(kling)["camera_control"] == {"type": "down_back"}

    def test_an_empty_prompt_is_refused(self, kling, ti):
        with pytest.raises(KlingValidationError, match="prompt"):
            KlingTextToVideoOperator(task_id="t", prompt="").execute({"ti": ti})

    def test_success_without_a_video_is_an_error(self):
        from airflow_provider_kling import polling
        from airflow_provider_kling.models import Task, TaskStatus

        with pytest.raises(KlingResultError, match="lists no result"):
            polling.require_success(Task("7", TaskStatus.SUCCEED, "text2video"), polling.Event("success", "7"))


class TestCometAPI:
    """apidoc.cometapi.com: Create a Kling image-to-video task."""

    @pytest.mark.kling_simulator(path_prefix="/kling")
    @pytest.mark.parametrize("form", ["url", "base64"])
    def test_its_example_works_through_a_relay(self, kling_simulator, monkeypatch, ti, form):
        connect(monkeypatch, kling_simulator, api_key=True)
        image = {
            "url": "https://your-image-host.example.com/source.jpg",
            "base64": base64.b64encode(PHOTOGRAPH.read_bytes()).decode(),
        }[form]
        manifest = animate(
            ti,
            image=image,
            prompt="A cinematic slow push-in on the subject",
            model_name="kling-v3",
            mode="pro",
            duration="5",
            sound="off",
            external_task_id="mine-1",
            callback_url="https://example.com/hook",
        )
        assert manifest["status"] == "submitted"
        assert KlingHook().find_task("mine-1").task_id == manifest["task_id"]
        assert sent(kling_simulator)["callback_url"] == "https://example.com/hook"

    def test_a_tiny_thumbnail_is_refused_before_it_is_sent(self, kling, ti, tmp_path):
        Image.new("RGB", (64, 64)).save(tmp_path / "thumb.png")
        assert "300" in refusal(ti, image=str(tmp_path / "thumb.png"), prompt="x")

    @pytest.mark.kling_simulator(retired="accept")
    def test_masks_work_where_kling_v1_still_runs(self, kling, ti):
        mask = str(PHOTOGRAPH.with_name("rocket_mask.png"))
        animate(
            ti,
            image=PICTURE,
            prompt="x",
            model_name="kling-v1",
            static_mask=mask,
            dynamic_masks=[{"mask": mask, "trajectories": [{"x": 279, "y": 219}, {"x": 417, "y": 65}]}],
        )
        assert sent(kling)["dynamic_masks"][0]["trajectories"] == [{"x": 279, "y": 219}, {"x": 417, "y": 65}]

    @pytest.mark.parametrize(
        "model_name",
        ["kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"],
    )
    @pytest.mark.kling_simulator(retired="accept")
    def test_every_model_of_its_list_is_sent_as_it_is(self, kling, ti, model_name):
        animate(ti, image=PICTURE, prompt="x", model_name=model_name)
        assert sent(kling)["model_name"] == model_name

    @pytest.mark.parametrize("model_name", ["kling-v3-omni", "kling-video-o1"])
    def test_omni_models_are_refused_here(self, kling, ti, model_name):
        assert "omni-video" in refusal(ti, image=PICTURE, prompt="x", model_name=model_name)

    def test_a_failure_shows_the_reason_and_the_task(self, kling, ti):
        kling.fault("fail_task", message="Image pixel is invalid")
        with pytest.raises(Exception, match="Image pixel is invalid") as caught:
            animate(ti, image=PICTURE, prompt="x", wait_for_completion=True, deferrable=False, poll_interval=0.05)
        assert kling.tasks()[0]["task_id"] in str(caught.value)


class TestAceDataMCP:
    """The kling_generate_video_from_image tool."""

    @pytest.mark.parametrize(("model_name", "duration"), [("kling-v3", 3), ("kling-v3", 15), ("kling-v2-6", 10)])
    def test_start_and_end_image_and_whole_seconds(self, kling, ti, model_name, duration):
        mode = "pro" if model_name == "kling-v2-6" else "std"
        animate(
            ti,
            image="https://example.com/a.jpg",
            image_tail="https://example.com/b.jpg",
            prompt="x",
            model_name=model_name,
            mode=mode,
            duration=duration,
        )
        assert sent(kling)["duration"] == str(duration)

    def test_an_end_image_alone_is_refused_because_no_live_model_supports_it(self, kling, ti):
        assert "image" in refusal(ti, image_tail="https://example.com/b.jpg", prompt="x")

    def test_generated_audio_needs_a_model_that_has_it(self, kling, ti):
        animate(ti, image=PICTURE, prompt="x", sound=True)
        assert sent(kling)["sound"] == "on"
        assert "sound" in refusal(ti, image=PICTURE, prompt="x", model_name="kling-v2-6", mode="std", sound=True)

    @pytest.mark.kling_simulator(retired="accept")
    def test_camera_control_may_be_a_json_string(self, kling, ti):
        animate(
            ti,
            image=PICTURE,
            prompt="x",
            model_name="kling-v1-5",
            mode="pro",
            camera_control='{"type": "simple", "config": {"pan": 3}}',
        )
        assert sent(kling)["camera_control"]["config"]["pan"] == 3


class TestImageToVideoSkill:
    """The klingai-image-to-video skill."""

    @pytest.mark.kling_simulator(retired="accept")
    @pytest.mark.parametrize(("word", "mode"), [("standard", "std"), ("professional", "pro")])
    def test_its_values_for_mode_become_klings(self, kling, ti, word, mode):
        animate(ti, image=PICTURE, prompt="x", model_name="kling-v2-1", duration="5", mode=word)
        assert sent(kling)["mode"] == mode

    @pytest.mark.kling_simulator(retired="accept")
    def test_its_normalised_points_become_pixels_when_the_image_is_known(self, kling, ti):
        points = [{"x": 0.5, "y": 0.7, "t": 0.0}, {"x": 0.5, "y": 0.5, "t": 0.5}, {"x": 0.5, "y": 0.3, "t": 1.0}]
        mask = str(PHOTOGRAPH.with_name("rocket_mask.png"))
        masks = [{"mask": mask, "trajectories": points}]
        animate(ti, image=PICTURE, prompt="x", model_name="kling-v1", dynamic_masks=masks)
        sent_points = sent(kling)["dynamic_masks"][0]["trajectories"]
        assert [point["x"] for point in sent_points] == [320, 320, 320]
        assert [point["y"] for point in sent_points] == [298, 213, 128]
        assert "size" in refusal(
            ti, image="https://example.com/a.jpg", prompt="x", model_name="kling-v1", dynamic_masks=masks
        )

    def test_its_motion_brush_on_v2_6_is_refused_with_the_reason(self, kling, ti):
        masks = [{"mask": PICTURE, "trajectories": [{"x": 1, "y": 1}, {"x": 9, "y": 9}]}]
        text = refusal(ti, image=PICTURE, prompt="x", model_name="kling-v2-6", dynamic_masks=masks)
        assert "no live model takes it since 2026-09-15" in text

    @pytest.mark.parametrize(
        "pair",
        [
            {"image_tail": PICTURE, "static_mask": PICTURE},
            {"image_tail": PICTURE, "camera_control": {"type": "down_back"}},
            {"static_mask": PICTURE, "camera_control": {"type": "down_back"}},
        ],
    )
    def test_its_exclusion_table_holds(self, kling, ti, pair):
        assert "exclude" in refusal(ti, image=PICTURE, prompt="x", **pair)

    def test_webp_is_refused_with_a_message_of_its_own(self, kling, ti, tmp_path):
        Image.new("RGB", (400, 400)).save(tmp_path / "a.webp")
        assert "webp" in refusal(ti, image=str(tmp_path / "a.webp"), prompt="x").lower()

    def test_a_file_over_ten_megabytes_is_refused(self, kling, ti, tmp_path):
        (tmp_path / "a.png").write_bytes(PHOTOGRAPH.read_bytes() + b"\0" * (10 << 20))
        assert "10 MB" in refusal(ti, image=str(tmp_path / "a.png"), prompt="x")

    def test_more_than_4096_pixels_are_fine(self, kling, ti, tmp_path):
        Image.new("RGB", (5000, 3000)).save(tmp_path / "a.png")
        animate(ti, image=str(tmp_path / "a.png"), prompt="x")

    def test_a_mask_of_another_size_is_refused(self, kling, ti, tmp_path):
        Image.new("L", (400, 400)).save(tmp_path / "mask.png")
        text = refusal(ti, image=PICTURE, prompt="x", model_name="kling-v1", static_mask=str(tmp_path / "mask.png"))
        assert "static_mask" in text

    def test_an_unreachable_url_fails_with_klings_reason(self, kling, ti):
        with pytest.raises(Exception, match="get the contents of the file"):
            animate(
                ti,
                image="http://127.0.0.1:9/none.jpg",
                prompt="x",
                wait_for_completion=True,
                deferrable=False,
                poll_interval=0.05,
            )


class TestNamesOfOtherClients:
    """A field by another client's name is asked back by Kling's name."""

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("first_frame", "image"),
            ("last_frame", "image_tail"),
            ("start_frame", "image"),
            ("end_frame", "image_tail"),
            ("start_image_url", "image"),
            ("end_image_url", "image_tail"),
            ("generate_audio", "sound"),
            ("model", "model_name"),
        ],
    )
    def test_it_is_refused_with_a_question(self, kling, name, meant):
        with pytest.raises(KlingValidationError, match=f"did you mean '{meant}'"):
            KlingHook().create_task("image2video", {"image": PICTURE, "prompt": "x", name: "y"})
        assert kling.requests() == []
