"""
Loading time of the gallery of a run with a thousand videos: ``python -m benchmarks.gallery_page``.

A real Airflow serves the gallery, first of a batch with a thousand items in its manifest, then of a thousand mapped
tasks. Measured are the requests of a browser until the gallery is visible: the page with its scripts, the first cards,
and their posters, four at a time. If Chromium is installed, it opens the gallery too, until every poster in the
viewport is drawn. The posters are local files.
"""

from __future__ import annotations

import io
import json
import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from PIL import Image

from dev.browser import BrowserMissingError, open_chromium
from dev.browser.pages import DESKTOP
from dev.local_airflow import LocalAirflow
from dev.local_airflow.settings import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

VIDEOS = 1000
LIMIT = 2.0
REPETITIONS = 3
DAG_ID, BATCH, MAPPED = "kling_batch", "batch", "mapped"
#: Returns the milliseconds from the start of the navigation until every poster in the viewport is drawn.
DRAWN = """() => {
  const cards = [...document.querySelectorAll(".card")].filter(card => card.getBoundingClientRect().top < innerHeight);
  const posters = cards.map(card => card.querySelector("img"));
  const areDrawn = posters.every(image => image?.complete && image.naturalWidth > 0);
  return posters.length > 0 && areDrawn && performance.now();
}"""
FILES = (
    "gallery",
    "static/kling.css",
    "static/gallery.css",
    "static/theme.js",
    "static/ask.js",
    "static/gallery_cards.js",
    "static/gallery.js",
)


def main() -> None:
    """Measure both kinds of run and print one line for each."""
    home = REPOSITORY / ".airflow" / "gallery"
    environment = {"PYTHONPATH": str(REPOSITORY)}
    with LocalAirflow(home, REPOSITORY / "example_dags", env=environment, fresh=True) as airflow:
        for run_id in (BATCH, MAPPED):
            airflow.trigger_dag(DAG_ID, {"folder": "file:///nowhere"}, run_id=run_id)
            airflow.wait_for_run(DAG_ID, run_id)
        records = _records(home / "videos")
        _make_batch(airflow, records)
        _make_mapped(airflow, records)
        for run_id in (BATCH, MAPPED):
            _print(f"{run_id}, its requests", [_open(airflow, run_id) for _ in range(REPETITIONS)])
        try:
            with open_chromium() as chromium:
                for run_id in (BATCH, MAPPED):
                    _print(f"{run_id}, in Chromium", [_draw(chromium, airflow, run_id) for _ in range(REPETITIONS)])
        except BrowserMissingError as error:
            print(f"not measured in a browser: {error}")


def _print(what: str, times: list[float]) -> None:
    seconds = ", ".join(f"{time:.2f}" for time in times)
    print(f"{VIDEOS} videos, {what}: {seconds} s; {LIMIT:g} s {'met' if max(times) < LIMIT else 'missed'}")


def _records(folder: Path) -> list[dict[str, Any]]:
    """Items of a manifest, with a poster file for each."""
    folder.mkdir(parents=True)
    poster = io.BytesIO()
    Image.effect_noise((480, 270), 40).convert("RGB").save(poster, "JPEG", quality=80)
    records = []
    for number in range(VIDEOS):
        (folder / f"{number}.poster.jpg").write_bytes(poster.getvalue())
        uri = f"{folder.as_uri()}/{number}"
        file = {"uri": f"{uri}.mp4", "bytes": 2 << 20, "sha256": "0" * 64, "poster": f"{uri}.poster.jpg"}
        record = {"key": f"picture-{number}", "status": "succeed", "external_task_id": f"af-{number}", "units": "1.8"}
        video = {"id": str(number), "url": f"https://host.example/{'x' * 300}/{number}.mp4?sig={'y' * 300}"}
        records.append({**record, "task_id": str(10**17 + number), "videos": [video], "files": [file], "error": None})
    return records


def _make_batch(airflow: LocalAirflow, records: list[dict[str, Any]]) -> None:
    manifest = airflow.home / "manifest.jsonl"
    manifest.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    path = f"dags/{DAG_ID}/dagRuns/{BATCH}/taskInstances/animate_all/xcomEntries"
    airflow.request("POST", path, json={"key": "manifest_uri", "value": manifest.as_uri()})


def _make_mapped(airflow: LocalAirflow, records: list[dict[str, Any]]) -> None:
    """Insert the database rows of a thousand mapped tasks; running them would take an hour."""
    with closing(sqlite3.connect(airflow.home / "airflow.db", timeout=60)) as database:
        database.row_factory = sqlite3.Row
        query = "SELECT * FROM task_instance WHERE run_id = ? AND task_id = 'animate_all'"
        task = dict(database.execute(query, (MAPPED,)).fetchone())
        run = database.execute("SELECT id FROM dag_run WHERE run_id = ?", (MAPPED,)).fetchone()[0]
        database.execute("DELETE FROM task_instance WHERE id = ?", (task["id"],))
        same = {"operator": "KlingImageToVideoOperator", "state": "success"}
        for number, record in enumerate(records):
            own = {"id": uuid.uuid4().hex, "map_index": number, "rendered_map_index": record["key"]}
            _insert(database, "task_instance", task | same | own)
            common = {
                "dag_run_id": run,
                "task_id": "animate_all",
                "map_index": number,
                "dag_id": DAG_ID,
                "run_id": MAPPED,
            }
            manifest = {**record, "endpoint": "image2video", "model_name": "kling-v3", "request_id": "r" * 36}
            for key, value in (("return_value", manifest), ("task_id", record["task_id"])):
                moment = "2026-11-01 00:00:00"
                _insert(database, "xcom", {**common, "key": key, "value": json.dumps(value), "timestamp": moment})
        database.commit()


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def _open(airflow: LocalAirflow, run_id: str) -> float:
    """Send the requests of a browser; returns the seconds."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set("_token", airflow._token())
    run = {"dag_id": DAG_ID, "run_id": run_id}

    def get(path: str, **query: Any) -> requests.Response:
        response = session.get(f"{airflow.url}/kling/{path}", params=query, timeout=60)
        response.raise_for_status()
        return response

    began = time.perf_counter()
    for file in FILES:
        get(file, **run)
    answer = get("api/run", **run).json()
    assert answer["counts"]["done"] == VIDEOS, answer["sentence"]
    wanted = [{name: card[name] for name in ("task_id", "map_index", "item")} for card in answer["cards"][:24]]
    with ThreadPoolExecutor(4) as threads:
        for poster in threads.map(lambda card: get("api/run/file", **run, **card, what="poster"), wanted):
            assert poster.headers["content-type"] == "image/jpeg"
    return time.perf_counter() - began


def _draw(chromium: Browser, airflow: LocalAirflow, run_id: str) -> float:
    """Open the gallery in a new window; returns the seconds until every poster in the viewport is drawn."""
    context = chromium.new_context(viewport=DESKTOP)
    try:
        context.add_cookies([{"name": "_token", "value": airflow._token(), "url": airflow.url}])
        page = context.new_page()
        page.goto(f"{airflow.url}/kling/gallery?{urlencode({'dag_id': DAG_ID, 'run_id': run_id})}", wait_until="commit")
        return float(page.wait_for_function(DRAWN, timeout=60_000).json_value()) / 1000
    finally:
        context.close()


if __name__ == "__main__":
    main()
