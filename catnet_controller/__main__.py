"""The command `catnet`: hands over to the command line."""

from catnet_controller.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
