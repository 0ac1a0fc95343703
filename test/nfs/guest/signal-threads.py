"""signal-threads.py SECONDS: for so long, sends SIGCHLD to every thread of every node on this host, twice a second.

It says nothing to them, but it interrupts what they wait for. The kernel does so to some thread or other when a job ends
while the main thread has its signals blocked, as it has while it starts the next job.
"""

import ctypes
import os
import signal
import sys
import time

tgkill = ctypes.CDLL(None).tgkill
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if not os.readlink(f"/proc/{name}/exe").endswith("/node"):
                continue
            for thread in os.listdir(f"/proc/{name}/task"):
                tgkill(int(name), int(thread), signal.SIGCHLD)
        except OSError:
            pass  # it has ended meanwhile, or is the kernel's own
    time.sleep(0.5)
