"""What a command asks before it acts: the project file, the home, the ledger, the world."""
