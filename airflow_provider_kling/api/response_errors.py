"""Whatever goes wrong while a response is read becomes a :class:`KlingResponseError`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from airflow_provider_kling.exceptions import KlingError, KlingResponseError
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def raises_response_error(read: Callable[P, R]) -> Callable[P, R]:
    """
    Decorate a function that reads a response: any error in it becomes a :class:`KlingResponseError`.

    Without it, a ``TypeError`` after a POST would end the Airflow task although Kling has created a task.

    :param read: raises a :class:`KlingError`, or anything else when the response has a shape that it does not expect.
    """

    @functools.wraps(read)
    def reader(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except KlingError:
            raise
        except Exception as error:  # noqa: BLE001 - any of them means: this response cannot be read
            raise KlingResponseError(
                f"Check the connection's host: the response has an unknown shape. {reason(error)}.", http_status=200
            ) from None

    return reader
