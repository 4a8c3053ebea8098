"""Chaos tests: inject failures into a real Airflow and the simulator, then check the results against the ledger."""
