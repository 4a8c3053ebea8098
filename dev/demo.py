"""``make demo``: turn an image into a video with a real Airflow, and the simulator or the real Kling.

Without credentials in the environment the simulator is used. With ``KLINGAI_API_KEY``, or with
``KLINGAI_ACCESS_KEY`` and ``KLINGAI_SECRET_KEY``, the same Dag runs against the real service and costs money.
"""

from __future__ import annotations

import argparse
import functools
import os
import secrets
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from rich.console import Console

from airflow_provider_kling.products.prices import estimate
from airflow_provider_kling.products.video import DEFAULT_MODEL, IMAGE2VIDEO
from dev.gallery import fill_gallery
from dev.local_airflow import Component, ComponentError, LocalAirflow, exit_on_termination, stop
from dev.local_airflow.settings import LOOPBACK, REPOSITORY, clean_environment
from dev.progress import Steps
from dev.storage import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = REPOSITORY / ".airflow" / "demo"
EXAMPLES = REPOSITORY / "example_dags"
DAG_ID = "kling_quickstart"
TASKS = ("animate", "wait", "store")
GALLERY = "gallery"
PROMPT = "The rocket lifts off, smoke rolls over the launch pad, slow zoom"
GRACE_SECONDS = 5
# The pool of some examples; it includes deferred tasks, so that its slots are those of the simulator's account.
POOL, SLOTS = "kling", 5
# On a busy machine Airflow sometimes fails a healthy task (apache/airflow#72716); a retry adopts its video.
RETRIES = {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "2", "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2"}
RELAY, STUDIO = "kling_relay", "kling_studio"
# Minutes become seconds, and retired models are accepted, because some examples need them.
SIMULATOR = {"--port": "0", "--time-scale": "0.05", "--retired": "accept"}

Connection = dict[str, Any]
console = Console(highlight=False, soft_wrap=True)


class DemoError(RuntimeError):
    """The demo cannot continue; the message is for the user."""


