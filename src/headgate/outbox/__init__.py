"""Tells the world what releases do: follows the ledger, and brings messages and marks to wherever they are wanted.

Nothing here can stop or delay a release: it only reads. What is to be said is in a file of the home before it is said,
so that the death of the controller at any instant loses nothing; what was said twice has the same key. Imports ledger,
ports and core; never a plugin.
"""
