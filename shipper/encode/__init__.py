"""Entries become bulk bodies, one per daily index. Bytes in, bytes out; no I/O and no clock."""

from shipper.encode._engines import Engine, choose_engine, describe_engine, make_encoder, native_version
from shipper.encode._python import Encoder, Enricher, LineContext
from shipper.encode.body import Bodies, Body, Encoded, HiddenLines
from shipper.encode.captured import Captured, CapturedBatch, CapturedEncoder, CapturedLine

__all__ = [
    "Bodies",
    "Body",
    "Captured",
    "CapturedBatch",
    "CapturedEncoder",
    "CapturedLine",
    "Encoded",
    "Encoder",
    "Engine",
    "Enricher",
    "HiddenLines",
    "LineContext",
    "choose_engine",
    "describe_engine",
    "make_encoder",
    "native_version",
]
