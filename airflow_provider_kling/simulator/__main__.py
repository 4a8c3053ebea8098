"""``python -m airflow_provider_kling.simulator``."""

import sys

NEEDED = "Install the simulator's packages: pip install 'airflow-provider-kling[simulator]' ({} is missing).\n"

if __name__ == "__main__":
    try:
        from airflow_provider_kling.simulator.cli import main
    except ModuleNotFoundError as error:
        if error.name not in {"aiohttp", "av"}:
            raise
        sys.exit(NEEDED.format(error.name).strip())
    sys.exit(main())
