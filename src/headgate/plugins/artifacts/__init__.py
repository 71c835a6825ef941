"""Build once, promote the same: stores of artifacts, and how one is built."""
