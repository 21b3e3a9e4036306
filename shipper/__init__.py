"""Ship HAProxy logs to Elasticsearch."""
