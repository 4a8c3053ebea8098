"""Benchmarks: the cost of waiting for Kling, with this package and with alternatives. ``make bench`` runs them."""
