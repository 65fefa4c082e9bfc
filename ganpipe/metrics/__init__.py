"""Figures of merit: one file each, pure functions on numpy arrays. They know no network, no file and no
stage.

Samples are rows. Where two sets meet, `generated` and `real` are passed by name: a figure whose two arguments
can be swapped unnoticed is wrong sooner or later.
"""
