"""The command-line programs: ``freqbias grad``, ``freqbias measure`` …"""

import signal
import sys

from ._freqbias import run


def main() -> None:
    """Runs the program that the arguments name, in this process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C is the program's: Python's own handler, which would be called as well, ends the process with a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(["freqbias", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
