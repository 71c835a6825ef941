"""Markers: each writes a release's mark into one system that people look at. They do not know each other."""
