"""Small configurations for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.haproxy.cfg import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.cfg import Frontend, HAProxyConfig

TIMEOUTS = "    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n"


def config(text: str, environment: Mapping[str, str] | None = None) -> HAProxyConfig:
    """Read one file that is called `haproxy.cfg`; a first line break does not count."""
    return read([("haproxy.cfg", text.removeprefix("\n"))], environment or {})


def frontends(text: str, environment: Mapping[str, str] | None = None) -> dict[str, Frontend]:
    return {frontend.name: frontend for frontend in config(text, environment).frontends}


def frontend(lines: str, environment: Mapping[str, str] | None = None, defaults: str = "") -> Frontend:
    """Read a frontend `www` with these lines."""
    text = (
        f"global\n    log 192.0.2.1 local0\ndefaults\n    mode http\n    log global\n{defaults}frontend www\n{lines}\n"
    )
    return frontends(text, environment)["www"]
