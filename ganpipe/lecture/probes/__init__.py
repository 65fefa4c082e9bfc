"""Probes: small deterministic experiments, one file each, with a function `run() -> ProbeResult`.

A probe takes seconds, uses the project's own objectives, penalties and networks, and depends on nothing but its code.
"""
