"""A line without what the rules hide: a line of the same format, with other values in their places.

1. Everything else is made of the hidden line, or of its values: the document, `event.original`, dead letters. So there
   is one place where something is hidden, and nothing behind it needs to know.
2. Hiding twice changes nothing.
3. Of a cut line, what follows the last value whose end was seen is taken as a line that nothing understands, but for
   the beginning of a request. Syslog headers stay.
4. No bytes raise. A line over which this code falls loses its text.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from shipper.haproxy.formats import formats_in_use, groups_in_use
from shipper.haproxy.kinds import ADDRESS
from shipper.haproxy.places import locate
from shipper.haproxy.privacy._values import DROPPED, UNKNOWN, Values
from shipper.haproxy.privacy_rules import action_of, strictest
from shipper.haproxy.steps import Decode
from shipper.haproxy.syslog import match_header, read_header
from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.haproxy.formats import CompiledFormat, Format
    from shipper.haproxy.interpretation import Interpretation
    from shipper.haproxy.places import Located
    from shipper.haproxy.privacy_rules import Action, Rules
    from shipper.haproxy.steps import Field

    _Hide = Callable[[bytes], bytes]

WITHHELD: Final = b"(text withheld: privacy.unparsed)"
_PARAMETER: Final = re.compile(r"(?:url_param|urlp)\((?P<name>[^,)]+)")
_COOKIE: Final = re.compile(r"cook(?:ie)?\((?P<name>[^,)]+)")
_HEADER: Final = re.compile(r"hdr\((?P<name>[A-Za-z0-9_-]+)")


class Hider:
    """Hides what ``rules`` say, in lines of these formats; ``key`` is that of the hashes."""

    def __init__(self, rules: Rules, key: bytes | None, formats: tuple[Format, ...]) -> None:
        self._rules = rules
        self._values = Values(rules, key)
        self._groups = groups_in_use(formats)
        self._by_format = {known: self._hidden(known) for known in formats_in_use(formats)}

    def line(self, raw: bytes, *, cut: bool = False) -> bytes:
        """Give the line (without its line end) without what is hidden."""
        header = read_header(match_header(raw))
        try:
            located = locate(raw, header, self._groups, cut=cut)
            if located is None:
                return raw[: header.end] + self._unparsed(raw[header.end :])
            hidden = located.rewrite(self._new(located))
            return hidden if located.whole and not cut else self._cut(located, hidden)
        except Exception:  # noqa: BLE001 -- whatever it is that we do not know of this line, nobody may see it
            return raw[: header.end] + WITHHELD

    @staticmethod
    def withheld(raw: bytes) -> bytes:
        """Give the line without its text: what is not to be known of it."""
        return raw[: read_header(match_header(raw)).end] + WITHHELD

    def values(self, known: CompiledFormat) -> Sequence[tuple[int, _Hide]]:
        """Give what hides the values of a format, each with the place of its value among them."""
        by_alias = self._by_format[known]
        return [(place, by_alias[alias]) for place, alias in enumerate(known.plan.aliases) if alias in by_alias]

    def _new(self, located: Located) -> dict[str, bytes]:
        if located.known is None:
            client = located.values.get("client")
            return {} if client is None else {"client": self._values.address(client)}
        by_alias = self._by_format.get(located.known) or self._hidden(located.known)
        return {alias: by_alias[alias](value) for alias, value in located.values.items() if value and alias in by_alias}

    def _unparsed(self, text: bytes) -> bytes:
        how = self._rules.for_unparsed
        return text if how == "keep" or not text else self._values.loose(text) if how == "redact" else WITHHELD

    def _cut(self, located: Located, hidden: bytes) -> bytes:
        """Hide what follows the last sure value of a cut line, too."""
        places = located.places().values()
        end = max((place.end for place in places), default=located.start)
        rest = located.raw[end:]
        sure = hidden[: len(hidden) - len(rest)]
        before, quote, request = rest.partition(b'"')
        if quote and not before.strip() and located.known is not None and located.known.quotes_request:
            return sure + before + quote + self._values.request(request)
        how = self._rules.for_unparsed
        return sure + (rest if how == "keep" else self._values.loose(rest) if how == "redact" else rest[:1])

    # -- the values of a format ----------------------------------------------------------------------------------

    def _hidden(self, known: CompiledFormat) -> dict[str, _Hide]:
        """Give what hides each value of a format that may have to be hidden."""
        hiders = {field.key: self._hide(field, known) for field in known.plan.fields}
        return {alias: _remembered(hide) for alias, hide in hiders.items() if hide is not None}

    def _hide(self, field: Field, known: CompiledFormat) -> _Hide | None:
        values, alias = self._values, field.alias
        if field.label:
            return self._hide_label(field)
        if alias in {"hr", "hrl", "hs", "hsl"}:
            return partial(self._captures, known=known, response=alias.startswith("hs"))
        if ":" in alias:
            names = _names_of(alias, known)
            return _fitting(field, lambda raw: values.header(raw, names) or DROPPED)
        return self._hide_alias(field)

    def _hide_alias(self, field: Field) -> _Hide | None:
        """Give what hides values of one kind; None where no rule concerns that."""
        rules, values = self._rules, self._values
        address = values.packed_address if field.decode is Decode.HEX_ADDRESS else values.address
        hiders: dict[str, tuple[object, _Hide]] = {
            "ci": (rules.mask_addresses, address),
            "bi": (rules.mask_addresses, address),  # too, where HAProxy connects with it (`usesrc clientip`)
            "ID": (rules.mask_addresses, values.text),
            "CC": (rules.cookies, values.cookie),
            "CS": (rules.cookies, values.cookie),
            "r": (rules.parameters, values.request),
            "HU": (rules.parameters, values.uri),
            "HQ": (rules.parameters, values.uri),
        }
        concerned, hide = hiders.get(field.alias, (None, None))
        return hide if concerned else None

    def _hide_label(self, field: Field) -> _Hide:
        action = self._action(field)
        if field.kind.pattern == ADDRESS.pattern and action == "keep":
            return self._values.address
        return _fitting(field, partial(self._values.label, action=action))

    def _action(self, field: Field) -> Action:
        """Give the strictest action for a label: its own, and that of what its expression reads."""
        rules = self._rules
        actions = [action_of(rules.labels, field.label)]
        for pattern, of in ((_PARAMETER, rules.parameters), (_COOKIE, rules.cookies), (_HEADER, rules.headers)):
            found = pattern.search(field.alias)
            if found is not None:
                actions.append(action_of(of, found["name"]))
        return strictest(*actions)

    def _captures(self, raw: bytes, known: CompiledFormat, *, response: bool) -> bytes:
        """Hide captured headers, in braces, in quotes or bare."""
        if raw.startswith((b"{", b'"{')):
            quote = b'"' if raw.startswith(b'"') else b""
            values, around, between = raw.strip(b'"')[1:-1].split(b"|"), (quote + b"{", b"}" + quote), b"|"
        elif raw.startswith(b'"'):
            values, around, between = raw[1:-1].split(b'" "'), (b'"', b'"'), b'" "'
        else:
            values, around, between = raw.split(b" "), (b"", b""), b" "
        names = _candidates(known, len(values), response=response)
        hidden = [self._values.header(value, named) for value, named in zip(values, names, strict=True)]
        if not around[0]:
            hidden = [value or DROPPED for value in hidden]
        return around[0] + between.join(hidden) + around[1]


def hider_of(interpretation: Interpretation) -> Hider | None:
    """Make what hides, where there is anything to hide."""
    if not interpretation.privacy.active:
        return None
    key = interpretation.privacy_key
    return Hider(interpretation.privacy, key.get_secret_value().encode() if key else None, interpretation.formats)


def _candidates(known: CompiledFormat, count: int, *, response: bool) -> list[frozenset[str]]:
    """Give the names that each of ``count`` captured headers may have, in lower case.

    What stands in the request's place may be the response's, or both sides', when that is all there is.
    """
    names = known.names
    if response:
        sides = [names.response]
    elif names.request is None or names.response is None:
        sides = [names.request]
    else:
        sides = [names.request, names.response, names.request + names.response]
    fitting = [side for side in sides if side is not None and len(side) == count]
    at_place = ({side[place].lower() for side in fitting} for place in range(count))
    return [frozenset(found or {UNKNOWN}) for found in at_place]


def _names_of(alias: str, known: CompiledFormat) -> frozenset[str]:
    """Give the name of the header that a sample prints."""
    kind, _, rest = alias.partition(":")
    if kind.endswith(".hdr"):
        return frozenset({rest.lower()})
    names = (known.names.request if kind == "capture.req" else known.names.response) or ()
    return frozenset({names[int(rest)].lower() if rest.isdigit() and int(rest) < len(names) else UNKNOWN})


def _fitting(field: Field, hide: _Hide) -> _Hide:
    """Drop what would not be of the value's grammar any more: the hash of a number."""
    pattern = re.compile(field.kind.pattern, re.DOTALL)

    def fitting(raw: bytes) -> bytes:
        hidden = hide(raw)
        return hidden if pattern.fullmatch(hidden) else DROPPED

    return fitting


def _remembered(hide: _Hide) -> _Hide:
    """Remember what short values become."""
    cached = lru_cache(VALUES_REMEMBERED_MAX)(hide)
    return lambda raw: cached(raw) if len(raw) <= VALUE_REMEMBERED_BYTES_MAX else hide(raw)
