"""Options of ``airflow.cfg`` that are on or off; an invalid value never raises."""

from __future__ import annotations

import logging

from airflow.configuration import conf

from airflow_provider_kling.utils.untrusted import reason

log = logging.getLogger(__name__)

#: Airflow's own words for no, and those that people write; Airflow raises for the latter.
_NO = frozenset({"false", "f", "0", "no", "n", "off", "none", ""})


def is_switched_on(option: str) -> bool:
    """
    Whether an option of the section ``[kling]`` is on, which it is unless it says no.

    A paid result must not fail because of how somebody spelled it, nor a component of Airflow that loads the plugin.

    :param option: its name.
    """
    try:
        value = conf.get("kling", option, fallback="True")
    except Exception as error:  # noqa: BLE001 - a file with a "%" in the value, and whatever reads a secret for it
        log.warning(
            "Write [kling] %s as True or False: it cannot be read, and counts as on (%s)", option, reason(error)
        )
        return True
    return str(value).strip().lower() not in _NO
