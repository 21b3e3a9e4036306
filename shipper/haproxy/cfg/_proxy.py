"""One section `defaults`, `frontend`, `listen` or `backend`, while it is read: what each keyword does to it.

1. A section begins as a copy of its defaults.
2. Of `log-format` and the options that name a format, the last one counts.
3. A stock format of HTTP that an option names becomes `tcplog` where the mode turns out to be another; a `log-format`
   never does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final

from shipper.haproxy.cfg import _captures as captures
from shipper.haproxy.cfg import _log as log
from shipper.haproxy.cfg._model import Capture, Frontend
from shipper.haproxy.stock import STOCK_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.haproxy.cfg._lines import Line
    from shipper.haproxy.cfg._model import LogTarget

CUSTOM: Final = "custom"
_OF_HTTP: Final = frozenset({"httplog", "httpslog", "httpclf"})
_SWITCHES: Final = frozenset({"dontlognull", "dontlog-normal", "logasap", "log-separate-errors"})
_LOGGING: Final = {"httplog": "httpclf", "httpslog": None, "tcplog": "tcpclf"}
"""The options that name a format, and which one it is with `clf`."""
_STOCK: Final = {text: name for name, text in STOCK_FORMATS.items()}


@dataclass(slots=True)
class Proxy:
    """What is known of a section so far."""

    kind: str
    name: str
    place: str
    mode: str = "tcp"
    format_name: str = ""
    log_format: str = ""
    by_option: bool = False
    error_log_format: str = ""
    tag: str | None = None
    targets: list[LogTarget] = field(default_factory=list)
    muted: bool = False
    options: set[str] = field(default_factory=set)
    slots: captures.Slots = field(default_factory=captures.Slots)
    cookie: Capture | None = None
    backends: set[str] = field(default_factory=set)
    """The backends it may choose; a name with `%` may be any."""
    steps: str = ""
    disabled: bool = False

    def heir(self, kind: str, name: str, place: str) -> Proxy:
        """Give a new section that inherits from this one."""
        return replace(
            self,
            kind=kind,
            name=name,
            place=place,
            targets=[*self.targets],
            options={*self.options},
            slots=self.slots.copy(),
            backends={*self.backends},
        )

    @property
    def is_frontend(self) -> bool:
        """Whether it takes connections."""
        return self.kind in {"frontend", "listen"}

    def read(self, line: Line, global_targets: list[LogTarget]) -> bool:
        """Take what a line says; tell whether it bears on the log at all. Raises ConfigError."""
        if line.words[0] == "log":
            self._log(line, global_targets)
            return True
        reader = self._READERS.get(line.words[0])
        return reader is not None and reader(self, line)

    def frontend(self, tag: str, backends: list[Proxy]) -> Frontend:
        """Give it as it is known in the end. Raises ConfigError for a rule that fills a slot nobody declared."""
        captures.fill(self.slots, self.slots.fills, own=True)
        anywhere = any("%" in name for name in self.backends)
        for backend in backends:
            if backend.name in self.backends or anywhere:
                captures.fill(self.slots, backend.slots.fills, own=False)
        falls_back = self.mode != "http" and self.by_option and self.format_name in _OF_HTTP
        name = "tcplog" if falls_back else self.format_name
        return Frontend(
            place=self.place,
            name=self.name,
            mode=self.mode,
            format_name=name,
            log_format=STOCK_FORMATS[name] if falls_back else self.log_format,
            error_log_format=self.error_log_format,
            request_captures=tuple(slot.capture() for slot in self.slots.request),
            response_captures=tuple(slot.capture() for slot in self.slots.response),
            cookie=self.cookie,
            tag=self.tag or tag,
            targets=tuple(self.targets),
            options=frozenset(self.options),
            muted=self.muted,
            steps=self.steps,
        )

    def _log(self, line: Line, global_targets: list[LogTarget]) -> None:
        if line.modifier == "no":
            if len(line.words) > 1:
                raise line.wrong("`no log` takes no argument")
            self.targets.clear()
            self.muted = True
        elif line.words[1:] == ("global",):
            self.targets += [target for target in global_targets if target not in self.targets]
        else:
            self.targets.append(log.target(line))

    def _mode(self, line: Line) -> bool:
        if len(line.words) != 2:  # noqa: PLR2004 -- keyword and value
            raise line.wrong("mode: http or tcp is expected")
        self.mode = line.words[1]
        return True

    def _option(self, line: Line) -> bool:
        _, name, *rest = (*line.words, "")
        if name in _SWITCHES:
            self.options = self.options - {name} if line.modifier else self.options | {name}
        elif name in _LOGGING:
            with_clf = _LOGGING[name] if rest == ["clf", ""] else None
            if line.modifier or (rest != [""] and with_clf is None):
                raise line.wrong(f"option {name}: nothing but {'clf' if _LOGGING[name] else 'the option'} is expected")
            self._set_format(STOCK_FORMATS[with_clf or name], by_option=True)
        else:
            return False
        return True

    def _set_format(self, text: str, *, by_option: bool) -> None:
        self.format_name = _STOCK.get(text, CUSTOM)
        self.log_format = text
        self.by_option = by_option

    def _log_format(self, line: Line) -> bool:
        self._set_format(argument(line), by_option=False)
        return True

    def _error_log_format(self, line: Line) -> bool:
        self.error_log_format = argument(line)
        return True

    def _log_tag(self, line: Line) -> bool:
        self.tag = argument(line)
        return True

    def _log_steps(self, line: Line) -> bool:
        self.steps = argument(line)
        return True

    def _capture(self, line: Line) -> bool:
        if self.kind == "defaults":
            raise line.wrong(f"{line.words[0]!r} is not allowed in defaults")
        match line.words:
            case ("capture", "cookie", *_):
                self.cookie = captures.cookie(line)
            case ("capture", "request" | "response", *_):
                captures.header(line, self.slots)
            case ("declare", *_):
                captures.declared(line, self.slots)
            case _:
                raise line.wrong("`capture cookie`, `capture request header` or `capture response header` is expected")
        return True

    def _rule(self, line: Line) -> bool:
        """Read the rules that capture: http-request, http-response, and tcp-request content."""
        words = line.words[2:] if line.words[:2] == ("tcp-request", "content") else line.words[1:]
        if words[:1] != ("capture",):
            return False
        side = "response" if line.words[0] == "http-response" else "request"
        captures.rule(line, side, words[1:], self.slots, frontend=self.kind != "backend")
        return True

    def _backend(self, line: Line) -> bool:
        self.backends.update(line.words[1:2])
        return False

    def _disabled(self, line: Line) -> bool:
        self.disabled = line.words[0] == "disabled"
        return False

    _READERS: ClassVar[dict[str, Callable[[Proxy, Line], bool]]] = {
        "mode": _mode,
        "option": _option,
        "log-format": _log_format,
        "error-log-format": _error_log_format,
        "log-tag": _log_tag,
        "log-steps": _log_steps,
        "capture": _capture,
        "declare": _capture,
        "http-request": _rule,
        "http-response": _rule,
        "tcp-request": _rule,
        "use_backend": _backend,
        "default_backend": _backend,
        "disabled": _disabled,
        "enabled": _disabled,
    }
    """Each tells whether the line bears on the log."""


def argument(line: Line) -> str:
    """Give the one argument of a line. Raises ConfigError when there is another number of them."""
    if len(line.words) != 2:  # noqa: PLR2004 -- keyword and value
        blanks = "; put it in quotes if it holds blanks" if len(line.words) > 1 else ""
        raise line.wrong(f"{line.words[0]}: one argument is expected{blanks}")
    return line.words[1]
