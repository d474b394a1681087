#!/usr/bin/env python3
"""Terminals for the tests.

drive.py foreground SCRIPT -- CMD…      runs CMD on a terminal of 24 rows and 80 columns
drive.py console SOCKET SCRIPT -- CMD…  runs CMD, and takes the terminal that it sends to the unix socket SOCKET

SCRIPT is a file of lines, done one after another: "send TEXT" (\\n, \\r, \\x03 … as in Python), "expect TEXT" (waits
until the terminal has shown it since the last expect), "resize ROWS COLUMNS", "signal NAME" (to CMD), "close" (the
terminal), "settle" (waits until CMD has ended). All that the terminal showed goes to standard output. In the end: CMD's
standard error, "mode kept" or "mode changed" for the terminal's mode before and after (foreground), "status N".
"""
import array, ast, fcntl, os, pty, select, signal, socket, struct, subprocess, sys, termios, time

LIMIT = 40


class Terminal:
    def __init__(self, master):
        self.master = master
        self.seen = b""
        self.waiting_for = 0  # where the next expect begins to look

    def read(self, wait):
        """Reads what there is; False at the terminal's end."""
        if self.master is None or not select.select([self.master], [], [], wait)[0]:
            return self.master is not None
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def expect(self, text):
        end = time.monotonic() + LIMIT
        while (found := self.seen.find(text, self.waiting_for)) < 0:
            if time.monotonic() > end or not self.read(0.2) and self.seen.find(text, self.waiting_for) < 0:
                print(self.seen.decode(errors="replace"))
                sys.exit(f"did not see {text!r}")
        self.waiting_for = found + len(text)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self):
        os.close(self.master)
        self.master = None


def unescape(text):
    return ast.literal_eval('b"' + text.replace('"', '\\"') + '"')


def settle(terminal, process):
    end = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < end:
        if not terminal.read(0.1):
            time.sleep(0.1)
    while terminal.master is not None and select.select([terminal.master], [], [], 0.3)[0] and terminal.read(0):
        pass
    return process.poll()


def follow(script, terminal, process):
    for line in open(script):
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "send":
            os.write(terminal.master, unescape(rest))
        elif word == "expect":
            terminal.expect(unescape(rest))
        elif word == "resize":
            terminal.resize(*map(int, rest.split()))
        elif word == "signal":
            process.send_signal(getattr(signal, rest))
        elif word == "close":
            terminal.close()
        elif word == "settle":
            settle(terminal, process)


def report(terminal, process):
    status = settle(terminal, process)
    print(terminal.seen.decode(errors="replace").replace("\r\n", "\n"))
    return status


def foreground(script, command):
    master, slave = pty.openpty()
    terminal = Terminal(master)
    terminal.resize(24, 80)
    before = termios.tcgetattr(slave)

    def take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take)
    follow(script, terminal, process)
    status = report(terminal, process)
    print("mode kept" if termios.tcgetattr(slave) == before else "mode changed")
    print("status", status)


def receive(connection):
    data, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[:4])
    assert data and len(descriptors) == 1, (data, descriptors)
    return descriptors[0]


def console(path, script, command):
    """The command returns before the process ends; script and report concern the terminal that it sent."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    listener.settimeout(LIMIT)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # As go-runc does: the end of file on standard output and error tells that the command is done with them.
    said = process.communicate(timeout=LIMIT)[0].decode()
    terminal = Terminal(None)
    if process.returncode == 0:
        terminal = Terminal(receive(listener.accept()[0]))
        follow(script, terminal, process)
        while terminal.read(0.5) and select.select([terminal.master], [], [], 0.5)[0]:
            pass
    print(terminal.seen.decode(errors="replace").replace("\r\n", "\n"))
    print(said + f"status {process.returncode}")


split = sys.argv.index("--")
if sys.argv[1] == "foreground":
    foreground(sys.argv[2], sys.argv[split + 1:])
else:
    console(sys.argv[2], sys.argv[3], sys.argv[split + 1:])
