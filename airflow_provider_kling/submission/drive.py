"""Carries out the steps of a submission; the functions that call Kling are passed in. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.submission.protocol import Done, Fail, LookUp, Post, Search, Submission, Wait, Waited

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.submission.protocol import Outcome
    from airflow_provider_kling.submission.unnamed import UnnamedSubmission


def drive(
    submission: Submission | UnnamedSubmission,
    *,
    post: Callable[[str], Outcome],
    look_up: Callable[[str], Outcome],
    search: Callable[[float], Outcome],
    sleep: Callable[[float], None],
) -> Done:
    """
    Return how a submission ended.

    :param submission: decides each step.
    :param post: sends the paid call under an id, once.
    :param look_up: reads the task with an id.
    :param search: lists the product's tasks since a time, in epoch seconds.
    :param sleep: waits for seconds.
    :raises KlingError: when there is no task, or it is not known.
    """
    step = submission.start()
    while True:
        match step:
            case Done():
                return step
            case Fail(error):
                raise error
            case Wait(seconds):
                sleep(seconds)
                step = submission.next_step(Waited())
            case LookUp(name):
                step = submission.next_step(look_up(name))
            case Search(since):
                step = submission.next_step(search(since))
            case Post(name):
                step = submission.next_step(post(name))
