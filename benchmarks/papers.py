"""What papers report, beside what this project gets: the table of `docs/papers.md`, which `make papers` makes.

    GANPIPE_DATA_ROOT=FOLDER python -m benchmarks.papers [--only ID ...] [--jobs 2] [--list]

`benchmarks/papers.yaml` has the published numbers, what is measured for each, and the tolerances, which were written
before anything ran. What an entry lacks is measured, a training at a time, and kept in `.cache/papers` for as long as
its settings stay as they are (after a change of code remove what it concerns); the page shows what is kept there.
`--only` without an id measures nothing.

hit: under the paper's protocol every number is within its tolerance, of several seeds the whole 95 % interval, and
every trend holds; else miss. protocol differs: the numbers cannot be compared, so what the paper says of them is judged
by itself, with the rules of claims.yaml and Holm's correction over all tests that are measured, each of them once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchmarks.copies import SOURCE
from benchmarks.kept import write_section
from benchmarks.measurements import KEPT, FGanFit, FGanOptimum, Probe, Training, digest, retraining_ratio
from benchmarks.showcase import describe, machine
from ganpipe.config.overlay import read_yaml
from ganpipe.lecture.rules import Interval, Judged, Rule, RuleBase, Status, Values, Within, judge
from ganpipe.parts import Frozen, Line, Number, Positive
from ganpipe.report.formats import MINUS, NOTHING, duration, mean_and_half, number
from ganpipe.statistics.seeds import finite, summary
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_json

FILE, PAGE = SOURCE / "benchmarks/papers.yaml", SOURCE / "docs/papers.md"
START, END = "<!-- papers -->\n", "<!-- end of papers -->"
Task = tuple[str, str, int]
"""A measurement, and a variant and seed of it, "" and 0 where it has none."""
WORDS = {
    True: {"supported": "hit", "refuted": "miss", "not resolved": "miss", "not testable here": "miss"},
    False: {"supported": "yes", "refuted": "no", "not resolved": "not resolved", "not testable here": "not resolved"},
}
"""By whether the protocol is the paper's: what a status is called."""


class Ratio(RuleBase):
    """How many times more `value`, the same number of draws of each training one after another, varies between
    trainings than between draws: supported where the 95 % interval lies above `low`, not resolved where a training
    failed. training: one number of each training."""

    reads = ("value", "training")
    rule: Literal["ratio"]
    value: str
    training: str
    low: Positive

    def judge(self, values: Values) -> Judged:
        given, count, predicted = values(self.value), len(values(self.training)), f"> {number(self.low)}"
        found, draws = finite(given), len(given) // count
        if len(found) < len(given):
            text = f"{len(given) - len(found)} of {len(given)} draws lost"
            return Judged("not resolved", self.names, predicted, text)
        value, low, high = retraining_ratio([found[i * draws : (i + 1) * draws] for i in range(count)])
        status: Status = "supported" if low > self.low else "refuted" if high < self.low else "not resolved"
        return Judged(status, self.names, predicted, f"{number(value)} [{number(low)}, {number(high)}]")


class Figure(Frozen):
    """Published numbers beside ours. what: they are of. published: the numbers, or a text where they are not compared.
    ours: names of values, <measurement>.<name>. tolerance: of each number."""

    what: Line
    published: Annotated[tuple[Number, ...], Field(strict=False)] | Line
    ours: Annotated[tuple[Line, ...], Field(strict=False)] = ()
    tolerance: Positive | None = None

    @model_validator(mode="after")
    def _is_comparable(self) -> Figure:
        if self.tolerance and (isinstance(self.published, str) or len(self.published) != len(self.ours)):
            raise ValueError("with a tolerance `published` needs as many numbers as `ours` has")
        return self

    def rules(self, values: Values) -> list[Rule]:
        """One for each number: within its tolerance, of several seeds with the whole interval."""
        if self.tolerance is None or isinstance(self.published, str):
            return []
        found: list[Rule] = []
        for name, centre in zip(self.ours, self.published, strict=True):
            low, high = centre - self.tolerance, centre + self.tolerance
            if len(values(name)) > 1:
                found.append(Interval(rule="interval", value=name, low=low, high=high))
            else:
                found.append(Within(rule="within", value=name, low=low, high=high))
        return found


