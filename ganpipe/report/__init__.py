"""The pages that a person reads: the zoo and the selected variant, from JSON, CSV and images."""
