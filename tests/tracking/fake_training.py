"""Writes what trainings and evaluations leave, without any training."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
PARAMETERS = {"objective": {"kind": "lsgan"}, "penalties": [{"kind": "r1", "weight": 10.0}], "batch": 64, "steps": 500}
SPEC = "c0ffee00" * 8


def spec(variant: str) -> str:
    """The digest of a variant's spec."""
    return SPEC if variant == "lsgan" else hashlib.sha256(variant.encode()).hexdigest()


def facts(variant: str = "lsgan", seed: int = 0, **changes: Any) -> dict[str, Any]:
    """Those of run.json."""
    known = {
        "variant": variant,
        "title": f"The variant {variant}",
        "data": "ring",
        "seed": seed,
        "spec_digest": spec(variant),
    }
    known |= {"parameters": PARAMETERS, "not_applicable": None, "status": None, "device": "cpu"}
    return known | {"versions": {"torch": "2.15.0"}, "dataset_digest": "d" * 64} | changes


def write_history(run_dir: Path, rows: int) -> None:
    """A history whose steps are 100 apart."""
    run_dir.mkdir(parents=True, exist_ok=True)
    lines = [f"{100 * k},{1 / k},{-0.5 * k}" for k in range(1, 1 + rows)]
    (run_dir / "history.csv").write_text("\n".join(["step,critic_loss,generator_loss", *lines, ""]))


def write_grid(run_dir: Path, step: int) -> None:
    """A picture."""
    (run_dir / "grids").mkdir(parents=True, exist_ok=True)
    (run_dir / "grids" / f"{step:06}.png").write_bytes(PIXEL)


def write_run(root: Path, variant: str = "lsgan", seed: int = 0, rows: int = 5, **changes: Any) -> Path:
    """The folder of a finished training, and its timings: it took 90 s."""
    run_dir = root / "runs" / "ring" / variant / str(seed)
    write_history(run_dir, rows)
    for step in (0, 500):
        write_grid(run_dir, step)
    (run_dir / "run.json").write_text(json.dumps(facts(variant, seed, **changes)))
    clock = root / "timings" / "ring" / "train" / variant / f"{seed}.json"
    clock.parent.mkdir(parents=True, exist_ok=True)
    clock.write_text(json.dumps({"training_seconds": 90.0, "seconds": 95.0}))
    return run_dir


def write_evaluation(root: Path, modes: list[float | None], variant: str = "lsgan", **changes: Any) -> Path:
    """An evaluation with one value a seed, and half of it at the snapshot on the way."""
    of = {"label": "Modes", "better": "higher", "in_main_table": True, "network": "none", "raw": modes, "ema": modes}
    course = {"label": "Modes", "raw": [[x and x / 2, x] for x in modes], "ema": [[x and x / 2, x] for x in modes]}
    content = {
        "variant": variant,
        "title": "LSGAN",
        "data": "ring",
        "not_applicable": None,
        "seeds": list(range(len(modes))),
        "metrics": {"modes": of, "memorization": of | {"in_main_table": False}},
        "snapshots": {"steps": [250, 500], "metrics": {"modes": course}},
        "statuses": [None] * len(modes),
    }
    path = root / "evals" / "ring" / f"{variant}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | changes))
    return path
