"""Metrics of one variant over its seeds: the content of `evals/<data>/<variant>.json` (see CONTRIBUTING.md).

Every generator is measured the same way, and so are two that bracket it: the real-data baseline is as many samples of
the train split, what a perfect sampler would get, and the noise baseline as many of uniform noise. All random choices
come from generators of their own, seeded by the parameters, so every variant and seed is measured on the same places in
its file. What is measured stands in `ganpipe/metrics`: nothing here names a metric but the status of a result.
"""
