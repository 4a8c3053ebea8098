"""One Airflow task for many videos."""
