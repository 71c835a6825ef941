"""Supervisors of processes: one that is real (`supervisord`) and its twin in memory."""
