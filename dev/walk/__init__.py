"""Follows the quickstart page step by step, with the wheel and a browser."""

from dev.walk.fresh_install import FreshInstall, open_fresh_install
from dev.walk.steps import run_shell_command, walk

__all__ = ["FreshInstall", "open_fresh_install", "run_shell_command", "walk"]
