"""The page of the first video, followed word for word by somebody who has the wheel, the page and a browser."""

from dev.walk.newcomer import Newcomer, open_newcomer
from dev.walk.steps import make_in_a_shell, walk

__all__ = ["Newcomer", "make_in_a_shell", "open_newcomer", "walk"]
