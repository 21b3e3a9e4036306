"""Lines that may be shared: whom and what they speak of is replaced, and what matters for timing and shape is kept.

1. Replaced: addresses, hosts, URLs, cookies, captured headers, ids, free text of a format's own; on demand the names of
   proxies and servers. Kept: dates, timers, sizes, states, counts, ports, methods, versions.
2. The document of a line keeps its fields and its numbers. A line of which that is not so is dropped, not changed.
3. Free text of HAProxy itself (its configuration's paths, what a script said) is dropped as a whole line, since nobody
   can tell what is in it. So is what nothing understands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.haproxy.events import match_event
from shipper.haproxy.formats import groups_in_use
from shipper.haproxy.kinds import ADDRESS, DIGITS, INTEGER
from shipper.haproxy.places import locate
from shipper.haproxy.steps import Decode
from shipper.haproxy.structured import StructuredPlan
from shipper.haproxy.syslog import find_values, match_header, read_header
from shipper.haproxy.understand import Context, understand
from shipper.replay.anonymising._values import Values
from shipper.replay.anonymising._words import Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.config import Interpretation
    from shipper.haproxy.formats import CompiledFormat
    from shipper.haproxy.headers import Names
    from shipper.haproxy.places import Located
    from shipper.haproxy.steps import Field
    from shipper.haproxy.syslog import Header

    _Replace = Callable[[bytes], bytes]

_NAMES_OF_EVENTS: Final = ("backend", "server", "frontend", "proxy", "bind", "via")
_FREE: Final = frozenset(
    {
        *("configuration_reported", "process_reported", "version_reported", "spoe_processed", "health_check_not_run"),
        "message_repeated",
    }
)
"""Events whose message may hold anything."""
_MOVED: Final = re.compile(rb"(?<= from )([^ ]+)( to )([^ ]+)")
_QUOTED: Final = re.compile(rb'(?<=")(?:[^"\\]|\\.)*(?=")')
_UNQUOTED: Final = re.compile(rb'(?<==)[^ "\]]+')


class Anonymiser:
    """Replaces what is in lines, the same by the same under one ``key``; with ``names`` those of proxies too."""

    def __init__(self, key: bytes, interpretation: Interpretation, *, names: bool = False) -> None:
        self._values = Values(Words(key))
        self._words = Words(key)
        self._interpretation = interpretation
        self._groups = groups_in_use(interpretation.formats)
        self._names = names
        self._replacers: dict[int, tuple[CompiledFormat, dict[str, _Replace]]] = {}

    def line(self, raw: bytes, *, cut: bool = False) -> bytes | None:
        """Give the line (without its line end) with all that replaced; None for one that has to be dropped."""
        header = read_header(match_header(raw))
        located = locate(raw, header, self._groups, cut=cut)
        if located is None:
            return None
        front = self._header(header.raw)
        if located.known is None:
            message = self._event(located, header)
            return None if message is None else front + message
        replacers = self._replacers_of(located.known)
        new = {alias: replacers[alias](value) for alias, value in located.values.items() if alias in replacers}
        if located.whole and not cut:
            return front + located.rewrite(new)[header.end :]
        return self._cut(located, new, header, front, cut=cut)

    # -- headers -------------------------------------------------------------------------------------------------

    def _header(self, header: bytes) -> bytes:
        """Replace the hosts of a header, and what its structured data says."""
        places = sorted(values["host"] for values in find_values(header) if "host" in values)
        parts: list[bytes] = []
        at = 0
        for start, end in places:
            parts += self._structured(header[at:start]), self._values.host(header[start:end])
            at = end
        return b"".join((*parts, self._structured(header[at:])))

    def _structured(self, raw: bytes) -> bytes:
        if b"=" not in raw:
            return raw
        quoted = _QUOTED.sub(lambda match: self._values.text(match[0]), raw)
        return _UNQUOTED.sub(lambda match: self._values.text(match[0]), quoted)

    # -- traffic -------------------------------------------------------------------------------------------------

    def _replacers_of(self, known: CompiledFormat) -> dict[str, _Replace]:
        """Give what replaces the values of a format; it is made once."""
        found = self._replacers.get(id(known))
        if found is None or found[0] is not known:
            replacers = {field.key: self._replacer(field, known) for field in known.plan.fields}
            made = {alias: replace for alias, replace in replacers.items() if replace is not None}
            found = self._replacers[id(known)] = known, made
        return found[1]

    def _replacer(self, field: Field, known: CompiledFormat) -> _Replace | None:
        """Give what replaces a value; None for one that is kept."""
        alias, names = field.alias, known.names
        values = self._values
        by_alias: dict[str, _Replace | None] = {
            **dict.fromkeys(("ci", "fi", "bi", "si"), _address(field, values)),
            **dict.fromkeys(("hr", "hrl"), lambda raw: values.captures(raw, names.request)),
            **dict.fromkeys(("hs", "hsl"), lambda raw: values.captures(raw, names.response)),
            **dict.fromkeys(("f", "ft", "b", "s"), values.name if self._names else None),
            **dict.fromkeys(("HU", "HP", "HPO", "HQ"), values.uri),
            **dict.fromkeys(("ssl_fc_sni", "H"), values.host),
            **dict.fromkeys(("CC", "CS", "ID"), values.text),
            "r": values.request,
            "HM": values.method,
            "HV": values.version,
        }
        if field.label:
            by_kind = {ADDRESS.pattern: values.address, DIGITS.pattern: values.digits, INTEGER.pattern: None}
            return by_kind.get(field.kind.pattern, values.text)
        if ":" in alias:
            name = _header_name(alias, names)
            return lambda raw: values.header(raw, name)
        return by_alias.get(alias)

    def _cut(self, located: Located, new: dict[str, bytes], header: Header, front: bytes, *, cut: bool) -> bytes | None:
        """Replace what is sure of a cut line, and the words of the rest; without the rest where that changes it."""
        end = max((place.end for place in located.places().values()), default=header.end)
        sure = front + located.rewrite(new)[header.end : len(located.rewrite(new)) - (len(located.raw) - end)]
        rest = b"" if isinstance(located.known and located.known.plan, StructuredPlan) else located.raw[end:]
        before, quote, request = rest.rpartition(b'"') if rest.count(b'"') % 2 else (rest, b"", b"")
        hidden = self._values.text(before) + quote + self._values.request(request)
        for line in (sure + hidden, sure + hidden[:1], sure):
            if _shape(line, self._interpretation, cut=cut) == _shape(located.raw, self._interpretation, cut=cut):
                return line
        return None

    # -- events --------------------------------------------------------------------------------------------------

    def _event(self, located: Located, header: Header) -> bytes | None:
        """Replace addresses, what a check said, and on demand names; None for free text."""
        found = match_event(located.plain[header.end :])
        if found is None or found[0] in _FREE:
            return None
        new = {name: self._words.address(located.values[name]) for name in ("client", "to") if name in located.values}
        new = {name: value for name, value in new.items() if located.values[name] != b"unix"}
        if "info" in located.values:
            new["info"] = self._values.text(located.values["info"])
        if self._names:
            new |= {
                name: self._values.name(located.values[name]) for name in _NAMES_OF_EVENTS if name in located.values
            }
        message = located.rewrite(new)[header.end :]
        if found[0] == "server_address_changed":
            return _MOVED.sub(
                lambda match: self._values.host(match[1]) + match[2] + self._values.host(match[3]), message
            )
        return message


def _address(field: Field, values: Values) -> _Replace:
    return values.packed_address if field.decode is Decode.HEX_ADDRESS else values.address


def _header_name(alias: str, names: Names) -> str:
    kind, _, rest = alias.partition(":")
    if kind.endswith(".hdr"):
        return rest
    known = (names.request if kind == "capture.req" else names.response) or ()
    return known[int(rest)] if rest.isdigit() and int(rest) < len(known) else ""


def _shape(raw: bytes, interpretation: Interpretation, *, cut: bool) -> dict[str, object]:
    """Give the fields of a line's document, and the values of those that are numbers or times."""
    record = understand(raw, Context("UTC", 0, cut=cut), interpretation).record
    fields = record.model_dump(exclude_none=True, exclude={"event_original", "event_original_base64"})
    return {name: value if isinstance(value, int) or name == "timestamp" else None for name, value in fields.items()}