class Entry(Frozen):
    """paper, arxiv: where the numbers are from, and `place` in it. protocol: the paper's. differs: in what ours does;
    None: in nothing. trend: what the paper says in words or pictures. note: what a reader should know."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    title: Line
    paper: Line
    arxiv: Annotated[str, Field(pattern=r"^\d{4}\.\d{4,5}$")]
    place: Line
    protocol: Line
    differs: Line | None = None
    figures: Annotated[tuple[Figure, ...], Field(strict=False)] = ()
    trend: Annotated[tuple[Rule | Ratio, ...], Field(strict=False)] = ()
    note: Line | None = None

    @property
    def names(self) -> list[str]:
        """The values that it reads."""
        return [name for part in self.figures for name in part.ours] + [n for rule in self.trend for n in rule.names]

    @property
    def sources(self) -> list[str]:
        """The measurements that it reads."""
        return list(dict.fromkeys(name.partition(".")[0] for name in self.names))


class Papers(Frozen):
    """benchmarks/papers.yaml."""

    measurements: dict[str, Annotated[Probe | FGanOptimum | FGanFit | Training, Field(discriminator="kind")]]
    entries: Annotated[tuple[Entry, ...], Field(strict=False)]


@dataclass(frozen=True)
class Outcome:
    """verdict: of the entry; figures, trend: a word for each of its figures ("" without a tolerance) and rules, with
    what was found."""

    verdict: str
    figures: Sequence[str]
    trend: Sequence[tuple[str, Judged]]


@cache
def papers() -> Papers:
    return Papers.model_validate(read_yaml(FILE))


def outcomes(entries: Sequence[Entry], values: Values) -> dict[str, Outcome]:
    """The verdict on each entry by its id, all of whose values are there.

    A rule that stands in several entries is one test.
    """
    rules = {one.id: [[*figure.rules(values)] for figure in one.figures] for one in entries}
    distinct = list(dict.fromkeys(rule for one in entries for rule in [*chain(*rules[one.id]), *one.trend]))
    claims: Any = {str(i): ([rule], ()) for i, rule in enumerate(distinct)}
    judged = dict(zip(distinct, (of.rules[0] for of in judge(claims, values).values()), strict=True))
    found = {}
    for one in entries:
        words, trend = WORDS[one.differs is None], [judged[rule] for rule in one.trend]
        figures = [[judged[rule].status for rule in of] for of in rules[one.id]]
        each = [words[_all(statuses)] if statuses else "" for statuses in figures]
        whole = words[_all([*chain(*figures), *(rule.status for rule in trend)])]
        if one.differs is not None:
            whole = f"protocol differs; trend: {whole}" if any(figures) or trend else "protocol differs"
        found[one.id] = Outcome(whole, each, [(words[rule.status], rule) for rule in trend])
    return found


def _all(statuses: Sequence[Status]) -> Status:
    """Of several numbers: the worst."""
    if "refuted" in statuses:
        return "refuted"
    return "supported" if set(statuses) == {"supported"} else "not resolved"


def work(task: Task) -> tuple[dict[str, Any], float]:
    """What a task comes to, and the seconds of CPU that it took."""
    name, variant, seed = task
    start = time.process_time()
    return papers().measurements[name].measure(variant, seed), time.process_time() - start


def file_of(task: Task) -> Path:
    """Where the result of a task is kept, for as long as its settings are these."""
    name, variant, seed = task
    of = papers().measurements[name]
    settings = [of.kind, getattr(of, "probe", None), of.settings(variant), seed]
    return KEPT / f"{'-'.join(filter(None, (name, variant, str(seed))))}-{digest(settings)}.json"


@dataclass(frozen=True)
class Kept:
    """values: of a measurement by name, one for each seed. seconds: it took. commits: that it was measured at."""

    values: dict[str, list[float | None]]
    seconds: float
    commits: list[str]


def kept(name: str) -> Kept | None:
    """What is kept of a measurement; None where a part of it is missing."""
    values: dict[str, list[float | None]] = {}
    seconds, commits = 0.0, list[str]()
    for variant, seed in papers().measurements[name].tasks():
        file = file_of((name, variant, seed))
        if not file.exists():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        seconds += found["seconds"]
        commits.append(found.get("commit", "unknown"))
        for key, value in found["values"].items():
            whole = f"{variant}.{key}" if variant else key
            values.setdefault(whole, []).extend(value if isinstance(value, list) else [value])
    return Kept(values, seconds, list(dict.fromkeys(commits)))


def run(entries: Sequence[Entry], jobs: int) -> set[str]:
    """Measure what the entries lack; the measurements without their data."""
    names = list(dict.fromkeys(name for one in entries for name in one.sources))
    absent, tasks = set[str](), list[Task]()
    for name in names:
        of = papers().measurements[name]
        todo = [(name, *task) for task in of.tasks() if not file_of((name, *task)).exists()]
        try:
            if todo and isinstance(of, Training):
                of.reference()  # once, before the tasks share it
        except UserError as error:
            print(f"{name}: {error}", flush=True)
            absent.add(name)
            continue
        tasks += todo
    commit, spawn = describe(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        running = {pool.submit(work, task): task for task in tasks}
        for done, future in enumerate(as_completed(running), 1):
            values, seconds = future.result()
            write_json(file_of(running[future]), {"values": values, "seconds": seconds, "commit": commit})
            print(f"{done}/{len(tasks)}  {' '.join(map(str, running[future]))}  {seconds:.0f} s", flush=True)
    return absent


def state(entry: Entry) -> str:
    """ "" where all is measured that the entry reads, else what it needs."""
    missing = [name for name in entry.sources if kept(name) is None]
    minutes = sum(papers().measurements[name].minutes for name in missing)
    return f"not run here: about {duration(60 * minutes)} of one core" if missing else ""


def shown(found: Sequence[float | None]) -> str:
    """A number, or mean ± half of the 95 % interval over seeds."""
    one = summary(found)
    lost = f" ({one.lost} of {len(found)} lost)" if one.lost else ""
    if one.mean is None:
        return "not finite"
    if one.high is None:
        return f"{one.mean:.5g}{lost}".replace("-", MINUS)
    return " ± ".join(mean_and_half(one.mean, one.high - one.mean)) + lost


def page(absent: set[str]) -> Iterator[str]:
    """The lines of the table, then of each entry. absent: measurements without their data."""
    results = {name: whole for name in papers().measurements if (whole := kept(name))}
    values = {f"{name}.{key}": value for name, of in results.items() for key, value in of.values.items()}
    states = {one.id: "data not here" if absent.intersection(one.sources) else state(one) for one in papers().entries}
    found = outcomes([one for one in papers().entries if not states[one.id]], values.__getitem__)
    yield from ("| what | paper | verdict | CPU |", "| --- | --- | --- | ---: |")
    for one in papers().entries:
        link, ready = f"[{one.paper}](https://arxiv.org/abs/{one.arxiv})", one.id in found
        cpu = duration(sum(results[name].seconds for name in one.sources)) if ready else ""
        yield f"| {one.title} | {link} | {found[one.id].verdict if ready else states[one.id]} | {cpu} |"
    for one in papers().entries:
        yield from _entry(one, found.get(one.id), values)
        if one.id in found:
            commits = dict.fromkeys(commit for name in one.sources for commit in results[name].commits)
            yield from ("", f"Measured at commit {', '.join(commits)}.")


def _entry(one: Entry, outcome: Outcome | None, values: dict[str, list[float | None]]) -> Iterator[str]:
    yield from ("", f"### {one.title}", "")
    yield f"[{one.paper}](https://arxiv.org/abs/{one.arxiv}), {one.place}. {one.protocol}."
    yield from (["", f"Here: {one.differs}."] if one.differs else [])
    yield from ("", f"| what | published | ours | {'verdict' if one.differs is None else 'as the paper says'} |")
    yield "| --- | --- | --- | --- |"
    for i, figure in enumerate(one.figures):
        published = figure.published
        if not isinstance(published, str):
            published = ", ".join(f"{x:.5g}".replace("-", MINUS) for x in published)
            published += f", tolerance {figure.tolerance:g}" if figure.tolerance else ""
        ours = ", ".join(shown(values[name]) for name in figure.ours) if outcome else "not run here"
        yield f"| {figure.what} | {published} | {ours or NOTHING} | {outcome.figures[i] if outcome else ''} |"
    for i, rule in enumerate(one.trend):
        names = ", ".join(f"{key} = `{name}`" for key, name in zip(rule.reads, rule.names, strict=False))
        word, judged = outcome.trend[i] if outcome else ("", None)
        found = (judged.predicted, judged.measured) if judged else ("", "not run here")
        yield f"| {names} | {' | '.join(found)} | {word} |"
    yield from (["", one.note] if one.note else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", metavar="ID", help="measure these alone; none: the page alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="the entries, and what they still need")
    given = parser.parse_args()
    by_id = {one.id: one for one in papers().entries}
    if unknown := [name for name in given.only or () if name not in by_id]:
        parser.error(f"{unknown[0]} is no entry of benchmarks/papers.yaml: use some of {', '.join(by_id)}")
    if given.list:
        for name, one in by_id.items():
            print(f"{name:22} {state(one) or 'measured'}")
        return
    absent = run([one for name, one in by_id.items() if given.only is None or name in given.only], given.jobs)
    lines = [*page(absent), "", f"Page made at commit {describe()}, {machine()}."]
    print("\n".join(lines))
    write_section(PAGE, START, END, "\n".join(lines))


if __name__ == "__main__":
    main()
