"""`ganpipe export`: one run in one format."""

from __future__ import annotations

from pathlib import Path

from ganpipe.export.mlflow_model import write_mlflow
from ganpipe.export.traced import write_onnx, write_torch_export
from ganpipe.training.model import generator_file, load
from ganpipe.utils.errors import UserError

DEFAULT = {"torch-export": "generator.pt2", "onnx": "generator.onnx", "mlflow": "generator-mlflow"}
"""What is written where nobody says, by format."""


def export_run(run: Path, to: str, output: Path | None, averaged: bool) -> Path:
    """Write the run's generator, or its average; returns where. Raises UserError for what is no run or no format."""
    if to not in DEFAULT:
        raise UserError(f"--to is {to}: use one of {', '.join(DEFAULT)}.")
    output = output or Path(DEFAULT[to])
    model = load(run, averaged=averaged)
    try:
        if to == "mlflow":
            write_mlflow(model, generator_file(run, averaged), output)
        else:
            (write_onnx if to == "onnx" else write_torch_export)(model, output)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}): choose another --output.") from None
    return output
