"""Why no answer came, in words: what was met, and the setting that mends it where one does.

Exceptions of libraries wrap each other; the innermost is nearest to what happened, but for a time-out, which ends what
is under way. Those of TLS differ from library to library, so they are known by their words.
"""

from __future__ import annotations

import re
import ssl
from http.client import BadStatusLine
from typing import Final

_SHOWN_CHARS: Final = 60
_WANTS_TLS: Final = "; if it speaks TLS, its URL begins with https://"
_NOBODY_THERE: Final = "start it, or mend its address"
_NOT_SAID_WHERE: Final = "start it, or say where it is: --elasticsearch, or urls of [elasticsearch]"
_TODO: Final = {
    "wrong version number": "TLS is not spoken there; a URL that begins with http:// would do without it",
    "doesn't match|mismatch": "give a URL with a name of the certificate, or set elasticsearch.ca_fingerprint instead",
    "fingerprint": "if the second one is right, set elasticsearch.ca_fingerprint to it",
    "expired|not yet valid": "renew the certificate, or look at the clock of this machine",
    "verify failed": "set elasticsearch.ca_file to the authority that signed it, or ca_fingerprint",
    "certificate required|bad certificate|handshake failure": "it may want elasticsearch.client_cert_file, or another",
}


def in_words(error: BaseException, *, plain_http: bool, by_default: bool = False) -> str:
    """Say what ``error`` comes from, and what to do; ``plain_http`` tells that no TLS was tried, nor ever answered.

    ``by_default`` tells that nobody has said where it is.
    """
    met = _innermost(error)
    said = _plain(met)
    if isinstance(met, ConnectionRefusedError):
        return f"{said}; {_NOT_SAID_WHERE if by_default else _NOBODY_THERE}"
    if plain_http and isinstance(met, ConnectionResetError | BadStatusLine):
        return said + _WANTS_TLS
    return next((f"{said}; {todo}" for words, todo in _TODO.items() if re.search(words, said, re.IGNORECASE)), said)


def _innermost(error: BaseException) -> BaseException:
    while not isinstance(error, TimeoutError) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _plain(error: BaseException) -> str:
    """Give what was said, without the names of the library that said it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, BadStatusLine) and not isinstance(error, OSError):
        return f"what came is not HTTP: {str(error)[:_SHOWN_CHARS]!r}"
    return (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
