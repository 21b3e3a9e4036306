"""Puts the dashboards into Kibana, through its saved objects API: a data view, the panels, the dashboard.

1. The file in `dashboards/` is the definition; `haproxy` in its identifiers and its index pattern stands for the
   prefix: several live side by side. It may be imported any number of times: what is there is replaced.
2. Objects carry the versions that they were written for, and Kibana brings them up to date: 8.19 and 9 both take them.
3. Kibana is reached like Elasticsearch, with the same credentials. A URL may end in a space's path, like `/s/ops`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from pydantic import ValidationError

from shipper.config import Elasticsearch
from shipper.errors import ConfigError, Permanent, Retryable
from shipper.setup._client import NOT_FOUND, OK, may_pass
from shipper.setup._install import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Index

IMPORT: Final = "/api/saved_objects/_import?overwrite=true"
"""Where Kibana takes a file of saved objects."""
_FILE: Final = "haproxy.ndjson"
_TLS: Final = ("ca_file", "ca_fingerprint", "client_cert_file", "client_key_file")
_TODO: Final = {
    401: "; it wants credentials: set those of Elasticsearch, which are used for Kibana as well",
    403: "; the user needs the right to manage saved objects (in a role: Management, Saved Objects Management)",
}


class Uploads(Protocol):
    """Sends a file to Kibana."""

    def upload(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Give the status and the parsed answer; raise ConnectionFailed without one."""
        ...


def reach_kibana(settings: Elasticsearch, url: str) -> Elasticsearch:
    """Give how Kibana is reached: as Elasticsearch is, at another URL. Raises ConfigError for a URL that is none."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set} | {"urls": (url.rstrip("/"),)}
    if url.startswith("http://"):
        given = {name: value for name, value in given.items() if name not in _TLS}
    try:
        return Elasticsearch(**given)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ").replace(":9200", ":5601")
        raise ConfigError(f"--kibana: {reason}") from error


def import_dashboards(client: Uploads, index: Index, *, url: str) -> Change:
    """Import the dashboards for `index`, and tell how many objects are new.

    Raises Permanent when Kibana refuses them or is something else, Retryable when it may work later.
    """
    content = saved_objects(index)
    boundary = hashlib.sha256(content).hexdigest()
    headers = {"kbn-xsrf": "true", "content-type": f"multipart/form-data; boundary={boundary}"}
    status, answer = client.upload(IMPORT, _form(content, boundary), headers)
    if status != OK or not isinstance(answer, dict):
        raise _failure(url, status, answer)
    if not answer.get("success"):
        raise Permanent(f"Kibana ({url}) did not take all of the dashboards: {_errors(answer)}")
    imported = answer.get("successResults", [])
    replaced = sum(bool(each.get("overwrite")) for each in imported)
    told = ", ".join(f"{count} {kind}" for kind, count in Counter(each["type"] for each in imported).items())
    subject = f"Kibana ({url}): dashboard HAProxy ({index.prefix}-*)"
    return Change("updated" if replaced == len(imported) else "created", subject, (told,) if told else ())


def saved_objects(index: Index) -> bytes:
    """Give the saved objects for `index`, as Kibana imports them."""
    text: str = (_folder() / "kibana" / _FILE).read_text(encoding="utf-8")
    text = text.replace("haproxy-*", f"{index.prefix}-*").replace("shipper-haproxy-", f"shipper-{index.prefix}-")
    return text.encode()


def _form(content: bytes, boundary: str) -> bytes:
    """Make the body of a form with one file (RFC 7578)."""
    head = f'content-disposition: form-data; name="file"; filename="{_FILE}"\r\ncontent-type: application/ndjson'
    return b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary.encode(), head.encode(), content, boundary.encode())


def _failure(url: str, status: int, answer: object) -> Permanent | Retryable:
    said = str(answer.get("message", "")) if isinstance(answer, dict) else ""
    if may_pass(status):
        return Retryable(f"Kibana ({url}) is not ready: {status} {said}".rstrip())
    if status in {OK, NOT_FOUND}:
        return Permanent(f"{url} answers, but not as Kibana does ({status}): give Kibana's URL, with its base path")
    refusal = f"{status} {said}".rstrip()
    return Permanent(f"Kibana ({url}) refused the dashboards: {refusal}{_TODO.get(status, '')}")


def _errors(answer: Mapping[str, Any]) -> str:
    """Tell the first object that failed and why, and how many others."""
    errors = answer.get("errors", [])
    if not errors:
        return "it does not say why"
    first, *others = errors
    reason = first.get("error", {})
    told = f"{first.get('type')} {first.get('id')}: {reason.get('type')} {reason.get('message', '')}".rstrip()
    return f"{told}, and {len(others)} more" if others else told


def _folder() -> Any:  # noqa: ANN401 -- a path, or what stands for one inside a wheel
    """Find `dashboards/`: inside the package when installed from a wheel, beside it in a checkout."""
    installed = resources.files("shipper") / "dashboards"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "dashboards"
