"""A seeded world in virtual time: the real machine and the real controller against twins of the ports, with faults.

    report = simulate(seed)          # one seed; a violated invariant is in report.violations
    tally = simulate_many(seeds, on_result)

The same seed gives the same ledger, byte for byte. Phase one: safe under faults. Phase two: the faults heal, people
answer what is held, and it must converge.
"""

from headgate.lab.simulation.run import Report, Tally, simulate, simulate_many

__all__ = ["Report", "Tally", "simulate", "simulate_many"]
