"""What a running HAProxy prints, against what was read from its configuration."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, Final

import pytest

from shipper.config import Interpretation
from shipper.haproxy.cfg import formats, read
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, understand
from tests.haproxy_process import HAProxyProcess, UdpRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.haproxy.cfg import HAProxyConfig

pytestmark = pytest.mark.haproxy

HEADERS: Final = {"Host": "h.example", "User-Agent": "ua", "Referer": "re", "X-A": "a", "X-B": "b", "X-C": "c"}
ENVIRONMENT: Final = {"WORDS": "one two", "FLAVOUR": "sweet", "EMPTY": ""}
CONFIG: Final = r"""
global
    log 127.0.0.1:@PORT@ len 4096 local0
    setenv SET "set in global"
    presetenv FLAVOUR sour
    .if defined(FLAVOUR) && streq("$FLAVOUR",sweet)
    log-tag sweet
    .else
    log-tag sour
    .endif
    unsetenv EMPTY
defaults
    mode http
    log global
    timeout client 2s
    timeout connect 2s
    timeout server 2s
    option httplog
    default_backend answer
frontend escapes
    bind "127.0.0.1:${P1}"
    log-format %f\ a\ \#\ \x41\ \\\ \"\ \'\ \1\ $X\ \$
frontend weak
    bind "127.0.0.1:${P2}"
    log-format "%f \"q\" 'q' \$X # ${SET} $FLAVOUR ${EMPTY-gone} ${NO-de fault} \x42"
frontend strong
    bind "127.0.0.1:${P3}"
    log-format '%f "q" \x41 $FLAVOUR # \\'"'"' "joined' # a comment
frontend expanded
    bind "127.0.0.1:${P4}"
    "log-format" "%f-${WORDS}-$.LINE"
frontend late
    bind "127.0.0.1:${P5}"
    log-format "never"
    option httplog
    log-format "%f the last one counts"
frontend slots
    bind "127.0.0.1:${P6}"
    tcp-request content capture src len 20
    http-request capture req.hdr(Referer) len 20
    capture request header Host len 20
    declare capture request len 20
    declare capture request len 20
    http-request capture req.hdr(X-A),lower id 3
    http-request capture req.hdr(X-B) id 4 if FALSE
    http-request capture req.fhdr(User-Agent,1) len 20
    capture request header X-C len 20
    declare capture response len 20
    capture response header X-Answer len 20
    http-response capture res.hdr(X-Other) id 0
    log-format "%f %hr %hs"
defaults named
    mode http
    log global
    timeout client 2s
    http-request capture req.hdr(X-B) len 20
defaults heir
    mode http
    log global
    log-tag heir
    timeout client 2s
    timeout connect 2s
    timeout server 2s
    log-format "%f inherited"
frontend inherits from heir
    bind "127.0.0.1:${P7}"
    default_backend answer
frontend from-named from named
    bind "127.0.0.1:${P8}"
    capture request header X-A len 20
    option httplog
    http-request return status 200
defaults
    mode http
    log global
    timeout client 2s
frontend default-again
    bind "127.0.0.1:${P9}"
    capture response header X-Answer len 20
    option httplog
    default_backend answer
defaults plain
    mode http
    timeout client 2s
    timeout connect 2s
    timeout server 2s
backend answer from plain
    http-request capture req.hdr(X-B) id 4
    server s "127.0.0.1:${P10}"
frontend server from plain
    bind "127.0.0.1:${P10}"
    http-request return status 200 hdr X-Answer yes hdr X-Other other
"""
PORTS: Final = [f"P{number}" for number in range(1, 11)]
ASKED: Final = ["escapes", "weak", "strong", "expanded", "late", "slots", "inherits", "from-named", "default-again"]


@pytest.fixture(scope="module")
def lines() -> Iterator[tuple[HAProxyConfig, dict[str, bytes]]]:
    """Give the configuration as it was read, and the line that one request to each frontend made."""
    with UdpRecorder() as recorder:
        text = CONFIG.replace("@PORT@", str(recorder.port))
        with HAProxyProcess(text, ports=PORTS, environment=ENVIRONMENT) as haproxy:
            found = {}
            for count, (port, name) in enumerate(zip(PORTS, ASKED, strict=False), start=1):
                connection = http.client.HTTPConnection("127.0.0.1", haproxy.ports[port], timeout=5)
                connection.request("GET", f"/{name}", headers=HEADERS)
                connection.getresponse().read()
                connection.close()
                found[name] = recorder.wait_for(count)[-1].rstrip(b"\n")
            environment = {**ENVIRONMENT, **{port: str(number) for port, number in haproxy.ports.items()}}
            yield read([("haproxy.cfg", text)], environment), found


def test_formats_print_what_was_read(lines: tuple[HAProxyConfig, dict[str, bytes]]) -> None:
    known, found = lines
    for frontend in known.frontends:
        if frontend.name in ASKED and "%h" not in frontend.log_format:
            _, _, message = found[frontend.name].decode().partition("]: ")
            assert message == frontend.log_format.replace("%f", frontend.name).replace("%%", "%"), frontend.name


def test_the_syslog_tag_is_the_one_that_was_read(lines: tuple[HAProxyConfig, dict[str, bytes]]) -> None:
    known, found = lines
    tags = {name: re.findall(rb" (\w+)\[\d+\]: ", line)[0].decode() for name, line in found.items()}
    assert tags == {each.name: each.tag for each in known.frontends if each.name in tags}
    assert {tags["slots"], tags["inherits"]} == {"sweet", "heir"}


def test_slots_hold_the_headers_that_they_are_named_after(lines: tuple[HAProxyConfig, dict[str, bytes]]) -> None:
    known, found = lines
    slots = next(each for each in known.frontends if each.name == "slots")
    request, response = re.findall(r"\{(.*?)\}", found["slots"].decode())
    names = [capture.name for capture in slots.request_captures]
    assert names == ["src", "Referer", "Host", "X-A", "X-B", "User-Agent", "X-C"]
    assert request.split("|") == ["127.0.0.1", *(HEADERS[name] for name in names[1:])]
    assert [capture.name for capture in slots.response_captures] == ["X-Other", "X-Answer"]
    assert response.split("|") == ["other", "yes"]


def test_lines_are_understood_with_nothing_but_the_configuration(
    lines: tuple[HAProxyConfig, dict[str, bytes]],
) -> None:
    known, found = lines
    derived = tuple(Format.model_validate(each, from_attributes=True) for each in formats(known)[0])
    interpretation = Interpretation(formats=derived)
    records = {name: understand(line, Context("UTC", 0), interpretation).record for name, line in found.items()}
    assert records["from-named"].request_captures == ["b", "a"]
    assert records["default-again"].response_captures == ["yes"]
    assert records["default-again"].captures_ambiguous is None
