"""The web, as plugins need it."""
