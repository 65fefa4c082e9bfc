"""What `dvc repro` would do, why, and for about how long, before anything runs.

DVC itself cannot say: it does not see through `resolve`, which decides what the specs are. So the new specs are made
in memory, and DVC's own rule is applied to them, stage by stage in the order of the graph: a stage is up to date where
its command, dependencies and outs are those of its lock entry; it is restored where its run cache knows the same
command on the same dependencies; else it runs, and whatever depends on it runs too.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import networkx
from dvc.repo import Repo
from dvc.stage import Stage

from ganpipe.rows import read_yaml
from ganpipe.specs import Spec, text
from ganpipe.stage import SPECS

Lock = dict[str, Any]
Hashes = dict[str, str | None]


@dataclass(frozen=True)
class Item:
    """One stage that will do something. seconds: what it took last time here, or what its like took; None: unknown.

    selected: `dvc repro` runs it too, not only `dvc repro -P`.
    """

    stage: str
    verdict: Literal["runs", "restored"]
    reason: str
    seconds: float | None
    selected: bool


def plan(root: Path, specs: dict[str, Spec]) -> list[Item]:
    """The stages that `dvc repro -P` would run or restore, in an order in which it may.

    specs: what `resolve` would write. The rest is read from the lock files, the cache and the work tree.
    """
    with Repo(str(root)) as repo:
        graph = repo.index.graph
        ancestors = {
            stage for end in graph if end.addressing == "headline" for stage in networkx.descendants(graph, end) | {end}
        }
        forecast = _Forecast(root, specs, Path(repo.cache.local.path).parent.parent)
        items = []
        for stage in reversed(list(networkx.topological_sort(graph))):
            item = forecast.consider(stage)
            if item:
                items.append(replace(item, selected=stage in ancestors))
    seconds = _seconds_by_kind(root)
    return [
        item if item.seconds is not None or item.verdict == "restored" else replace(item, seconds=seconds(item.stage))
        for item in items
    ]


class _Forecast:
    """The state of the outs as it would be, stage after stage. None stands for content that is not known yet."""

    def __init__(self, root: Path, specs: dict[str, Spec], cache: Path) -> None:
        self._root, self._specs, self._cache = root, specs, cache
        self._hashes: Hashes = {
            str(SPECS / name): hashlib.md5(text(spec).encode(), usedforsecurity=False).hexdigest()
            for name, spec in specs.items()
        }
        self._made_by: dict[str, str] = {}
        self._known = _run_cache(cache)
        self._params = read_yaml(root / "params.yaml")
        self._locks: dict[Path, Lock] = {}

    def consider(self, stage: Stage) -> Item | None:
        """What happens to this stage; its outs count as made from here on."""
        lock = self._lock(stage)
        deps = {dep.def_path: self._hash(dep.def_path) for dep in stage.deps if not _is_params(dep)}
        if stage.addressing == "resolve":  # its outs are known: they are the new specs
            reason = self._why_resolve(stage, lock)
            return Item("resolve", "runs", reason, None, False) if reason else None
        reason = self._why(stage, lock, deps)
        if reason is None:
            assert lock is not None
            self._remember(stage, {out["path"]: out["md5"] for out in lock["outs"]})
            return None
        restored = self._known.get((stage.cmd, frozenset(deps.items()))) if None not in deps.values() else None
        if restored is not None:
            self._remember(stage, restored)
            return Item(stage.addressing, "restored", reason, None, False)
        self._remember(stage, {out.def_path: None for out in stage.outs})
        return Item(stage.addressing.rpartition(":")[2], "runs", reason, _seconds(self._root, stage), False)

    def _lock(self, stage: Stage) -> Lock | None:
        path = Path(stage.path).with_suffix(".lock")
        if path not in self._locks:
            self._locks[path] = read_yaml(path).get("stages", {}) if path.is_file() else {}
        lock: Lock | None = self._locks[path].get(stage.name)
        return lock

    def _why(self, stage: Stage, lock: Lock | None, deps: Hashes) -> str | None:
        """Why the stage does not stand as it is; None where it does."""
        if lock is None:
            return "never ran"
        if lock["cmd"] != stage.cmd:
            return "its command changed"
        before = {dep["path"]: dep["md5"] for dep in lock.get("deps", [])}
        for path, now in deps.items():
            if path not in before:
                return f"it did not depend on {path} before"
            if now is None:
                return f"{self._maker(path)} runs"
            if now != before[path]:
                name = Path(path)
                return self._difference(path, before[path]) if SPECS in name.parents else f"{path} changes"
        for file, values in lock.get("params", {}).items():
            for key, value in values.items():
                if self._params.get(key) != value:
                    return f"{key} in {file}: {value} -> {self._params.get(key)}"
        missing = [out.def_path for out in stage.outs if not out.exists]
        if missing:
            return f"{missing[0]} is not there"
        changed = [out.def_path for out in stage.outs if out.changed_checksum()]
        if changed or {out["path"] for out in lock["outs"]} != {out.def_path for out in stage.outs}:
            return f"{changed[0]} was changed by hand" if changed else "its outs changed"
        return None

    def _why_resolve(self, stage: Stage, lock: Lock | None) -> str | None:
        if lock is None:
            return "never ran"
        names = sorted(
            dep.def_path for dep in stage.deps if (dep.status() if _is_params(dep) else dep.changed_checksum())
        )
        if names:
            return f"{', '.join(names)} changed"
        return "data/specs was changed by hand" if self._changed_specs() else None

    def _changed_specs(self) -> bool:
        return any(
            not (file := self._root / SPECS / name).is_file() or file.read_text(encoding="utf-8") != text(spec)
            for name, spec in self._specs.items()
        )

    def _difference(self, path: str, before: str) -> str:
        """How a spec differs from the one of the last run, which DVC's cache keeps."""
        old = self._cache / "files" / "md5" / before[:2] / before[2:]
        if not old.is_file():
            return f"{path} changes"
        new = self._specs[str(Path(path).relative_to(SPECS))]
        found = list(differences(json.loads(old.read_text(encoding="utf-8")), new))
        return "; ".join(found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")

    def _maker(self, path: str) -> str:
        makers = [maker for out, maker in self._made_by.items() if _touches(out, path) and self._hashes[out] is None]
        return makers[0] + (f" and {len(makers) - 1} more" if len(makers) > 1 else "") if makers else path

    def _remember(self, stage: Stage, hashes: Hashes) -> None:
        for out in stage.outs:
            self._hashes[out.def_path] = hashes.get(out.def_path)
            self._made_by[out.def_path] = stage.addressing.rpartition(":")[2]

    def _hash(self, path: str) -> str | None:
        """The content that a dependency would have; a folder of other stages' outs is put together from theirs."""
        if path in self._hashes:
            return self._hashes[path]
        inside = {out: md5 for out, md5 in self._hashes.items() if Path(path) in Path(out).parents}
        if not inside or None in inside.values():
            return None
        entries = []
        for out, md5 in inside.items():
            assert md5 is not None
            prefix = Path(out).relative_to(path).as_posix()
            if not md5.endswith(".dir"):
                entries.append({"md5": md5, "relpath": prefix})
                continue
            manifest = self._cache / "files" / "md5" / md5[:2] / md5[2:]
            if not manifest.is_file():
                return None
            for entry in json.loads(manifest.read_text()):
                entries.append({"md5": entry["md5"], "relpath": f"{prefix}/{entry['relpath']}"})
        entries += self._strays(path, set(inside))
        # DVC's own serialisation of a folder: what its hash is taken of
        listing = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
        return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"

    def _strays(self, path: str, outs: set[str]) -> Iterator[dict[str, str]]:
        """Files of stages that are no more: they lie in the folder and count."""
        folder = self._root / path
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            name = file.relative_to(self._root)
            if file.is_file() and not any(_touches(out, str(name)) for out in outs):
                digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
                yield {"md5": digest, "relpath": file.relative_to(folder).as_posix()}


def differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """The places where two specs differ, each with both values; a digest of code says only that the file changed."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) == new.get(key):
                continue
            if place == "code":
                word = "changed" if key in old and key in new else "is used now" if key in new else "is no longer used"
                yield f"{key} {word}"
            else:
                yield from differences(old.get(key), new.get(key), f"{place}.{key}" if place else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and place != "seeds":
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            if one != other:
                yield from differences(one, other, f"{place}.{index}")
    else:
        yield f"{place}: {json.dumps(old)} -> {json.dumps(new)}"


def _run_cache(cache: Path) -> dict[tuple[str, frozenset[tuple[str, str | None]]], Hashes]:
    """DVC's run cache: outs by command and dependencies, where the outs are still in the cache."""
    known = {}
    for file in (cache / "runs").glob("??/*/*"):
        entry = read_yaml(file)
        outs = {out["path"]: out["md5"] for out in entry.get("outs", [])}
        if all((cache / "files" / "md5" / md5[:2] / md5[2:]).exists() for md5 in outs.values()):
            deps = frozenset((dep["path"], dep["md5"]) for dep in entry.get("deps", []))
            known[(entry["cmd"], deps)] = outs
    return known


def _touches(out: str, path: str) -> bool:
    return out == path or Path(out) in Path(path).parents or Path(path) in Path(out).parents


def _is_params(dep: Any) -> bool:
    return bool(getattr(dep, "params", None)) or type(dep).__name__ == "ParamsDependency"


def _seconds(root: Path, stage: Stage) -> float | None:
    """What the stage took last time, from its clock."""
    for out in stage.outs:
        file = root / out.def_path
        if out.def_path.startswith("clocks/") and file.is_file():
            return float(json.loads(file.read_text())["seconds"])
    return None


def _seconds_by_kind(root: Path) -> Callable[[str], float | None]:
    """A function from a stage's name to the mean seconds of stages of its kind: the same row's first."""
    measured: dict[str, list[float]] = defaultdict(list)
    for file in (root / "clocks").glob("*/**/*.json"):
        _, kind, *rest = file.relative_to(root / "clocks").with_suffix("").parts
        took = float(json.loads(file.read_text())["seconds"])
        measured[kind].append(took)
        if rest:
            measured[f"{kind}@{rest[0]}"].append(took)

    def seconds(stage: str) -> float | None:
        kind, _, item = stage.partition("@")
        row = item.rpartition("-")[0] if kind == "train" else item
        values = measured.get(f"{kind}@{row}") or measured.get(kind)
        return sum(values) / len(values) if values else None

    return seconds
