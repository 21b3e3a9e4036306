"""A shop behind a real HAProxy, shipped into a real Elasticsearch, and checked line by line: `make demo`."""
