"""Which formats the lines of these frontends have, and how a line's own is told.

1. Frontends of one format, mode and captures share it.
2. A format that prints the frontend's name is for those frontends. One that does not is for their syslog tag, if they
   have one to themselves. One with neither is for every line, comes last, and has the names of captures only if they
   are the same wherever it is used.
3. A format that cannot be read is left out, with a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, cast

from shipper.errors import Permanent
from shipper.haproxy.cfg._model import Note
from shipper.haproxy.cfg._proxy import CUSTOM
from shipper.haproxy.formats import compile_format
from shipper.haproxy.stock import STOCK_FORMATS
from shipper.haproxy.syslog import match_header, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.haproxy.cfg._model import Capture, Frontend, HAProxyConfig, LogTarget
    from shipper.haproxy.formats import CompiledFormat, Format

Names = tuple[str, ...]
Mode = Literal["http", "tcp"]
Scope = Literal["frontend", "tag", "all"]

_STOCK: Final = frozenset(STOCK_FORMATS.values())
_OF_THE_FRONTEND: Final = frozenset({"f", "ft"})
_LOCAL: Final = "<134>Nov 21 01:02:03 {}[1]: "
_RFC3164: Final = "<134>Nov 21 01:02:03 edge {}[1]: "
_RFC5424: Final = "<134>1 2026-11-21T01:02:03Z edge {} 1 - - "
_HEADERS: Final = {"": _LOCAL, "local": _LOCAL, "rfc3164": _RFC3164, "rfc5424": _RFC5424}
"""The headers that have a tag."""
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._:-]")
_NAME_CHARS_MAX: Final = 64
_REWRITE: Final = (
    "put text between its values that cannot be in them, or use %{+json}o; its lines stay unparsed until then"
)
_NEVER_FITS: Final = {
    "\n": ("a line break in a log-format: each part comes as a line of its own", "write \\t, or one line"),
    "\N{REPLACEMENT CHARACTER}": ("bytes in a log-format that are not UTF-8", "save the file as UTF-8"),
}
_NOT_SURE: Final = "write it as `%{+Q,+E}…`: then it ends at its quote, whatever it holds"


@dataclass(frozen=True, slots=True)
class DerivedFormat:
    """What `[[formats]]` of the configuration would say; the same fields mean the same."""

    name: str
    log_format: str
    frontends: Names = ()
    tags: Names = ()
    mode: Mode | None = None
    request_captures: Names | None = None
    response_captures: Names | None = None
    place: str = field(default="", compare=False)
    """Of the first frontend that has it."""


@dataclass(frozen=True, slots=True)
class _Use:
    """A format that a frontend's lines have."""

    name: str
    text: str
    frontend: Frontend
    scope: Scope

    @property
    def captures(self) -> tuple[Names, Names]:
        return _names(self.frontend.request_captures), _names(self.frontend.response_captures)

    @property
    def key(self) -> tuple[object, ...]:
        """What those that share a format have in common."""
        captures = None if self.scope == "all" else self.captures
        tag = self.frontend.tag if self.scope == "tag" else None
        return self.text, self.frontend.mode, self.scope, captures, tag


def formats(config: HAProxyConfig) -> tuple[tuple[DerivedFormat, ...], tuple[Note, ...]]:
    """Give the formats of what is logged, in the order in which they should be tried, and what is wrong with some."""
    logging = [frontend for frontend in config.frontends if frontend.targets]
    groups: dict[tuple[object, ...], list[_Use]] = {}
    notes: dict[str, Note] = {}
    for frontend in logging:
        for note in _of_the_tag(frontend, config):
            notes.setdefault(note.text, note)
        for name, text in _texts(frontend, config):
            wrong = next((why for character, why in _NEVER_FITS.items() if character in text), None)
            if wrong:
                notes.setdefault(text, Note(frontend.place, *wrong))
                continue
            try:
                compiled = compiled_format(name, text, frontend.mode)
            except Permanent as error:
                notes.setdefault(text, Note(frontend.place, f"shipper cannot read this: {error}", _REWRITE))
                continue
            for warning in () if text in _STOCK else getattr(compiled.plan, "warnings", ()):
                notes.setdefault(warning, Note(frontend.place, warning, _NOT_SURE))
            use = _Use(name, text, frontend, _scope(compiled, frontend, logging, config))
            groups.setdefault(use.key, []).append(use)
    vague = (_vague(uses, len(logging)) for uses in groups.values())
    derived = sorted(map(_derived, groups.values()), key=lambda known: (not known.frontends, not known.tags))
    return tuple(derived), (*notes.values(), *(note for note in vague if note))


