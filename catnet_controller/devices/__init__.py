"""Devices over SSH: session, transaction, host keys, credentials, backups."""
