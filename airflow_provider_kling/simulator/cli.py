"""Command line: ``python -m airflow_provider_kling.simulator``."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import re
import shlex
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import airflow_provider_kling.simulator as package
from airflow_provider_kling.simulator.faults import Fault
from airflow_provider_kling.simulator.server import Server
from airflow_provider_kling.simulator.setting_rules import CHOICES
from airflow_provider_kling.simulator.settings import Settings
from airflow_provider_kling.simulator.state import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT: Final = 8780

# Not in the help of each option, where argparse breaks a key at its hyphens.
_KEYS: Final = "default keys:\n  " + "\n  ".join(
    f"--{name.replace('_', '-')} {getattr(Settings(), name)}" for name in ("access_key", "secret_key", "api_key")
)


def _fault(text: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(text)
        Fault.from_json(values)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a fault: {error}") from None
    return values


def _plain(text: str) -> str:
    """The text of a docstring without the marks of reST, which a terminal shows as they stand."""
    return re.sub(r":\w+:`\.?([^`]*)`", r"\1", text).replace("``", "")


def parser() -> argparse.ArgumentParser:
    """The options; each is a field of :class:`.settings.Settings`, except ``--fault``."""
    result = argparse.ArgumentParser(
        prog="python -m airflow_provider_kling.simulator",
        # Argparse prints the usage before each error; the list of all options would hide the error.
        usage="%(prog)s [options]",
        description="A local simulator of Kling's API.",
        epilog=f"{_KEYS}\n\n{_plain(package.__doc__ or '')}",
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
    add("--public-url", default="", help="base of result URLs, if clients use another host name")
    add("--path-prefix", default="", metavar="/kling", help="path prefix, as of a relay; accepts the API key only")
    add("--tls", action="store_true", help="serve HTTPS with a self-signed certificate")
    add("--access-key", metavar="KEY", default=default.access_key, help="default: see below")
    add("--secret-key", metavar="KEY", default=default.secret_key, help="default: see below")
    add("--api-key", metavar="KEY", default=default.api_key, help="default: see below")
    add("--webhook-secret", default="", metavar="whsec_...", help="sign callbacks")
    add("--state", type=Path, metavar="FILE", help="keep tasks across restarts")
    add("--clock-skew", type=float, default=0.0, metavar="SECONDS", help="how far the server's clock is ahead")


def _add_behaviour_options(target: argparse.ArgumentParser) -> None:
    add = target.add_argument_group("behaviour").add_argument
    default = Settings()
    add("--concurrency", type=int, default=default.concurrency, help="slots per model (default %(default)s)")
    add(
        "--image-concurrency",
        type=int,
        default=default.image_concurrency,
        help="slots per image model (default %(default)s)",
    )
    add("--units", type=float, default=default.units, help="units in the pack (default %(default)s)")
    add("--image-units", type=float, metavar="N", help="units in a separate pack for images")
    add("--charge", choices=CHOICES["charge"], default=default.charge, help="pay with units (default) or money")
    add(
        "--retired",
        choices=CHOICES["retired"],
        default=default.retired,
        help="models that Kling retired (default refuse)",
    )
    add(
        "--balance",
        type=float,
        default=default.balance,
        metavar="USD",
        help="money of the account (default %(default)s)",
    )
    add("--time-scale", type=float, default=1.0, help="multiplies Kling's usual times (default %(default)s)")
    add("--seconds", type=float, metavar="N", help="fixed processing time; overrides --time-scale")
    add(
        "--video-size",
        choices=CHOICES["video_size"],
        default=default.video_size,
        help="size of results; small is faster to render",
    )
    add(
        "--url-ttl",
        type=float,
        default=default.url_ttl,
        metavar="SECONDS",
        help="lifetime of result URLs (default 30 days)",
    )
    _add_undocumented_options(target)


def _add_undocumented_options(target: argparse.ArgumentParser) -> None:
    group = target.add_argument_group("undocumented behaviour", "the first choice of each is the default")
    default = Settings()

    def add_choice(name: str, text: str) -> None:
        option, chosen = f"--{name.replace('_', '-')}", getattr(default, name)
        group.add_argument(option, choices=CHOICES[name], default=chosen, help=text)

    add = group.add_argument
    add_choice("missing_task_info", "task_info in the response to a create call without an external id")
    add_choice("early_result", "task_result before success")
    add_choice("list_order", "order of the lists")
    add_choice("reuse_after_failure", "whether the external id of a failed task can be used again")
    add_choice("external_ids", "whether external ids are kept; some relays drop them")
    add(
        "--retired-code",
        type=int,
        default=default.retired_code,
        help="code of the error for a retired model (default %(default)s)",
    )
    add_choice("v2_callback", "field names in callbacks of the second generation")
    add(
        "--callback-retries",
        type=int,
        default=default.callback_retries,
        help="retries of a failed callback (default %(default)s)",
    )
    add_choice("element_digits", "element ids as strings of digits")
    add_choice("data_uris", "data: URIs on paths of the second generation")
    add_choice("scalars", "numbers for strings and strings for numbers, on classic paths")
    add_choice("report_amounts", "type of the amounts in billing reports")
    add_choice("ranges", "the Range header of downloads")
    add("--creates-per-second", type=int, metavar="N", help="further create calls get 1302 (default: no limit)")
    add("--known-elements", type=int, nargs="*", metavar="ID", help="ids of the elements that exist (default: all)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    argument_parser = parser()
    options = vars(argument_parser.parse_args(arguments))
    faults = options.pop("faults")
    if options["known_elements"] is not None:
        options["known_elements"] = tuple(options["known_elements"])
    try:
        settings = Settings(**{field.name: options[field.name] for field in fields(Settings)})
    except ValueError as error:
        name, _, problem = str(error).partition(" ")
        argument_parser.error(f"argument --{name.replace('_', '-')} {problem}")
    return asyncio.run(_serve(settings, faults))


def connection_command(settings: Settings, url: str, certificate: Path | None = None) -> str:
    """The command that points Airflow's ``kling_default`` at a simulator.

    :param certificate: the certificate that clients have to trust.
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
    command = ["airflow", "connections", "add", "kling_default", *(word for pair in options.items() for word in pair)]
    return shlex.join(command)


async def _serve(settings: Settings, faults: list[dict[str, Any]]) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = Server(settings)
    for values in faults:
        server.control.add_fault(values)
    try:
        url = await server.start()
    except (OSError, StateError) as error:
        advice = "; take another --port, 0 for a free one" if getattr(error, "errno", None) == errno.EADDRINUSE else ""
        problem = "argument --state" if isinstance(error, StateError) else "cannot listen"
        sys.stderr.write(f"{problem}: {error}{advice}\n")
        return 1
    # Scripts wait for the first line, so it must be flushed.
    sys.stdout.write(f"listening on {url}\nto use it: {connection_command(settings, url, server.certificate)}\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()
    return 0
