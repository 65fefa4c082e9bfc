"""Critics, one file each."""
