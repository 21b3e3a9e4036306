"""How a process ends, in numbers."""

from __future__ import annotations

from typing import Final

EXIT_FATAL: Final = 70
"""Of a child that met a ``Fatal``, and then of the supervisor: a person has to mend the configuration or the state
folder first. Any other error is the child's own affair: it is started again. (EX_SOFTWARE of sysexits.h.)"""

EXIT_DONE: Final = 3
"""Of a child that will never have anything more to do."""
