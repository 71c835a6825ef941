"""`python -m benchmarks.traffic [--quick]`: a table for people, then one line of JSON."""

import argparse
import json

from benchmarks.traffic.shifts import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traffic", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer shifts")
    arguments = parser.parse_args()
    result = run(quick=arguments.quick)
    for name, value in result.items():
        print(f"{name:<28} {value:>12}")
    print(json.dumps(result))


main()
