"""The one error of this package."""

from __future__ import annotations

from shipper.errors import Fatal


class Unavailable(Fatal):
    """No local Elasticsearch can be had; the message says what is missing and what to do."""
