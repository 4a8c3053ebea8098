"""Everything that depends on the release of Airflow, each with a note of the releases that it is for."""
