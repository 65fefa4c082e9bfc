"""One JSON spec for each piece of work: everything that it depends on and nothing else.

A spec holds the parameters, merged and with defaults, and the digests of the code that this piece of work uses. A stage
depends on its spec and no other parameters, so DVC reruns exactly what a change concerns.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
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
from ganpipe.training.hardware import AVAILABLE, missing_hardware
from ganpipe.utils.code_hash import code_digest, module_file
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes

Spec = dict[str, Any]
ELSEWHERE = {"device": "GANPIPE_CLUSTER_DEVICE", "precision": "GANPIPE_CLUSTER_PRECISION"}


class Code:
    """The import graph of the project, for the closures of the specs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests: dict[Path, str] = {}
        self._templates: dict[str, list[Path]] = {}

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        return grimp.build_graph("ganpipe", "stages", cache_dir=None, exclude_type_checking_imports=True)

    def closure(self, modules: Iterable[str]) -> dict[str, str]:
        """Digests, by name, of every module that importing these loads, and of the templates that these read."""
        todo, found = list(modules), set[str]()
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._graph.find_modules_directly_imported_by(name)
                todo += [name.rpartition(".")[0]] if "." in name else []
        out = {name: self._digest(module_file(name, self._root)) for name in found}
        for template in {path for name in found for path in self._templates_of(name)}:
            out[str(template.relative_to(self._root))] = self._digest(template)
        return dict(sorted(out.items()))

    def _templates_of(self, name: str) -> list[Path]:
        """The templates in the packages that a module names, looked up once."""
        if name not in self._templates:
            text = module_file(name, self._root).read_text(encoding="utf-8")
            folders = [module_file(one, self._root).parent for one in re.findall(r'PackageLoader\("([\w.]+)"\)', text)]
            self._templates[name] = [path for folder in folders for path in folder.glob("templates/*")]
        return self._templates[name]

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
    """The runtime with `auto` replaced by what this machine has. Raises UserError for what it does not have.

    GANPIPE_CLUSTER_DEVICE and GANPIPE_CLUSTER_PRECISION, which `ganpipe sweep --on` sets, are those of the machines
    that its jobs run on: they stand in place of `auto`, and these machines check that they have them.
    """
    named = {key: value for key, name in ELSEWHERE.items() if (value := os.environ.get(name))}
    for key, value in named.items():
        if getattr(runtime, key) not in ("auto", value):
            raise UserError(f"runtime.{key} is {getattr(runtime, key)!r}, but --{key} {value}: make it auto.")
    runtime = runtime.model_copy(update=named)
    if runtime.device == "auto":
        runtime = runtime.model_copy(update={"device": next(name for name, found in AVAILABLE.items() if found())})
    if runtime.precision == "auto":
        if "device" in named and not AVAILABLE[runtime.device]():
            raise UserError(
                f"runtime.precision is 'auto', and there is no {runtime.device} here: give --precision too."
            )
        precision = "bfloat16" if _has_bfloat16_units(runtime.device) else "float32"
        runtime = runtime.model_copy(update={"precision": precision})
    if not named and (sentence := missing_hardware(runtime)):
        raise UserError(f"{sentence}: use auto.")
    return runtime


