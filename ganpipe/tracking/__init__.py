"""MLflow as a projection of records on disk: `.tracking/` holds what is needed to make every run again.

Imports nothing: a stage comes here through `launch`, and its results depend on no more of this package.
"""
