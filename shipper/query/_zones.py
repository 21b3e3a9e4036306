"""Whether missing lines are there at another time of day: their dates were read in another zone than the receiver's.

1. A few of them are looked for by their content, around their time, as far as two zones can be apart.
2. One difference of whole quarters of an hour has to hold for most of them: what fits one alone is chance.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.timestamps import OFFSET_US_MAX, QUARTER_US, SECOND_US, format_timestamp, read_iso
from shipper.limits import QUERY_DOCUMENTS_MAX
from shipper.query._compare import value_at
from shipper.query._latency import by_content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.query._findings import Document, Expected
    from shipper.query._reading import Documents

SAMPLE_LINES_MAX: Final = 20
"""So many lines are looked for."""
_CLIENT: Final = ("source.address", "source.port")
_APART_US_MAX: Final = 2 * OFFSET_US_MAX
_DIFFERENCES_US: Final = tuple(us for us in range(-_APART_US_MAX, _APART_US_MAX + 1, QUARTER_US) if us)


def difference_s(
    documents: Documents, pattern: str, missing: Sequence[Expected], within: Mapping[str, object] | None
) -> int:
    """Give how much later the documents of most ``missing`` lines are than these, in seconds; 0 where none says so.

    ``within`` is what they are looked for in. Raises Permanent or Retryable for what cannot be searched.
    """
    shifted: dict[tuple[str, ...], int] = {}
    wanted: list[Mapping[str, Any]] = []
    for line in missing:
        document = json.loads(line.document)
        wall = read_iso(document.pop("@timestamp").encode())
        alike = by_content(document)
        if wall is None or alike is None:
            continue
        times = {us: format_timestamp(wall[0] + us) for us in _DIFFERENCES_US}
        shifted |= {_at(document, time): us for us, time in times.items()}
        around = {"range": {"@timestamp": {"gte": times[-_APART_US_MAX], "lte": times[_APART_US_MAX]}}}
        wanted.append({"bool": {"filter": [alike, around]}})
    if not wanted:
        return 0
    query = {"bool": {"should": wanted, "minimum_should_match": 1, "filter": [within] if within else []}}
    hits = islice(documents.search(pattern, query, ("@timestamp", *_CLIENT)), QUERY_DOCUMENTS_MAX)
    found = {_at(hit.source, value_at(hit.source, "@timestamp")) for hit in hits}
    ((most_us, count),) = Counter(us for key, us in shifted.items() if key in found).most_common(1) or [(0, 0)]
    return most_us // SECOND_US if 2 * count > len(wanted) else 0


def _at(document: Document, time: object) -> tuple[str, ...]:
    return (*(str(value_at(document, field)) for field in _CLIENT), str(time))
