"""What the triggers share: when they may fire, and until when they wait."""

from __future__ import annotations

from datetime import UTC, datetime

#: Seconds between a deferral and the earliest resumption on a worker. A trigger that fires at once can meet the
#: executor's late "success" of the deferring process and lose a healthy task (apache/airflow#72716): after 1 s it lost
#: 7 of 20, after 5 s one now and then on a busy machine, after 10 s none. A wait that ends in the triggerer is not
#: affected.
MIN_DEFERRAL = 10.0

#: Seconds between the trigger's own deadline and Airflow's; the triggerer may be restarting.
BACKSTOP_MARGIN = 120.0


def until_words(end_time: float | None) -> str:
    """
    Return a deadline in words.

    :param end_time: epoch seconds; ``None`` when it is not known yet.
    """
    if end_time is None:
        return "as long as the sensor's timeout says"
    return f"until {datetime.fromtimestamp(end_time, UTC):%Y-%m-%d %H:%M:%S} UTC at most"
