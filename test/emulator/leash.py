"""Runs a command that cannot outlive its starter.

The starter holds the other end of standard input. However it goes away (returns, throws, Ctrl-C, kill -9), the pipe
closes, and then this whole process group dies: the command, its children, and this script.
"""

import os
import signal
import subprocess
import sys
import threading


def die_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=die_with_starter, daemon=True).start()
sys.exit(command.wait() & 0xFF)
