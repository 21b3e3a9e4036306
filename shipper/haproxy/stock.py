"""HAProxy's stock formats, as the log-format strings they are (manual, 8.2.3)."""

from __future__ import annotations

from typing import Final

from shipper.haproxy.logformat import compile_format

HTTPLOG: Final = compile_format(
    "httplog",
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r",
)

STOCK: Final = (HTTPLOG,)
"""In the order in which they are tried: the first that matches completely wins."""
