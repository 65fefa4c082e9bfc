#!/bin/sh
# The tests for GPUs and the benchmark of a training step, within 8 minutes of a machine with a GPU of NVIDIA.
# Figures go to benchmarks/results/<name of the GPU>.json. Run it in the project's folder, after `make env`.
set -eu
python=.venv/bin/python
"$python" -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "torch finds no GPU with CUDA here")'
# a failed test does not keep the figures back
timeout 230 "$python" -m pytest -q -m gpu tests/training/test_gpu.py && tests=0 || tests=$?
timeout 240 "$python" -m benchmarks.train --device cuda --seconds 0.5
exit "$tests"