def compiled_format(name: str, text: str, mode: str) -> CompiledFormat:
    """Compile a frontend's log-format string. Raises Permanent when shipper cannot read it."""
    known = DerivedFormat(_name(name), text, mode=_mode(mode))
    return compile_format(cast("Format", known))  # it has the same fields; the configuration itself imports this module


def _texts(frontend: Frontend, config: HAProxyConfig) -> list[tuple[str, str]]:
    """Give name and string of each format of a frontend: its own, that of its errors, those of its log profiles."""
    texts = []
    if frontend.format_name:
        texts.append((frontend.name if frontend.format_name == CUSTOM else frontend.format_name, frontend.log_format))
    if frontend.error_log_format:
        stock = frontend.error_log_format == STOCK_FORMATS["error"]
        texts.append(("error" if stock else f"{frontend.name}-error", frontend.error_log_format))
    used = {target.profile for target in frontend.targets}
    for profile in config.profiles:
        texts += [(f"{profile.name}-{step}", text) for step, text in profile.steps if profile.name in used]
    return texts


def _scope(compiled: CompiledFormat, frontend: Frontend, logging: list[Frontend], config: HAProxyConfig) -> Scope:
    if not _OF_THE_FRONTEND.isdisjoint(compiled.plan.aliases):
        return "frontend"
    alike = [other for other in logging if other.tag == frontend.tag]
    of_its_own = len(alike) < len(logging) and len({(other.log_format, other.request_captures) for other in alike}) == 1
    told = of_its_own and all(_gives_tag(target, frontend.tag, config) for target in frontend.targets)
    return "tag" if told else "all"


def _gives_tag(target: LogTarget, tag: str, config: HAProxyConfig) -> bool:
    """Tell whether the header of a target has a tag, and in a way that it can be read."""
    header = _HEADERS.get(target.format, "")
    line = (_RFC3164 if header == _LOCAL and config.hostname else header).format(tag).encode()
    return header != "" and read_header(match_header(line)).identity.tag == tag


def _of_the_tag(frontend: Frontend, config: HAProxyConfig) -> Iterator[Note]:
    for target in frontend.targets:
        if target.format in _HEADERS and not _gives_tag(target, frontend.tag, config):
            text = f"log-tag {frontend.tag!r}: where it ends cannot be seen in the header that {target.address} gets"
            yield Note(frontend.place, text, "take letters, digits, '-', '_' and '.'")


def _derived(uses: list[_Use]) -> DerivedFormat:
    first = uses[0]
    captures = {use.captures for use in uses}
    request, response = first.captures if len(captures) == 1 else (None, None)
    return DerivedFormat(
        name=_name(first.name),
        log_format=first.name
        if first.name in STOCK_FORMATS and first.text == STOCK_FORMATS[first.name]
        else first.text,
        frontends=tuple(dict.fromkeys(use.frontend.name for use in uses)) if first.scope == "frontend" else (),
        tags=(first.frontend.tag,) if first.scope == "tag" else (),
        mode=_mode(first.frontend.mode),
        request_captures=request,
        response_captures=response,
        place=first.frontend.place,
    )


def _name(text: str) -> str:
    """Make a format's name of the name of a frontend or profile."""
    return _NOT_IN_A_NAME.sub("_", text)[:_NAME_CHARS_MAX]


def _vague(uses: list[_Use], frontends: int) -> Note | None:
    """Tell of frontends whose lines cannot be told apart."""
    first = uses[0]
    if first.scope != "all" or frontends == 1:
        return None
    names = ", ".join(dict.fromkeys(use.frontend.name for use in uses))
    return Note(first.frontend.place, f"the lines of {names} do not tell their frontend", "put %ft into the log-format")


def _mode(mode: str) -> Mode | None:
    return "http" if mode == "http" else "tcp" if mode == "tcp" else None


def _names(captures: tuple[Capture, ...]) -> Names:
    return tuple(capture.name for capture in captures)
