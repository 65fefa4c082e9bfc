"""Measurements of ganpipe, each run with `python -m benchmarks.NAME`; none is part of the tests."""
