"""How long days are kept, and who deletes them."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from shipper.closed import Closed


class Retention(Closed):
    """How long days are kept. Without `keep_days` nothing is deleted."""

    keep_days: PositiveInt | None = None
    """The index of a day is deleted when the day has ended for so many days (UTC)."""
    by: Literal["shipper", "ilm"] = "shipper"
    """The running `shipper` deletes, once an hour; or Elasticsearch does (`ilm`), by a policy that `setup` makes."""
