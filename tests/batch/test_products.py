"""A batch of another product than videos of images."""

from __future__ import annotations

import pytest
from support import PHOTOGRAPH
from support_batch import manifest, operator, posts, run, set_fast_pace

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


def images(count: int, **fields) -> dict:
    items = [{"key": f"boat{number}", "prompt": f"Boat {number}", **fields} for number in range(count)]
    return {"endpoint": "images/generations", "items": items, "defaults": None}


@pytest.mark.kling_simulator(seconds=0.2)
def test_a_batch_of_images_stores_each_image_under_the_name_of_its_item(kling, ti, tmp_path):
    payload = run(ti, tmp_path, **images(3, n=2))
    assert payload["summary"]["done"] == 3
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        f"boat{number}_{index}.png" for number in range(3) for index in range(2)
    ]
    for line in manifest(tmp_path):
        assert [image["index"] for image in line["images"]] == [0, 1]
        assert [file["uri"].rpartition("/")[2] for file in line["files"]] == [f"{line['key']}_{i}.png" for i in (0, 1)]
    assert {request["path"] for request in posts(kling)} == {"/v1/images/generations"}


@pytest.mark.kling_simulator(seconds=0.2)
def test_what_is_stored_is_not_stored_or_paid_again(kling, ti, tmp_path):
    run(ti, tmp_path, **images(2, n=2))
    before = len(kling.requests(method="GET"))
    ti.try_number = 2
    assert run(ti, tmp_path, **images(2, n=2))["summary"]["done"] == 2
    assert len(posts(kling)) == 2
    later = kling.requests(method="GET")[before:]
    assert [request["path"] for request in later if not request["path"].startswith("/v1/")] == []


def mix() -> list[dict]:
    return [
        {"key": "boat", "endpoint": "text2video", "prompt": "A boat", "duration": 5},
        {"key": "harbour", "endpoint": "images/generations", "prompt": "A harbour", "n": 2},
        {"key": "rain", "endpoint": "text-to-audio", "prompt": "Rain", "duration": 5},
        {"key": "views", "endpoint": "ai-multi-shot", "element_frontal_image": str(PHOTOGRAPH)},
        {"key": "rocket", "image": str(PHOTOGRAPH), "duration": 5},
        {
            "key": "fox",
            "endpoint": "advanced-custom-elements",
            "element_name": "Fox",
            "element_description": "A red fox",
            "reference_type": "image_refer",
            "element_image_list": {"frontal_image": str(PHOTOGRAPH), "refer_images": [str(PHOTOGRAPH)]},
        },
    ]


@pytest.mark.kling_simulator(seconds=0.2)
def test_each_item_may_ask_for_another_product(kling, ti, tmp_path):
    payload = run(ti, tmp_path, items=mix(), defaults=None)
    assert (payload["summary"]["done"], payload["summary"]["failed"]) == (6, 0)
    lines = {line["key"]: line for line in manifest(tmp_path)}
    kinds = ("videos", "images", "audios", "elements")
    made = {key: [kind for kind in kinds if line.get(kind)] for key, line in lines.items()}
    assert made == {
        "boat": ["videos"],
        "harbour": ["images"],
        "rain": ["audios"],
        "views": ["images"],
        "rocket": ["videos"],
        "fox": ["elements"],
    }
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert {"boat.mp4", "rocket.mp4", "harbour_0.png", "harbour_1.png", "rain.mp3", "rain.wav"} <= names
    assert lines["fox"]["files"] == []
    assert len([name for name in names if name.startswith("views_")]) == 9


@pytest.mark.kling_simulator(seconds=0.2)
def test_a_mix_is_found_again_and_nothing_of_it_is_paid_twice(kling, ti, tmp_path):
    run(ti, tmp_path, items=mix(), defaults=None)
    paid = len(posts(kling))
    (tmp_path / "manifest.jsonl").unlink()
    ti.try_number = 2
    assert run(ti, tmp_path, items=mix(), defaults=None)["summary"]["done"] == 6
    assert len(posts(kling)) == paid == 6


@pytest.mark.kling_simulator(seconds=0.2)
def test_a_response_that_is_lost_is_looked_for_at_the_product_of_its_item(kling, ti, tmp_path):
    kling.fault("cut_after", path="/v1/audio/text-to-audio")
    assert run(ti, tmp_path, items=mix(), defaults=None)["summary"]["done"] == 6
    assert sorted(task["product"] for task in kling.tasks()).count("text-to-audio") == 1


@pytest.mark.parametrize(
    ("endpoint", "advice"),
    [
        ("tts", "Map the operator of tts instead"),
        ("identify-face", "Map the operator of identify-face instead"),
        ("image2image", "Use an endpoint that exists"),
        ("text-to-video", "Give endpoint as 'text2video'"),
        (7, "Use an endpoint that exists"),
    ],
)
def test_an_item_of_a_product_that_a_batch_cannot_make_is_named(kling, ti, tmp_path, endpoint, advice):
    items = [*mix(), {"key": "odd", "endpoint": endpoint, "prompt": "x"}]
    with pytest.raises(KlingValidationError, match=rf"(?s){advice}.*\(item 'odd'\)"):
        operator(tmp_path, items=items, defaults=None).execute({"ti": ti})
    assert posts(kling) == []


def test_a_product_that_cannot_be_found_again_is_refused(kling, ti, tmp_path):
    refused = {"tts": "Map the operator of tts instead", "image2image": "Use an endpoint that exists"}
    for endpoint, advice in refused.items():
        with pytest.raises(KlingValidationError, match=advice):
            operator(tmp_path, endpoint=endpoint).execute({"ti": ti})
    assert posts(kling) == []


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        (("a", "a_1"), {"n": 2}),
        (("a", "a_0_watermark"), {"n": 2, "watermark_info": True}),
        (("a", "a_watermark"), {"watermark_info": True}),
    ],
)
def test_two_items_never_write_one_file(kling, ti, tmp_path, keys, fields):
    items = [{"key": key, "prompt": key, **fields} for key in keys]
    made = operator(tmp_path, endpoint="images/generations", items=items, defaults=None)
    with pytest.raises(KlingValidationError, match=f"Give another key .* \\(item '{keys[0]}', '{keys[1]}'\\)"):
        made.execute({"ti": ti})
    assert posts(kling) == []


def test_a_key_that_looks_like_a_number_is_fine_where_there_is_one_result(kling, ti, tmp_path):
    items = [{"key": key, "prompt": key} for key in ("a", "a_1")]
    made = operator(tmp_path, endpoint="images/generations", items=items, defaults=None)
    with pytest.raises(TaskDeferred):
        made.execute({"ti": ti})


@pytest.mark.parametrize("more", [{}, {"watermark_info": True}])
def test_the_picture_of_a_video_replaces_no_image_of_another_item(kling, ti, tmp_path, more):
    of_copy = "_watermark" if more else ""
    items = [
        {"key": "cat", "endpoint": "text2video", "prompt": "A cat", **more},
        {"key": f"cat{of_copy}.poster", "endpoint": "images/generations", "prompt": "Its picture"},
    ]
    with pytest.raises(KlingValidationError, match="Give another key to what names a poster of an item") as caught:
        operator(tmp_path, items=items, defaults=None).execute({"ti": ti})
    assert f"cat{of_copy}.poster" in str(caught.value)
    assert posts(kling) == []
