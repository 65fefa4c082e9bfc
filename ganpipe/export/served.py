"""The MLflow model of a generator, as code that MLflow copies beside the weights ("models from code").

A request has a row for each seed: `{"dataframe_records": [{"n": 4, "seed": 0}]}`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

import ganpipe
from ganpipe.utils.errors import UserError

MOST = 10_000  # samples in one request


class Generator(PythonModel):
    """n samples of each seed, (N, *shape) in data space: those of `ganpipe.load(...).sample(n, seed)`."""

    def load_context(self, context: Any) -> None:
        """Load the generator from the one file that MLflow keeps of it."""
        self.model = ganpipe.load(context.artifacts["generator"])

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> Any:
        """Raises MlflowException, which a server answers with 400, for fewer samples than 1 or more than MOST."""
        rows = [(int(n), int(seed)) for n, seed in zip(model_input["n"], model_input["seed"], strict=True)]
        if sum(n for n, _ in rows) > MOST:
            raise MlflowException.invalid_parameter_value(f"n is more than {MOST} in all: use several requests.")
        try:
            return np.concatenate([self.model.sample(n, seed) for n, seed in rows])
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


set_model(Generator())
