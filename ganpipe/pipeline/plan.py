"""What `dvc repro -P` would run, why, and about how long it takes, before anything runs.

DVC cannot say it: after an edit `dvc repro --dry` lists only `resolve`, which decides what the specs are. So the new
specs are built in memory and compared with those of each stage's last run; for all else DVC's own status decides. Where
nothing changed that `resolve` reads, the specs are those on the disk, and torch, which takes seconds, is not imported.
What depends on a stage that runs is listed too: an upper bound, as DVC stops where a stage makes the same files again,
and restores from its run cache what it ran before on the same inputs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import networkx
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import Stage

from ganpipe.pipeline.stage import SPECS
from ganpipe.utils.errors import UserError

if TYPE_CHECKING:
    from ganpipe.config.configuration import Configuration

Spec = dict[str, Any]
STATUS = {"deleted": "is missing", "not in cache": "is not in DVC's cache", "new": "is new", "modified": "changed"}
MAX_DIFFERENCES = 3
"""How many differences of a spec are listed."""

DEFAULT_SECONDS = {"train": 60.0, "pretrain": 30.0}
"""Seconds that a stage is taken for where none of its kind was timed; else 4. Only the order depends on them."""


@dataclass(frozen=True)
class Item:
    """A stage that runs or is restored. seconds: of its last run here or of stages like it; None: unknown.

    selected: `dvc repro` runs it too, not only `dvc repro -P`. address: its name for `dvc repro`. needs: the stages
    that make its dependencies.
    """

    stage: str
    reason: str
    seconds: float | None
    selected: bool
    address: str = ""
    needs: tuple[str, ...] = ()


def estimate(item: Item) -> float:
    """Seconds that a stage is taken for."""
    return item.seconds if item.seconds is not None else DEFAULT_SECONDS.get(item.stage.partition("@")[0], 4.0)


def duration(seconds: float | None) -> str:
    """In words; None: unknown."""
    if seconds is None:
        return "?"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def plan(root: Path, load: Callable[[], Configuration], selected_only: bool = False) -> list[Item]:
    """The stages that `dvc repro -P` would run or restore, each after those that it depends on.

    selected_only: those of `dvc repro`, and no others are looked at. load: the checked configuration; called where
    `resolve` would run. Raises UserError where DVC cannot read the pipeline.
    """
    try:
        with Repo(str(root)) as repo:
            return _items(root, repo, load, selected_only)
    except DvcException as error:
        load()  # says it better where params.yaml is at fault
        reason = " ".join(str(error).split())
        raise UserError(f"DVC cannot read the pipeline ({reason}): correct that and try again.") from None


def _items(root: Path, repo: Any, load: Callable[[], Configuration], selected_only: bool) -> list[Item]:
    graph = repo.index.graph
    selected = {s for end in graph if end.addressing == "summary" for s in networkx.descendants(graph, end) | {end}}
    comparison, timings = _Comparison(root, repo, load), _Timings(root)
    items: dict[str, Item] = {}
    for stage in reversed(list(networkx.topological_sort(graph))):
        if selected_only and stage not in selected:
            continue
        needs = tuple(sorted(map(_name, graph.successors(stage))))
        # what `resolve` changes is known, spec by spec
        upstream = [name for name in needs if name in items and name != "resolve"]
        reason = comparison.reason(stage, upstream)
        if reason:
            name, seconds = _name(stage), timings.seconds(stage)
            items[name] = Item(name, reason, seconds, stage in selected, stage.addressing, needs)
    return list(items.values())


class _Comparison:
    """Why stages are not up to date; asked for in the order of the graph."""

    def __init__(self, root: Path, repo: Any, load: Callable[[], Configuration]) -> None:
        self._root, self._cache, self._load = root, repo.cache.local, load
        self._specs: dict[str, Spec] = {}  # by path; of `resolve`, on which all others depend
        self._hashes: dict[str, Any] = {}

    def reason(self, stage: Stage, upstream: list[str]) -> str | None:
        """Why DVC would run a stage; None where it would not. upstream: stages that run and make what it reads."""
        name = _name(stage)
        if name == "fingerprint":
            return self._fingerprint_reason(stage)
        changes = self._changes(stage, upstream)
        if name == "resolve":
            changed = ", ".join(changes)
            if changed:
                from ganpipe.pipeline.specs import build

                new = json.loads(
                    json.dumps(build(self._load(), self._root))
                )  # as they are read again: lists for tuples
            else:  # DVC leaves the specs as they are
                folder = self._root / SPECS
                files = folder.rglob("*.json")
                new = {f.relative_to(folder).as_posix(): json.loads(f.read_text(encoding="utf-8")) for f in files}
            self._specs = {(SPECS / name).as_posix(): spec for name, spec in new.items()}
            return changed or None
        return next(iter(changes), None)

    def _changes(self, stage: Stage, upstream: list[str]) -> Iterator[str]:
        """All reasons, the most important first."""
        if not any(entry.hash_info for entry in (*stage.deps, *stage.outs)):
            yield "never ran"
            return
        if stage.cmd_changed:
            yield "its command changed"
        specs = [dep for dep in stage.deps if SPECS in Path(dep.def_path).parents]
        yield from filter(None, map(self._spec_change, specs))
        if upstream:
            yield f"depends on {upstream[0]}" + (f" and {len(upstream) - 1} more" if upstream[1:] else "")
            return
        yield from (
            f"{dep.def_path} {STATUS[s]}" for dep in stage.deps if dep not in specs and (s := self._status(dep))
        )
        yield from (f"{out.def_path} {STATUS[status]}" for out in stage.outs for status in out.status().values())

    def _status(self, dep: Any) -> str | None:
        """DVC's status of a dependency; its hash is taken once, as many stages share it."""
        if isinstance(dep, ParamsDependency):
            return "modified" if dep.status() else None
        if dep.def_path not in self._hashes:
            self._hashes[dep.def_path] = dep.get_hash() if dep.exists else None
        found = self._hashes[dep.def_path]
        return "deleted" if found is None else "modified" if found != dep.hash_info else None

    def _spec_change(self, dep: Any) -> str | None:
        """How a spec differs from that of the stage's last run, which DVC's cache keeps."""
        kept = Path(self._cache.oid_to_path(dep.hash_info.value)) if dep.hash_info else None
        try:
            # without a cache, as after `git clone`: what the last `resolve` wrote
            file = kept if kept and kept.is_file() else self._root / dep.def_path
            old, new = json.loads(file.read_text(encoding="utf-8")), self._specs[dep.def_path]
        except (OSError, ValueError, LookupError):
            return f"{dep.def_path} changed"
        found = list(differences(old, new))
        more = [f"and {len(found) - MAX_DIFFERENCES} more"] if len(found) > MAX_DIFFERENCES else []
        return "; ".join(found[:MAX_DIFFERENCES] + more) or None

    def _fingerprint_reason(self, stage: Stage) -> str | None:
        """DVC runs it each time; here only where it would write another file."""
        (out,), spec = stage.outs, self._specs[(SPECS / "data.json").as_posix()]
        file = self._root / out.def_path
        if not file.is_file() or not out.hash_info:
            return "never ran"
        from ganpipe.pipeline.fingerprint import fingerprint

        same = json.loads(file.read_text(encoding="utf-8")) == fingerprint(spec, self._root)
        return None if same else "the files that the data is read from changed"


