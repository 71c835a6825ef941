"""How many facts a second the ledger takes, and how soon a large one answers: `python -m benchmarks.ledger`."""
