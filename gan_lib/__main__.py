"""The command line of the library: `python -m gan_lib COMMAND`.

Never in here: logic; a command reads its arguments, calls a room, and prints.
"""

from __future__ import annotations

import argparse
import os
import sys

# Before TensorFlow is imported by anybody: its start-up lines say nothing that check-machine does not say in words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gan_lib", description="The library of the GAN restoration course.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check-machine", help="say what this machine can do, and what is wrong with it")
    check.add_argument("--no-network", action="store_true", help="do not try whether downloads can be reached")
    check.set_defaults(run=check_machine)
    options = parser.parse_args(arguments)
    return options.run(options)


def check_machine(options: argparse.Namespace) -> int:
    """Print versions, device, policy, preset, data and hints. Returns 1 if something keeps the course from running."""
    from gan_lib import hardware
    from gan_lib.datasets import ladders, places

    machine = hardware.look_at_machine(places.data_folder())
    found = hardware.findings(machine)
    for finding in found:
        print(f"{finding.level.upper()}: {finding.what}\n    {finding.hint}")
    print("\n".join(([""] if found else []) + hardware.describe_lines(machine)))
    look = not options.no_network
    for title, rungs in (("Digits", ladders.digit_rungs), ("Photographs", ladders.photograph_rungs)):
        print(f"\n{title}; the first that is there is taken")
        for rung in rungs(look_at_network=look):
            print(f"  {'yes' if rung.at_hand else 'no ':<3}  {rung.name}: {rung.told}")
    blocked = any(finding.level == "blocks" for finding in found)
    print("\nThe course cannot run here as it is; see the top." if blocked else "\nThe course can run here.")
    return 1 if blocked else 0


if __name__ == "__main__":
    sys.exit(main())
