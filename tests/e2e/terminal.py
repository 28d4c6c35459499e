#!/usr/bin/env python3
"""terminal.py COLUMNS ROWS COMMAND...: runs a command on a terminal of that size, writes what it
prints there to stdout, and ends as the command does."""

import fcntl
import os
import pty
import struct
import sys
import termios


def main():
    columns, rows = int(sys.argv[1]), int(sys.argv[2])
    pid, master = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(2, termios.TIOCSWINSZ, size)
        os.execvp(sys.argv[3], sys.argv[3:])
    while True:
        try:
            some = os.read(master, 65536)
        except OSError:  # what a terminal answers when nobody is left on it
            break
        if not some:
            break
        os.write(1, some)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


main()
