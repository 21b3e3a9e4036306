"""The command `shipper`: arguments to configuration to pipeline."""

from shipper.cli._app import main

__all__ = ["main"]
