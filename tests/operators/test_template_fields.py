"""The template fields of an operator: all of its class, and in a Dag those that have a value."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_kling.operators import (
    KlingImageToVideoOperator,
    KlingLipSyncOperator,
    KlingTextToVideoOperator,
)
from airflow_provider_kling.operators.task import KlingTaskOperator


class Extended(KlingImageToVideoOperator):
    template_fields = (*KlingImageToVideoOperator.template_fields, "note")

    def __init__(self, *, note=None, **kwargs):
        super().__init__(**kwargs)
        self.note = note


def test_a_class_has_a_template_field_for_each_argument():
    assert {"image", "prompt", "negative_prompt", "output_uri"} <= set(KlingImageToVideoOperator.template_fields)
    assert "video_url" in KlingLipSyncOperator.template_fields


def test_an_operator_has_those_that_it_was_given():
    operator = KlingImageToVideoOperator(task_id="t", image="cat.jpg", prompt="{{ ds }}", cfg_scale=0)
    assert set(operator.template_fields) == {"image", "prompt", "model_name", "cfg_scale", "kling_conn_id"}


def test_one_that_is_given_later_is_rendered_and_waits_for_its_task():
    with DAG("later", schedule=None):
        first = KlingImageToVideoOperator(task_id="first", image="a.jpg")
        second = KlingImageToVideoOperator(task_id="second", image="b.jpg")
        second.prompt = "Day {{ day }}"
        second.negative_prompt = first.output
    assert second.upstream_task_ids == {"first"}
    second.negative_prompt = None
    second.render_template_fields({"day": 7})
    assert second.prompt == "Day 7"


def test_a_mapped_operator_renders_what_it_maps():
    with DAG("mapped", schedule=None):
        mapped = KlingImageToVideoOperator.partial(task_id="m", image="a.jpg").expand(prompt=["Day {{ day }}"])
    assert set(mapped.template_fields) == set(KlingImageToVideoOperator.template_fields)
    operator = mapped.unmap({"prompt": "Day {{ day }}"})
    operator.render_template_fields({"day": 7})
    assert operator.prompt == "Day 7"


class OfAnotherProduct(KlingTaskOperator):
    product = KlingTextToVideoOperator.product
    template_fields = (*KlingTextToVideoOperator.template_fields, "note")


def test_a_class_that_names_product_and_fields_keeps_its_fields():
    assert set(OfAnotherProduct.template_fields) == {*KlingTextToVideoOperator.template_fields, "note"}


def test_fields_of_a_subclass_of_a_user_are_its_own():
    operator = Extended(task_id="t", image="a.jpg", note="{{ day }}")
    operator.render_template_fields({"day": 7})
    assert operator.note == "7"
