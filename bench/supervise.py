"""Runs a command and writes what it cost: itself, all that it started, and what outlived it.

supervise.py REPORT COMMAND [ARG ...]

CPU is the kernel's own account. Whatever loses its parent becomes a child of this process (PR_SET_CHILD_SUBREAPER), so that
each process is waited for once, by its parent or here, and its seconds are in what wait4 says. Memory is looked at every few
milliseconds in /proc: what rises and falls between two looks is not seen.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.05
# Longer than any of ours takes to see that its parent is gone. What is still there then is killed, and reported.
GRACE_SECONDS = 5.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """The memory of the tree below this process."""

    def __init__(self) -> None:
        self.peak = 0
        self.most = 0
        self.seen: set[tuple[int, str]] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            self.look()
            self.over.wait(LOOK_SECONDS)

    def look(self) -> None:
        own = 0
        shared: dict[str, int] = {}
        below = descendants()
        for pid, started in below:
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                    _, resident, of_files = map(int, file.read().split()[:3])
                program = os.readlink(f"/proc/{pid}/exe")
            except (OSError, ValueError):
                continue  # it is gone
            self.seen.add((pid, started))
            own += resident - of_files
            # Pages of files are shared by the processes of one program: counted once, as the largest of them has them.
            shared[program] = max(shared.get(program, 0), of_files)
        self.peak = max(self.peak, (own + sum(shared.values())) * PAGE)
        self.most = max(self.most, len(below))


def descendants() -> list[tuple[int, str]]:
    """Process ids with their start times."""
    children: dict[int, list[tuple[int, str]]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                # `pid (name) state parent …`; a name may hold anything.
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append((int(name), fields[19]))
    found: list[tuple[int, str]] = []
    waiting = [os.getpid()]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child[0])
    return found


def main() -> None:
    report, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # Nothing of it outlives the bench, however that ends.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    started = time.monotonic()
    root = os.fork()
    if root == 0:
        os.setsid()
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)

    watch = Watch()
    threading.Thread(target=watch.run, daemon=True).start()
    cpu = 0.0
    largest = 0
    exit_code = None
    wall = 0.0
    left: list[int] = []

    def end_the_rest() -> None:
        for pid, _ in descendants():
            left.append(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def give_up(number: int, _: object) -> None:
        end_the_rest()
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, give_up)
    signal.signal(signal.SIGINT, give_up)
    grace = threading.Timer(GRACE_SECONDS, end_the_rest)
    grace.daemon = True
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break  # nobody is left
        cpu += usage.ru_utime + usage.ru_stime
        largest = max(largest, usage.ru_maxrss * 1024)
        if pid == root:
            wall = time.monotonic() - started
            exit_code = os.waitstatus_to_exitcode(status)
            grace.start()
    grace.cancel()
    watch.over.set()
    with open(report, "w", encoding="ascii") as file:
        json.dump(
            {
                "exitCode": exit_code,
                "cpuSeconds": cpu,
                "wallSeconds": wall,
                "peakBytes": max(watch.peak, largest),
                "processes": max(len(watch.seen), 1),
                "mostAtOnce": max(watch.most, 1),
                "leftRunning": len(left),
            },
            file,
        )


main()
