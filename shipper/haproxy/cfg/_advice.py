"""What a configuration loses, of what its log could tell, and what to do about it.

1. Targets that lead to this shipper are looked at; if none does, all are: a relay may stand between.
2. Silence on purpose (`no log`) is no loss.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from shipper.errors import Permanent
from shipper.haproxy.cfg._formats import compiled_format, formats
from shipper.haproxy.cfg._log import LEVELS
from shipper.haproxy.cfg._model import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.haproxy.cfg._model import Frontend, HAProxyConfig, LogTarget
    from shipper.listen_url import ListenUrl

_WITH_OFFSET: Final = frozenset({"rfc5424", "timed", "iso"})
_WITH_HOST: Final = frozenset({"", "local", "rfc3164", "rfc5424"})
_TIMES_WITH_OFFSET: Final = frozenset({"trg", "trl", "T", "Tl", "Ts"})
_URI: Final = frozenset({"r", "HU", "HP", "HPO", "HQ"})
_SYSLOG_PORT: Final = 514
_BYTES_OF_THE_REST: Final = 300
"""A header, and a line's numbers, names and blanks."""


def advice(
    config: HAProxyConfig, listeners: Sequence[ListenUrl] = (), *, zone_is_set: bool = False
) -> tuple[Note, ...]:
    """Give what could be better, for a shipper that listens there; ``zone_is_set`` says that it was told the zone."""
    notes: list[Note] = [*config.notes, *formats(config)[1]]
    targets: dict[LogTarget, list[Frontend]] = {}
    for frontend in config.frontends:
        judged = [target for target in frontend.targets if _leads(target.address, listeners)] or [*frontend.targets]
        notes += _of_frontend(frontend, judged, config)
        for target in judged:
            targets.setdefault(target, []).append(frontend)
    for target, frontends in targets.items():
        notes += _of_target(target, frontends, config, zone_is_set=zone_is_set)
    if targets and not any(_leads(target.address, listeners) for target in targets):
        notes += _elsewhere(list(targets), listeners)
    return tuple(notes)


def _of_frontend(frontend: Frontend, targets: list[LogTarget], config: HAProxyConfig) -> Iterator[Note]:
    def note(text: str, what_to_do: str) -> Note:
        return Note(frontend.place, f"frontend {frontend.name}: {text}", what_to_do)

    if not targets:
        if not frontend.muted:
            yield note("nothing is logged", "add `log global`; or `no log`, if that is meant so")
        return
    if not frontend.format_name:
        yield note(
            "no line for a request, only `Connect from`",
            f"add `option {'httplog' if frontend.mode == 'http' else 'tcplog'}`",
        )
    if all(LEVELS.index(target.level) < LEVELS.index("info") for target in targets):
        yield note("no target takes the level of traffic, which is info", "end the `log` line with its facility")
    if "dontlog-normal" in frontend.options:
        yield note(
            "requests that went well are not logged: rates and percentiles are those of failures",
            "remove `option dontlog-normal`",
        )
    if "logasap" in frontend.options:
        yield note("total times and bytes are lower bounds", "remove `option logasap`")
    if frontend.steps:
        yield note("several lines a request, one at each step", "count with care, or remove `log-steps`")
    if frontend.cookie and frontend.cookie.length > config.cookie_length:
        yield note(
            f"the captured cookie is cut at {config.cookie_length} bytes, not at {frontend.cookie.length}",
            f"add `tune.http.cookielen {frontend.cookie.length}` to global",
        )


def _of_target(
    target: LogTarget, frontends: list[Frontend], config: HAProxyConfig, *, zone_is_set: bool
) -> Iterator[Note]:
    def note(text: str, what_to_do: str) -> Note:
        return Note(target.place, f"log {target.address}: {text}", what_to_do)

    ring = next((ring for ring in config.rings if f"ring@{ring.address}" == target.address), target)
    header = target.format or ring.format
    needed = max(_bytes_needed(frontend, config) for frontend in frontends)
    if min(target.length, ring.length) < needed:
        yield note(
            f"cut at {min(target.length, ring.length)} bytes, while a line may have {needed}",
            f"write `len {max(8192, needed)}`"
            if ring is target
            else f"write `maxlen {max(8192, needed)}` into the ring",
        )
    printed = [_aliases(frontend) for frontend in frontends]
    if header not in _WITH_OFFSET and any(aliases.isdisjoint(_TIMES_WITH_OFFSET) for aliases in printed):
        or_else = "" if zone_is_set else "; or tell shipper the zone (`timezone`)"
        yield note("no offset from UTC and no microseconds", f"write `format rfc5424`{or_else}")
    if any("H" not in aliases for aliases in printed):
        if header not in _WITH_HOST:
            yield note(f"`format {header}` has no place for the host's name", "write `format rfc5424`")
        elif not config.hostname:
            yield note("no host's name", "add `log-send-hostname` to global")
    if target.sample:
        yield note(f"only a sample of the lines is sent ({target.sample})", "remove `sample`, or count with care")


def _bytes_needed(frontend: Frontend, config: HAProxyConfig) -> int:
    captured = sum(capture.length for capture in (*frontend.request_captures, *frontend.response_captures))
    cookies = 2 * min(frontend.cookie.length, config.cookie_length) if frontend.cookie else 0
    request = config.uri_length if not _aliases(frontend).isdisjoint(_URI) else 0
    return _BYTES_OF_THE_REST + captured + cookies + request


def _aliases(frontend: Frontend) -> frozenset[str]:
    """Give what a frontend's format prints; nothing when it cannot be read."""
    if not frontend.log_format:
        return frozenset()
    try:
        compiled = compiled_format(frontend.name, frontend.log_format, frontend.mode)
    except Permanent:
        return frozenset()
    return frozenset(field.alias for field in compiled.plan.fields)


def _elsewhere(targets: Sequence[LogTarget], listeners: Sequence[ListenUrl]) -> Iterator[Note]:
    """Tell that nothing leads here; a shipper that reads files or standard input gets its lines from somebody else."""
    at = next((listener for listener in listeners if listener.scheme in {"udp", "unix-dgram"}), None)
    if at is not None:
        address = at.path or f"{f'[{at.host}]' if ':' in at.host else at.host}:{at.port}"
        line = f"log {address} len 8192 format rfc5424 local0"
        there = ", ".join(dict.fromkeys(target.address for target in targets))
        yield Note(
            targets[0].place,
            f"no `log` line leads to {address}: shipper gets nothing of what goes to {there}",
            f"mend its address or port, or add `{line}`; all is well only where a relay sends the lines on",
        )


def _leads(address: str, listeners: Sequence[ListenUrl]) -> bool:
    """Tell whether a `log` line's address is where shipper listens, as far as that can be seen."""
    family, at, rest = address.rpartition("@")
    if at and family not in {"udp", "udp4", "udp6", "ipv4", "ipv6", "unix"}:
        return False
    if rest.startswith("/"):
        return any(listener.path == rest and listener.scheme == "unix-dgram" for listener in listeners)
    host, _, port = rest.rpartition(":") if ":" in rest else (rest, "", str(_SYSLOG_PORT))
    return any(
        listener.scheme == "udp" and port == str(listener.port) and _may_be(host.strip("[]"), listener.host)
        for listener in listeners
    )


def _may_be(host: str, listening: str) -> bool:
    """Tell whether ``host`` may be the machine that listens; a name may be any."""
    try:
        wanted, bound = ip_address(host), ip_address(listening)
    except ValueError:
        return True
    return bound.is_unspecified or wanted == bound
