"""Run a module as on a machine of another name: `python -m tests.other_host front-1 celery -A config …`."""

import runpy
import socket
import sys


def main() -> None:
    host, module = sys.argv[1:3]
    socket.gethostname = lambda: host
    del sys.argv[1:3]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
