"""A small tree in the formats that CONTRIBUTING.md describes, for the report to read, and a parser of its pages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Spec = dict[str, Any]

EVIL = "<script>alert(1)</script> & \"double\" and 'single'"
VOID = {"meta", "img", "input", "br", "link"}


def write_json(root: Path, name: str, content: Any) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def change_json(root: Path, name: str, change: Callable[[Any], object]) -> None:
    """Changes a file in place."""
    content = json.loads((root / name).read_text(encoding="utf-8"))
    change(content)
    write_json(root, name, content)


def change_evaluations(root: Path, change: Callable[[Any], object], *names: str) -> None:
    """Changes the evaluations of these variants, by default of both."""
    for name in names or ("wgan_gp", "lsgan"):
        change_json(root, f"evals/digits/{name}.json", change)


def metric(label: str, better: str | None, floor: float | None, ceiling: float | None, raw: list[float]) -> Any:
    ema = [value * 0.5 for value in raw]
    return {"label": label, "better": better, "real_baseline": floor, "noise_baseline": ceiling, "raw": raw, "ema": ema}


def evaluation(row: str, title: str, seeds: list[int], distance: float) -> Any:
    distances = [distance * (1 + 0.01 * seed) for seed in seeds]
    shares = [[0.5, 0.3 - 0.01 * seed, 0.2 + 0.01 * seed] for seed in seeds]
    protocol = {"generated": 10000, "real": 360, "split": "test", "features": "classifier", "neighbours": 5}
    return {
        "variant": row,
        "title": title,
        "data": "digits",
        "not_applicable": None,
        "seeds": seeds,
        "protocol": protocol,
        "metrics": {
            "frechet": metric("Frechet distance", "lower", 2.0, 300.0, distances),
            "recall": metric("Recall", "higher", 0.96, 0.0, [0.25 + 0.01 * seed for seed in seeds]),
        },
        "classes": {"names": ["ant", "<b>bee", "cat"], "real": [0.4, 0.35, 0.25], "raw": shares, "ema": shares},
    }


def write_run(root: Path, row: str, seed: int) -> None:
    folder = f"runs/digits/{row}/{seed}"
    parameters = {
        "objective": {"kind": "lsgan"},
        "penalties": [{"kind": "gradient_penalty", "weight": 10.0}],
        "algorithm": {"kind": "adversarial", "critic_steps": 5},
    }
    run = {
        "parameters": parameters,
        "versions": {"torch": "9.8.7"},
        "device": "cpu of the test",
        "evaluations_per_sample": 64,
    }
    run["runtime"] = {"threads": 1}
    write_json(root, f"{folder}/run.json", {"variant": row, "seed": seed, "not_applicable": None, **run})
    lines = ["step,critic_loss,now_and_then"]
    for step in range(10, 210, 10):
        lines.append(f"{step},{math.exp(-step / 90) + 0.1 * seed},{seed if step % 20 == 0 else ''}")
    (root / folder / "history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / folder / "grids").mkdir()
    for step in (100, 200):
        pixels = np.random.default_rng([seed, step]).integers(0, 256, (17, 17), dtype=np.uint8)
        enlarged = Image.fromarray(pixels).resize((68, 68), Image.Resampling.NEAREST)
        enlarged.save(root / folder / f"grids/{step:06d}.png")
    timings = {"seconds": 40.0 + seed, "steps_per_second": 71.5, "ms_per_sample": 0.125 * (1 + seed)}
    write_json(root, f"timings/digits/train/{row}/{seed}.json", timings)


def write_tree(root: Path, seeds: list[int], runs: bool = True) -> Spec:
    """Two variants that trained, one with a nasty title, and one that makes no sense on the data."""
    titles = {"wgan_gp": "WGAN-GP", "lsgan": EVIL, "progressive": "Progressive growing"}
    for row, distance in (("wgan_gp", 12.0), ("lsgan", 48.0)):
        write_json(root, f"evals/digits/{row}.json", evaluation(row, titles[row], seeds, distance))
        for seed in seeds if runs else ():
            write_run(root, row, seed)
    reason = "its images have 8 pixels & <it> needs 32"
    refused = {"variant": "progressive", "title": "x", "data": "digits", "not_applicable": reason, "seeds": []}
    write_json(root, "evals/digits/progressive.json", {**refused, "protocol": {}, "metrics": {}, "classes": None})
    write_json(root, "classifiers/digits/classifier.json", {"accuracy": 0.9861, "features": 64})
    write_json(root, "pretrained/digits/lsgan/pretrain.json", {"not_applicable": None, "energy_over_margin": 0.213})
    write_json(root, "pretrained/digits/wgan_gp/pretrain.json", {"not_applicable": "nothing to pre-train"})
    return {"data": "digits", "variants": list(titles), "seeds": seeds, "titles": titles, "loss": "wgan_gp"}


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._text += " "
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._text += " "
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self._text += data

    @property
    def text(self) -> str:
        """What a person reads, with single spaces of one kind."""
        return re.sub(r"\s+", " ", self._text.replace("\u2009", " "))

    @property
    def titles(self) -> list[str]:
        return [attrs.get("title") or "" for _, attrs in self.tags]
