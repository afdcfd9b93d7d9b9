"""The rows of knowledge, one module per area; each row is one fact with its source."""
