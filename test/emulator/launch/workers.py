"""Ends the processes of functions that nobody invokes any more.

MiniStack keeps one process of each function for ever: those of some fifty environments would take more than ten gigabytes. AWS ends
what is idle too; the next invocation begins cold.
"""

import threading
import time

from ministack.core import lambda_runtime

IDLE_SECONDS = 60


def end_idle():
    with lambda_runtime._lock:
        idle = [
            (workers, worker)
            for workers in lambda_runtime._workers.values()
            for worker in workers
            if not worker.in_use and time.time() - worker.last_used > IDLE_SECONDS
        ]
        for workers, worker in idle:
            workers.remove(worker)
    lambda_runtime.kill_workers([worker for _, worker in idle])


def loop():
    while True:
        time.sleep(IDLE_SECONDS / 4)
        end_idle()


end_idle()  # there is none yet: a name that is gone is noticed now, and not in the thread
threading.Thread(target=loop, daemon=True).start()
