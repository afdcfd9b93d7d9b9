"""The command line."""

from catnet_controller.cli.commands import main

__all__ = ["main"]
