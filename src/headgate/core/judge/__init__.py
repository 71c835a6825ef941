"""Samples in, a verdict out: one file per kind of evidence, and one that combines them."""
