"""How soon the command answers: `python -m benchmarks.cli`."""
