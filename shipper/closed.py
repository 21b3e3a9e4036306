"""What settings are made of: closed models, and the values that several of them hold. Knows none of the settings."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

_INDEX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_LABEL: Final = re.compile(r"[a-z0-9_]{1,64}")


def known_zone(name: str) -> str:
    """Hold ``name`` to the IANA time zones that this machine knows."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        names = [known for known in zoneinfo.available_timezones() if not known.isupper()]  # EST is no guess at CEST
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; an IANA name like 'Europe/Berlin' is expected"
        msg = f"unknown time zone {name!r}{hint}"
        raise ValueError(msg) from None
    return name


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        msg = f"label {name!r} may hold only a-z, 0-9 and _, at most 64 of them"
        raise ValueError(msg)
    return name


def _index(name: str) -> str:
    if not _INDEX.fullmatch(name):
        msg = f"index {name!r}: begin with a-z or 0-9, go on with a-z, 0-9, '.', '_', '-', at most 200"
        raise ValueError(msg)
    return name


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))


Zone = Annotated[str, AfterValidator(known_zone)]
Network = Annotated[str, AfterValidator(_network)]
IndexName = Annotated[str, AfterValidator(_index)]
LabelName = Annotated[str, AfterValidator(_label)]


class Closed(BaseModel):
    """A model that takes no key that it does not know, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
