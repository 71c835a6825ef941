"""Formulas of evidence, each beside its null hypothesis and its source. Nothing here decides."""
