"""The last word: what the real HAProxy makes of the same text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper import haproxy_files
from shipper.errors import ConfigError
from shipper.haproxy.cfg import read
from shipper.haproxy.words import MalformedError, words

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.haproxy

ENVIRONMENT = {"A": "a b  c", "E": "", "W": "w", "PATH": os.environ["PATH"]}
EXAMPLES = sorted(Path("/usr/share/doc/haproxy/examples").glob("*.cfg"))
FRONTEND = "frontend www\n    mode http\n    timeout client 1s\n    bind 127.0.0.1:1\n"
BACKEND = "backend be\n    mode http\n    timeout server 1s\n    timeout connect 1s\n"
PROGRAM = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or "haproxy"
VERSION = "2.6.12"
"""Of which the texts below were tried; others may have other options."""
VALID, NOTHING_TO_DO = 0, 2


def asked(files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Let HAProxy check these files."""
    arguments = [word for file in files for word in ("-f", str(file))]
    return subprocess.run(
        [PROGRAM, "-c", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=20,
    )


def accepted(text: str) -> bool:
    try:
        read([("haproxy.cfg", text)], {**ENVIRONMENT, "HAPROXY_STARTUP_VERSION": VERSION})
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("file", [Path("/etc/haproxy/haproxy.cfg"), *EXAMPLES], ids=lambda file: file.name)
def test_what_the_distribution_brings_along_is_read(file: Path) -> None:
    if not file.exists():
        pytest.skip("not installed here")
    haproxy_files.read([file], {})


IN_GLOBAL = """
log 127.0.0.1
log 127.0.0.1 local0
log 127.0.0.1 local9
log 127.0.0.1 len 79 local0
log 127.0.0.1 len 80 local0
log 127.0.0.1 len 65535 local0
log 127.0.0.1 len 65536 local0
log 127.0.0.1 len x local0
log 127.0.0.1 len
log 127.0.0.1 format rfc5424 local0
log 127.0.0.1 format x local0
log 127.0.0.1 format iso sample 1:2 local0
log 127.0.0.1 sample 1 local0
log 127.0.0.1 sample 1,3-4:5 local0
log 127.0.0.1 local0 info
log 127.0.0.1 local0 info err
log 127.0.0.1 local0 infos
log 127.0.0.1 local0 info err err
log global
no log
log-tag
log-tag a b
log-tag a
log-tag a # b
log-tag a "" b
log-tag 'a
log-tag "a
log-tag \\x4
log-tag \\x41
log-tag "${A"
log-tag "$1"
log-tag "$W"
log-tag "$E"
log-tag "$NO"
log-tag "${NO-x}"
log-tag "${A[*]}"
log-tag "${W[*]}"
log-tag "${W[x]}"
log-tag "${.LINE}"
log-tag "${.NO}"
no log-tag a
log-send-hostname
tune.http.logurilen
tune.http.logurilen 4096
setenv
setenv A
setenv A b
setenv A ""
setenv A b c
presetenv A b
unsetenv A B
resetenv A PATH
"""
IN_A_FRONTEND = """
log-format %ci
log-format
log-format %ci %cp
log-format "%ci %cp"
log-format "$NO"
no log-format x
error-log-format %ci
error-log-format a b
option httplog
option httplog clf
option httplog x
option httpslog
option tcplog
no option httplog
no option dontlognull
option logasap
no log
no log x
log global
log 127.0.0.1 local0
log-tag a
capture request header A len 5
capture request header A
capture request header A len x
capture response header A len 5 x
capture cookie A len 5
capture cookie A
capture
declare capture request len 5
declare capture len 5
http-request capture req.hdr(A) len 5
http-request capture req.hdr(A) lower len 5 if TRUE
http-request capture req.hdr(A)
http-request capture req.hdr(A) id 0
http-response capture res.hdr(A) len 5
"""
WHOLE = [
    "", "\n", "global", "global\n", "global\r\n    log-tag x\r\n", " # only a comment\n", "frontend\n", "foo\n",
    ".if 1\nglobal\n.endif\n", ".if 1\nglobal\n", ".endif\n", ".else\n", ".elif 1\n", ".if\n.endif\n",
    '.if ""\n.endif\n', ".if (1\n.endif\n", ".if 1\n.else\n.else\n.endif\n", ".if 1\n.else\n.elif 1\n.endif\n",
    ".if 1\n.else x\n.endif\n", ".if 0\nnonsense\n.endif\n", ".if 0\n'\n.endif\n", ".if 0\n.if (\n.endif\n.endif\n",
    ".if 1\n.elif (\n.endif\n", ".if 0\n.nosuch\n.endif\n", ".nosuch\n", ".notice x\n", ".if streq(,)\n.endif\n",
    ".if streq(a)\n.endif\n", ".if streq(a(b,a(b)\n.endif\n", ".if streq('a,b','a,b')\n.endif\n",
    ".if 1\n" * 99 + ".endif\n" * 99, ".if 1\n" * 100 + ".endif\n" * 100,
    FRONTEND, FRONTEND * 2, FRONTEND + "backend www\n", FRONTEND + "listen www\n", "frontend a/b\n",
    FRONTEND.replace("www", "www from x"), "defaults x\n" + FRONTEND.replace("www", "www from x"),
    "defaults x\n" * 2 + FRONTEND.replace("www", "www from x"), "defaults x from y\n",
    "defaults y\ndefaults x from y\n",
    FRONTEND + "    declare capture request len 5\n    http-request capture req.hdr(A) lower id 0 if TRUE\n",
    BACKEND + "    http-request capture req.hdr(A) id 77\n", BACKEND + "    http-request capture req.hdr(A) len 7\n",
    "defaults\n    capture request header A len 5\n", "defaults x\n    http-request capture req.hdr(A) len 5\n",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *(f"global\n    {line}\n" for line in IN_GLOBAL.split("\n")),
        *(f"{FRONTEND}    {line}\n" for line in IN_A_FRONTEND.split("\n")),
        *WHOLE,
    ],
)
def test_what_haproxy_accepts_is_read_and_what_it_refuses_is_not(text: str, tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(text, newline="")
    done = asked([file])
    assert accepted(text) == (done.returncode in {VALID, NOTHING_TO_DO}), done.stderr


LINES = st.text(alphabet="aA x41tE#'\"\\${}[*]-.W_ \t", min_size=1, max_size=20)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(lines=st.lists(LINES, min_size=40, max_size=40))
def test_random_lines_have_the_words_that_haproxy_finds(lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text("".join(f".notice {line}\n" for line in lines))
    said = asked([file]).stderr
    for number, line in enumerate(lines, start=1):
        marks = re.findall(rf"parsing \[{re.escape(str(file))}:{number}\]: (.*)", said)
        assert marks == [expected(f".notice {line}", number, str(file), marks)], repr(line)


def expected(line: str, number: int, file: str, marks: list[str]) -> str:
    """Tell what HAProxy says of a `.notice` line; of one it cannot read, that it says something."""
    variables = ENVIRONMENT | {".LINE": str(number), ".FILE": file, ".SECTION": ""}
    try:
        found, _ = words(line, variables.get)
    except MalformedError:
        refused = re.compile("unmatched|forbidden|truncated or invalid")
        return marks[0] if marks and refused.match(marks[0]) else "a refusal"
    found = [*found, "", "", ""]
    if found[2]:
        return f"Unexpected argument '{found[2]}' for '.notice'. Use quotes if the message should contain spaces."
    return f"'{found[1]}'."
