"""`python -m ganpipe.tracking sync | ui`, and `follow`, which trainings start by themselves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ganpipe.errors import BadInput
from ganpipe.tracking.paths import find_root
from ganpipe.tracking.projection import sync
from ganpipe.tracking.server import ui


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code: 1 for files that can't be read, 2 for illegal input or a dead store."""
    parser = argparse.ArgumentParser(prog="python -m ganpipe.tracking", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    follow = commands.add_parser("follow", help="show a training while it runs (trainings start this themselves)")
    for name, kind in (("run-dir", Path), ("spec", Path), ("identity", str), ("seed", int)):
        follow.add_argument(f"--{name}", type=kind, required=True)
    for name, kind in (("root", Path), ("trainer", int), ("started", int)):
        follow.add_argument(f"--{name}", type=kind, required=True)
    syncing = commands.add_parser("sync", help="make the store say what runs/ and evals/ say")
    pages = commands.add_parser("ui", help="sync, then serve MLflow's pages on this machine")
    for command in (syncing, pages):
        command.add_argument("--root", type=Path, help="the repository (default: the one around this folder)")
    pages.add_argument("--host", default="127.0.0.1")
    pages.add_argument("--port", type=int, default=5000)
    said = parser.parse_args(arguments)
    if said.command == "follow":
        from ganpipe.tracking.follower import Order
        from ganpipe.tracking.follower import follow as follow_training

        return follow_training(
            Order(said.run_dir, said.spec, said.identity, said.seed, said.root, said.trainer, said.started)
        )
    try:
        root = said.root.resolve() if said.root else find_root()
        if said.command == "ui":
            ui(root, said.host, said.port)
        report = sync(root)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    print(report)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
