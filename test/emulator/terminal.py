# Runs a command at a pseudo-terminal, as a person would: waits for a text, then presses keys. Prints what the terminal
# showed; the exit code is the command's own, or 99 when a text did not appear. The keys "HANGUP" close the terminal.
#
#   terminal.py '{"command": ["node", "…"], "answers": [["text to wait for", "keys"], …], "seconds": 60, "columns": 160}'
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

asked = json.loads(sys.argv[1])
answers = asked["answers"]
child, terminal = pty.fork()
if child == 0:
    os.execvp(asked["command"][0], asked["command"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, asked["columns"], 0, 0))

shown, answered, end = b"", 0, time.time() + asked["seconds"]
while time.time() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the command has ended
            read = b""
        if not read:
            break
        shown += read
    if answers and answers[0][0].encode() in shown[answered:]:
        answered = len(shown)
        keys = answers.pop(0)[1]
        if keys == "HANGUP":
            os.close(terminal)
            break
        os.write(terminal, keys.encode())
else:
    os.kill(child, 9)
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(99 if answers else os.waitstatus_to_exitcode(status))
