"""The ``nuncius`` command. Errors become one clear line and an exit code; a traceback never reaches a user."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 something could not be read or done, 2 wrong option or file."""
    from nuncius.broker.cli.root import run

    sys.exit(run(sys.argv[1:]))
