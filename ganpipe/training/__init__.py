"""What the training stages do. Knows nothing of MLflow or DVC."""
