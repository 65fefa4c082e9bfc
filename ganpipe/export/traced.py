"""A generator as a graph that needs no ganpipe: torch.export and ONNX.

Its input is latents (N, L) for any N, its output samples (N, *shape) as float32 in the networks' space: images in
[-1, 1], points divided by `scale`. What `ganpipe.training.weights` writes about the generator stands in it, too.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ganpipe.training.model import Model
from ganpipe.training.weights import KEY
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes


def write_torch_export(model: Model, output: Path) -> None:
    """For `torch.export.load`. Raises UserError where the generator cannot be traced, and OSError."""
    buffer = io.BytesIO()
    with _tracing(model, "torch-export"):
        torch.export.save(_traced(model), buffer, extra_files={f"{KEY}.json": model.architecture.to_json()})
    write_bytes(output, buffer.getvalue())


def write_onnx(model: Model, output: Path) -> None:
    """With the input `latents` and the output `samples`. Raises UserError as above, and OSError."""
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise UserError("--to onnx needs packages that are not there: `pip install ganpipe[export]`.") from None
    with _tracing(model, "onnx"):
        program = torch.onnx.export(
            _traced(model), dynamo=True, verbose=False, input_names=["latents"], output_names=["samples"]
        )
        assert program is not None
        graph = program.model_proto
    graph.metadata_props.add(key=KEY, value=model.architecture.to_json())
    write_bytes(output, graph.SerializeToString())


def _traced(model: Model) -> torch.export.ExportedProgram:
    n = torch.export.Dim("n")
    with torch.no_grad():
        return torch.export.export(model.generator, (model.latents(4),), dynamic_shapes=({0: n},))


@contextmanager
def _tracing(model: Model, to: str) -> Iterator[None]:
    """Of what torch says while it traces, one sentence where it cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # torch raises many kinds
        kind = model.architecture.variant.generator.kind
        raise UserError(
            f"--to is {to}, and torch cannot trace a generator of the kind {kind}: use mlflow, which needs no trace."
        ) from error
