"""Builds every part once from the settings, and runs it: the daemon, and the answer to a plan."""
