"""Our Fréchet distance, KID, precision and recall beside torch-fidelity's, on the same features, in one run.

    python -m benchmarks.metrics [--samples 10000] [--features 2048] [--dtype float32] [--repeat 1]

Features are drawn by numpy from a seed: positive, with falling scales, the generated ones shifted a little and of
another shape. Each side is a process of its own, so that its peak memory is its own, and the sides take turns. Both
get the same KID subsets (torch-fidelity's, 100 of 1,000) and k = 3. Reading the features and importing is not timed.
The parity of a metric is the relative difference; float32 is what an extractor writes, and torch-fidelity then computes
KID in float32, where it is itself off by 1e-5 and more: see `--dtype float64`. Time is that of the CPU, of all threads.

Measured once, on a busy Xeon, one thread, 10,000 x 2,048 float32: 33 seconds beside torch-fidelity's 41 (Frechet 4.5
beside 7.4, KID 11.7 beside 11.8, precision and recall 17.3 beside 21.5). Most of the last two are float32 products of
pairs, which both sides need.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics.frechet import frechet_distance
from ganpipe.metrics.kid import Subsets, kid_on
from ganpipe.metrics.precision_recall import precision_recall

Array = NDArray[Any]
SIDES = ("ours", "torch-fidelity")
SEED, NEIGHBOURS = 2020, 3
PARTS = ("frechet", "kid", "precision, recall")
FIGURES = ("frechet", "kid", "kid_deviation", "precision", "recall")


def draw(samples: int, d: int, dtype: str) -> dict[str, Array]:
    """Generated and real features (samples, d), above 0 as behind a rectifier."""
    rng = np.random.default_rng(0)
    scales = 0.2 + np.exp(-np.arange(d) / (d / 8))
    real = 0.1 + np.abs(rng.normal(size=(samples, d))) * scales
    generated = 0.1 + np.abs(rng.normal(size=(samples, d)) + 0.1) * scales * 1.02
    return {"generated": generated.astype(dtype), "real": real.astype(dtype)}


def ours(generated: Array, real: Array, subsets: int, size: int) -> dict[str, Any]:
    clock = Clock()
    distance = clock("frechet", lambda: frechet_distance(generated=generated, real=real))
    rng = np.random.RandomState(SEED)  # drawn one after the other, as torch-fidelity does
    drawn = [[rng.choice(len(x), size, replace=False) for x in (generated, real)] for _ in range(subsets)]
    chosen = Subsets(np.stack([one for one, _ in drawn]), np.stack([other for _, other in drawn]))
    kid = clock("kid", lambda: kid_on(chosen, generated=generated, real=real))
    both = clock("precision, recall", lambda: precision_recall(generated=generated, real=real, neighbours=NEIGHBOURS))
    deviation = float(kid.values.std())  # with the number of subsets, as torch-fidelity has it
    return {"seconds": clock.seconds, "metrics": [distance, kid.mean, deviation, both.precision, both.recall]}


def theirs(generated: Array, real: Array, subsets: int, size: int) -> dict[str, Any]:
    torch = importlib.import_module("torch")
    fid, kid, prc = (importlib.import_module(f"torch_fidelity.metric_{name}") for name in ("fid", "kid", "prc"))
    one, other = torch.from_numpy(generated), torch.from_numpy(real)
    clock = Clock()
    settings = {"kid_subsets": subsets, "kid_subset_size": size, "rng_seed": SEED, "verbose": False}

    def frechet() -> Any:
        return fid.fid_statistics_to_metric(
            fid.fid_features_to_statistics(one), fid.fid_features_to_statistics(other), verbose=False
        )

    found = clock("frechet", frechet)
    found |= clock("kid", lambda: kid.kid_features_to_metric(one, other, **settings))
    both = clock(
        "precision, recall",
        lambda: prc.prc_features_to_metric(one, other, prc_neighborhood=NEIGHBOURS, verbose=False),
    )
    names = ("frechet_inception_distance", "kernel_inception_distance_mean", "kernel_inception_distance_std")
    figures = [*(found[name] for name in names), both["precision"], both["recall"]]
    return {"seconds": clock.seconds, "metrics": figures}


class Clock:
    """Calls something and remembers under a name how many CPU seconds it took, of all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, what: Callable[[], Any]) -> Any:
        start = time.process_time()
        found = what()
        self.seconds[name] = time.process_time() - start
        return found


def one_side(folder: Path, side: str, subsets: int, size: int) -> None:
    """Measure one side in this process and write it as JSON, with the peak of its memory in GiB."""
    arrays = {name: np.load(folder / f"{name}.npy") for name in ("generated", "real")}
    found = (ours if side == "ours" else theirs)(**arrays, subsets=subsets, size=size)
    found["gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def measured(folder: Path, side: str, subsets: int, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.metrics", "--side", side, "--folder", str(folder)]
    subprocess.run([*command, "--subsets", str(subsets), "--size", str(size)], check=True)
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found


def machine() -> str:
    """The processor, the cores that this process may use, and how busy they are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = models[0] if models else platform.processor()
    return f"{name}, {cores} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def fastest(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return min(runs, key=seconds)


def seconds(run: dict[str, Any]) -> float:
    return float(sum(run["seconds"][name] for name in PARTS))


def show(runs: dict[str, list[dict[str, Any]]]) -> None:
    """Seconds, ratio, memory and parity of the fastest runs as a table, and the median sum of all."""
    mine, other = (fastest(runs[side]) for side in SIDES)
    print(f"\n{'CPU seconds':<24}{SIDES[0]:>12}{SIDES[1]:>16}")
    for name, found in other["seconds"].items():
        print(f"{name:<24}{mine['seconds'][name]:>12.2f}{found:>16.2f}")
    sums = {"sum": [seconds(run) for run in (mine, other)]}
    if len(runs[SIDES[0]]) > 1:
        sums["sum, median of the runs"] = [statistics.median(map(seconds, runs[side])) for side in SIDES]
    for name, (one, two) in sums.items():
        print(f"{name:<24}{one:>12.2f}{two:>16.2f}   ratio {two / one:.2f}")
    print(f"{'peak memory, GiB':<24}{mine['gib']:>12.2f}{other['gib']:>16.2f}   (with the features and imports)")
    print(f"\n{'figure':<20}{SIDES[0]:>20}{SIDES[1]:>20}{'relative':>12}")
    for name, one, two in zip(FIGURES, mine["metrics"], other["metrics"], strict=True):
        relative = 0.0 if one == two else abs(one - two) / max(abs(two), 1e-300)
        print(f"{name:<20}{one:>20.12g}{two:>20.12g}{relative:>12.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float32")
    parser.add_argument("--subsets", type=int, default=100)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each side, in turns: the fastest counts, the median is shown"
    )
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        one_side(given.folder, given.side, given.subsets, given.size)
        return
    if not 2 <= given.size <= given.samples:
        parser.error(f"--size is {given.size}: it should be from 2 to the {given.samples} samples")
    print(f"{machine()}\n{given.samples} x {given.features} {given.dtype} features on either side")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, array in draw(given.samples, given.features, given.dtype).items():
            np.save(folder / f"{key}.npy", array)
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for turn in range(given.repeat):
            for side in SIDES[:: 1 if turn % 2 == 0 else -1]:
                runs[side].append(measured(folder, side, given.subsets, given.size))
    show(runs)


if __name__ == "__main__":
    main()
