"""Which operators, triggers and XComs of buttons in Airflow are ours, recognized by their names. Pure."""

from __future__ import annotations

#: XComs of the buttons, which only our operators have, also those of a subclass with another name.
RESULT_LINK_KEY = "_link_KlingResultLink"
BATCH_LINK_KEY = "_link_KlingBatchLink"


def is_our_operator(class_name: str | None) -> bool:
    """
    Whether a task's operator is one of ours, as far as its name says; a subclass may have any.

    :param class_name: of the operator.
    """
    return (class_name or "").startswith("Kling")


def our_trigger(classpath: str | None, *, has_task: bool = False) -> str:
    """
    Return the class name of a trigger that is ours; empty for another's.

    :param classpath: as Airflow keeps it, if the task waits in a trigger.
    :param has_task: whether Kling has accepted a task. One trigger waits for a slot before, and for the task after; it
        is called by the trigger that waits for the same.
    """
    package, _, name = (classpath or "").rpartition(".")
    if package.partition(".")[0] != __name__.partition(".")[0]:
        return ""
    if name == "KlingSubmitTrigger":
        return "KlingTaskTrigger" if has_task else "KlingSlotTrigger"
    return name
