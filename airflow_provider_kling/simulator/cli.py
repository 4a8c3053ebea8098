"""Command line: ``python -m airflow_provider_kling.simulator``."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import airflow_provider_kling.simulator as package
from airflow_provider_kling.simulator.faults import Fault
from airflow_provider_kling.simulator.server import Server
from airflow_provider_kling.simulator.settings import CHOICES, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT: Final = 8780


def _fault(text: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(text)
        Fault.from_json(values)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a fault: {error}") from None
    return values


def parser() -> argparse.ArgumentParser:
    """The options; every one is a field of :class:`.settings.Settings`, except ``--fault``."""
    result = argparse.ArgumentParser(
        prog="python -m airflow_provider_kling.simulator",
        description="A local Kling.",
        epilog=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_server_options(result)
    _add_behaviour_options(result)
    result.add_argument(
        "--fault", metavar="JSON", type=_fault, action="append", default=[], dest="faults",
        help='arm a fault, e.g. {"kind": "cut_after", "operation": "create"}; may be repeated',
    )  # fmt: skip
    return result


def _add_server_options(target: argparse.ArgumentParser) -> None:
    add = target.add_argument_group("server").add_argument
    default = Settings()
    add("--host", default=default.host, help="interface (default %(default)s)")
    add("--port", type=int, default=DEFAULT_PORT, help="0 takes a free port (default %(default)s)")
    add("--public-url", default="", help="base of result URLs, if clients use another name")
    add("--path-prefix", default="", metavar="/kling", help="serve as a relay does; API key only")
    add("--tls", action="store_true", help="speak HTTPS with a certificate of its own")
    add("--access-key", default=default.access_key, help="default %(default)s")
    add("--secret-key", default=default.secret_key, help="default %(default)s")
    add("--api-key", default=default.api_key, help="default %(default)s")
    add("--webhook-secret", default="", metavar="whsec_...", help="sign callbacks")
    add("--state", type=Path, metavar="FILE", help="keep tasks across restarts")
    add("--clock-skew", type=float, default=0.0, metavar="SECONDS", help="how far the server's clock is ahead")


def _add_behaviour_options(target: argparse.ArgumentParser) -> None:
    add = target.add_argument_group("behaviour").add_argument
    default = Settings()
    add("--concurrency", type=int, default=default.concurrency, help="slots per model (default %(default)s)")
    add(
        "--image-concurrency", type=int, default=default.image_concurrency, help="slots per model (default %(default)s)"
    )
    add("--units", type=float, default=default.units, help="units in the pack (default %(default)s)")
    add("--image-units", type=float, metavar="N", help="a pack of their own for images")
    add("--charge", choices=CHOICES["charge"], default=default.charge, help="pay with units or money")
    add("--balance", type=float, default=default.balance, metavar="USD", help="money, if it pays (default %(default)s)")
    add("--time-scale", type=float, default=1.0, help="multiplies Kling's usual times (default %(default)s)")
    add("--seconds", type=float, metavar="N", help="fixed processing time; overrides --time-scale")
    add("--retired", choices=CHOICES["retired"], default=default.retired, help="discontinued models")
    add("--retired-code", type=int, default=default.retired_code, help="default %(default)s")
    add("--video-size", choices=CHOICES["video_size"], default=default.video_size, help="default %(default)s")
    add("--url-ttl", type=float, default=default.url_ttl, metavar="SECONDS", help="life of result URLs")
    add("--list-order", choices=CHOICES["list_order"], default=default.list_order, help="default %(default)s")
    add("--reuse-after-failure", choices=CHOICES["reuse_after_failure"], default=default.reuse_after_failure)
    add("--callback-retries", type=int, default=default.callback_retries, help="default %(default)s; 0 = never")
    add("--new-callback", choices=CHOICES["new_callback"], default=default.new_callback)
    add("--early-result", choices=CHOICES["early_result"], default=default.early_result)
    add("--missing-task-info", choices=CHOICES["missing_task_info"], default=default.missing_task_info)
    add("--external-ids", choices=CHOICES["external_ids"], default=default.external_ids)
    add("--ranges", choices=CHOICES["ranges"], default=default.ranges, help="parts of results")
    add("--creates-per-second", type=int, metavar="N", help="more get 1302 (default: no limit)")
    add("--element-digits", choices=CHOICES["element_digits"], default=default.element_digits)
    add("--data-uris", choices=CHOICES["data_uris"], default=default.data_uris)
    add("--known-elements", type=int, nargs="*", metavar="ID", help="other element ids are not found")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    options = vars(parser().parse_args(arguments))
    faults = options.pop("faults")
    if options["known_elements"] is not None:
        options["known_elements"] = tuple(options["known_elements"])
    settings = Settings(**{field.name: options[field.name] for field in fields(Settings)})
    return asyncio.run(_serve(settings, faults))


def connection_command(settings: Settings, url: str, certificate: Path | None = None) -> str:
    """The command that points Airflow's ``kling_default`` at a simulator.

    :param certificate: what the client has to trust.
    """
    extra: dict[str, Any] = {"allow_private_urls": True}
    if certificate:
        extra["verify"] = str(certificate)
    options = {
        "--conn-type": "kling",
        "--conn-host": url,
        "--conn-password": settings.api_key,
        "--conn-extra": json.dumps(extra),
    }
    words = ["airflow", "connections", "add", "kling_default", *(word for pair in options.items() for word in pair)]
    return shlex.join(words)


async def _serve(settings: Settings, faults: list[dict[str, Any]]) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = Server(settings)
    for values in faults:
        server.control.add_fault(values)
    try:
        url = await server.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen: {error}\n")
        return 1
    # Scripts wait for the first line: it must not stay in a buffer.
    sys.stdout.write(f"listening on {url}\nto use it: {connection_command(settings, url, server.certificate)}\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()
    return 0
