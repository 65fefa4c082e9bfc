"""Generators in the formats of other programs, and in MLflow's model registry."""
