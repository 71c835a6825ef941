"""How other processes reach a controller: JSON over HTTP on a unix socket that only the home's owner can open."""
