"""One spec for each data set, probe and experiment of the lecture, and for its page: what it depends on and no more."""

from __future__ import annotations

from pathlib import Path

from ganpipe.config.configuration import Configuration
from ganpipe.lecture.ledger import Ledger
from ganpipe.parts import kinds
from ganpipe.pipeline.specs import Code, Spec, parts_of, pretraining, resolve_runtime


def build(ledger: Ledger, configuration: Configuration, root: Path) -> dict[str, Spec]:
    """Every spec by its path below lecture/specs. Raises UserError where an experiment is illegal."""
    code, c, runtime = Code(root), configuration, resolve_runtime(configuration.runtime).model_dump(mode="json")
    metrics = {f"ganpipe.metrics.{name}" for name in kinds("ganpipe.metrics")}
    metrics |= {f"ganpipe.evaluation.extractors.{name}" for name in c.evaluate.feature_extractors}
    params = ledger.evaluation(c).model_dump(mode="json")
    specs: dict[str, Spec] = {"claims.json": {"code": code.closure({"stages.lecture.claims"})}}
    for probe in ledger.probes:
        modules = {"stages.lecture.probe", f"ganpipe.lecture.probes.{probe}"}
        specs[f"probes/{probe}.json"] = {"probe": probe, "code": code.closure(modules)}
    for data, names in ledger.experiments.items():
        dataset = c.datasets[data]
        classifier = c.classifier.of(dataset).model_dump(mode="json")
        evaluation = {"classifier": classifier, "params": params, "runtime": runtime}
        variants = {name: ledger.experiment(c, data, name) for name in names}
        specs[f"data/{data}.json"] = {
            "data": data,
            "dataset": dataset.model_dump(mode="json"),
            **evaluation,
            "counts": sorted({v.num_samples for v in variants.values()}),
            "snapshot_counts": sorted({v.snapshots.num_samples for v in variants.values()}),
            "code": code.closure({"stages.lecture.data", *metrics, *parts_of(dataset)}),
        }
        for name, variant in variants.items():
            needed, modules = pretraining(variant), {"stages.lecture.experiment", *metrics, *parts_of(variant)}
            if needed:
                modules |= {f"ganpipe.training.{needed[0]}", *parts_of(needed[1])}
            specs[f"experiments/{data}/{name}.json"] = {
                "data": data,
                "name": name,
                "seeds": list(ledger.seeds),
                "parameters": variant.model_dump(mode="json"),
                "pretrain": needed and {"module": needed[0], "params": needed[1].model_dump(mode="json")},
                **evaluation,
                "code": code.closure(modules),
            }
    return specs
