"""Whole deploys with real processes, a real proxy and real clients: what clients lose, and how soon a bad one is gone."""
