"""Kling from a shell, without a running Airflow: the same checks, the same hook, paid once."""
