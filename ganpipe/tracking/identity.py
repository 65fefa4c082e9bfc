"""The name of a training that never changes: the same spec and the same seed are the same run."""

from __future__ import annotations

import hashlib


def identity(spec_bytes: bytes, seed: int) -> str:
    """Digest of the spec file's bytes and the seed (>= 0): 16 hexadecimal digits."""
    return hashlib.sha256(spec_bytes + b"\0" + str(int(seed)).encode()).hexdigest()[:16]
