"""The durable state and the job queue."""
