"""An item of a batch has the fields of the operator that makes one video, with the same types."""

from __future__ import annotations

import inspect
import typing

import pytest

from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.operators.video import KlingImageToVideoOperator
from airflow_provider_kling.operators.video_item import KlingVideoItem

#: What concerns the item, not the video.
OF_THE_ITEM = {"key", "endpoint"}

#: Fields of every product, arguments of every operator.
OF_EVERY_TASK = {"callback_url", "external_task_id"}

FIELDS = {name: kind.__forward_arg__ for name, kind in KlingVideoItem.__annotations__.items()}
ARGUMENTS = {
    name: parameter.annotation.removesuffix(" | None")
    for cls in (KlingBaseOperator, KlingTaskOperator, KlingImageToVideoOperator)
    for name, parameter in inspect.signature(cls.__init__).parameters.items()
    if isinstance(parameter.annotation, str)
}


def test_an_item_has_every_field_of_the_product_and_no_other():
    expected = {*KlingImageToVideoOperator.product.arguments, *OF_THE_ITEM, *OF_EVERY_TASK}
    assert set(FIELDS) == expected
    assert KlingVideoItem.__required_keys__ == frozenset(), "defaults may fill in each"


@pytest.mark.parametrize("name", sorted(set(FIELDS) - OF_THE_ITEM))
def test_a_field_of_an_item_takes_what_the_operator_takes(name):
    assert FIELDS[name] == ARGUMENTS[name]
    assert typing.get_type_hints(KlingVideoItem)[name], "the words are types"
