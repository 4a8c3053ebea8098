"""Command lines of the package, as a user types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import PHOTOGRAPH

if TYPE_CHECKING:
    from pathlib import Path


def animate(folder: Path, *more: str) -> list[str]:
    command = ["animate", str(PHOTOGRAPH), "It moves", "--duration", "3", "--to", str(folder), "--yes"]
    return [*command, "--poll-interval", "0.05", *more]


def unasked(command: list[str]) -> list[str]:
    return [word for word in command if word != "--yes"]
