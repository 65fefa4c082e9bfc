"""params.yaml and variants/ as validated models."""
