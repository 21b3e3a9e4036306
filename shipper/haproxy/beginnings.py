"""A pattern that also matches what its matches begin with: of a text that ends too soon, the rest is not missed.

1. Each atom may be missing, but only where the text has ended; so behind the end all of them are.
2. A lookahead stays as it is: what stands in it must be there.
3. It is for patterns of literals, classes, groups, alternatives and lookaheads without groups in them.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    rb"(?P<kept>\(\?=[^()]*\)|\(\?P<[a-z_]+>|\(\?:|\||\)[?]?)"
    rb"|(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}|?*+])(?:[?*+]|\{[0-9]+(?:,[0-9]+)?\})?[?+]?",
    re.DOTALL,
)


def with_beginnings(pattern: bytes) -> bytes:
    """Give a pattern that matches what ``pattern`` matches, and each beginning of it at the end of a text."""
    return _TOKEN.sub(lambda token: token[0] if token["kept"] else rb"(?:" + token[0] + rb"|\Z)", pattern)
