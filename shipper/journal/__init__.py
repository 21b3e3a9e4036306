"""The write-ahead log of raw lines: segments, entries, commit."""
