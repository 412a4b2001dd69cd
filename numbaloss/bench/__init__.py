"""Benchmarks: every loss at several sizes against its peers, in one table (``python -m numbaloss.bench``)."""
