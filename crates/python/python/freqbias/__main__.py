"""The command-line programs: ``freqbias grad``, ``freqbias measure`` …"""

import sys

from ._freqbias import run


def main() -> None:
    """Runs the program that the arguments name, in this process."""
    sys.exit(run(["freqbias", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
