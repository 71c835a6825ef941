"""Twins of the ports in memory: each passes the same conformance suite as the real ones. Public, for whoever tests."""
