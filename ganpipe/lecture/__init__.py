"""The lecture's claims, put to the test: probes, experiments, the rules of the verdicts and the page."""
