"""A real Elasticsearch without Docker, for tests, the demo and measurements.

Strategy: Elastic publishes the server's own jars; Maven fetches them once into a cache, a small launcher runs nodes
from them. ``python -m deploy.local_elasticsearch run`` is the command, ``LocalElasticsearch`` the same from Python.

1. It listens on the loopback interface only.
2. A node ends with the process that started it, however that one ends: its standard input is a pipe from there.
3. Its data lies in a folder of its own, by default a fresh one that is removed at the end.
4. Only what Elastic publishes is there: no ``GET /`` (so never ``client.info()``), no ILM, no data streams, no
   security, no painless.
"""

from __future__ import annotations

from deploy.local_elasticsearch._cluster import LocalElasticsearch
from deploy.local_elasticsearch._distribution import DEFAULT_VERSION, VERSIONS, Distribution, fetch
from deploy.local_elasticsearch._errors import Unavailable

__all__ = ["DEFAULT_VERSION", "VERSIONS", "Distribution", "LocalElasticsearch", "Unavailable", "fetch"]
