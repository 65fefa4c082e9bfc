"""Velocities that depend on the time, one file each: the networks of flow matching."""
