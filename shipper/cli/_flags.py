"""Flags that several commands share: said once, they stand for one argument of a command."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Group:
    """Flags that make one argument together."""

    flags: Mapping[str, Any]
    """Each by its name, annotated for typer; one that is not given is None."""
    make: Callable[[dict[str, Any]], object]
    """Makes the argument of those that were given."""


def taking(**groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command have, for each of these arguments, the flags of its group."""

    def with_flags(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def called(**given: Any) -> None:  # noqa: ANN401 -- whatever the flags are
            for argument, group in groups.items():
                values = {name: given.pop(name) for name in group.flags}
                given[argument] = group.make({name: value for name, value in values.items() if value is not None})
            command(**given)

        parameters: list[Parameter] = []
        for own in inspect.signature(command, eval_str=True).parameters.values():
            group = groups.get(own.name)
            parameters += [own.replace(kind=Parameter.KEYWORD_ONLY)] if group is None else _parameters(group)
        vars(called)["__signature__"] = Signature(parameters)  # that is where typer looks
        return called

    return with_flags


def _parameters(group: Group) -> list[Parameter]:
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in group.flags.items()
    ]
