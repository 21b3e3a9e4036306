"""Delivery: bulk bodies in, one verdict for every line out."""
