"""What a user agent is, by the regular expressions of the uap-core project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ua_parser import parse

if TYPE_CHECKING:
    from shipper.haproxy.record import Attributes

CHARS_MAX: Final = 512
"""Of a user agent no more is looked at: what tells anything stands in front, and clients choose the length."""


class Agents:
    """What a user agent is."""

    of = "user_agent_original"
    about = "user agents"
    gives = (
        "user_agent_name",
        "user_agent_version",
        "user_agent_device",
        "user_agent_os",
        "user_agent_os_version",
        "user_agent_os_full",
    )

    def read(self, value: str) -> Attributes:
        """Give the program, the device and the system of a user agent."""
        found = parse(value[:CHARS_MAX])
        agent, system, device = found.user_agent, found.os, found.device
        attributes: dict[str, str] = {}
        if agent is not None:
            attributes["user_agent_name"] = agent.family
            attributes["user_agent_version"] = _version(agent.major, agent.minor, agent.patch, agent.patch_minor)
        if device is not None:
            attributes["user_agent_device"] = device.family
        if system is not None:
            version = _version(system.major, system.minor, system.patch, system.patch_minor)
            attributes["user_agent_os"] = system.family
            attributes["user_agent_os_version"] = version
            attributes["user_agent_os_full"] = f"{system.family} {version}".strip()
        return {name: value for name, value in attributes.items() if value}


def _version(*parts: str | None) -> str:
    known: list[str] = []
    for part in parts:
        if not part:
            break
        known.append(part)
    return ".".join(known)
