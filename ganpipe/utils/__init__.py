"""What every layer may use. Imports nothing of the project."""
