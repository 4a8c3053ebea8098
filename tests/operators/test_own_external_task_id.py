"""An ``external_task_id`` that the Dag author sets."""

from __future__ import annotations

import dataclasses

import pytest
from support import again
from support_operators import operator, run

from airflow_provider_kling import exceptions as errors


@pytest.mark.parametrize("where", ["argument", "extra_body"])
@pytest.mark.parametrize(
    "text", ["", "  ", "None", " none ", "null", "a b", "x" * 65, "867283741759111202", "promo-af-2"]
)
def test_an_own_id_that_could_be_shared_or_mistaken_is_refused(kling, ti, where, text):
    given = {"external_task_id": text}
    with pytest.raises(errors.KlingValidationError, match="external_task_id"):
        run(ti, validate="off", **(given if where == "argument" else {"extra_body": given}))
    assert kling.requests() == []


@pytest.mark.parametrize("given", [{"external_task_id": " mine "}, {"extra_body": {"external_task_id": "mine"}}])
def test_an_own_id_is_sent_in_one_form_wherever_it_is_given(kling, ti, given):
    run(ti, **given)
    assert kling.tasks()[0]["external_task_id"] == "mine"


def test_an_own_id_given_twice_must_be_the_same(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="external_task_id once"):
        run(ti, external_task_id="a", extra_body={"external_task_id": "b"})


def test_a_first_try_that_adopts_under_an_own_id_logs_what_happened(kling, ti, logged):
    run(ti, external_task_id="campaign-7")
    other = operator(external_task_id="campaign-7", prompt="a dog")
    lines = logged(other)
    other.execute({"ti": dataclasses.replace(ti, run_id="tuesday", xcoms={})})
    assert any("somebody submitted it before under your external_task_id" in line for line in lines)
    assert not any("earlier try" in line for line in lines)


def test_the_second_attempt_of_an_own_id_is_not_another_own_id(kling, ti):
    kling.fault("fail_task", message="Internal error")
    with pytest.raises(errors.KlingTaskFailedError):
        run(ti, external_task_id="promo", wait_for_completion=True, deferrable=False)
    other = run(dataclasses.replace(ti, task_id="other", xcoms={}), external_task_id="promo-2", prompt="another")
    second = run(again(ti), external_task_id="promo")
    assert second["task_id"] != other["task_id"]


def test_an_id_of_the_users_own_is_kept(kling, ti):
    run(ti, external_task_id="campaign-7")
    run(again(ti), external_task_id="campaign-7", prompt="another one")
    assert [task["external_task_id"] for task in kling.tasks()] == ["campaign-7"]
