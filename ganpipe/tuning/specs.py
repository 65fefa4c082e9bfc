"""One spec for each data set, draw and winner of the tuning, and for its page."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from ganpipe.config.configuration import Configuration
from ganpipe.config.tuning import Dimension, draw
from ganpipe.config.variant import Variant
from ganpipe.parts import kinds
from ganpipe.pipeline.fingerprint import fingerprint
from ganpipe.pipeline.specs import Code, Spec, not_deterministic, parts_of, pretraining, resolve_runtime
from ganpipe.utils.errors import UserError, format_value


def check(c: Configuration, data: str) -> None:
    """Raises UserError where a name is not known or what is tuned is in no variant."""
    for key, names, known in (("data", c.tune.data, c.datasets), ("variants", c.tune.variants, c.variants)):
        for i, name in enumerate(names):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise UserError(f"tune.{key}.{i} is {format_value(name)}: {hint}known: {', '.join(known)}.")
            if name in names[:i]:
                raise UserError(f"tune.{key} has {name} twice: remove the repeated one.")
    for key, seeds in (("draws", c.tune.draws), ("final_seeds", c.tune.final_seeds)):
        if len(set(seeds)) < len(seeds):
            raise UserError(f"tune.{key} is {format_value(list(seeds))}: each may stand there once, remove the others.")
    variants = [variant(c, name, data) for name in c.tune.variants]
    for one in variants:
        settings = one.model_dump(mode="json")
        places = [place for dimension in c.tune.space for place in dimension.places(settings)]
        if twice := next((place for place in places if places.count(place) > 1), None):
            key = ".".join(map(str, twice))
            raise UserError(f"tune.space names {key} twice: remove one of the two.")
    for i, dimension in enumerate(c.tune.space):
        if not any(_reads(one, dimension) and dimension.places(one.model_dump(mode="json")) for one in variants):
            sentence = f"which is a number in none of {', '.join(c.tune.variants)}: correct or remove it"
            raise UserError(f"tune.space.{i}.key is {format_value(dimension.key)}, {sentence}.")


def variant(c: Configuration, name: str, data: str) -> Variant:
    """The variant with `tune.settings`. Raises UserError where it is illegal or makes no sense on the data."""
    found = c.tuned(name, data)
    reason = found.incompatibility(c.datasets[data].shape) or not_deterministic(found, resolve_runtime(c.runtime))
    if reason:
        raise UserError(f"tune.variants has {name}, which makes no sense on {data}: {reason}.")
    return found


def _reads(one: Variant, dimension: Dimension) -> bool:
    """Whether the variant trains the network that the number is of, where it is of one."""
    network = dimension.key.partition(".")[0].removesuffix("_optimizer")
    return network not in ("generator", "critic") or network in one.algorithm.trained_networks


def configurations(c: Configuration, name: str, data: str) -> dict[int, tuple[Variant, dict[str, float]]]:
    """For each draw the variant with its numbers, and these by key. Raises UserError where one is illegal."""
    base, found = variant(c, name, data), {}
    for index, point in c.tune.points().items():
        settings = base.model_dump(mode="json")
        shares = [pair for pair in zip(c.tune.space, point, strict=True) if _reads(base, pair[0])]
        numbers = draw(settings, shares)
        try:
            found[index] = (Variant.model_validate(settings), numbers)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            sentence = f"in draw {index} of {name}, but {first['msg']}; change its range, or take {name} out"
            raise UserError(f"tune.space makes {key} {format_value(first['input'])} {sentence}.") from None
    return found


def build(c: Configuration, root: Path, data: str) -> dict[str, Spec]:
    """Every spec of a data set by its path below tune/specs/<data>. Raises UserError."""
    check(c, data)
    code, runtime = Code(root), resolve_runtime(c.runtime).model_dump(mode="json")
    dataset = c.datasets[data]
    metrics = {f"ganpipe.metrics.{name}" for name in kinds("ganpipe.metrics")}
    metrics |= {f"ganpipe.evaluation.extractors.{name}" for name in c.evaluate.feature_extractors}
    shared: Spec = {
        "data": data,
        "classifier": c.classifier.of(dataset).model_dump(mode="json"),
        "params": c.evaluate.model_dump(mode="json"),
        "runtime": runtime,
    }
    bases = {name: variant(c, name, data) for name in c.tune.variants}
    specs: dict[str, Spec] = {
        "data.json": {
            **shared,
            "dataset": dataset.model_dump(mode="json"),
            "limit": c.data.limit,
            **fingerprint({"data": data, "dataset": dataset.model_dump(mode="json")}, root),
            "validation": c.tune.validation,
            "seed": c.tune.sequence_seed,
            "counts": sorted({v.num_samples for v in bases.values()}),
            "snapshot_counts": sorted({v.snapshots.num_samples for v in bases.values()}),
            "code": code.closure({"stages.tune.data", *metrics, *parts_of(dataset)}),
        },
        "page.json": {
            "data": data,
            "titles": {name: one.title for name, one in bases.items()},
            "draws": list(c.tune.draws),
            "code": code.closure({"stages.tune.page"}),
        },
    }
    for name in c.tune.variants:
        closure: Mapping[str, str] = {}
        for index, (chosen, numbers) in configurations(c, name, data).items():
            needed = pretraining(chosen)
            modules = {"stages.tune.draw", *metrics, *parts_of(chosen)}
            if needed:
                modules |= {f"ganpipe.training.{needed[0]}", *parts_of(needed[1])}
            closure = closure or code.closure(modules)  # a draw changes numbers, not parts
            specs[f"draws/{name}/{index}.json"] = {
                **shared,
                "variant": name,
                "draw": index,
                "seeds": [c.tune.training_seed],
                "numbers": numbers,
                "parameters": chosen.model_dump(mode="json"),
                "pretrain": needed and {"module": needed[0], "params": needed[1].model_dump(mode="json")},
                "code": closure,
            }
        specs[f"winners/{name}.json"] = {
            **shared,
            "variant": name,
            "draws": list(c.tune.draws),
            "seeds": list(c.tune.final_seeds),
            "code": dict(sorted({**closure, **code.closure({"stages.tune.winner"})}.items())),
        }
    return specs
