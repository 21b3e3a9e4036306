"""Fixtures of the commands that read from a real Elasticsearch."""

from tests.query.conftest import client, config

__all__ = ["client", "config"]
