"""The rules of privacy: closed and declarative, so that an engine can tell whether it knows them all."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shipper.limits import PRIVACY_NAMES_MAX

Action: TypeAlias = Literal["keep", "hash", "drop"]
"""What happens to a value, from the mildest to the strictest."""

OTHERS: Final = "*"
"""The name that stands for all that have no rule of their own."""
_STRICTNESS: Final[tuple[Action, ...]] = ("keep", "hash", "drop")


def _lower(rules: dict[str, Action]) -> dict[str, Action]:
    return {name.lower(): action for name, action in rules.items()}


ByName = Annotated[dict[str, Action], Field(max_length=PRIVACY_NAMES_MAX), AfterValidator(_lower)]


class Rules(BaseModel):
    """What is hidden. Names are those of the line, in any case; `*` are all without a rule of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    mask_addresses: bool = False
    """Whether clients' addresses lose their last bits: `%ci`, and those in captured headers, ids and labels."""
    ipv4_bits: Annotated[int, Field(ge=0, le=32)] = 24
    """The bits that are kept of an IPv4 address: of 24, `192.0.2.7` is `192.0.2.0`."""
    ipv6_bits: Annotated[int, Field(ge=0, le=128)] = 48
    """The bits that are kept of an IPv6 address."""
    parameters: ByName = {}
    """Query parameters, wherever a URL stands: `keep`, `hash` or `drop`."""
    cookies: ByName = {}
    """Captured cookies, and those in a captured `Cookie` or `Set-Cookie`."""
    headers: ByName = {}
    """Captured headers. One whose name is not known falls under `*`, or is dropped where another has a rule."""
    labels: ByName = {}
    """Values of a log format that become labels."""
    unparsed: Literal["keep", "redact", "drop"] | None = None
    """Lines that nothing understands, and what follows where a line was cut: kept, without what looks like something
    that a rule hides, or without their text. By default `drop` where there is any rule."""

    @property
    def active(self) -> bool:
        """Say whether there is anything to hide."""
        named = (self.parameters, self.cookies, self.headers, self.labels)
        return self.mask_addresses or any(map(_hides, named)) or self.unparsed in {"redact", "drop"}

    @property
    def hashes(self) -> bool:
        """Say whether there is a value to be hashed."""
        named = (self.parameters, self.cookies, self.headers, self.labels)
        return any("hash" in rules.values() for rules in named)

    @property
    def for_unparsed(self) -> Literal["keep", "redact", "drop"]:
        """Give what happens to lines that nothing understands."""
        return self.unparsed or ("drop" if self.active else "keep")


def action_of(rules: dict[str, Action], name: str) -> Action:
    """Give the action for a name."""
    return rules.get(name.lower()) or rules.get(OTHERS, "keep")


def action_of_unknown(rules: dict[str, Action]) -> Action:
    """Give the action for a value whose name is not known: it may be the one that is to be hidden."""
    return rules.get(OTHERS) or ("drop" if _hides(rules) else "keep")


def strictest(*actions: Action) -> Action:
    """Give the strictest of some actions."""
    return max(actions, key=_STRICTNESS.index)


def _hides(rules: dict[str, Action]) -> bool:
    return any(action != "keep" for action in rules.values())
