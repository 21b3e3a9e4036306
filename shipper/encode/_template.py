"""The document of a plan as a template: which value's text stands where, in the order of the record.

A document is a tree of objects. The text of a *part* (`haproxy.fields.PARTS`) hangs on a few bytes of the line only, so
it is rendered once per distinct value and remembered; a line is then put together from remembered texts.

1. A template's result is, byte for byte, the JSON of the record's document: a property test says so.
2. Texts end in a comma. An object takes its last comma off when it is closed, and is left out when it is empty.
3. What a memo cannot render (a field error) raises Odd, and the line takes the way through the record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shipper.haproxy.record import PATHS, Attributes
from shipper.limits import VALUE_REMEMBERED_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Key: TypeAlias = Any
"""What a part's text hangs on: the bytes of one alias (None: an absent block), or a tuple of them."""
Tree: TypeAlias = dict[str, Any]
Members: TypeAlias = list[tuple[str, Any]]
"""Each member's opening, `"key":`, and the name of its attribute, or the members of the object that it is."""

_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quote: Final = json.encoder.encode_basestring


class Odd(Exception):  # noqa: N818 -- not an error: the line takes the slow way
    """This line cannot be put together from remembered texts."""


def to_json(document: Tree) -> str:
    """Write a document as JSON: UTF-8 as it is, no blanks."""
    return _dumps(document)


class Memo(dict[Key, Any]):
    """The texts of one source by value: a value seen for the first time is read and rendered.

    A source whose attributes stand in one place of the document gives one text, otherwise a tuple of them.
    """

    def __init__(self, source: Source, pieces: Sequence[_Piece], remembered_max: int) -> None:
        super().__init__()
        self._remembered_max = remembered_max
        self._read = source.read
        self._few = source.few
        self._pieces = [_members(_tree(piece.names, piece.depth)) for piece in pieces]
        self._only = self._pieces[0] if len(self._pieces) == 1 else None

    def __missing__(self, key: Key) -> str | tuple[str, ...]:
        """Render a value, and remember it within the bounds."""
        attributes = self._read(key)
        if "field_errors" in attributes:
            raise Odd
        if self._only:
            text: str | tuple[str, ...] = _render(attributes, self._only)
        else:
            text = tuple([_render(attributes, piece) for piece in self._pieces])
        if self._few and (len(key) if type(key) is bytes else _size(key)) <= VALUE_REMEMBERED_BYTES_MAX:
            if len(self) >= self._remembered_max:
                self.clear()
            self[key] = text
        return text


def _size(key: Key) -> int:
    if isinstance(key, tuple):
        return sum(map(_size, key))
    return len(key) if isinstance(key, str | bytes) else 0


def _render(attributes: Attributes, members: Members) -> str:
    """Write the members that have a value, each with its comma."""
    text = ""
    for opening, member in members:
        if not isinstance(member, str):
            inner = _render(attributes, member)
            text += f"{opening}{{{inner[:-1]}}}," if inner else ""
        elif member in attributes:
            value = attributes[member]
            written = _quote(value) if isinstance(value, str) else value if type(value) is int else _dumps(value)
            text += f"{opening}{written},"
    return text


def _members(tree: Tree) -> Members:
    return [(f'"{key}":', child if isinstance(child, str) else _members(child)) for key, child in tree.items()]


@dataclass(frozen=True, slots=True)
class Source:
    """How a value of a line gives the attributes in ``gives``."""

    gives: tuple[str, ...]
    read: Callable[[Key], Attributes]
    few: bool = True
    """The distinct values are few enough to be remembered."""


@dataclass(slots=True)
class _Piece:
    """Neighbours in one object that come from one source, or the text of one attribute that is given (source None)."""

    source: Source | None
    names: list[str]
    depth: int


@dataclass(slots=True)
class _Object:
    """One object on the way: its opening (empty for the document itself), its pieces and the objects in it."""

    opening: str
    children: list[_Piece | _Object]


class Template:
    """A compiled document.

    ``write(values, given)`` gives its JSON: ``values`` has one value for each source, ``given`` one text for each name
    in ``given``, a member with its comma. Of each source at most ``remembered_max`` values are remembered.
    """

    def __init__(self, sources: Sequence[Source], given: Sequence[str], remembered_max: int) -> None:
        self._owner: dict[str, Source | None] = {name: source for source in sources for name in source.gives}
        self._owner |= dict.fromkeys(given)
        root = self._compile("", _tree(name for name in PATHS if name in self._owner), 0)
        pieces = list(_pieces(root))
        of = [[piece for piece in pieces if piece.source is source] for source in sources]
        self._memos = [Memo(source, mine, remembered_max) for source, mine in zip(sources, of, strict=True)]
        places = {id(mine[0]): place for place, mine in enumerate(of) if len(mine) == 1}
        places |= {id(piece): len(sources) + given.index(piece.names[0]) for piece in pieces if piece.source is None}
        self._spread = [place for place, mine in enumerate(of) if len(mine) > 1]
        end = len(sources) + len(given)
        for mine in (mine for mine in of if len(mine) > 1):
            places |= {id(piece): end + number for number, piece in enumerate(mine)}
            end += len(mine)
        self._objects: list[tuple[str, Callable[[list[str]], Iterable[str]]]] = []
        self._place(root, places, end)

    def _compile(self, opening: str, tree: Tree, depth: int) -> _Object:
        """Cut a tree into pieces: what has one source is rendered as a whole, objects of several are put together."""
        children: list[_Piece | _Object] = []
        for key, child in tree.items():
            names = list(_leaves(child))
            source = self._owner[names[0]]
            last = children[-1] if children else None
            if any(self._owner[name] is not source for name in names):
                children.append(self._compile(f'"{key}":{{', child, depth + 1))
            elif isinstance(last, _Piece) and source is not None and last.source is source:
                last.names.extend(names)
            else:
                children.append(_Piece(source, names, depth))
        return _Object(opening, children)

    def _place(self, node: _Object, places: dict[int, int], end: int) -> None:
        """Order the objects, the inner ones first; the text of each goes behind all others at the time."""
        for child in node.children:
            if isinstance(child, _Object):
                self._place(child, places, end)
        chosen = [places[id(child)] for child in node.children]
        places[id(node)] = end + len(self._objects)
        self._objects.append((node.opening, itemgetter(*chosen)))

    def write(self, values: Iterable[Key], given: Iterable[str]) -> str:
        """Put a document together; raises Odd where the record has to."""
        texts = [*map(getitem, self._memos, values), *given]
        for place in self._spread:
            texts += texts[place]
        for opening, pick in self._objects:
            text = "".join(pick(texts))  # of one piece alone the getter gives the text, whose characters join to itself
            texts.append(f"{opening}{text[:-1]}}}," if text else "")
        return f"{{{texts[-1][:-1]}"


def _tree(names: Iterable[str], depth: int = 0) -> Tree:
    """Arrange attributes as the document has them, below the objects that are ``depth`` deep."""
    tree: Tree = {}
    for name in names:
        *parents, leaf = PATHS[name].split(".")[depth:]
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = name
    return tree


def _leaves(child: str | Tree) -> Iterable[str]:
    if isinstance(child, str):
        yield child
    else:
        for grandchild in child.values():
            yield from _leaves(grandchild)


def _pieces(node: _Object) -> Iterable[_Piece]:
    for child in node.children:
        if isinstance(child, _Object):
            yield from _pieces(child)
        else:
            yield child
