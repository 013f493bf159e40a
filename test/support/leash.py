"""Runs a command that cannot outlive its starter, in a temporary folder that goes with it.

The starter holds the other end of standard input. However it goes away (returns, throws, Ctrl-C, kill -9), the pipe
closes, and the command and all that it started are killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ending = threading.Lock()


def end(code: int) -> None:
    with ending:
        try:
            os.killpg(command.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)


def end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    end(128 + signal.SIGKILL)


# Functions are unpacked in here: outside the project, so that they find none of its node_modules nor its package.json.
folder = tempfile.mkdtemp(prefix="odin-migrate-")
with open(os.path.join(folder, "package.json"), "w", encoding="utf-8") as file:
    file.write('{ "type": "commonjs" }\n')
command = subprocess.Popen(
    sys.argv[1:],
    stdin=subprocess.DEVNULL,
    env={**os.environ, "TMPDIR": folder},
    start_new_session=True,
)
threading.Thread(target=end_with_starter, daemon=True).start()
end(command.wait() & 0xFF)
