"""Fuzzing what reads bytes from outside: `python -m tests.fuzz.fuzz_understand [libFuzzer's options] [CORPUS]`.

Nothing raises but what says that it refuses, and whatever is read in two ways is read alike: a line by the engine and
by the record, a stream whole and in two pieces.

The first byte of an input chooses what reads it. Inputs begin as lines of a real HAProxy (`samples/`), and are mutated
by exchanging their words as well as byte by byte.
"""

from __future__ import annotations

import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["shipper.haproxy", "shipper.encode", "shipper.receive"]):
    from shipper.config import Interpretation
    from shipper.encode import Encoder
    from shipper.encode._python import LineContext
    from shipper.encode._template import to_json
    from shipper.errors import ConfigError, Permanent
    from shipper.haproxy.cfg import advice, formats, read
    from shipper.haproxy.formats import Format
    from shipper.haproxy.logformat import compile_plan
    from shipper.haproxy.stock import STOCK_FORMATS
    from shipper.haproxy.understand import Context, understand
    from shipper.receive._framing import SyslogFraming

ROOT = Path(__file__).parents[2]
NOW_US = 1_795_222_930_000_000
CONFIGURED = (
    Format(name="named", log_format="httplog", frontends=("www",), request_captures=("Host", "Referer")),
    Format(name="json", log_format="%{+json}o %(ip)ci %(status)ST %(request)r %(captured)hrl %(id)ID %(t)[var(txn.t)]"),
    Format(name="cbor", log_format="%{+cbor}o %(ip)ci %(status)ST %(request)r %(captured)hrl %(id)ID"),
    Format(name="raw", log_format="%[var(txn.a)] %ci %[var(txn.b)] %hr %hs %{+Q}r %Ts.%ms %[var(txn.c)]"),
    Format(name="quoted", log_format='%{+Q,+E}o %t %{+X}ci %CC %hr %HPO %HQ "%[src]" %{-M}ID %{+X}Ts %[rand,hex]'),
)
INTERPRETATIONS = (
    Interpretation(),
    Interpretation(formats=CONFIGURED, keep_original="always", labels={"site": "a"}),
)
ENCODERS = [Encoder(interpretation) for interpretation in INTERPRETATIONS]
STRINGS = [known.log_format for known in CONFIGURED] + list(STOCK_FORMATS.values())


def read_line(line: bytes, which: int) -> None:
    """Read a line by the engine and by the record, whole and as one that was cut."""
    interpretation = INTERPRETATIONS[which]
    for cut in (False, True):
        context = Context("Europe/Berlin", NOW_US, NOW_US, "192.0.2.1", cut=cut)
        record = understand(line, context, interpretation).record
        line_context = LineContext(interpretation, "Europe/Berlin", "192.0.2.1", NOW_US, NOW_US, cut)
        written = ENCODERS[which].document(line, line_context)
        assert line_context.failure == ""
        assert written == to_json(record.document())


def read_log_format(text: str) -> None:
    """Compile a log-format string, and read some lines by the plan."""
    try:
        plan = compile_plan("fuzzed", text)
    except Permanent:
        return
    for line in (b"", text.encode("utf-8", "replace"), b'10.0.0.1:1 [21/Nov/2026:01:02:03.004] "a b" {a|b} - - 1/2'):
        plan.match(line)
        plan.scan(line)


def read_configuration(text: str) -> None:
    """Read a haproxy.cfg, and what it means for the log."""
    with suppress(ConfigError):
        config = read([("haproxy.cfg", text)], {"HOME": "/root"})
        formats(config)
        advice(config)


def read_stream(data: bytes) -> None:
    """Read a stream whole, and in two pieces."""
    whole, pieces = SyslogFraming(), SyslogFraming()
    half = len(data) // 2
    lines = [*whole.feed(data), *whole.end()]
    assert [*pieces.feed(data[:half]), *pieces.feed(data[half:]), *pieces.end()] == lines


def read_anything(data: bytes) -> None:
    """Read an input by what its first byte chooses."""
    choice, rest = data[:1], data[1:]
    text = rest.decode("utf-8", "replace")
    if choice in {b"F", b"C", b"S"}:
        {b"F": read_log_format, b"C": read_configuration}.get(choice, lambda _: read_stream(rest))(text)
    else:
        read_line(rest, int(choice == b"1"))


def beginnings() -> list[bytes]:
    """Give what fuzzing starts from."""
    logs = [path.read_bytes().splitlines() for path in sorted((ROOT / "samples").glob("*.log"))]
    lines = [b"%d" % (number % 2) + line for log in logs for number, line in enumerate(log[::7])]
    strings = [b"F" + string.encode() for string in STRINGS]
    cfgs = [b"C" + path.read_bytes() for path in sorted((ROOT / "tests").rglob("*.cfg"))]
    return [*lines, *strings, *cfgs, b"S12 <134>hello w\n3 abc<1>x\n"]


WORDS = [word for each in beginnings() for word in each.split(b" ")[:40]]


def mutate(data: bytes, size_max: int, seed: int) -> bytes:
    """Change an input: words for words of others, or bytes as libFuzzer does."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        return bytes(atheris.Mutate(data, size_max))
    words = data.split(b" ")
    at = chance.randrange(len(words))
    match chance.randrange(4):
        case 0:
            words[at] = chance.choice(WORDS)
        case 1:
            words.insert(at, chance.choice(WORDS))
        case 2:
            del words[at]
        case _:
            return data[: chance.randrange(len(data) + 1)]
    return b" ".join(words)[:size_max]


def main() -> None:
    """Fuzz, from the beginnings and what the command line names."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, text in enumerate(beginnings()):
            Path(corpus, str(number)).write_bytes(text)
        atheris.Setup([*sys.argv, corpus], read_anything, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
