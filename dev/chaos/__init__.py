"""Chaos: a real Airflow and the simulator, broken on purpose, and the simulator's ledger to check it by."""
