"""The process of a follower, which `launch` starts: `ganpipe track` and `ganpipe ui` are for people."""

from __future__ import annotations

import argparse
from pathlib import Path

from ganpipe.tracking.follower import Job, follow


def main() -> int:
    """Follow the training that the arguments name; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ganpipe.tracking", description=__doc__)
    for name, kind in (("run-dir", Path), ("spec", Path), ("identity", str), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    for name, kind in (("root", Path), ("trainer", int), ("started", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    given = parser.parse_args()
    return follow(Job(given.run_dir, given.spec, given.identity, given.seed, given.root, given.trainer, given.started))


if __name__ == "__main__":
    raise SystemExit(main())
