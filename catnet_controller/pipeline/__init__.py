"""The flow from trigger to outbox: one file per stage, and the loops that drive them."""
