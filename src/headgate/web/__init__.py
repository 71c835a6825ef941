"""The door: the API, the pages, hooks and streams, on a unix socket that only the home's owner can open, and by TCP.

It runs in a process of its own, and asks the controller by a link (`headgate.ipc`).
"""
