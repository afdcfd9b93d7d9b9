"""Structured logs and Prometheus collectors."""
