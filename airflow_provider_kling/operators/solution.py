"""Kling's packaged scenarios."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products.solution import SOLUTION


class KlingSolutionOperator(KlingTaskOperator):
    """
    Make what one of Kling's packaged scenarios makes: ``POST /solutions/{solution}``. It needs an API key.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingSolutionOperator`

    The fields of the scenario are given with ``extra_body`` and sent as they are: only its page says which there are.

    :param solution: the scenario, by what follows ``/solutions/`` in the path of its page, such as ``talking_agent`` or
        ``e-commerce/goods_studio`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = SOLUTION

    def __init__(
        self,
        *,
        solution: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.solution = solution
        self.watermark_info = watermark_info
