"""What is wrong with a configuration, in words: each wrong key, where it stands, and what would be right."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Final, get_args

from pydantic import BaseModel

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

ENV_PREFIX: Final = "SHIPPER_"
ENV_DELIMITER: Final = "__"
ENV_FILE: Final = f"{ENV_PREFIX}CONFIG"
"""Names the configuration file, for commands that were given none."""

_SERVICE: Final = re.compile(r"SHIPPER_(?:SERVICE_|PORT(?:_|\Z))")
"""What Kubernetes gives to every container when a Service is named `shipper`."""


def refuse_unknown_variables(model: type[BaseModel]) -> None:
    """Raise ConfigError for a variable of ours that names no setting of ``model``."""
    for variable in os.environ:
        if variable.startswith(ENV_PREFIX) and variable != ENV_FILE and not _SERVICE.match(variable):
            key = variable.removeprefix(ENV_PREFIX).lower().split(ENV_DELIMITER)[0]
            if key not in model.model_fields:
                table = next((name for name in model.model_fields if key.startswith(f"{name}_")), None)
                inner = f"{ENV_PREFIX}{table}{ENV_DELIMITER}{key.removeprefix(f'{table}_')}".upper()
                hint = f"; did you mean {inner!r}, with two underscores?" if table else ""
                hint = hint or _nearest(key.upper(), [name.upper() for name in model.model_fields], ENV_PREFIX)
                msg = f"environment variable {variable}: unknown setting{hint}"
                raise ConfigError(msg)


def explain_variable(error: SettingsError) -> str:
    """Name the variables that may hold what is no JSON; the error itself knows the outermost key alone."""
    match = re.search(r'field "(\w+)"', str(error))
    start = f"{ENV_PREFIX}{match[1]}".upper() if match else ENV_PREFIX
    variables = ", ".join(name for name in os.environ if name.upper().startswith(start))
    example = f"""{ENV_PREFIX}ELASTICSEARCH{ENV_DELIMITER}URLS='["http://127.0.0.1:9200"]'"""
    return f"environment variable {variables}: lists and tables are written as JSON, like {example}"


def explain(error: ValidationError, file: Path | None, model: type[BaseModel]) -> str:
    """Put each fault of ``error`` on a line of its own, with what would be right."""
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        location = [part for part in fault["loc"] if isinstance(part, int) or not _KIND.match(part)]
        where = ".".join(map(str, location)) or "configuration"
        if fault["type"] == "extra_forbidden":
            said = f"unknown key{_nearest(str(fault['loc'][-1]), _keys_at(model, fault['loc'][:-1]))}"
        elif fault["type"] == "tuple_type":
            said = _listed(model, location)
        elif fault["type"] in _FORMS or len(location) < len(fault["loc"]):
            said = _misfit(fault["type"], str(location[-1]), _described(model, location))
        else:
            said = fault["msg"].removeprefix("Value error, ")
        if f"{where}: {said}" not in lines:
            lines.append(f"{where}: {said}")
    source = f"in {file}, the environment or the flags" if file else "in the environment or the flags"
    return f"wrong configuration ({source}):\n  " + "\n  ".join(lines)


_KIND: Final = re.compile(r"literal\[|constrained-|function-")
"""What pydantic puts behind the key of a setting that may be of several kinds."""
_FORMS: Final = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "path_type": "text in quotes",
}
"""Of faults that pydantic names in words of Python: how what fits is written."""


def _misfit(fault: str, name: str, meaning: str) -> str:
    """Say how the setting ``name`` is written, and what it is."""
    form = _FORMS.get(fault)
    if form == "a whole number" and "bytes" in name:
        form = "a number of bytes like 8_000_000_000"
    expected = f"; {form} is expected" if form else ""
    return f"does not fit{expected}; it is: {meaning}" if meaning else f"does not fit{expected}"


def _listed(model: type[BaseModel], location: list[int | str]) -> str:
    """Say how the list at ``location`` is written."""
    name = str(location[-1])
    if _model_of(_owner(model, location).model_fields[name].annotation) is None:
        return f'a list is expected: {name} = ["…"]'
    return f"write [[{name}]], with two brackets, and its keys below"


def _described(model: type[BaseModel], location: list[int | str]) -> str:
    """Give the meaning of the setting at ``location``."""
    keys = [part for part in location if isinstance(part, str)]
    field = _owner(model, location).model_fields.get(keys[-1]) if keys else None
    return (field.description or "" if field else "").replace("\n", " ")


def _nearest(word: str, known: list[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {prefix + near[0]!r}?"
    return f"; known are {', '.join(prefix + name for name in sorted(known))}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Give the known keys of the model at ``location`` below ``model``."""
    return list(_owner(model, [*location, ""]).model_fields)


def _owner(model: type[BaseModel], location: list[int | str]) -> type[BaseModel]:
    """Give the model that has the last key of ``location``, below ``model``."""
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation) or model
    return model


def _model_of(annotation: object) -> type[BaseModel] | None:
    """Give the model that a setting is, or is a list of."""
    candidates = [annotation, *get_args(annotation)]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
