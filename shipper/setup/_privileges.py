"""What the credentials lack, as the server tells it: a refusal when the first line comes is too late.

Asked once, of `_has_privileges`, which anybody may ask of himself. A server without security has no such question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.setup._check import Problem
from shipper.setup._client import OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Config
    from shipper.setup._client import Client


def check_privileges(client: Client, config: Config) -> list[Problem]:
    """Say what ``config`` takes and these credentials may not, if there is anything. Raises Retryable."""
    of_cluster, of_indices = _wanted(config)
    names = [{"names": [name], "privileges": privileges} for name, privileges in of_indices.items()]
    status, answer = client.request("POST", "/_security/user/_has_privileges", {"cluster": of_cluster, "index": names})
    if status != OK:
        return []
    lacks = [f"cluster privilege {name}" for name in _denied(answer["cluster"])]
    lacks += [f"{name} on {index}" for index, granted in answer["index"].items() for name in _denied(granted)]
    return [Problem("privileges", f"the credentials lack {', '.join(lacks)}: grant it")] if lacks else []


def _wanted(config: Config) -> tuple[list[str], dict[str, list[str]]]:
    """Give the privileges on the cluster and on indices, as docs/operations.md has them."""
    of_cluster = ["monitor", "manage_index_templates"]
    of_indices = {config.index.pattern: ["create_index", "create_doc", "view_index_metadata"]}
    if config.retention.keep_days is not None and config.retention.by == "ilm":
        of_cluster.append("manage_ilm")
    elif config.retention.keep_days is not None:
        of_indices[config.index.pattern] += ["monitor", "delete_index"]
    if config.dead_letters.index is not None:
        of_indices[config.dead_letters.index] = ["create_index", "create_doc"]
    return of_cluster, of_indices


def _denied(granted: Mapping[str, bool]) -> list[str]:
    return [name for name, is_granted in granted.items() if not is_granted]
