"""Reads the arguments of an operator that are no fields of Kling's, before anything is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from airflow_provider_kling import polling
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.preparation.arguments import Validate
from airflow_provider_kling.submission.protocol import OnDoubt

if TYPE_CHECKING:
    from airflow_provider_kling.operators.task import KlingTaskOperator

OnClear = Literal["reuse", "regenerate"]

_TIMES = {
    "poll_interval": polling.DEFAULT_POLL_INTERVAL,
    "timeout": polling.DEFAULT_TIMEOUT,
    "slot_timeout": polling.DEFAULT_SLOT_TIMEOUT,
}
_CHOICES = {"on_clear": get_args(OnClear), "on_doubt": get_args(OnDoubt), "validate": get_args(Validate)}
_SWITCHES = ("wait_for_completion", "deferrable")
_AMOUNTS = ("max_units", "max_run_usd")
_CONNECTIONS = ("output_conn_id",)  # that of images is read with them


def read_arguments(operator: KlingTaskOperator, *, is_paid: bool) -> list[str]:
    """
    Convert and check an operator's arguments; return the problems.

    :param operator: has them as attributes.
    :param is_paid: whether its task was submitted: then a storage that does not answer must not fail it.
    """
    problems: list[str] = []
    for name, default in _TIMES.items():
        found = default
        with arguments.collect(problems):
            found = arguments.seconds(name, getattr(operator, name), default=default)
        setattr(operator, name, found)
    for name, allowed in _CHOICES.items():
        with arguments.collect(problems):
            setattr(operator, name, arguments.choice(name, getattr(operator, name), allowed))
    for names, read in (
        (_SWITCHES, arguments.switch),
        (_AMOUNTS, arguments.amount),
        (_CONNECTIONS, arguments.connection),
    ):
        for name in names:
            with arguments.collect(problems):
                setattr(operator, name, read(name, getattr(operator, name)))
    with arguments.collect(problems):
        operator.output_uri = _read_target(operator, is_paid)
    return problems


def _read_target(operator: KlingTaskOperator, is_paid: bool) -> str | None:
    if is_paid or operator.output_uri is None:
        return arguments.place("output_uri", operator.output_uri)
    from airflow_provider_kling.results.targets import check_target

    return check_target(operator.output_uri, operator.output_conn_id)
