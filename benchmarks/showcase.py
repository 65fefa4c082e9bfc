"""The pictures and the table of README.md, from trainings of their own.

    GANPIPE_DATA_ROOT=FOLDER python -m benchmarks.showcase [--folder .cache/showcase] [--jobs 2]

Five variants with five seeds each on the digits, as params.yaml has them, in a copy of this project; four on MNIST at
32x32 pixels with networks of half the width. Writes `docs/results.json` (the metrics of each seed,
the commit and the machine), the table in README.md and in `docs/results.md`, and the pictures in `docs/images/`. What
lies in the folder already is not trained again: remove it to train anew, about an hour of one core. The pictures of the
page of all variants and of MLflow (`ganpipe sweep lsgan rpgan`, then `ganpipe ui`) are a browser's:

    chromium --headless --window-size=1180,955 --screenshot=zoo.png .cache/showcase/reports/digits/zoo.html
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.copies import SOURCE, commit, copy, edited
from ganpipe.config import configuration
from ganpipe.data import data_root
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.statistics.ranking import Ranking, distinct, rank
from ganpipe.statistics.seeds import summary
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.utils.io import write_bytes, write_json

DIGITS = ["rpgan", "wgan_gp", "lsgan", "non_saturating", "vae"]
SEEDS = 5
METRICS = ("frechet", "precision", "recall")
HEADINGS = {
    "Fréchet distance ↓": ("frechet", "raw"),
    "of averaged weights ↓": ("frechet", "ema"),
    "Precision ↑": ("precision", "raw"),
    "Recall ↑": ("recall", "raw"),
}
"""Each heading of the table with the metric and the weights below it."""
MNIST = ["rpgan", "lsgan", "non_saturating", "vae"]
MNIST_STEPS, MNIST_WIDTH = 1500, 16
TILE, SPACE, ROWS, COLUMNS = 32, 4, 4, 5


def run_digits(folder: Path, jobs: int) -> dict[str, Any]:
    """Sweep the variants in a copy of the project in `folder`; the metrics of each seed, the commit and the machine."""
    results = folder / "results.json"
    if not (folder / ".git").exists():
        copy(folder)
        with edited(folder) as params:
            params["variants"] = {name: params["files"][name] for name in DIGITS}
            params["loss"], params["seeds"] = DIGITS[0], list(range(SEEDS))
            params["data"]["kind"], params["runtime"]["device"] = "digits", "cpu"
        write_json(folder / "commit.json", describe())
        commit(folder)
    if not results.exists():
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "GANPIPE_TRACKING": "off"}
        command = [sys.executable, "-m", "ganpipe.cli", "sweep", "-j", str(jobs)]
        subprocess.run(command, cwd=folder, env=environment, check=True)
        copied = json.loads((folder / "commit.json").read_text(encoding="utf-8"))
        write_json(results, {"commit": copied, "machine": machine(), **metrics_of(folder / "evals/digits")})
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return found


def describe() -> str:
    """The commit of the project, and whether files differ from it."""
    git = ["git", "describe", "--always", "--match=", "--dirty= with changes"]
    return subprocess.run(git, cwd=SOURCE, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """The model of the CPU and the number of cores."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    return f"{models[0] if models else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def metrics_of(evals: Path) -> dict[str, Any]:
    """Of each variant its title, statuses and metrics per seed, with either weights; and the baselines."""
    variants, baselines = {}, {}
    for name in DIGITS:
        found = json.loads((evals / f"{name}.json").read_text(encoding="utf-8"))
        metrics = {key: metric for key, metric in found["metrics"].items() if key in METRICS}
        variants[name] = {
            "title": found["title"],
            "statuses": [status and status["kind"] for status in found["statuses"]],
            "metrics": {
                key: {weights: metric[weights] for weights in ("raw", "ema")} for key, metric in metrics.items()
            },
        }
        for key, metric in metrics.items():
            baselines[key] = [metric["real_baseline"], metric["noise_baseline"]]
    return {"variants": variants, "baselines": baselines}


def table(results: dict[str, Any]) -> str:
    """The results as Markdown, best first: mean and 95 % interval over seeds, between the two baselines."""
    variants, baselines = results["variants"], results["baselines"]
    ranking = ranking_of(results)
    lines = [["Rank", "Variant", *HEADINGS], ["---:", "---", *["---:"] * len(HEADINGS)]]
    lines.append(["", "*real data*", *(_number(key, baselines[key][0]) for key, _ in HEADINGS.values())])
    for place in ranking.ranks:
        one = variants[place.name]
        cells = [_interval(key, one["metrics"][key][weights]) for key, weights in HEADINGS.values()]
        ranks = f"{place.low:g} to {place.high:g}" if place.low < place.high else f"{place.low:g}"
        worse = "" if place.p_best is None or distinct(place.p_best) else " †"
        lines.append([ranks + worse, f"[{one['title']}](variants/{place.name}.yaml)", *cells])
    lines.append(["", "*noise*", *(_number(key, baselines[key][1]) for key, _ in HEADINGS.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _interval(key: str, values: list[float | None]) -> str:
    found = summary(values)
    assert found.mean is not None
    assert found.high is not None
    return f"{_number(key, found.mean)} ± {_number(key, found.high - found.mean)}"


def _number(key: str, value: float) -> str:
    return f"{value:.{1 if key == 'frechet' else 2}f}"


def caption(results: dict[str, Any]) -> str:
    """What the table is made of, as a sentence."""
    best, *others = ranking_of(results).ranks
    titles = {name: one["title"] for name, one in results["variants"].items()}
    tied = [titles[place.name] for place in others if not distinct(place.p_best)]
    sure = f"{' and '.join(tied)} (†) cannot be told from it with so few seeds" if tied else "all others are worse"
    return (
        f"{titles[best.name]} has the best mean; at 95 %, {sure}. {SEEDS} seeds each at the steps of `params.yaml`, "
        "the weights of the last step, ± half of the 95 % interval over seeds; ranks: 95 % interval over resamples of "
        f"the seeds. Commit {results['commit']}, {results['machine']}; "
        "`python -m benchmarks.showcase` makes it again."
    )


def ranking_of(results: dict[str, Any]) -> Ranking:
    """The variants by the Fréchet distances of their seeds."""
    return rank({name: one["metrics"]["frechet"]["raw"] for name, one in results["variants"].items()}, "lower")


def insert(file: Path, content: str) -> None:
    """Put the content between the marks `<!-- results -->` and `<!-- end -->` of the file."""
    old = file.read_text(encoding="utf-8")
    between = re.compile(r"(<!-- results -->\n).*?(<!-- end -->)", re.DOTALL)
    write_bytes(file, between.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", old).encode())


def train_mnist(folder: Path, jobs: int) -> None:
    """Train the variants that have no samples in the folder yet."""
    todo = [(name, folder / name) for name in MNIST if not (folder / name / "samples_ema.npy").exists()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        list(pool.map(_train_mnist, todo))


def _train_mnist(task: tuple[str, Path]) -> None:
    name, out = task
    chosen = configuration.load(SOURCE / "params.yaml")
    runtime = resolve_runtime(chosen.runtime)
    configure(runtime)
    data, variant = chosen.datasets["mnist"].load(data_root(SOURCE)), chosen.variant(name, "mnist")
    narrow = {
        key: part.model_copy(update={"width": MNIST_WIDTH})
        for key, part in (("generator", variant.generator), ("critic", variant.critic))
        if hasattr(part, "width")
    }
    changes: dict[str, Any] = {"steps": MNIST_STEPS, "sample_grid_every": MNIST_STEPS, "num_samples": 256}
    changes["snapshots"] = variant.snapshots.model_copy(update={"num_samples": 256})
    out.mkdir(parents=True, exist_ok=True)
    train(TrainingArguments(f"mnist {name}", variant.model_copy(update=narrow | changes), runtime, data, 0, out))


def picture(data: str, samples: dict[str, Path]) -> Image.Image:
    """Real test images, and beside them the first samples of each variant, from the files (N, 1, H, W)."""
    chosen = configuration.load(SOURCE / "params.yaml")
    shown = {"real data": chosen.datasets[data].load(data_root(SOURCE)).test}
    shown |= {chosen.variant(name, data).title.split(" with ")[0]: np.load(file) for name, file in samples.items()}
    gap, head = 12, 26
    tiles = [grid(images) for images in shown.values()]
    wide = tiles[0].width + gap
    canvas = Image.new("L", (len(tiles) * wide + gap, head + tiles[0].height + gap), 255)
    for column, (title, tile) in enumerate(zip(shown, tiles, strict=True)):
        ImageDraw.Draw(canvas).text((gap + column * wide, 4), title, 0, ImageFont.load_default(15))
        canvas.paste(tile, (gap + column * wide, head))
    return canvas


def grid(samples: NDArray[np.uint8], scale: int = 1) -> Image.Image:
    """The first samples (N, 1, H, W) on grey, each as a tile of TILE pixels, enlarged without smoothing."""
    pitch = TILE + SPACE
    canvas = Image.new("L", (COLUMNS * pitch + SPACE, ROWS * pitch + SPACE), 96)
    for i, sample in enumerate(samples[: ROWS * COLUMNS]):
        tile = Image.fromarray(sample[0]).resize((TILE, TILE), Image.Resampling.NEAREST)
        canvas.paste(tile, (SPACE + i % COLUMNS * pitch, SPACE + i // COLUMNS * pitch))
    return canvas.resize((scale * canvas.width, scale * canvas.height), Image.Resampling.NEAREST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=SOURCE / ".cache/showcase")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results = run_digits(folder, given.jobs)
    write_json(SOURCE / "docs/results.json", results)
    found = f"{table(results)}\n\n{caption(results)}"
    insert(SOURCE / "README.md", found)
    insert(SOURCE / "docs/results.md", found.replace("](variants/", "](../variants/"))
    images = SOURCE / "docs/images"
    images.mkdir(exist_ok=True)
    digits = {name: folder / f"runs/digits/{name}/0/samples_ema.npy" for name in DIGITS}
    picture("digits", digits).save(images / "digits.webp", lossless=True)
    for name, file in digits.items():
        grid(np.load(file), 2).save(images / f"{name}.webp", lossless=True)
    train_mnist(folder / "mnist", given.jobs)
    mnist = {name: folder / f"mnist/{name}/samples_ema.npy" for name in MNIST}
    picture("mnist", mnist).save(images / "mnist.webp", quality=80)


if __name__ == "__main__":
    main()
