"""Decisions: snapshot, rollout, guard, retry, verdict. Pure."""
