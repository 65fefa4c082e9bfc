"""One JSON spec for each piece of work: everything that it depends on and nothing else.

A spec holds the parameters, merged and with defaults, and the digests of the code that this piece of work uses. A stage
depends on its spec and no other parameters, so DVC reruns exactly what a change concerns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import grimp
import torch
from pydantic import BaseModel

from ganpipe.config.configuration import Configuration
from ganpipe.config.overlay import merged
from ganpipe.config.variant import Runtime, Variant
from ganpipe.parts import Part, kinds
from ganpipe.training import pretrain, stage1
from ganpipe.utils.code_hash import code_digest, module_file
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_whole

Spec = dict[str, Any]


class Code:
    """The import graph of the project, for the closures of the specs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests: dict[Path, str] = {}

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        return grimp.build_graph("ganpipe", "stages", cache_dir=None, exclude_type_checking_imports=True)

    def closure(self, modules: Iterable[str]) -> dict[str, str]:
        """Digests, by name, of every module that importing these loads, and of the templates in their packages."""
        todo, found = list(modules), set[str]()
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._graph.find_modules_directly_imported_by(name)
                todo += [name.rpartition(".")[0]] if "." in name else []
        out = {name: self._digest(module_file(name, self._root)) for name in found}
        for name in found:
            file = module_file(name, self._root)
            for extra in file.parent.glob("templates/*") if file.name == "__init__.py" else ():
                out[str(extra.relative_to(self._root))] = self._digest(extra)
        return dict(sorted(out.items()))

    def _digest(self, file: Path) -> str:
        """The digest of a file, computed once: most closures share most files."""
        if file not in self._digests:
            self._digests[file] = code_digest(file)
        return self._digests[file]


def parts_of(value: Any) -> set[str]:
    """The modules of all parts in a validated model."""
    found = {type(value).__module__} if isinstance(value, Part) else set()
    if isinstance(value, BaseModel):
        value = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        found = found.union(*(parts_of(item) for item in value))
    return found


