"""What runs around the product: the local Elasticsearch, the demo, samples of configuration."""
