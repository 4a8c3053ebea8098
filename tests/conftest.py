"""Every test gets an Airflow home of its own, before anything imports Airflow."""

from __future__ import annotations

import os
from pathlib import Path

HOME = Path(__file__).parent.parent / ".airflow" / "tests"

os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent.parent / "example_dags"),
)
