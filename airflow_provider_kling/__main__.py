"""``python -m airflow_provider_kling``: Kling from a shell, see :mod:`airflow_provider_kling.shell`."""

from __future__ import annotations

import sys

from airflow_provider_kling.shell.main import main

if __name__ == "__main__":
    sys.exit(main())
