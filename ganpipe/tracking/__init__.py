"""MLflow as a projection of the DVC state: the folders are the record, any run can be made from them again.

Imports nothing: a training starts its follower through `launch` and must depend on no more of this package.
"""
