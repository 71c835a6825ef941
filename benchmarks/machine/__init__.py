"""How fast the pure machine steps on one core, and how many seeds the simulation plays."""
