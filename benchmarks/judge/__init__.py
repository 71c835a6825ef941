"""How often the judge is wrong, how soon it is right, and what an interval costs: `python -m benchmarks.judge`."""
