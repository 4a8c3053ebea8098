"""Benchmarks: what waiting for Kling costs, with this package and with its alternatives. ``make bench`` runs them."""
