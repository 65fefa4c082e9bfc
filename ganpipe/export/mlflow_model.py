"""A generator as an MLflow model: code beside safetensors, without a pickle."""

from __future__ import annotations

import importlib.metadata
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ganpipe
from ganpipe.tracking.opening import configure_environment
from ganpipe.training.model import Model
from ganpipe.utils.errors import UserError

REQUIREMENTS = ("numpy", "pandas", "pydantic", "safetensors", "torch")  # of the code that a model brings along


def write_mlflow(model: Model, file: Path, output: Path) -> None:
    """The folder of the model for `mlflow models serve`. file: the generator's. Raises UserError, OSError."""
    if output.exists():
        raise UserError(f"--output is {output}, which is there already: remove it, or choose another name.")
    with quiet_mlflow() as mlflow:
        mlflow.pyfunc.save_model(output, **parts(model, file))


@contextmanager
def quiet_mlflow() -> Iterator[Any]:
    """MLflow, imported, without the warnings about itself and its dependencies and without progress bars."""
    configure_environment()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        yield mlflow


def parts(model: Model, file: Path) -> dict[str, Any]:
    """What MLflow saves: the code, the generator's file, what is sent and answered, an example, what it needs."""
    import numpy as np
    import pandas
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    one = model.sample(1)
    asked = Schema([ColSpec(DataType.long, "n"), ColSpec(DataType.long, "seed")])
    return {
        "python_model": str(Path(__file__).with_name("served.py")),
        "artifacts": {"generator": str(file)},
        # the package itself, as what pip finds under its name need not be it
        "code_paths": [str(Path(ganpipe.__file__).parent)],
        "signature": ModelSignature(asked, Schema([TensorSpec(np.dtype(one.dtype), (-1, *model.shape))])),
        "input_example": pandas.DataFrame({"n": [2], "seed": [0]}),
        "pip_requirements": [f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
    }
