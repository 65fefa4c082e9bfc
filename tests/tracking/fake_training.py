"""Writes a run's folder as a training does, one step for each line that it reads."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path

from ganpipe.tracking.identity import identity
from ganpipe.tracking.launch import start_follower

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
PARAMETERS = {"objective": {"kind": "lsgan"}, "penalties": [{"kind": "r1", "weight": 10.0}], "batch": 64}
COLUMNS = ["step", "critic/loss", "generator/loss"]


def spec_file(root: Path, row: str) -> Path:
    """A spec as `resolve` writes one."""
    path = root / "data" / "specs" / "train" / f"{row}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"variant": row, "parameters": PARAMETERS}))
    return path


def lines(first: int, last: int) -> str:
    """Rows of a history, the steps 100 apart."""
    return "".join(f"{100 * k},{1 / k},{-0.5 * k}\n" for k in range(first, last))


def grid(run_dir: Path, step: int) -> None:
    """A picture."""
    (run_dir / "grids").mkdir(parents=True, exist_ok=True)
    (run_dir / "grids" / f"{step:06}.png").write_bytes(PIXEL)


def finish(root: Path, run_dir: Path, **changes: object) -> None:
    """The last file of a training, in one move."""
    data, row, seed = run_dir.parts[-3:]
    said = {"variant": row, "title": f"The variant {row}", "data": data, "seed": int(seed), "parameters": PARAMETERS}
    said |= {"identity": identity(spec_file(root, row).read_bytes(), int(seed)), "spec_digest": "c0ffee"}
    said |= {
        "versions": {"torch": "2.15.0"},
        "device": "cpu",
        "runtime": {"threads": 1},
        "dataset_digest": "d" * 64,
        "not_applicable": None,
    }
    (run_dir / "run.part").write_text(json.dumps(said | changes))
    os.replace(run_dir / "run.part", run_dir / "run.json")


def write_all(root: Path, data: str, row: str, seed: int, rows: int = 5, **changes: object) -> Path:
    """A finished training."""
    run_dir = root / "runs" / data / row / str(seed)
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "history.csv").write_text(",".join(COLUMNS) + "\n" + lines(1, 1 + rows))
    grid(run_dir, 100)
    finish(root, run_dir, **changes)
    return run_dir


def main() -> None:
    """A training whose steps are words on stdin."""
    root, row = Path(sys.argv[1]), sys.argv[2]
    run_dir = root / "runs" / "ring" / row / "0"
    run_dir.mkdir(parents=True)
    began = time.perf_counter()
    start_follower(run_dir, spec_file(root, row), 0, root)
    print(time.perf_counter() - began, flush=True)
    history = run_dir / "history.csv"
    for line in sys.stdin:
        match line.strip():
            case "begin":
                history.write_text(",".join(COLUMNS) + "\n" + lines(1, 4) + "400,0.2")
                grid(run_dir, 100)
            case "relink":
                text = history.read_bytes()
                history.unlink()
                history.write_bytes(text)
                history.chmod(0o444)
            case "complete":
                text = history.read_text()
                history.unlink()
                history.write_text(text + "5,-2.0\n" + lines(5, 2001))
                grid(run_dir, 200)
                finish(root, run_dir)
        print(line.strip(), flush=True)


if __name__ == "__main__":
    main()
