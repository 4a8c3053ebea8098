"""``make test-install``: the package installs beside the pins of Airflow releases, and every module of it imports."""
