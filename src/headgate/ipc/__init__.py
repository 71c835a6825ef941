"""Connections between the processes of a home, and the processes beside the controller.

A frame is four bytes of length and so much JSON. `frames` and `streams` know frames, `messages` what is in them,
`answering` and `asking` are the two ends of a connection, `child` starts and watches a process, which has its `life`.
Nothing here waits without a bound.
"""
