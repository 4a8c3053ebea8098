"""The template fields of an operator that has an argument for each of Kling's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, overload

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class GivenFields(tuple[str, ...]):
    """
    Names of template fields. Those of an operator in a Dag are the ones that have a value there.

    Airflow checks, sends and shows each template field of a task that starts, also an empty one. Of two dozen fields
    most are empty, and they took a worker ten milliseconds.
    """

    __slots__ = ()

    @overload
    def __get__(self, operator: None, owner: type) -> Self: ...
    @overload
    def __get__(self, operator: BaseOperator, owner: type) -> tuple[str, ...]: ...
    def __get__(self, operator: BaseOperator | None, owner: type) -> tuple[str, ...]:
        if operator is None:
            return self
        return tuple(name for name in self if getattr(operator, name, None) is not None)
