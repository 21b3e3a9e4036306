"""HAProxy's log language: headers, log formats, typed records, time. Bytes in, values out; no I/O and no clock."""
