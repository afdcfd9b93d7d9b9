"""Text of Cisco IOS: parse, normalise, compare, command, predict, redact. Pure."""
