"""Whole deploys, real in everything: what clients lose by a good version, and how soon a bad one is gone."""
