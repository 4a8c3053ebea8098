"""What Airflow masks: secrets of connections and variables that this process has read, values of sensitive names."""

from __future__ import annotations

import json
from typing import Any


def holds_secret(value: Any) -> bool:
    """
    Whether Airflow would mask something in a value; call it on a worker, on Airflow 3.2 and later.

    :param value: JSON.
    """
    from airflow.sdk._shared.secrets_masker import redact

    text = json.dumps(value, ensure_ascii=False)
    # Airflow does not look deep into lists and objects, and does not see names in a text.
    return bool(redact(value) != value or redact(text) != text)
