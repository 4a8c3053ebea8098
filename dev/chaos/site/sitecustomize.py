"""Python imports this in every process of the chaos Airflow, because its folder is in ``PYTHONPATH``."""

import os

if "KLING_CHAOS_CRASH_POINTS" in os.environ:
    import chaos_steps

    chaos_steps.install()
