"""What `dvc repro` would do, why, and for about how long, before anything runs.

DVC itself cannot say: it does not see through `resolve`, which decides what the specs are. So the new specs are made
in memory, and DVC's own rule is applied to them, stage by stage in the order of the graph: a stage is up to date where
its command, dependencies and outs are those of its lock entry; it is restored where its run cache knows the same
command on the same dependencies; else it runs, and whatever depends on it runs too. Of `fingerprint`, which DVC runs
each time, it is known beforehand whether it will find anything new. What comes after a stage that will
run is an upper bound: where it happens to make the very same files as before, DVC stops there.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import networkx
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import Stage

from ganpipe.errors import BadInput
from ganpipe.fingerprint import fingerprint
from ganpipe.rows import read_yaml
from ganpipe.specs import Spec, text
from ganpipe.stage import SPECS

Lock = dict[str, Any]
Hashes = dict[str, str | None]


@dataclass(frozen=True)
class Item:
    """One stage that will do something. seconds: what it took last time here, or what its like took; None: unknown.

    selected: `dvc repro` runs it too, not only `dvc repro -P`. address: what `dvc repro` calls it. needs: the stages
    that make what it reads.
    """

    stage: str
    verdict: Literal["runs", "restored"]
    reason: str
    seconds: float | None
    selected: bool
    address: str = ""
    needs: tuple[str, ...] = ()


def plan(root: Path, specs: dict[str, Spec]) -> list[Item]:
    """The stages that `dvc repro -P` would run or restore, in an order in which it may.

    specs: what `resolve` would write. The rest is read from the lock files, the cache and the work tree.
    """
    try:
        items = list(_items(root, specs))
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"DVC cannot read the pipeline ({reason}): mend that and try again.") from None
    seconds = _seconds_by_kind(root)
    return [
        item if item.seconds is not None or item.verdict == "restored" else replace(item, seconds=seconds(item.stage))
        for item in items
    ]


def _items(root: Path, specs: dict[str, Spec]) -> Iterator[Item]:
    with Repo(str(root)) as repo:
        graph = repo.index.graph
        ancestors = {
            stage for end in graph if end.addressing == "summary" for stage in networkx.descendants(graph, end) | {end}
        }
        cache = _Cache(Path(repo.cache.local.path).parent.parent)
        forecast = _Forecast(root, specs, cache, repo.dvcignore.is_ignored_file)
        for stage in reversed(list(networkx.topological_sort(graph))):
            item = forecast.consider(stage)
            if item:
                needs = tuple(sorted(_name(maker) for maker in graph.successors(stage)))
                yield replace(item, selected=stage in ancestors, address=stage.addressing, needs=needs)


class _Forecast:
    """The state of the outs as it would be, stage after stage. None stands for content that is not known yet."""

    def __init__(self, root: Path, specs: dict[str, Spec], cache: _Cache, ignored: Callable[[str], bool]) -> None:
        self._root, self._specs, self._cache = root, specs, cache
        self._ignored = ignored
        self._hashes: Hashes = {}
        self._made_by: dict[str, str] = {}
        self._params = read_yaml(root / "params.yaml")
        self._locks: dict[Path, Lock] = {}

    def consider(self, stage: Stage) -> Item | None:
        """What happens to this stage; its outs count as made from here on."""
        name, lock = _name(stage), self._lock(stage)
        if name == "resolve":
            reason = self._why_resolve(stage, lock)
            if reason is None:  # DVC leaves the specs as they are, even where this machine would resolve others
                self._specs = {path: json.loads(self._on_disk(path) or "null") for path in self._specs}
            self._hashes = {str(SPECS / path): _md5(text(spec).encode()) for path, spec in self._specs.items()}
            return Item(name, "runs", reason, None, False) if reason else None
        if name == "fingerprint":
            return self._consider_fingerprint(stage, lock)
        deps = {dep.def_path: self._hash(dep.def_path) for dep in stage.deps if not _is_params(dep)}
        reason = self._why_inputs(stage, lock, deps)
        inputs_changed = reason is not None
        reason = reason or self._why_outs(stage)
        if lock is not None and reason is None:
            self._remember(stage, _hashes(lock["outs"]))
            return None
        assert reason is not None
        # DVC's order: an entry of the lock file whose inputs still hold, else the newest run on these dependencies
        known = self._cache.run(stage, deps) if inputs_changed or lock is None else _hashes(lock["outs"])
        if known is not None and all(self._cache.holds(md5) for md5 in known.values()):
            self._remember(stage, known)
            return Item(name, "restored", reason, None, False)
        self._remember(stage, {})
        return Item(name, "runs", reason, _seconds(self._root, stage), False)

    def _consider_fingerprint(self, stage: Stage, lock: Lock | None) -> Item | None:
        """DVC runs it each time; it does something where the files changed, which is known beforehand."""
        (out,), spec = stage.outs, self._specs.get("data.json")
        now = _md5(text(fingerprint(spec, self._root)).encode()) if spec else None
        self._hashes[out.def_path], self._made_by[out.def_path] = now, "fingerprint"
        if lock is not None and now == _hashes(lock["outs"]).get(out.def_path):
            return None
        return Item(
            "fingerprint", "runs", "the files that the data is read from changed" if lock else "never ran", None, False
        )

    def _lock(self, stage: Stage) -> Lock | None:
        path = Path(stage.path).with_suffix(".lock")
        if path not in self._locks:
            self._locks[path] = read_yaml(path).get("stages", {}) if path.is_file() else {}
        lock: Lock | None = self._locks[path].get(stage.name)
        return lock

    def _why_inputs(self, stage: Stage, lock: Lock | None, deps: Hashes) -> str | None:
        """Why the stage's command, dependencies and parameters are not those of its last run; None where they are."""
        if lock is None:
            return "never ran"
        if lock["cmd"] != stage.cmd:
            return "its command changed"
        before = _hashes(lock.get("deps", []))
        for path, now in deps.items():
            if path not in before:
                return f"it did not depend on {path} before"
            if now is None:
                return f"{self._maker(path)} runs"
            if now != before[path]:
                return self._difference(path, before[path]) if SPECS in Path(path).parents else f"{path} changes"
        for file, values in lock.get("params", {}).items():
            for key, value in values.items():
                if self._params.get(key) != value:
                    return f"{key} in {file}: {value} -> {self._params.get(key)}"
        return None

    def _why_outs(self, stage: Stage) -> str | None:
        """Why the stage's outs are not those of its last run; None where they are."""
        words = {"deleted": "is not there", "not in cache": "is not in DVC's cache", "new": "is new"}
        for out in stage.outs:
            for status in out.status().values():
                return f"{out.def_path} {words.get(status, 'was changed by hand')}"
        return None

    def _why_resolve(self, stage: Stage, lock: Lock | None) -> str | None:
        if lock is None:
            return "never ran"
        names = sorted(
            dep.def_path for dep in stage.deps if (dep.status() if _is_params(dep) else dep.changed_checksum())
        )
        return f"{', '.join(names)} changed" if names else self._why_outs(stage)

    def _on_disk(self, name: str) -> str | None:
        file = self._root / SPECS / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def _difference(self, path: str, before: str) -> str:
        """How a spec differs from the one of the last run, which DVC's cache keeps."""
        old = self._cache.file(before)
        if not old.is_file():
            return f"{path} changes"
        new = self._specs[str(Path(path).relative_to(SPECS))]
        found = list(differences(json.loads(old.read_text(encoding="utf-8")), new))
        return "; ".join(found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")

    def _maker(self, path: str) -> str:
        makers = [maker for out, maker in self._made_by.items() if _touches(out, path) and self._hashes[out] is None]
        return makers[0] + (f" and {len(makers) - 1} more" if len(makers) > 1 else "") if makers else path

    def _remember(self, stage: Stage, hashes: Mapping[str, str]) -> None:
        for out in stage.outs:
            self._hashes[out.def_path] = hashes.get(out.def_path)
            self._made_by[out.def_path] = _name(stage)

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
            listing = self._cache.listing(md5)
            if listing is None:
                return None
            entries += [{"md5": entry["md5"], "relpath": f"{prefix}/{entry['relpath']}"} for entry in listing]
        entries += self._strays(path, set(inside))
        # DVC's own serialisation of a folder: what its hash is taken of
        folder = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
        return _md5(folder.encode()) + ".dir"

    def _strays(self, path: str, outs: set[str]) -> Iterator[dict[str, str]]:
        """Files of stages that are no more: they lie in the folder and count."""
        folder = self._root / path
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            name = file.relative_to(self._root)
            stray = file.is_file() and not any(_touches(out, str(name)) for out in outs)
            if stray and not self._ignored(str(file)):
                yield {"md5": _md5(file.read_bytes()), "relpath": file.relative_to(folder).as_posix()}


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


class _Cache:
    """What DVC's cache holds: files, folders, and the runs that made them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, md5: str) -> Path:
        """Where the content with this hash would be."""
        return self._folder / "files" / "md5" / md5[:2] / md5[2:]

    def listing(self, md5: str) -> list[dict[str, str]] | None:
        """The files in a folder with this hash, None where the cache does not know it."""
        file = self.file(md5)
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def holds(self, md5: str) -> bool:
        """Whether the content is there whole."""
        if not md5.endswith(".dir"):
            return self.file(md5).is_file()
        listing = self.listing(md5)
        return listing is not None and all(self.file(entry["md5"]).is_file() for entry in listing)

    @cached_property
    def _runs(self) -> list[tuple[str, Path]]:
        files = sorted((self._folder / "runs").glob("??/*/*"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        return [(" ".join(file.read_text(encoding="utf-8").split()), file) for file in files]

    def run(self, stage: Stage, deps: Hashes) -> dict[str, str] | None:
        """The outs of the newest run of this command on these dependencies, where there was one."""
        for content, file in self._runs:
            if content.startswith(f"cmd: {stage.cmd} deps:"):  # parsing all of them would take seconds
                entry = read_yaml(file)
                outs = _hashes(entry["outs"])
                if _hashes(entry["deps"]) == deps and outs.keys() == {out.def_path for out in stage.outs}:
                    return outs
        return None


def _name(stage: Stage) -> str:
    """Without the file that it stands in."""
    name: str = stage.addressing.rpartition(":")[2]
    return name


def _hashes(entries: list[dict[str, str]]) -> dict[str, str]:
    return {entry["path"]: entry["md5"] for entry in entries}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _touches(out: str, path: str) -> bool:
    return out == path or Path(out) in Path(path).parents or Path(path) in Path(out).parents


def _is_params(dep: Any) -> bool:
    return bool(getattr(dep, "params", None)) or type(dep).__name__ == "ParamsDependency"


def _seconds(root: Path, stage: Stage) -> float | None:
    """What the stage took last time, from its clock."""
    for out in stage.outs:
        file = root / out.def_path
        if out.def_path.startswith("clocks/") and file.is_file():
            return _took(file)
    return None


def _took(clock: Path) -> float | None:
    """What a clock says; None where it is broken, for no plan fails over that."""
    try:
        return float(json.loads(clock.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _seconds_by_kind(root: Path) -> Callable[[str], float | None]:
    """A function from a stage's name to the mean seconds of stages of its kind: the same row's first."""
    measured: dict[str, list[float]] = defaultdict(list)
    for file in (root / "clocks").glob("*/**/*.json"):
        _, kind, *rest = file.relative_to(root / "clocks").with_suffix("").parts
        took = _took(file)
        if took is None:
            continue
        measured[kind].append(took)
        if rest:
            measured[f"{kind}@{rest[0]}"].append(took)

    def seconds(stage: str) -> float | None:
        kind, _, item = stage.partition("@")
        row = item.rpartition("-")[0] if kind == "train" else item
        values = measured.get(f"{kind}@{row}") or measured.get(kind)
        return sum(values) / len(values) if values else None

    return seconds
