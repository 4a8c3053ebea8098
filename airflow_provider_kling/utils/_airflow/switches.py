"""Options of ``airflow.cfg`` that are on or off; an invalid value never raises."""

from __future__ import annotations

from airflow.configuration import conf

#: Airflow's own words for no, and those that people write; Airflow raises for the latter.
_NO = frozenset({"false", "f", "0", "no", "n", "off", "none", ""})


def is_switched_on(option: str) -> bool:
    """
    Whether an option of the section ``[kling]`` is on, which it is unless it says no.

    A paid result must not fail because of how somebody spelled it, nor a component of Airflow that loads the plugin.

    :param option: its name.
    """
    return str(conf.get("kling", option, fallback="True")).strip().lower() not in _NO
