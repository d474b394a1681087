#!/usr/bin/python3
"""One connection through the URL that CRI's PortForward answers, of one port.

  forward.py URL   sends standard input, prints what the port answers until it closes; status 1 with what went wrong"""
import os
import sys

from websocket import Channels

DATA, ERROR = range(2)


def main(url):
    channels = Channels(url)
    # Each channel begins with the number of its port.
    begun = set()
    sent = failed = False
    while message := channels.receive():
        channel, data = message
        if channel not in begun:
            begun.add(channel)
            data = data[2:]
        if channel == DATA and not sent:
            channels.send(DATA, sys.stdin.buffer.read())
            sent = True
        if channel == ERROR and data:
            failed = True
        os.write(1 + channel, data)
    return failed


sys.exit(main(sys.argv[1]))
