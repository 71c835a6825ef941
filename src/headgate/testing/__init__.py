"""Conformance suites: subclass one, say how yours is made, and pytest runs what every implementation must do."""