def _has_bfloat16_units(device: str) -> bool:
    """Whether it multiplies in bfloat16. Elsewhere bfloat16 is slower than float32; Apple's GPUs gain nothing."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities()  # the names of x86 processors, then those of ARM
    return device == "cpu" and any(found.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))


def build(configuration: Configuration, root: Path) -> dict[str, Spec]:
    """Every spec by its path below data/specs, of a configuration that has been checked."""
    code, c, dataset, data = Code(root), configuration, configuration.dataset, configuration.data.kind

    def spec(modules: set[str], **content: Any) -> Spec:
        """A spec with the digests of the code that importing these modules loads."""
        return {"data": data, **content, "code": code.closure(modules)}

    classes = c.num_classes()
    resolved, seeds = resolve_runtime(c.runtime), list(c.seeds)
    runtime = _json(resolved)
    variants = {name: c.variant(name) for name in c.variants}
    titles = {name: variant.title for name, variant in variants.items()}
    no_classifier = None if dataset.form == "images" else f"a classifier is for images, {data} has {dataset.form}"
    extractors = c.evaluate.feature_extractors if dataset.form == "images" else ()
    metrics = {f"ganpipe.evaluation.extractors.{name}" for name in extractors}
    metrics |= {f"ganpipe.metrics.{name}" for name in kinds("ganpipe.metrics")}
    classifier = _json(c.classifier.of(dataset))
    evaluation = {"classifier": classifier, "params": _json(c.evaluate), "runtime": runtime}
    specs = {
        "data.json": spec(
            {"stages.fingerprint", "stages.prepare", *parts_of(dataset)}, dataset=_json(dataset), limit=c.data.limit
        ),
        "classifier.json": spec(
            {"stages.classifier"}, not_applicable=no_classifier, params=classifier, runtime=runtime
        ),
        "reference_stats.json": spec(
            {"stages.reference_stats", *metrics}, **evaluation, **_shared_counts(c, variants.values())
        ),
        "evaluate.json": spec({"stages.evaluate", *metrics}, **evaluation, seeds=seeds),
        "summary.json": spec({"stages.summary"}, seeds=seeds, loss=c.loss, titles={c.loss: titles[c.loss]}),
        "report.json": spec({"stages.report"}, seeds=seeds, variants=list(variants), titles=titles),
    }
    for name, variant in variants.items():
        incompatibility = variant.incompatibility(dataset.shape, classes) or not_deterministic(variant, resolved)
        needed = pretraining(variant)
        specs[f"train/{name}.json"] = spec(
            {"stages.train", *parts_of(variant)},
            variant=name,
            form=dataset.form,
            not_applicable=incompatibility,
            parameters=_json(variant),
            runtime=runtime,
        )
        if incompatibility or needed is None:
            reason = incompatibility or "the variant has no pre-training"
            specs[f"pretrain/{name}.json"] = {"variant": name, "data": data, "not_applicable": reason}
            continue
        module, params = needed
        specs[f"pretrain/{name}.json"] = spec(
            {"stages.pretrain", f"ganpipe.training.{module}", *parts_of(params)},
            variant=name,
            not_applicable=None,
            module=module,
            params=_json(params),
            runtime=runtime,
        )
    return specs


def _json(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _shared_counts(c: Configuration, variants: Iterable[Variant]) -> dict[str, list[int]]:
    """The numbers of samples in `train`, where any variant takes them over: the reference holds baselines for these.

    A number that a variant sets for itself is left out, and its baselines are part of its own evaluation: all
    evaluations depend on the reference, so a change of one variant would otherwise evaluate all the others again.
    """
    shared = merged(c.train, {}, c.dataset.form, c.data.kind)
    snapshots = shared.get("snapshots")
    # `train` is validated as part of the variants, so what no variant takes over may be anything
    count = shared.get("num_samples")
    snapshot_count = snapshots.get("num_samples") if isinstance(snapshots, dict) else None
    own = [(v.num_samples, v.snapshots.num_samples) for v in variants]
    return {
        "counts": sorted({n for n, _ in own if n == count}),
        "snapshot_counts": sorted({n for _, n in own if n == snapshot_count}),
    }


def not_deterministic(variant: Variant, runtime: Runtime) -> str | None:
    """Why the variant cannot have the same bits each time, where the runtime asks for that; None where it can."""
    if not runtime.deterministic or runtime.device == "cpu" or variant.augmentation.is_deterministic:
        return None
    kind = variant.augmentation.kind
    return f"{kind} has no deterministic gradient on a GPU; use `runtime.deterministic: false` or the device cpu"


def pretraining(variant: Variant) -> tuple[str, BaseModel] | None:
    """The module in ganpipe/training that makes what the variant starts from, and its parameters; None for none."""
    if variant.stage1:
        condition, seed = getattr(variant.algorithm, "condition", None), variant.pretrain.seed
        return "stage1", stage1.Params.model_validate({"stage1": variant.stage1, "condition": condition, "seed": seed})
    if not variant.pretrained_file:
        return None
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
        write_bytes(path, content.encode())
        changed.append(name)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in specs:
            path.unlink()
            changed.append(path.relative_to(folder).as_posix())
    return changed
