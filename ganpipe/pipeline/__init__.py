"""The pipeline around DVC: specs, plan, sweep, clean."""
