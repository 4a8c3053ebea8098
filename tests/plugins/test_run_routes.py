"""The gallery of a run over real HTTP: who may see it, what it says and sends, and that it stays small and quick."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
import time

import pytest

from airflow_provider_kling.plugins import run_items, run_routes, stored_file
from airflow_provider_kling.plugins.web_app import STATIC
from airflow_provider_kling.utils._airflow.object_storage import Place
from airflow_provider_kling.utils._airflow.run_reader import RunTask

MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 4
JPEG = b"\xff\xd8\xff\xe0" + b"picture, really"


def record(number: int, folder, status: str = "succeed") -> dict:
    """A line of a manifest; a finished one has a video and its poster in ``folder``."""
    line = {"key": f"cat {number}", "status": status, "external_task_id": f"af-{number}", "task_id": str(number)}
    if status == "succeed":
        stem = f"{folder.as_uri()}/{number}"
        line |= {"units": "3", "videos": [{"id": "v", "url": f"https://host.example/{number}.mp4"}]}
        line["files"] = [{"uri": f"{stem}.mp4", "bytes": 5, "poster": f"{stem}.poster.jpg"}]
    return line


def batch(folder, lines) -> RunTask:
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    operator = "KlingImageToVideoBatchOperator"
    return RunTask("all", state="deferred", operator=operator, start=1, xcoms={"manifest_uri": manifest.as_uri()})


@pytest.fixture
def gallery(pages, tmp_path):
    """A batch with two finished items, and a mapped task."""
    for number in range(2):
        (tmp_path / f"{number}.mp4").write_bytes(MP4)
        (tmp_path / f"{number}.poster.jpg").write_bytes(JPEG)
    lines = [record(0, tmp_path), record(1, tmp_path), record(2, tmp_path, "running"), record(3, tmp_path, "failed")]
    waiting = RunTask("one", 5, label="dog.jpg", state="deferred", operator="Kling", trigger="KlingSlotTrigger")
    pages.tasks = [batch(tmp_path, lines), waiting]
    return pages


@pytest.mark.parametrize("path", ["api/run", "api/run/file"])
@pytest.mark.parametrize(("user", "status"), [("", 401), ("stranger", 403), ("guest", 403)])
def test_nothing_is_read_or_opened_for_who_may_not_read_the_xcoms(gallery, monkeypatch, path, user, status):
    for module in (stored_file, run_items):
        monkeypatch.setattr(module, "place_of", lambda uri: pytest.fail("a file was looked at"))
    response = gallery.get(path, user=user, task_id="all", item=0)
    assert (response.status_code, gallery.run_reads) == (status, [])
    assert gallery.get(path, dag_id="secret").status_code == 403
    assert gallery.get(path, dag_id="~").status_code == 400
    assert gallery.run_reads == []


def test_the_page_shows_the_progress_of_the_run_and_its_cards(gallery):
    answer = gallery.get("api/run").json()
    assert answer["sentence"].startswith("2 of 5 done, 1 being made, 1 waiting for a slot, 1 failed, about ")
    assert answer["sentence"].endswith(" left, 6 of about 12 units")
    assert answer["counts"] == {"all": 5, "done": 2, "making": 1, "waiting": 1, "failed": 1}
    assert [card["name"] for card in answer["cards"]] == ["cat 0", "cat 1", "cat 2", "cat 3", "dog.jpg"]
    assert answer["refresh_seconds"] == 10
    assert "file:" not in json.dumps(answer), "a place goes to nobody"


@pytest.mark.parametrize(
    ("show", "names"), [("failed", ["cat 3"]), ("waiting", ["dog.jpg"]), ("making", ["cat 2"]), ("x", None)]
)
def test_it_can_be_filtered(gallery, show, names):
    answer = gallery.get("api/run", show=show).json()
    assert names is None or [card["name"] for card in answer["cards"]] == names
    assert answer["total"] == len(answer["cards"])


def test_cards_come_in_pages(gallery):
    answer = gallery.get("api/run", offset=1, limit=2).json()
    assert ([card["name"] for card in answer["cards"]], answer["total"]) == (["cat 1", "cat 2"], 5)
    assert gallery.get("api/run", limit=201).status_code == 422


def test_a_run_that_is_over_is_not_asked_for_again(gallery):
    done = dataclasses.replace(gallery.tasks[1], state="failed", trigger="", end=9)
    gallery.tasks = [done]
    assert gallery.get("api/run").json()["refresh_seconds"] == 0
    gallery.tasks = []
    assert gallery.get("api/run").json()["sentence"] == "Nothing of Kling's in this run so far"


def test_a_poster_and_a_video_are_sent_with_a_type_of_ours(gallery):
    poster = gallery.get("api/run/file", task_id="all", item=1, what="poster")
    assert (poster.status_code, poster.headers["content-type"], poster.content) == (200, "image/jpeg", JPEG)
    video = gallery.get("api/run/file", task_id="all", item=1, headers={"Range": "bytes=0-9"})
    assert (video.status_code, video.headers["content-type"], video.content) == (206, "video/mp4", MP4[:10])
    assert poster.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query",
    [
        {"item": 2},
        {"item": 99},
        {"item": -1},
        {"item": 1, "index": 1},
        {"item": 1, "run_id": "other"},
        {"item": 1, "task_id": "one"},
        {"item": 1, "what": "../../etc/passwd"},
        {"item": "../1"},
        {"item": 1, "index": -1},
    ],
)
def test_only_what_the_runs_manifests_name_is_opened(gallery, monkeypatch, query):
    monkeypatch.setattr(stored_file, "place_of", lambda uri: pytest.fail("a file was looked at"))
    assert gallery.get("api/run/file", **{"task_id": "all", **query}).status_code in (404, 422)


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:1/x.mp4", "x.mp4/../../a.html"])
@pytest.mark.parametrize("what", ["file", "poster"])
def test_a_manifest_cannot_name_what_is_not_an_image_or_video(pages, tmp_path, uri, what):
    line = {**record(0, tmp_path), "files": [{"uri": uri, "poster": uri}]}
    pages.tasks = [batch(tmp_path, [line])]
    response = pages.get("api/run/file", task_id="all", item=0, what=what)
    assert response.status_code in (404, 502)
    assert b"root:" not in response.content


@pytest.mark.parametrize(
    ("uri", "notes"),
    [
        ("file:///etc/passwd", 0),
        ("http://127.0.0.1:1/m", 1),
        ("s3://", None),
        ("file:///", 0),
        ("nothing.jsonl", 0),
        ("", 0),
    ],
)
def test_a_manifest_may_be_anything_and_the_page_still_comes(pages, uri, notes):
    pages.tasks = [RunTask("all", operator="KlingImageToVideoBatchOperator", xcoms={"manifest_uri": uri})]
    answer = pages.get("api/run").json()
    assert [card["name"] for card in answer["cards"]] == ["all"]
    assert "root" not in json.dumps(answer)
    assert notes is None or len(answer["notes"]) == notes, answer["notes"]


def test_a_web_server_is_not_asked_for_a_manifest(pages, monkeypatch):
    asked = []
    monkeypatch.setattr(Place, "filesystem", property(lambda place: asked.append(place.protocol)))
    pages.tasks = [RunTask("all", operator="Kling", xcoms={"manifest_uri": "http://169.254.169.254/m.jsonl"})]
    assert "is no storage of Airflow's" in pages.get("api/run").json()["notes"][0]
    assert asked == []


def test_results_in_another_xcom_backend_are_reported_once(gallery):
    reference = {"return_value": "s3://xcoms/d/r/one/1.json"}
    mapped = [RunTask("one", number, state="success", operator="Kling", xcoms=reference) for number in range(3)]
    gallery.tasks = mapped
    answer = gallery.get("api/run").json()
    assert (answer["counts"]["done"], len(answer["notes"])) == (3, 1)
    assert answer["notes"][0].startswith("Let the XCom backend leave values of a few kB in Airflow's database")
    gallery.tasks = [RunTask("one", 1, state="success", operator="Kling", xcoms={"return_value": "done"})]
    assert gallery.get("api/run").json()["notes"] == []


def test_a_prompt_or_a_message_never_becomes_markup_or_script(pages, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    line = {**record(0, tmp_path, "failed"), "key": evil, "error": {"message": evil}}
    pages.tasks = [batch(tmp_path, [line])]
    response = pages.get("api/run")
    assert (response.headers["content-type"], response.json()["cards"][0]["name"]) == ("application/json", evil)
    assert "script-src 'self'" in response.headers["content-security-policy"]
    script = "".join((STATIC / name).read_text() for name in ("gallery.js", "gallery_cards.js"))
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|srcdoc", script)


def test_the_page_and_its_parts_are_there(gallery):
    page = gallery.get("gallery", user="")
    assert page.headers["content-type"].startswith("text/html")
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', page.text):
        assert gallery.get(name, user="").status_code == 200, name


def test_a_thousand_items_cost_one_read_of_the_manifest_however_many_posters_are_asked_for(
    pages, tmp_path, monkeypatch
):
    (tmp_path / "0.poster.jpg").write_bytes(JPEG)
    line = record(0, tmp_path)
    pages.tasks = [batch(tmp_path, [{**line, "key": f"cat {number}"} for number in range(1000)])]
    opened = []
    filesystem = Place.filesystem
    monkeypatch.setattr(
        Place, "filesystem", property(lambda place: opened.append(place.rest) or filesystem.fget(place))
    )
    first = pages.get("api/run")
    assert (first.json()["counts"]["all"], len(first.json()["cards"])) == (1000, 60)
    assert len(first.content) < 60 * 400, "a page, not the run"
    for item in range(0, 1000, 100):
        assert pages.get("api/run/file", task_id="all", item=item, what="poster").status_code == 200
    assert len(pages.run_reads) == 11, "one look into the database for each request"
    assert sum(path.endswith("manifest.jsonl") for path in opened) <= 3, "asked for its age, and opened"


def test_an_image_of_a_large_batch_does_not_load_its_cards(pages, tmp_path, monkeypatch):
    (tmp_path / "0.poster.jpg").write_bytes(JPEG)
    pages.tasks = [batch(tmp_path, [record(0, tmp_path)] * 3)]
    monkeypatch.setattr(run_routes, "cards_of", lambda *_: pytest.fail("every card was made for one picture"))
    assert pages.get("api/run/file", task_id="all", item=2, what="poster").content == JPEG


def test_cards_are_built_in_a_thread_that_nobody_else_waits_for(pages, tmp_path, monkeypatch):
    threads = []
    made = run_routes.cards_of
    monkeypatch.setattr(
        run_routes, "cards_of", lambda *given: threads.append(threading.current_thread().name) or made(*given)
    )
    pages.tasks = [batch(tmp_path, [record(0, tmp_path)])]
    assert pages.get("api/run").json()["total"] == 1
    assert threads[0].startswith("AnyIO worker thread")


def test_a_page_does_not_wait_for_each_slow_storage_in_turn(pages, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_file.StoredFile, "read_seconds", 0.3)
    monkeypatch.setattr(run_items, "_version", lambda place: time.sleep(1))
    pages.tasks = [dataclasses.replace(batch(tmp_path, []), task_id=f"b{number}") for number in range(20)]
    began = time.monotonic()
    answer = pages.get("api/run").json()
    assert time.monotonic() - began < 3
    assert answer["notes"][-1].startswith("Try again: some batches are not shown")
    assert answer["total"] == 20


def test_a_manifest_that_has_changed_is_read_again(pages, tmp_path):
    task = batch(tmp_path, [record(0, tmp_path)])
    pages.tasks = [task]
    assert pages.get("api/run").json()["counts"]["all"] == 1
    batch(tmp_path, [record(number, tmp_path) for number in range(5)])
    assert len(run_items.read_items(task.manifest_uri).items) == 1, "a page asks for a hundred pictures at once"
    read = run_items.read_items(task.manifest_uri, fresh_seconds=0)
    assert len(read.items) == 5
    assert run_items.read_items(task.manifest_uri, fresh_seconds=0) is read, "this version is known"


def test_of_a_manifest_that_is_too_long_the_beginning_is_shown(pages, tmp_path):
    pages.tasks = [batch(tmp_path, [{"key": str(number)} for number in range(run_items.MAX_ITEMS + 1)])]
    answer = pages.get("api/run").json()
    most = run_items.MAX_ITEMS
    assert answer["counts"]["all"] == most
    assert [note.replace(",", "") for note in answer["notes"]] == [f"Only the first {most} items of all are shown."]


def test_a_line_without_end_is_not_held(tmp_path):
    manifest = tmp_path / "m.jsonl"
    manifest.write_bytes(b'{"key": "a", "status": "succeed"}\n' + b"x" * (run_items.MAX_LINE_BYTES + 5))
    read = run_items.read_items(str(manifest))
    assert ([item.key for item in read.items], read.is_whole) == (["a"], False)


def test_few_manifests_are_kept(tmp_path):
    for number in range(run_items.MAX_CACHED + 3):
        manifest = tmp_path / f"{number}.jsonl"
        manifest.write_text('{"key": "a"}\n')
        run_items.read_items(str(manifest))
    assert len(run_items._cache) == run_items.MAX_CACHED
