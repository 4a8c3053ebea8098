"""The command line arguments of the shell commands."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import __version__
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.formatting import shown
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Callable

_ACCOUNT = """\
The account is that of --conn-id, else of KLINGAI_API_KEY (or KLINGAI_ACCESS_KEY and
KLINGAI_SECRET_KEY) with KLINGAI_BASE_URL, else of Airflow's connection kling_default."""
_PAID_ONCE = """\
The same command again finds the video that was paid for; --take 2 makes another one."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        "python -m airflow_provider_kling",
        description="Kling from a shell: make a video, look at tasks, fetch results.",
        epilog=f"{_ACCOUNT}\n{_PAID_ONCE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"airflow-provider-kling {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    animate = _submitting(commands, "animate", "make a video from an image", "IMAGE [PROMPT]", endpoint="image2video")
    animate.add_argument("image", metavar="IMAGE", help="path, https URL or storage URI of a JPEG or PNG file")
    animate.add_argument("prompt", metavar="PROMPT", nargs="?", help="what happens")
    imagine = _submitting(commands, "imagine", "make a video from a prompt", "PROMPT", endpoint="text2video")
    imagine.add_argument("prompt", metavar="PROMPT", help="what happens")
    for name, text in (
        ("status", "print the status of a task"),
        ("fetch", "store the results of a task that is done"),
    ):
        command = _command(commands, name, text, "ID")
        command.add_argument("kling_task_id", metavar="ID", help="Kling's task id, or an external_task_id")
        _add_endpoint(command, default=None, text="what made the task; default: image2video or text2video")
    _add_target(commands.choices["fetch"])
    listing = _command(commands, "list", "list the account's newest tasks of one product")
    _add_endpoint(listing, default=DEFAULT_ENDPOINT, text=f"default {DEFAULT_ENDPOINT}")
    listing.add_argument(
        "--limit", metavar="N", type=_whole(1, 500), default=30, help="how many, at most 500; default 30"
    )
    _command(commands, "costs", "list the account's resource packs")
    return whole


def _command(commands: Any, name: str, text: str, words: str = "", more: str = "") -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text.capitalize() + ".",
        # Argparse prints the usage before each error; a list of all options would hide the error.
        usage=f"%(prog)s [options] {words}".rstrip(),
        epilog=f"{_ACCOUNT}\n{more}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--conn-id", metavar="ID", help="Airflow connection of the account")
    command.add_argument("--json", action="store_true", help="print one JSON value, for scripts")
    return command


def _submitting(commands: Any, name: str, text: str, words: str, *, endpoint: str) -> argparse.ArgumentParser:
    command = _command(commands, name, text, words, _PAID_ONCE)
    command.set_defaults(endpoint=endpoint)
    command.add_argument(
        "--model", dest="model_name", metavar="MODEL", help=f"default {PRODUCTS[endpoint].default_model}"
    )
    command.add_argument("--mode", metavar="MODE", help="std, pro or 4k; Kling's default is std")
    command.add_argument("--duration", metavar="SECONDS", help="whole seconds; Kling's default is 5")
    command.add_argument(
        "--field", action="append", default=[], type=_field, metavar="NAME=VALUE", help="any other field of Kling"
    )
    command.add_argument(
        "--take", type=_whole(1, 1_000_000), default=1, metavar="N", help="2 for another video of the same request"
    )
    command.add_argument(
        "--poll-interval", metavar="SECONDS", type=_interval, default=5.0, help="seconds between two polls; default 5"
    )
    command.add_argument("--yes", "-y", action="store_true", help="do not ask before paying")
    _add_target(command)
    return command


def _add_endpoint(command: argparse.ArgumentParser, *, default: str | None, text: str) -> None:
    # The others answer at once, and Kling keeps no task that could be read.
    names = sorted(name for name, product in PRODUCTS.items() if product.answers == "task")
    command.add_argument("--product", dest="endpoint", metavar="PRODUCT", default=default, choices=names, help=text)
    # Not in the option's help, where argparse would break names at their hyphens.
    all_names = textwrap.fill(f"Products: {', '.join(names)}.", 88, break_on_hyphens=False)
    command.epilog = f"{command.epilog}\n\n{all_names}"


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
