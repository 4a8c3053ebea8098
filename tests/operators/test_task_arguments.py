"""Arguments are checked before anything is paid; every field of a product is one."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest
from support_operators import operator, run

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.mark.parametrize(
    "bad",
    [
        {"timeout": "soon"},
        {"timeout": float("nan")},
        {"poll_interval": "fast"},
        {"slot_timeout": -1},
        {"on_clear": "regenrate"},
        {"validate": "of"},
        {"output_uri": "None"},
        {"output_uri": 5},
        {"wait_for_completion": "False"},
        {"deferrable": "no"},
    ],
)
def test_our_own_arguments_are_checked_before_anything_is_paid(kling, ti, bad):
    with pytest.raises(errors.KlingValidationError, match=next(iter(bad))) as caught:
        run(ti, **bad)
    assert len(caught.value.problems) == 1
    assert kling.requests() == []


@pytest.mark.kling_simulator(seconds=60)
@pytest.mark.parametrize("bad", [{"timeout": "soon"}, {"on_clear": "regenrate"}, {"poll_interval": None}])
def test_an_argument_that_was_spoilt_while_kling_worked_loses_nothing(kling, ti, bad):
    run(ti)
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    with pytest.raises(TaskDeferred):
        operator(wait_for_completion=True, **bad).execute_complete({"ti": ti}, {**event, "kling_task_id": "8"})
    kling.finish(ti.xcoms["task_id"])
    assert operator(wait_for_completion=True, **bad).execute_complete({"ti": ti}, event)["status"] == "succeed"


def test_all_problems_of_ours_and_of_kling_s_are_named_at_once(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="3 problems"):
        run(ti, timeout="soon", external_task_id="None", cfg_scale=7.0)


@pytest.mark.kling_simulator(seconds=30)
@pytest.mark.parametrize("timeout", ["100", timedelta(seconds=100), 100])
def test_times_may_be_text_or_timedelta(kling, ti, timeout):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, timeout=timeout, poll_interval="15")
    assert caught.value.trigger.end_time == pytest.approx(kling.tasks()[0]["created_at"] / 1000 + 100)
    assert caught.value.trigger.poll_interval == 15


@pytest.mark.parametrize("cls", [KlingImageToVideoOperator, KlingTextToVideoOperator])
def test_every_field_is_an_argument_an_attribute_and_a_template_field(cls):
    made = cls(task_id="x", prompt="y")
    for name in (*cls.product.arguments, *cls.template_fields):
        assert hasattr(made, name)
    assert set(cls.product.arguments) <= set(cls.template_fields)
    own = {
        name
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if parameter.kind.name == "KEYWORD_ONLY"
    }
    assert own == set(cls.product.arguments)
    assert cls.__doc__ is not None
    assert all(f":param {name}:" in cls.__doc__ for name in own)


def test_the_constructor_touches_nothing(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    operator(image="s3://nowhere/nothing.png", kling_conn_id="{{ var.value.which }}")
