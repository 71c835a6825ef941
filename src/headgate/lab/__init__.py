"""Trying things out: releases in a simulated world, and customers who make load."""
