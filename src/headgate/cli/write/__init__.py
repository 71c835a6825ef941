"""Writes what other systems are to know, from the project file: alert rules, monitors, dashboards. Pure."""