def main() -> int:
    """Run the demo; returns the exit status."""
    arguments = _arguments()
    try:
        with exit_on_termination():
            run(arguments)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130
    except (DemoError, ComponentError, LookupError, TimeoutError) as error:
        console.print(str(error), markup=False, style="red")
        return 1
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Create one video and print its path."""
    image = _image(arguments.image)
    conf = {"image": image, "prompt": arguments.prompt, "output_uri": f"{(FOLDER / 'videos').as_uri()}/"}
    # Twelve more videos for the gallery, only where they cost nothing.
    more = (GALLERY,) if arguments.keep and _credentials(os.environ) is None else ()
    steps = Steps(console, ("Kling", "Airflow", *TASKS, *more))
    with steps, open_airflow(FOLDER, steps, yes=arguments.yes, private=arguments.keep) as airflow:
        video = _animate(airflow, conf, steps)
        gallery = fill_gallery(airflow, FOLDER, functools.partial(steps.show, GALLERY)) if more else ""
        steps.close()
        if arguments.keep:
            _keep_running(airflow, video, gallery)
    console.print(f"video: {video}", markup=False)


@contextmanager
def open_airflow(folder: Path, steps: Steps, *, yes: bool = False, private: bool = True) -> Iterator[LocalAirflow]:
    """
    Start an Airflow in which every example runs, with connections, a pool, and Kling or the simulator.

    :param yes: whether to spend money without a pause for Ctrl-C.
    :param private: whether to start a private object storage too; the real Kling cannot open its links.
    """
    with ExitStack() as stack:
        connections = _real_connection(steps, yes)
        if not connections:
            connections = stack.enter_context(_simulators(folder, steps))
            if private:
                connections[STUDIO] = stack.enter_context(storage(EXAMPLES / "files", folder / "storage.log"))
        steps.show("Airflow", "starting")
        waiting = lambda names: steps.show("Airflow", f"waiting for {', '.join(names)}")  # noqa: E731
        home = folder / "airflow"
        airflow = stack.enter_context(LocalAirflow(home, EXAMPLES, RETRIES, fresh=True, on_waiting=waiting))
        for name, connection in connections.items():
            airflow.add_connection(name, connection)
        airflow.set_pool(POOL, SLOTS, include_deferred=True)
        steps.show("Airflow", airflow.url, done=True)
        yield airflow


def _animate(airflow: LocalAirflow, conf: Mapping[str, str], steps: Steps) -> Path:
    """Run the quickstart Dag; returns the stored file."""
    steps.show(TASKS[0], "waiting for the Dag to be parsed")
    run_id = airflow.trigger_dag(DAG_ID, conf)
    state = airflow.wait_for_run(DAG_ID, run_id, timeout=3600, on_progress=steps.show_tasks)
    if state != "success":
        steps.close()
        raise DemoError(_failure(airflow, run_id))
    manifest = airflow.xcom(DAG_ID, run_id, TASKS[-1])
    return Path(unquote(urlsplit(manifest["files"][0]["uri"]).path))


def _failure(airflow: LocalAirflow, run_id: str) -> str:
    """The log of the first failed task."""
    failed = [task for task, state in airflow.states(DAG_ID, run_id).items() if state == "failed"]
    log = airflow.logs(DAG_ID, run_id, failed[0]) if failed else "no task failed"
    return f"{log}\n\n{DAG_ID} failed at {', '.join(failed)}; the log is above."


def _real_connection(steps: Steps, yes: bool) -> dict[str, Connection]:
    """The connection to the real Kling, if the environment has credentials."""
    connection = _credentials(os.environ)
    if connection is None:
        return {}
    cost = estimate(IMAGE2VIDEO, {"model_name": DEFAULT_MODEL, "duration": "5"})
    console.print(f"This uses your Kling account, 5 s in standard mode: {cost}.", markup=False)
    if not yes:
        console.print(f"Press Ctrl-C within {GRACE_SECONDS} s to stop.")
        time.sleep(GRACE_SECONDS)
    steps.show("Kling", "the real one", done=True)
    return {"kling_default": connection}


def _credentials(environment: Mapping[str, str]) -> Connection | None:
    """A connection from the ``KLINGAI_…`` variables; an API key is preferred."""
    connection = {"conn_type": "kling", "host": environment.get("KLINGAI_BASE_URL", "")}
    if key := environment.get("KLINGAI_API_KEY"):
        return connection | {"password": key}
    access, secret = environment.get("KLINGAI_ACCESS_KEY"), environment.get("KLINGAI_SECRET_KEY")
    if access and secret:
        return connection | {"login": access, "password": secret}
    return None


@contextmanager
def _simulators(folder: Path, steps: Steps) -> Iterator[dict[str, Connection]]:
    """Start two simulators: one with short processing times, and one that serves as a relay does."""
    access, secret, api_key = "demo-access-key", secrets.token_hex(32), f"api-key-kling-demo-{secrets.token_hex(19)}"
    keys = {"--access-key": access, "--secret-key": secret, "--api-key": api_key}
    steps.show("Kling", "starting the simulator")
    running: list[Component] = []
    try:
        running += [_simulator(folder / "simulator.log", keys), _simulator(folder / "relay.log", keys, "/kling")]
        url, relay = map(_address, running)
        steps.show("Kling", f"simulator at {url}", done=True)
        common = {"conn_type": "kling", "extra": {"allow_private_urls": True}}
        yield {
            # The API key works with both generations of the API.
            "kling_default": common | {"host": url, "password": api_key},
            RELAY: common | {"host": relay, "password": api_key},
        }
    finally:
        stop(running)


def _simulator(log: Path, keys: Mapping[str, str], path_prefix: str = "") -> Component:
    """Start a simulator in a separate process."""
    options = {**SIMULATOR, **keys, "--path-prefix": path_prefix}
    command = [sys.executable, "-m", "airflow_provider_kling.simulator"]
    command += [word for option in options.items() for word in option]
    log.unlink(missing_ok=True)
    return Component(log.stem, command, clean_environment(), log)


def _address(simulator: Component, timeout: float = 30) -> str:
    """The URL that the simulator prints when it listens."""
    deadline = time.monotonic() + timeout
    while simulator.running and time.monotonic() < deadline:
        for line in simulator.log.read_text().splitlines():
            if line.startswith(f"listening on http://{LOOPBACK}:"):
                return line.split()[-1]
        time.sleep(0.05)
    raise ComponentError(f"the simulator did not start:\n{simulator.tail()}")


def _keep_running(airflow: LocalAirflow, video: Path, gallery: str) -> None:
    """Keep Airflow and the simulator running until Ctrl-C."""
    console.print(f"video: {video}", markup=False)
    console.print(f"Airflow: {airflow.url}/dags/{DAG_ID}", markup=False)
    if gallery:
        console.print(f"gallery: {gallery}", markup=False)
    console.print("The other Dags are examples that you can trigger too; the Dag docs on their pages say what they do.")
    console.print("Press Ctrl-C to stop.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Stopping.")


def _image(image: str) -> str:
    """The image as a URL or absolute path, so that tasks find it from any working directory."""
    if "://" in image:
        return image
    if not Path(image).is_file():
        raise DemoError(f"{image}: no such file")
    return str(Path(image).resolve())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.partition("\n")[0] if __doc__ else None)
    picture = os.environ.get("IMAGE") or str(EXAMPLES / "images" / "rocket.jpg")
    parser.add_argument("--image", default=picture, help="path or URL of an image (default: $IMAGE, or a rocket)")
    parser.add_argument("--prompt", default=os.environ.get("PROMPT") or PROMPT, help="prompt (default: $PROMPT)")
    parser.add_argument("--keep", action="store_true", help="keep Airflow running until Ctrl-C")
    parser.add_argument("--yes", action="store_true", help="do not wait before spending money")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
