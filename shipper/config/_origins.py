"""Where each setting's value comes from, and all of it as a TOML file that says so.

1. A setting is the smallest thing that one source can set alone: a key, also of a table within a table. A list comes
   whole from one source.
2. Secrets are never shown: they stand as asterisks.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import tomlkit
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from shipper.config._errors import ENV_DELIMITER, ENV_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic_settings import BaseSettings

DEFAULT: Final = "default"
FLAG: Final = "a flag"
_COMMENT_COLUMN: Final = 48


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it stands, its value as TOML has them (None: not set), and what set it."""

    path: tuple[str, ...]
    value: Any
    origin: str

    @property
    def is_changed(self) -> bool:
        """Whether anything but the default set it."""
        return self.origin != DEFAULT


def settings_of(config: BaseSettings, file: Path | None, flags: Mapping[str, Any]) -> list[Setting]:
    """Give every setting of ``config``, which was read from these sources and the environment."""
    sources = {
        FLAG: flags,
        "": EnvSettingsSource(type(config))(),
        str(file): TomlConfigSettingsSource(type(config), file)() if file is not None else {},
    }

    def origin(path: tuple[str, ...]) -> str:
        found = next((name for name, values in sources.items() if _holds(values, path)), DEFAULT)
        return found or _variable(path)

    return [Setting(path, value, origin(path)) for path, value in _leaves(config.model_dump(mode="json"), ())]


def as_toml(settings: Sequence[Setting]) -> str:
    """Write them as a file that `--config` takes, but for the secrets; each line says what set it."""
    tables = [setting for setting in settings if len(setting.path) > 1 or _is_list_of_tables(setting.value)]
    lines = [_line(setting.path[0], setting) for setting in settings if setting not in tables]
    for name, members in groupby(tables, key=lambda setting: setting.path[0]):
        for setting in members:
            if _is_list_of_tables(setting.value):
                lines += _list_of_tables(name, setting)
                continue
            if f"[{name}]" not in lines:
                lines += ["", f"[{name}]"]
            lines.append(_line(".".join(_key(part) for part in setting.path[1:]), setting))
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def _leaves(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        here = (*path, name)
        if isinstance(value, dict) and value:
            yield from _leaves(value, here)
        elif value != {} or path:  # an empty table of the top level is a header without lines
            yield here, value


def _holds(values: object, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _variable(path: tuple[str, ...]) -> str:
    """Name the variable that sets what stands at ``path``: its own, or that of a table around it."""
    known = {name.upper() for name in os.environ}
    names = [ENV_PREFIX + ENV_DELIMITER.join(path[:length]).upper() for length in range(len(path), 0, -1)]
    return next((name for name in names if name in known), names[0])


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _list_of_tables(name: str, setting: Setting) -> Iterator[str]:
    for table in setting.value:
        yield from ("", f"{f'[[{name}]]':<{_COMMENT_COLUMN}}# {setting.origin}")
        yield from (f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None)


def _line(key: str, setting: Setting) -> str:
    shown = f"#{key} =" if setting.value is None else f"{key} = {_value(setting.value)}"
    said = "not set" if setting.value is None and setting.origin == DEFAULT else setting.origin
    return f"{shown:<{_COMMENT_COLUMN - 1}} # {said}"


def _key(name: str) -> str:
    return tomlkit.key(name).as_string()


def _value(value: object) -> str:
    return "{}" if value == {} else tomlkit.item(value).as_string()
