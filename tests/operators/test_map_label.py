"""Names of mapped tasks in the grid."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from jinja2.nativetypes import NativeEnvironment
from support import PHOTOGRAPH

from airflow_provider_kling.operators import (
    KlingImageToVideoBatchOperator,
    KlingImageToVideoOperator,
    KlingTextToVideoOperator,
)
from airflow_provider_kling.operators.map_label import MAX_CHARACTERS, TEMPLATE, label_of
from airflow_provider_kling.utils._airflow.completion import can_finish_in_triggerer
from airflow_provider_kling.utils._airflow.grid_label import base_label, waiting_label


def rendered(operator, map_index: int = 0) -> object:
    """As Airflow renders it, in the stricter of its two environments."""
    context = {"task": operator, "ti": SimpleNamespace(map_index=map_index)}
    return NativeEnvironment().from_string(operator.map_index_template).render(context)


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("/data/photos/cat.jpg", "cat.jpg"),
        (Path("/data/photos/cat.jpg"), "cat.jpg"),
        ("s3://bucket/photos/black%20cat.png", "black cat.png"),
        ("https://host.example/a/cat.png?X-Amz-Signature=secret", "cat.png"),
        ("https://host.example/a/%2e%2e%2f<script>.png", "../<script>.png"),
        (base64.b64encode(PHOTOGRAPH.read_bytes()).decode(), "It moves"),
        (f"data:image/jpeg;base64,{base64.b64encode(PHOTOGRAPH.read_bytes()).decode()}", "It moves"),
        ("/data/20261128", "“20261128”"),
    ],
)
def test_an_image_gives_its_name_to_the_task(image, label):
    operator = KlingImageToVideoOperator(task_id="animate", image=image, prompt="It moves")
    assert rendered(operator) == label


def test_without_an_image_it_is_the_prompt_cut_to_what_fits():
    assert rendered(KlingTextToVideoOperator(task_id="t", prompt="A boat / a lake")) == "A boat / a lake"
    assert len(str(rendered(KlingTextToVideoOperator(task_id="t", prompt="A boat " * 99)))) == MAX_CHARACTERS
    assert rendered(KlingTextToVideoOperator(task_id="t", prompt="")) == "t", "an empty label is an error in Airflow"


@pytest.mark.parametrize("words", ["5", "None", "[1, 2]", "{'a': 1}", "'x'"])
def test_a_label_stays_text_in_a_dag_that_renders_native_objects(words):
    assert rendered(KlingTextToVideoOperator(task_id="t", prompt=words)) == f"“{words}”"


def test_settings_of_the_dag_have_priority_and_ours_leave_the_end_to_the_triggerer():
    own = KlingTextToVideoOperator(task_id="t", prompt="x", map_index_template="{{ task.prompt }}")
    assert own.map_index_template == "{{ task.prompt }}"
    with DAG("d", schedule=None, default_args={"map_index_template": "{{ task.pool }}"}):
        of_all = [KlingTextToVideoOperator(task_id="t", prompt="x")]
        of_all += [KlingTextToVideoOperator.partial(task_id="u").expand(prompt=["x"])]
    assert {operator.map_index_template for operator in of_all} == {"{{ task.pool }}"}
    ours = KlingTextToVideoOperator(task_id="t", prompt="x", wait_for_completion=True)
    assert can_finish_in_triggerer(ours, plugins_loaded=False)


def test_a_mapped_operator_names_each_of_its_tasks():
    with DAG("d", schedule=None):
        mapped = KlingImageToVideoOperator.partial(task_id="animate", prompt="x").expand(image=["/a/1.jpg", "/a/2.jpg"])
    assert mapped.map_index_template == TEMPLATE, "what Airflow asks"
    assert [rendered(mapped.unmap({"image": image})) for image in ("/a/1.jpg", "/a/2.jpg")] == ["1.jpg", "2.jpg"]


def test_a_batch_is_called_after_its_folder():
    batch = KlingImageToVideoBatchOperator(task_id="b", items=[], output_uri="s3://bucket/spring/")
    assert (batch.map_index_template, rendered(batch)) == (TEMPLATE, "spring")


def test_a_task_that_is_not_mapped_sets_no_label_in_airflow():
    operator = KlingTextToVideoOperator(task_id="t", prompt="A boat")
    assert (rendered(operator, map_index=-1), rendered(operator)) == ("", "A boat")


def test_a_list_of_images_gives_the_first_and_a_wait_is_labelled():
    assert label_of([["/a/1.jpg", "/a/2.jpg"]], "t") == "1.jpg"
    assert label_of([None, [], 5, {"image": "x"}], "t") == "t"
    assert waiting_label("cat.jpg") == "cat.jpg: waits for a slot"
    assert base_label("cat.jpg: waits for a slot") == base_label("cat.jpg") == "cat.jpg"
