"""Runs a command until it ends, or until standard input does: its starter holds the other end, however that dies.

``python guard.py COMMAND…``. It knows the standard library only, so that it is there at once.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

END_S = 30.0
"""How long the command may take to end before it is killed."""


def main(command: list[str]) -> int:
    """Run it; returns its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the starter
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    sys.stdout.write(f"{running.pid}\n")
    sys.stdout.flush()

    def end(number: int = 0, frame: FrameType | None = None) -> None:
        del number, frame
        running.terminate()
        threading.Timer(END_S, running.kill).start()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=watch, daemon=True).start()
    code = running.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
