"""Many stages side by side, each through DVC itself.

`repro` runs one stage after the other. Here `planning` says which stages must run, `schedule` in which order they may,
`workers` holds the processes in which DVC reproduces one stage at a time (`worker`), and `command` is the whole.
"""
