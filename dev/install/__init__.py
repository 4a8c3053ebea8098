"""``make test-install``: install the package beside the pins of Airflow releases, and import every module."""
