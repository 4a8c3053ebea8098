"""``python -m airflow_provider_kling``: Kling from a shell, see :mod:`airflow_provider_kling.shell`."""

from __future__ import annotations

import sys

from airflow_provider_kling.shell.streams import result_stream


def run() -> int:
    """Run the process's command; what it imports takes seconds, in which Ctrl-C may come, too."""
    result = result_stream()
    try:
        from airflow_provider_kling.shell.main import main

        return main(result=result)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped before anything was sent.\n")
        if "--json" in sys.argv:
            result.write('{"error": {"error": "KeyboardInterrupt", "message": "Stopped before anything was sent."}}\n')
        return 130


if __name__ == "__main__":
    sys.exit(run())
