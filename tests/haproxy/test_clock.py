"""When a line's request began, by each date that a format can have."""

from __future__ import annotations

import pytest

from shipper.config import Interpretation
from shipper.haproxy.formats import Format
from tests.haproxy.lines import interpreted

AT = "2026-11-21T01:02:03"


@pytest.mark.parametrize(
    ("log_format", "line", "moment"),
    [
        ("%tr %ci", b"21/Nov/2026:01:02:03.004 ::1", ".004000Z"),
        ("%t %ci", b"21/Nov/2026:01:02:03.004 ::1", ".004000Z"),
        ("%trg %ci", b"21/Nov/2026:01:02:03 +0000 ::1", ".000000Z"),
        ("%trl %ci", b"20/Nov/2026:20:02:03 -0500 ::1", ".000000Z"),
        ("%T.%ms %ci", b"21/Nov/2026:01:02:03 +0000.004 ::1", ".004000Z"),
        ("%Tl %ms %ci", b"21/Nov/2026:06:47:03 +0545 004 ::1", ".004000Z"),
        ("%trg %ms %ci", b"21/Nov/2026:01:02:03 +0000 999 ::1", ".000000Z"),
        ("%tr %trl %ci", b"20/Nov/2026:20:02:03.004 20/Nov/2026:20:02:03 -0500 ::1", ".004000Z"),
        ("%t %tr %ci", b"21/Nov/2026:00:00:00.000 21/Nov/2026:01:02:03.004 ::1", ".004000Z"),
        ("%Ts %ci", b"1795222923 ::1", ".000000Z"),
        ("%Ts.%ms %ci", b"1795222923.004 ::1", ".004000Z"),
        ("%{+X}Ts.%{+X}ms %ci", b"6B00ED8B.1F ::1", ".031000Z"),
        ("%[accept_date] %ms %ci", b"1795222923 004 ::1", ".004000Z"),
        ("%[accept_date(ms)] %ci", b"1795222923004 ::1", ".004000Z"),
        ("%[accept_date(us)] %ci", b"1795222923004005 ::1", ".004005Z"),
        ("%[request_date] %t %ci", b"1795222923 21/Nov/2026:01:02:03.004 ::1", ".000000Z"),
        ("%[request_date(ms)] %tr %ci", b"1795222923005 21/Nov/2026:01:02:03.004 ::1", ".005000Z"),
        ("%tr %[request_date(us)] %ci", b"21/Nov/2026:01:02:03.004 1795222923004005 ::1", ".004005Z"),
    ],
)
def test_a_date_tells_the_time(log_format: str, line: bytes, moment: str) -> None:
    known = Interpretation(formats=(Format(name="mine", log_format=log_format),))
    document = interpreted(line, interpretation=known)
    assert (document["haproxy.log_format"], document["@timestamp"]) == ("mine", AT + moment)


def test_a_date_without_an_offset_is_of_the_senders_zone() -> None:
    known = Interpretation(formats=(Format(name="mine", log_format="%tr %ci"),))
    document = interpreted(b"21/Nov/2026:02:02:03.004 ::1", zone="Europe/Berlin", interpretation=known)
    assert document["@timestamp"] == AT + ".004000Z"


def test_a_number_that_is_no_time_is_suspect() -> None:
    known = Interpretation(formats=(Format(name="mine", log_format="%{+X}Ts.%{+X}ms %ci"),))
    document = interpreted(b"F" * 32 + b"." + b"F" * 32 + b" ::1", interpretation=known)
    assert document["haproxy.time_suspect"] is True
