"""The best training of a variant in MLflow's model registry, under the alias `champion`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganpipe.export.mlflow_model import parts, quiet_mlflow
from ganpipe.report.evaluations import WEIGHTS, Evaluation, Weights
from ganpipe.report.read import read_evaluation
from ganpipe.statistics import finite
from ganpipe.tracking.opening import failures_of, open_store
from ganpipe.tracking.paths import store_uri
from ganpipe.training.model import load
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import digest

ALIAS = "champion"
CONTENT = "ganpipe.generator"  # the tag with the digest of the generator's file


@dataclass(frozen=True)
class Best:
    """metric: the main one. weights: those with this value."""

    seed: int
    weights: Weights
    metric: str
    value: float

    @property
    def file(self) -> str:
        """Of the generator, in the run's folder."""
        return f"generator{'_ema' if self.weights == 'ema' else ''}.safetensors"


def find_best(evaluation: Evaluation) -> Best:
    """The seed, and which of its weights, with the best value of the main metric; a seed with a status is none.

    Raises UserError where no seed is left, or no direction of the main metric is better.
    """
    where = f"{evaluation.variant} on {evaluation.data}"
    if evaluation.not_applicable:
        raise UserError(f"{where} has no generator, because {evaluation.not_applicable}: choose another loss.")
    name, metric = next(iter(evaluation.metrics.items()))  # the main metric is the first
    statuses = evaluation.statuses or (None,) * len(evaluation.seeds)
    found = [
        Best(seed, weights, name, value)
        for weights in WEIGHTS
        for seed, status, value in zip(evaluation.seeds, statuses, metric.of(weights) or statuses, strict=True)
        if status is None and isinstance(value, float) and finite([value])
    ]
    if not found or metric.better is None:
        kinds = ", ".join(
            f"seed {seed}: {one.kind}" for seed, one in zip(evaluation.seeds, statuses, strict=True) if one
        )
        raise UserError(f"{where} has no seed to register ({kinds or f'no {name}'}): choose another loss.")
    return (min if metric.better == "lower" else max)(found, key=lambda one: one.value)


def register(root: Path, data: str, variant: str) -> str:
    """Register the variant's best generator as the champion of its data set; returns a sentence.

    Repeating it adds nothing. Raises UserError where there is no such generator or the store fails.
    """
    best = find_best(read_evaluation(root, data, variant))
    file = root / "runs" / data / variant / str(best.seed) / best.file
    model = load(file)
    name, content = f"ganpipe-{data}", digest(file)
    of = f"{variant}/{best.seed} ({best.weights} weights, {best.metric} {best.value:.4g})"
    with failures_of(store_uri(root)), quiet_mlflow() as mlflow:
        store = open_store(root)
        found = store.client.search_model_versions(f"name = '{name}'")
        version = next((one.version for one in found if one.tags.get(CONTENT) == content), None)
        if version is None:
            mlflow.set_tracking_uri(store_uri(root))
            mlflow.set_experiment(experiment_id=store.experiment(data))
            tags = {"variant": variant, "data": data, "seed": str(best.seed), CONTENT: content}
            info = mlflow.pyfunc.log_model(name=f"{variant}-{best.seed}", tags=tags, **parts(model, file))
            if not store.client.search_registered_models(f"name = '{name}'"):
                store.client.create_registered_model(name)
            version = store.client.create_model_version(
                name, info.model_uri, tags=tags, model_id=info.model_id, description=f"{variant}/{best.seed}"
            ).version
        store.client.set_registered_model_alias(name, ALIAS, version)
    return f"{of} is version {version} of {name}: `mlflow models serve -m models:/{name}@{ALIAS} --env-manager local`."
