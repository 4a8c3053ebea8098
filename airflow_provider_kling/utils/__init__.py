"""Helpers of many modules: untrusted text, backoff, and access to Airflow's internals."""
