"""How Elasticsearch is reached: nodes, TLS, credentials."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, PositiveFloat, SecretStr, model_validator

from shipper.closed import Closed

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


def _fingerprint(text: str) -> str:
    """Give a SHA-256 fingerprint in lower case without colons."""
    plain = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        msg = f"fingerprint {text!r}: 64 hexadecimal digits (SHA-256) are expected, with colons or without"
        raise ValueError(msg)
    return plain


def _port(url: str) -> int | None:
    """Give the port of a URL, None where there is none. Raises ValueError for what is no port."""
    parts = urlsplit(url)
    try:
        return parts.port
    except ValueError:
        msg = f"{url!r}: a port is a number up to 65535, like {parts.scheme}://{parts.hostname}:9200"
        raise ValueError(msg) from None


class Elasticsearch(Closed):
    """How Elasticsearch is reached."""

    urls: tuple[str, ...] = ("http://127.0.0.1:9200",)
    """The nodes: `http://` or `https://`, with a port."""
    api_key: SecretStr | None = None
    """The encoded API key."""
    api_key_file: Path | None = None
    """A file that holds the encoded API key."""
    bearer_token: SecretStr | None = None
    """A token of a service account or of an identity provider."""
    bearer_token_file: Path | None = None
    """A file that holds the token."""
    username: str | None = None
    """For basic authentication, with `password` or `password_file`."""
    password: SecretStr | None = None
    """For basic authentication, with `username`."""
    password_file: Path | None = None
    """A file that holds the password."""
    ca_file: Path | None = None
    """PEM file of the authority that signed the nodes' certificates."""
    ca_fingerprint: Annotated[str, AfterValidator(_fingerprint)] | None = None
    """SHA-256 of that authority's certificate, or of the node's, instead of `ca_file`; as Elasticsearch prints it."""
    client_cert_file: Path | None = None
    """PEM file of the certificate that shipper shows to the nodes."""
    client_key_file: Path | None = None
    """PEM file of its key, where it is not in `client_cert_file`."""
    compression: Literal["none", "gzip"] = "none"
    """Of bulk requests: `gzip` is for a slow or costly network, at the price of CPU time."""
    request_timeout_s: PositiveFloat = 30.0
    """A request whose answer is not whole after this long has failed, and is sent again."""

    @model_validator(mode="after")
    def _check_urls(self) -> Elasticsearch:
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
        return self

    @model_validator(mode="after")
    def _check_credentials(self) -> Elasticsearch:
        ways = ("api_key", "api_key_file", "bearer_token", "bearer_token_file", "username")
        given = [name for name in ways if getattr(self, name) is not None]
        if len(given) > 1:
            msg = f"{given[0]} and {given[1]} exclude each other"
            raise ValueError(msg)
        if self.password is not None and self.password_file is not None:
            msg = "password and password_file exclude each other"
            raise ValueError(msg)
        if (self.username is None) != (self.password is None and self.password_file is None):
            msg = "username and password go together"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Elasticsearch:
        given = [name for name in ("ca_file", "ca_fingerprint", "client_cert_file") if getattr(self, name) is not None]
        if given and not all(urlsplit(url).scheme == "https" for url in self.urls):
            msg = f"{given[0]} is for https, and not every one of urls is"
            raise ValueError(msg)
        if self.ca_file is not None and self.ca_fingerprint is not None:
            msg = "ca_file and ca_fingerprint exclude each other"
            raise ValueError(msg)
        if self.ca_fingerprint is not None and self.client_cert_file is not None:
            msg = "a client certificate needs ca_file instead of ca_fingerprint"
            raise ValueError(msg)
        if self.client_key_file is not None and self.client_cert_file is None:
            msg = "client_key_file goes with client_cert_file"
            raise ValueError(msg)
        return self
