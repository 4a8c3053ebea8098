"""The command line arguments of the shell commands."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.formatting import shown
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Callable

_EPILOG = """\
The account is that of --conn-id, else of KLINGAI_API_KEY (or KLINGAI_ACCESS_KEY and KLINGAI_SECRET_KEY) with
KLINGAI_BASE_URL, else of Airflow's connection kling_default. The same command again finds the video that was paid for;
--take 2 makes another one."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        "python -m airflow_provider_kling",
        description="Kling from a shell: make a video, look at tasks, fetch results.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    animate = _submitting(commands, "animate", "make a video from an image", endpoint="image2video")
    animate.add_argument("image", help="path, https URL or storage URI of a JPEG or PNG file")
    animate.add_argument("prompt", nargs="?", help="what happens")
    imagine = _submitting(commands, "imagine", "make a video from a prompt", endpoint="text2video")
    imagine.add_argument("prompt", help="what happens")
    for name, text in (("status", "say how a task is"), ("fetch", "store the results of a task that is done")):
        command = _command(commands, name, text)
        command.add_argument("kling_task_id", help="Kling's task id, or an external_task_id")
        _add_endpoint(command)
    _add_target(commands.choices["fetch"])
    listing = _command(commands, "list", "list the account's newest tasks of one product")
    _add_endpoint(listing)
    listing.add_argument("--limit", type=_whole(1, 500), default=30, help="how many, at most 500; default 30")
    _command(commands, "costs", "list the account's resource packs")
    return whole


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    command.add_argument("--conn-id", help="Airflow connection of the account")
    command.add_argument("--json", action="store_true", help="print one JSON value, for scripts")
    return command


def _submitting(commands: Any, name: str, text: str, *, endpoint: str) -> argparse.ArgumentParser:
    command = _command(commands, name, text)
    command.set_defaults(endpoint=endpoint)
    command.add_argument("--model", dest="model_name", help=f"default {PRODUCTS[endpoint].default_model}")
    command.add_argument("--mode", help="std, pro or 4k")
    command.add_argument("--duration", help="seconds")
    command.add_argument(
        "--field", action="append", default=[], type=_field, metavar="NAME=VALUE", help="any other field of Kling"
    )
    command.add_argument(
        "--take", type=_whole(1, 1_000_000), default=1, metavar="N", help="2 for another video of the same request"
    )
    command.add_argument("--poll-interval", type=_interval, default=5.0, help="seconds between two looks; default 5")
    command.add_argument("--yes", "-y", action="store_true", help="do not ask before paying")
    _add_target(command)
    return command


def _add_endpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument("--product", dest="endpoint", default=DEFAULT_ENDPOINT, choices=sorted(PRODUCTS))


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", default=".", metavar="FOLDER", help="folder or storage URI; default is this folder")


def _field(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"write NAME=VALUE, {shown(text)} is not")
    if name == "external_task_id":
        raise argparse.ArgumentTypeError("leave external_task_id out: a command has one; --take 2 makes another video")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"give a whole number from {least} to {most}, {text[:40]!r} is none")
        return int(text)

    return whole


def _interval(text: str) -> float:
    try:
        return arguments.seconds("--poll-interval", text, minimum=0.01)
    except KlingValidationError as error:
        raise argparse.ArgumentTypeError(error.problems[0]) from None