def resolve_runtime(runtime: Runtime) -> Runtime:
    """The runtime with `auto` replaced by a device. Raises UserError where this machine does not have the device."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if runtime.device == "auto":
        return runtime.model_copy(update={"device": next(name for name, found in available.items() if found)})
    if not available[runtime.device]:
        raise UserError(f"runtime.device is {runtime.device!r}, which this machine does not have: use auto.")
    return runtime


def build(configuration: Configuration, root: Path) -> dict[str, Spec]:
    """Every spec by its path below data/specs, of a configuration that has been checked."""
    code, c, data = Code(root), configuration, configuration.data.kind
    runtime = resolve_runtime(c.runtime).model_dump(mode="json")
    dataset = c.dataset
    applicable = None if dataset.form == "images" else f"a classifier is for images, {data} has {dataset.form}"
    variants = {name: c.variant(name) for name in c.variants}
    titles = {name: variant.title for name, variant in variants.items()}
    extractors = c.evaluate.feature_extractors if dataset.form == "images" else ()
    compared = {f"ganpipe.evaluation.extractors.{name}" for name in extractors}
    compared |= {f"ganpipe.metrics.{name}" for name in kinds("ganpipe.metrics")}
    measuring = {
        "data": data,
        "classifier": c.classifier.model_dump(mode="json"),
        "params": c.evaluate.model_dump(mode="json"),
        "runtime": runtime,
    }
    specs: dict[str, Spec] = {
        "data.json": {
            "data": data,
            "dataset": dataset.model_dump(mode="json"),
            "code": code.closure({"stages.fingerprint", "stages.prepare", *parts_of(dataset)}),
        },
        "classifier.json": {
            "data": data,
            "not_applicable": applicable,
            "params": c.classifier.model_dump(mode="json"),
            "runtime": runtime,
            "code": code.closure({"stages.classifier"}),
        },
        "reference_stats.json": measuring
        | {
            **_shared_counts(c, variants),
            "code": code.closure({"stages.reference_stats", *compared}),
        },
        "evaluate.json": measuring
        | {
            "seeds": list(c.seeds),
            "code": code.closure({"stages.evaluate", *compared}),
        },
        "summary.json": {
            "data": data,
            "seeds": list(c.seeds),
            "loss": c.loss,
            "titles": {c.loss: titles[c.loss]},
            "code": code.closure({"stages.summary"}),
        },
        "report.json": {
            "data": data,
            "seeds": list(c.seeds),
            "variants": list(c.variants),
            "titles": titles,
            "code": code.closure({"stages.report"}),
        },
    }
    for name, variant in variants.items():
        incompatibility = variant.incompatibility(dataset.shape)
        specs[f"train/{name}.json"] = _train(name, variant, data, dataset.form, incompatibility, runtime, code)
        specs[f"pretrain/{name}.json"] = _pretrain(name, variant, data, incompatibility, runtime, code)
    return specs


def _shared_counts(c: Configuration, variants: Mapping[str, Variant]) -> dict[str, list[int]]:
    """The numbers of samples in `train`, where any variant takes them over: the reference holds baselines for these.

    A number that a variant sets for itself is left out, and its baselines are part of its own evaluation: all
    evaluations depend on the reference, so a change of one variant would otherwise evaluate all the others again.
    """
    shared = merged(c.train, {}, c.dataset.form, c.data.kind)
    moments = shared.get("snapshots")
    # `train` is validated as part of the variants, so what no variant takes over may be anything
    count, of_moment = shared.get("num_samples"), moments.get("num_samples") if isinstance(moments, dict) else None
    return {
        "counts": sorted({v.num_samples for v in variants.values() if v.num_samples == count}),
        "snapshot_counts": sorted(
            {v.snapshots.num_samples for v in variants.values() if v.snapshots.num_samples == of_moment}
        ),
    }


def _train(
    name: str, variant: Variant, data: str, form: str, incompatibility: str | None, runtime: Spec, code: Code
) -> Spec:
    modules = {"stages.train", *parts_of(variant)}
    return {
        "variant": name,
        "data": data,
        "form": form,
        "not_applicable": incompatibility,
        "parameters": variant.model_dump(mode="json"),
        "runtime": runtime,
        "code": code.closure(modules),
    }


def _pretrain(name: str, variant: Variant, data: str, incompatibility: str | None, runtime: Spec, code: Code) -> Spec:
    if incompatibility or not variant.pretrained_file:
        return {"variant": name, "data": data, "not_applicable": incompatibility or "the variant has no pre-training"}
    module, params = _stage1(variant) if variant.stage1 else _critic(variant)
    modules = {"stages.pretrain", f"ganpipe.training.{module}", *parts_of(params)}
    return {
        "variant": name,
        "data": data,
        "not_applicable": None,
        "module": module,
        "params": params.model_dump(mode="json"),
        "runtime": runtime,
        "code": code.closure(modules),
    }


def _stage1(variant: Variant) -> tuple[str, BaseModel]:
    assert variant.stage1 is not None
    condition = getattr(variant.algorithm, "condition", None)
    return "stage1", stage1.Params.model_validate(
        {"stage1": variant.stage1, "condition": condition, "seed": variant.pretrain.seed}
    )


def _critic(variant: Variant) -> tuple[str, BaseModel]:
    return "pretrain", pretrain.Params(
        critic=variant.critic,
        pretrain=variant.pretrain,
        pack=getattr(variant.algorithm, "pack", 1),
        batch=variant.batch,
        margin=getattr(variant.objective, "margin", None),
    )


def text(spec: Spec) -> str:
    """The content of a spec's file."""
    return json.dumps(spec, indent=2, ensure_ascii=False) + "\n"


def write(specs: dict[str, Spec], folder: Path) -> list[str]:
    """Make the folder hold these specs and nothing else; files that do not change are left alone.

    Returns the paths below the folder that changed. Called only when everything is valid, so a mistake changes nothing.
    """
    changed = []
    for name, spec in specs.items():
        path, content = folder / name, text(spec)
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        write_whole(path, content.encode())
        changed.append(name)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in specs:
            path.unlink()
            changed.append(path.relative_to(folder).as_posix())
    return changed
