"""Captured files: read, paced, moved to another time, sent; generated and anonymised."""
