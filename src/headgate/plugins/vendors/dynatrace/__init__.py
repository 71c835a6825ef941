"""Dynatrace."""
