"""``python -m airflow_provider_kling.simulator``."""

import sys

from airflow_provider_kling.simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
