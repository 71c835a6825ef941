"""What is measured, per version: sources of counters."""
