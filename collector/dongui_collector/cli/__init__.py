"""The ``dongui`` command line, one file a command group; a command's module is loaded only when it is called."""

from dongui_collector.cli.root import cli

__all__ = ["cli"]
