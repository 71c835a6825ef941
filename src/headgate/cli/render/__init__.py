"""How things look: pure functions from what is known to what rich draws. Nothing here reads a ledger or a clock."""
