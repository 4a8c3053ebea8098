"""Whether a sensor may start in the triggerer, without ever touching a worker: what Airflow 3.3 can do there."""

from __future__ import annotations

import re
from typing import Any

from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_3_PLUS

_PULL = re.compile(r"xcom_pull\s{0,20}\((?P<arguments>[^)]{0,1000})\)")


class CannotStartInTriggererError(Exception):
    """The sensor must start on a worker; its text says why."""


def rendered_in_triggerer(name: str, value: Any) -> Any:
    """
    Return what the triggerer can render in place of a sensor's argument.

    :param name: the argument's name.
    :param value: as the Dag author wrote it; ``operator.output["key"]`` becomes the template that pulls it.
    :raises CannotStartInTriggererError: when Airflow cannot render it there.
    """
    if not AIRFLOW_V_3_3_PLUS:
        raise CannotStartInTriggererError("Airflow before 3.3 does not render templates in the triggerer")
    if isinstance(value, XComArg):
        return _template_of(name, value)
    for pull in _PULL.finditer(value) if isinstance(value, str) else ():
        if "map_indexes" not in pull["arguments"]:
            raise CannotStartInTriggererError(
                f"xcom_pull without map_indexes in {name} waits for ever in the triggerer (Airflow 3.3); write "
                "map_indexes=-1 into the call"
            )
    return value


def _template_of(name: str, value: XComArg) -> str:
    if not isinstance(value, PlainXComArg):
        raise CannotStartInTriggererError(
            f"{name} is a computed XComArg, which Airflow does not resolve in the triggerer"
        )
    operator = value.operator
    if operator.is_mapped or operator.get_closest_mapped_task_group() is not None:
        raise CannotStartInTriggererError(
            f"{name} comes from a mapped task, which Airflow does not resolve in the triggerer"
        )
    return f"{{{{ ti.xcom_pull(task_ids={operator.task_id!r}, key={value.key!r}, map_indexes=-1) }}}}"
