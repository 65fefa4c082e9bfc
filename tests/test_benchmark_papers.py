"""The ledger of papers: verdicts by hand-made numbers, every name that an entry reads, and a small training."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fgan_gaussian, measurements, papers
from benchmarks.measurements import FGanFit, FGanOptimum, Probe, Seeded, Training, retraining_ratio
from benchmarks.papers import Entry, Figure, kept, outcomes
from ganpipe.lecture.probes._training import train_critic
from ganpipe.statistics.differences import welch
from ganpipe.utils.io import write_json

FRAME = {"id": "one", "title": "One", "paper": "P", "arxiv": "1801.04406", "place": "table 1", "protocol": "as there"}
NUMBER = {"what": "number", "published": [2.0], "ours": ["m.x"], "tolerance": 0.5}
PAIR = {"what": "two", "published": [2.0, 4.0], "ours": ["m.x", "m.y"], "tolerance": 0.5}
LOWER = {"rule": "difference", "a": "m.x", "b": "m.y", "direction": "lower"}


def outcome(values: dict[str, list[float | None]], **parts: Any) -> papers.Outcome:
    entry = Entry.model_validate(FRAME | parts)
    return outcomes([entry], {f"m.{name}": of for name, of in values.items()}.__getitem__)["one"]


# half of the 95 % interval of three values with standard deviation s is 2.48 s
@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        pytest.param([2.5], "hit", id="at the tolerance"),
        pytest.param([2.51], "miss", id="beyond it"),
        pytest.param([1.9, 2.0, 2.1], "hit", id="the whole interval"),
        pytest.param([1.5, 2.0, 2.5], "miss", id="a mean without precision"),
        pytest.param([2.0, 2.0, None], "miss", id="a lost seed"),
    ],
)
def test_a_number_under_the_papers_protocol(values: list[float | None], verdict: str) -> None:
    found = outcome({"x": values}, figures=[NUMBER])
    assert (found.verdict, found.figures) == (verdict, [verdict])


def test_a_figure_needs_all_its_numbers_and_an_entry_all_its_figures() -> None:
    found = outcome({"x": [2.0], "y": [9.0]}, figures=[NUMBER, PAIR])
    assert (found.verdict, found.figures) == ("miss", ["hit", "miss"])


@pytest.mark.parametrize(
    ("x", "trend"),
    [([1.0, 1.1, 1.2], "yes"), ([9.0, 9.1, 9.2], "no"), ([1.0, 5.0, 9.0], "not resolved")],
)
def test_a_trend_under_another_protocol(x: list[float | None], trend: str) -> None:
    plain = NUMBER | {"tolerance": None}
    found = outcome({"x": x, "y": [5.0, 5.1, 5.2]}, differs="smaller", figures=[plain], trend=[LOWER])
    assert (found.verdict, found.figures) == (f"protocol differs; trend: {trend}", [""])
    assert [word for word, _ in found.trend] == [trend]


def test_without_anything_to_judge_by_there_is_no_trend() -> None:
    shown = {"what": "number", "published": "about 2", "ours": ["m.x"]}
    assert outcome({"x": [7.0]}, differs="smaller", figures=[shown]).verdict == "protocol differs"


def test_a_tolerance_needs_as_many_numbers() -> None:
    with pytest.raises(ValueError, match="as many numbers"):
        Figure.model_validate(PAIR | {"published": [2.0]})


def test_retraining_ratio_by_hand() -> None:
    """Means 1 and 11, within variance 2: the variance between is 50 - 2 / 2 = 49."""
    value, low, high = retraining_ratio([[0.0, 2.0], [10.0, 12.0]])
    assert value == pytest.approx(math.sqrt(49 / 2))
    assert low < value < high


@pytest.mark.parametrize(
    ("lost", "trend"),
    [({}, "yes"), ({3}, "not resolved"), ({6, 7}, "not resolved"), (set(range(8)), "not resolved")],
    ids=["none lost", "a draw", "a training", "all"],
)
def test_retraining_needs_every_draw(lost: set[int], trend: str) -> None:
    drawn = [None if i in lost else x for i, x in enumerate([0.0, 2.0, 10.0, 12.0, 20.0, 22.0, 30.0, 32.0])]
    rule = {"rule": "ratio", "value": "m.x", "training": "m.y", "low": 1.0}
    found = outcome({"x": drawn, "y": drawn[::2]}, differs="smaller", trend=[rule])
    assert found.verdict == f"protocol differs; trend: {trend}"


def test_a_test_of_two_entries_counts_once() -> None:
    """Its p stays as it is alone: Holm's correction would double it."""
    values: dict[str, list[float | None]] = {"m.x": [1.0, 1.1, 1.2], "m.y": [5.0, 5.1, 5.2]}
    entries = [Entry.model_validate(FRAME | {"id": name, "trend": [LOWER]}) for name in ("one", "two")]
    found = [[judged.p for _, judged in of.trend] for of in outcomes(entries, values.__getitem__).values()]
    assert found == [[welch(values["m.x"], values["m.y"]).p]] * 2


