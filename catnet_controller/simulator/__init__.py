"""Cisco IOS over SSH, stateful, with faults."""
