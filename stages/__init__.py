"""The stages of the pipeline: glue between DVC and ganpipe."""
