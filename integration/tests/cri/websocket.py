"""The client's side of a WebSocket (RFC 6455) that carries Kubernetes' numbered channels: the first byte of a message is its channel."""
import base64
import os
import socket
import struct
import urllib.parse

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
LIMIT = 300  # seconds without a byte


class Channels:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), LIMIT)
        self.stream = self.socket.makefile("rb")
        self._shake_hands(parts)

    def _shake_hands(self, parts):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode())
        answer = self.stream.readline().decode()
        if " 101 " not in answer:
            raise ConnectionError(f"no WebSocket: {answer.strip()}: {self.stream.read().decode()}")
        while self.stream.readline() != b"\r\n":
            pass

    def send(self, channel, data):
        self._send_frame(BINARY, bytes([channel]) + data)

    def receive(self):
        """(channel, data) of the next message; None at the end. The server sends no message in fragments."""
        while True:
            operation, data = self._receive_frame()
            if operation == CLOSE:
                return None
            if operation == PING:
                self._send_frame(PONG, data)
            elif operation != PONG and data:
                return data[0], data[1:]

    def _send_frame(self, operation, data):
        """What a client sends is masked."""
        length = len(data)
        mask = os.urandom(4)
        if length < 126:
            head = struct.pack("!BB", 0x80 | operation, 0x80 | length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | operation, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | operation, 0x80 | 127, length)
        self.socket.sendall(head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))

    def _receive_frame(self):
        head = self.stream.read(2)
        if len(head) < 2:
            return CLOSE, b""
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.stream.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.stream.read(8))
        return head[0] & 0x0F, self.stream.read(length)