def test_every_name_is_of_something_that_can_be_measured() -> None:
    ledger = papers.papers()
    assert {source for one in ledger.entries for source in one.sources} == set(ledger.measurements)
    known = set[tuple[str, ...]]()
    for source, of in ledger.measurements.items():
        if isinstance(of, Training):
            variants = [of.variant(name) for name in of.variants]
            assert {one.incompatibility(of.source.shape) for one in variants} == {None}
            assert max(one.num_samples for one in variants) <= of.protocol.max_samples
        if isinstance(of, Seeded):
            known |= {(source, name) for name in of.variants}
    read = {tuple(name.split(".")[:2]) for one in ledger.entries for name in one.names}
    assert {one for one in read if isinstance(ledger.measurements[one[0]], Seeded)} == known


def test_probes_and_gaussians_have_the_values_that_entries_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step or two each; metrics of trainings need a training, see below."""
    ledger, found = papers.papers(), set[str]()
    for source, of in ledger.measurements.items():
        if isinstance(of, Probe):
            module = importlib.import_module(f"ganpipe.lecture.probes.{of.probe}")
            one_step = {"train_critic": lambda *given, **how: train_critic(*given, **how | {"steps": 1}), "STEPS": 2}
            for name, value in one_step.items():
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, value)
            found |= {f"{source}.{name}" for name in of.measure("", 0)}
        if isinstance(of, FGanFit | FGanOptimum):
            names = ["mean", "deviation", "excess" if isinstance(of, FGanFit) else "divergence"]
            found |= {f"{source}.{row}.{name}" for row in fgan_gaussian.FUNCTIONS for name in names}
    read = {name for one in ledger.entries for name in one.names}
    assert {name for name in read if not isinstance(ledger.measurements[name.partition(".")[0]], Training)} <= found


def names_of(source: str) -> set[str]:
    """What entries read of a training, without its variant."""
    names = {name for one in papers.papers().entries for name in one.names}
    return {name.split(".")[2] for name in names if name.startswith(f"{source}.")}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["ring_packed", "stacked", "digits_redrawn"])
def test_a_training_has_the_values_that_entries_read(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements, "KEPT", tmp_path)
    of = papers.papers().measurements[source]
    assert isinstance(of, Training)
    few = {"steps": 4, "num_samples": 200, "sample_grid_every": 4, "snapshots": {"count": 1, "num_samples": 100}}
    found = of.model_copy(update={"common": of.common | few}).measure(next(iter(of.variants)), 0)
    assert names_of(source) <= set(found)
    assert len(set(found.get("redrawn", []))) == (of.redraws or 0)  # other samples each time


@pytest.mark.slow
def test_a_failed_training_has_every_draw_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "KEPT", tmp_path)
    of = papers.papers().measurements["digits_redrawn"]
    assert isinstance(of, Training)
    broken = {"steps": 4, "num_samples": 200, "sample_grid_every": 4, "snapshots": {"count": 1, "num_samples": 100}}
    broken |= {"critic_optimizer": {"lr": 1e9}}
    found = of.model_copy(update={"common": broken, "redraws": 2}).measure("rpgan", 0)
    assert found["redrawn"] == [None, None]
    assert found["frechet"] is None


def test_results_are_kept_until_the_settings_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "KEPT", tmp_path)
    ledger = papers.papers()
    of = ledger.measurements["ring_unrolled"]
    for i, task in enumerate(of.tasks()):
        assert kept("ring_unrolled") is None
        written = {"values": {"modes": i}, "seconds": 1.5, "commit": f"c{i // 3}"}
        write_json(papers.file_of(("ring_unrolled", *task)), written)
    values: dict[str, list[float | None]] = {"unrolled_0.modes": [0, 2, 4], "unrolled_10.modes": [1, 3, 5]}
    assert kept("ring_unrolled") == papers.Kept(values, 9.0, ["c0", "c1"])
    changed = of.model_copy(update={"common": {**of.common, "steps": 6}})
    monkeypatch.setitem(ledger.measurements, "ring_unrolled", changed)
    assert kept("ring_unrolled") is None


def test_an_entry_without_its_data_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "KEPT", tmp_path)
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    entries = [one for one in papers.papers().entries if one.id in ("parzen", "equal-budget")]
    absent = papers.run(entries, 1)
    assert absent == {"mnist_parzen", "mnist_equal"}
    assert "GANPIPE_DATA_ROOT" in capsys.readouterr().out
    lines = list(papers.page(absent))
    rows = [line.split(" | ") for line in lines if line.startswith("|")]
    assert [row[2] for row in rows if "MNIST" in row[0]] == ["data not here"] * 2
    assert all(not row[3].strip(" |") for row in rows if row[2] == "not run here")


@pytest.mark.slow
def test_closed_forms_are_hits() -> None:
    same = [one for one in papers.papers().entries if one.differs is None]
    sources = {source for one in same for source in one.sources}
    found = {name: papers.papers().measurements[name].measure("", 0) for name in sources}
    values = {f"{name}.{key}": value for name, of in found.items() for key, value in of.items()}
    verdicts = outcomes(same, lambda name: [values[name]])
    assert {one.verdict for one in verdicts.values()} == {"hit"}
