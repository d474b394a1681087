#!/usr/bin/python3
"""Talks to a process through the URL that CRI's Exec or Attach answers.

  stream.py URL [ROWSxCOLUMNS]   standard streams go to and from the process; the status is the process's, or 0 of an attach.
                                 With a size, the process's terminal gets it first.

The end of standard input is not passed on: version 4 of the protocol has nothing for it."""
import json
import os
import sys
import threading

from websocket import Channels

STDIN, STDOUT, STDERR, STATUS, SIZE = range(5)


def pass_input_on(channels):
    while data := os.read(0, 1 << 16):
        channels.send(STDIN, data)


def write_all(file, data):
    while data:
        data = data[os.write(file, data):]


def exit_status(status):
    """Of a metav1.Status."""
    if status["status"] == "Success":
        return 0
    for cause in status.get("details", {}).get("causes", []):
        if cause["reason"] == "ExitCode":
            return int(cause["message"])
    print(status["message"], file=sys.stderr)
    return 255


def main(url, size=None):
    channels = Channels(url)
    if size:
        rows, columns = size.split("x")
        channels.send(SIZE, json.dumps({"Width": int(columns), "Height": int(rows)}).encode())
    threading.Thread(target=pass_input_on, args=[channels], daemon=True).start()
    ended = 0
    while message := channels.receive():
        channel, data = message
        if channel in (STDOUT, STDERR):
            write_all(channel, data)
        elif channel == STATUS and data:
            ended = exit_status(json.loads(data))
    return ended


sys.exit(main(*sys.argv[1:]))
