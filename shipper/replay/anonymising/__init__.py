"""Captures that may be shared: the same replaced by the same, and everything that matters for timing and shape kept."""

from __future__ import annotations

from shipper.replay.anonymising._lines import Anonymiser

__all__ = ["Anonymiser"]
