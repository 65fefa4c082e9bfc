"""Tuning at an equal budget: its specs, the choice of the best configuration, and its page."""