def differences(old: Any, new: Any, key: str = "") -> Iterator[str]:
    """The keys at which two specs differ, each with both values; a digest of code says only that the file changed."""
    if isinstance(old, dict) and isinstance(new, dict):
        for inner in sorted(old.keys() | new.keys()):
            if old.get(inner) == new.get(inner):
                continue
            if key == "code":
                in_both = inner in old and inner in new
                word = "changed" if in_both else "is used now" if inner in new else "is no longer used"
                yield f"{inner} {word}"
            else:
                yield from differences(old.get(inner), new.get(inner), f"{key}.{inner}" if key else inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and key != "seeds":
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            if one != other:
                yield from differences(one, other, f"{key}.{index}")
    else:
        yield f"{key}: {json.dumps(old)} -> {json.dumps(new)}"


class _Timings:
    """Seconds that stages took, from timings/."""

    def __init__(self, root: Path) -> None:
        self._seconds: dict[str, list[float]] = defaultdict(list)
        for file in (root / "timings").glob("*/**/*.json"):
            try:
                seconds = float(json.loads(file.read_text(encoding="utf-8"))["seconds"])
            except (OSError, ValueError, LookupError, TypeError):  # a broken file costs an estimate
                continue
            for key in self._keys(file.relative_to(root)):
                self._seconds[key].append(seconds)

    def seconds(self, stage: Stage) -> float | None:
        """Of its last run; else the mean over its variant, else over its kind of stage, on any data set."""
        files = [Path(out.def_path) for out in stage.outs if out.def_path.startswith("timings/")]
        keys = [key for file in files for key in self._keys(file) if key in self._seconds]
        return fmean(self._seconds[keys[0]]) if keys else None

    @staticmethod
    def _keys(file: Path) -> tuple[str, str, str]:
        """timings/<data>/<kind>[/<variant>[/<seed>]].json: the file, its kind and variant, its kind."""
        _, _, *parts = file.with_suffix("").parts
        return file.as_posix(), "/".join(parts[:2]), parts[0]


def _name(stage: Stage) -> str:
    """The name of a stage without the file that defines it."""
    name: str = stage.addressing.rpartition(":")[2]
    return name
