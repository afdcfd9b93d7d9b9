"""The aiohttp application: webhook, API, status page, probes, metrics."""
