"""The sections in their order: what stands in `global` counts for what comes after it, across files (manual, 3 and 4).

1. The last `defaults` is what the next section begins as; `from NAME` names another. A `defaults` begins with nothing.
2. Keywords that say nothing about the log are nobody's business here, whatever they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shipper.haproxy.cfg import _log as log
from shipper.haproxy.cfg._captures import number
from shipper.haproxy.cfg._lines import PROXIES, SECTIONS, Source
from shipper.haproxy.cfg._model import HAProxyConfig, LogTarget, Note, Profile
from shipper.haproxy.cfg._proxy import Proxy, argument
from shipper.haproxy.stock import STOCK_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.haproxy.cfg._lines import Line

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.:-]")
_OF_HAPROXY: Final = {
    "HAPROXY_HTTP_LOG_FMT": STOCK_FORMATS["httplog"],
    "HAPROXY_HTTPS_LOG_FMT": STOCK_FORMATS["httpslog"],
    "HAPROXY_TCP_LOG_FMT": STOCK_FORMATS["tcplog"],
    "HAPROXY_HTTP_CLF_LOG_FMT": STOCK_FORMATS["httpclf"],
    "HAPROXY_TCP_CLF_LOG_FMT": STOCK_FORMATS["tcpclf"],
}
"""Variables that HAProxy sets while it reads (2.7 and later)."""


def read(files: Sequence[tuple[str, str]], environment: Mapping[str, str]) -> HAProxyConfig:
    """Read configuration files, each a name and its text, in the order in which HAProxy would.

    ``environment`` should be that of HAProxy. Raises ConfigError, with file and line, for what HAProxy itself would
    refuse, as far as it concerns the log or makes reading impossible.
    """
    return _Reader(environment).read(files)


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, **_OF_HAPROXY}
        self._notes: list[Note] = []
        self._targets: list[LogTarget] = []
        self._tag = "haproxy"
        self._hostname = False
        self._lengths = {"tune.http.logurilen": 1024, "tune.http.cookielen": 63}
        self._defaults = Proxy("defaults", "", "")
        self._named: dict[str, list[Proxy]] = {}
        self._proxies: list[Proxy] = []
        self._names: dict[tuple[bool, str], Proxy] = {}
        self._proxy = self._defaults
        self._rings: list[LogTarget] = []
        self._profiles: list[Profile] = []

    def read(self, files: Sequence[tuple[str, str]]) -> HAProxyConfig:
        for name, text in files:
            section = ""
            for line in Source(name, text, self._environment, self._notes):
                if line.words[0] in SECTIONS:
                    section = line.words[0]
                    self._open(line)
                else:
                    self._take(section, line)
        backends = [proxy for proxy in self._proxies if proxy.kind in {"backend", "listen"}]
        return HAProxyConfig(
            frontends=tuple(
                proxy.frontend(self._tag, [b for b in backends if b is not proxy])
                for proxy in self._proxies
                if proxy.is_frontend and not proxy.disabled
            ),
            profiles=tuple(self._profiles),
            rings=tuple(self._rings),
            hostname=self._hostname,
            uri_length=self._lengths["tune.http.logurilen"],
            cookie_length=self._lengths["tune.http.cookielen"],
            notes=tuple(self._notes),
        )

    def _open(self, line: Line) -> None:
        kind, name = line.words[0], (*line.words, "")[1]
        if kind in PROXIES:
            self._open_proxy(line)
        elif kind == "ring":
            self._rings.append(LogTarget(line.place, name, facility=""))
        elif kind == "log-profile":
            self._profiles.append(Profile(name, None, ()))

    def _open_proxy(self, line: Line) -> None:
        kind, *words = line.words
        name = words.pop(0) if words and words[0] != "from" else ""
        parent = Proxy("defaults", "", "") if kind == "defaults" else self._defaults
        if words:
            parent = self._ancestor(line, words)
        self._proxy = parent.heir(kind, name, line.place)
        if kind == "defaults":
            self._defaults = self._proxy
            self._named.setdefault(name, []).append(self._proxy)
        else:
            self._register(line)

    def _ancestor(self, line: Line, words: list[str]) -> Proxy:
        if len(words) != 2 or words[0] != "from":  # noqa: PLR2004 -- `from` and the name
            raise line.wrong(f"{line.words[0]}: a name is expected, and perhaps `from DEFAULTS`")
        found = self._named.get(words[1], [])
        if len(found) != 1:
            places = ", ".join(proxy.place for proxy in found)
            raise line.wrong(
                f"defaults {words[1]!r}: {'several at ' + places if found else 'there is no such section'}"
            )
        return found[0]

    def _register(self, line: Line) -> None:
        proxy = self._proxy
        if not proxy.name or _NOT_IN_A_NAME.search(proxy.name):
            raise line.wrong(
                f"{proxy.kind} {proxy.name!r}: a name of letters, digits, '-', '_', '.' and ':' is expected"
            )
        self._proxies.append(proxy)
        for clients in {proxy.kind == "frontend", proxy.kind != "backend"}:  # a `listen` faces clients and servers
            other = self._names.setdefault((clients, proxy.name), proxy)
            if other is not proxy:
                raise line.wrong(f"{proxy.kind} {proxy.name!r}: the name is taken, see {other.place}")

    def _take(self, section: str, line: Line) -> None:
        if section == "global":
            bears = self._global(line)
        elif section in PROXIES:
            bears = self._proxy.read(line, self._targets)
        elif section == "ring":
            bears = self._ring(line)
        else:
            bears = section == "log-profile" and self._profile(line)
        if bears:
            self._notes += [
                Note(line.place, f"the variable {name} is not set here", "give shipper the environment of HAProxy")
                for name in line.unset
            ]

    def _global(self, line: Line) -> bool:
        keyword, *arguments = line.words
        if keyword in {"setenv", "presetenv", "unsetenv", "resetenv"}:
            self._set_variable(line, keyword, arguments)
        elif keyword == "log":
            self._global_log(line)
        elif keyword == "log-tag":
            self._tag = argument(line)
        elif keyword == "log-send-hostname":
            self._hostname = True
        elif keyword in self._lengths:
            self._lengths[keyword] = number(argument(line))
        else:
            return False
        return True

    def _global_log(self, line: Line) -> None:
        if line.modifier == "no":
            self._targets = []
        elif line.words[1:] == ("global",):
            raise line.wrong("`log global` belongs into the other sections")
        else:
            self._targets = [*self._targets, log.target(line)]

    def _set_variable(self, line: Line, keyword: str, arguments: list[str]) -> None:
        if keyword in {"setenv", "presetenv"}:
            if len(arguments) < 2:  # noqa: PLR2004 -- name and value; more do not count
                raise line.wrong(f"{keyword}: a name and a value are expected")
            name, value = arguments[:2]
            self._environment[name] = self._environment.get(name, value) if keyword == "presetenv" else value
            return
        keep = set(arguments) if keyword == "resetenv" else set(self._environment) - set(arguments)
        for name in set(self._environment) - keep:
            del self._environment[name]

    def _ring(self, line: Line) -> bool:
        ring = self._rings[-1]
        match line.words:
            case ("maxlen", text):
                self._rings[-1] = replace(ring, length=number(text))
            case ("format", name):
                self._rings[-1] = replace(ring, format=log.header(line, name))
            case _:
                return False
        return True

    def _profile(self, line: Line) -> bool:
        profile = self._profiles[-1]
        match line.words:
            case ("log-tag", tag):
                self._profiles[-1] = replace(profile, tag=tag)
            case ("on", step, *options) if "format" in options[:-1]:
                text = options[options.index("format") + 1]
                self._profiles[-1] = replace(profile, steps=(*profile.steps, (step, text)))
            case _:
                return False
        return True
