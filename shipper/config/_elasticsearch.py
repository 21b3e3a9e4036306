"""How Elasticsearch is reached: nodes, TLS, credentials."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import PositiveFloat, SecretStr, model_validator

from shipper.config._values import Closed


def _port(url: str) -> int | None:
    """Give the port of a URL, None where there is none or it is no port."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


class Elasticsearch(Closed):
    """How Elasticsearch is reached."""

    urls: tuple[str, ...] = ("http://127.0.0.1:9200",)
    """The nodes: `http://` or `https://`, with a port."""
    api_key: SecretStr | None = None
    """The encoded API key."""
    username: str | None = None
    """For basic authentication, with `password`."""
    password: SecretStr | None = None
    """For basic authentication, with `username`."""
    ca_file: Path | None = None
    """PEM file of the authority that signed the nodes' certificates."""
    request_timeout_s: PositiveFloat = 30.0
    """A request without an answer for this long has failed, and is sent again."""

    @model_validator(mode="after")
    def _check(self) -> Elasticsearch:
        if not self.urls:
            msg = "urls: at least one node is needed, like http://127.0.0.1:9200"
            raise ValueError(msg)
        for url in self.urls:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                msg = f"{url!r}: a URL like http://127.0.0.1:9200 is expected"
                raise ValueError(msg)
            if _port(url) is None:
                msg = f"{url!r}: a port is missing, like {parts.scheme}://{parts.hostname}:9200"
                raise ValueError(msg)
            if parts.username or parts.password:
                msg = "urls: credentials do not belong into a URL; set username and password, or api_key"
                raise ValueError(msg)
        if (self.username is None) != (self.password is None):
            msg = "username and password go together"
            raise ValueError(msg)
        if self.api_key is not None and self.username is not None:
            msg = "api_key and username exclude each other"
            raise ValueError(msg)
        return self
