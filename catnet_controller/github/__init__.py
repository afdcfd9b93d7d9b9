"""GitHub: events, client, source, statuses and comments."""
