"""Is production ready? One question a file."""
