#!/usr/bin/python3
"""A name server that knows one name: answers to questions for its IPv4 address, over UDP.

  name_server.py LISTEN-ADDRESS NAME ADDRESS"""
import socket
import struct
import sys

HEADER = struct.Struct("!HHHHHH")  # RFC 1035, 4.1.1: id, flags, and how many questions and records follow
ANSWER = 0x8180                    # recursion was wanted, and is available
NO_SUCH_NAME = 3
TYPE_A, CLASS_IN = 1, 1


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answer(query, name, address):
    number = HEADER.unpack_from(query)[0]
    end = query.index(0, HEADER.size) + 5
    question = query[HEADER.size:end]
    if question[:-4].lower() != encoded(name):
        return HEADER.pack(number, ANSWER | NO_SUCH_NAME, 1, 0, 0, 0) + question
    if struct.unpack("!HH", question[-4:]) != (TYPE_A, CLASS_IN):
        return HEADER.pack(number, ANSWER, 1, 0, 0, 0) + question
    record = struct.pack("!HHHIH", 0xC000 | HEADER.size, TYPE_A, CLASS_IN, 60, 4) + socket.inet_aton(address)
    return HEADER.pack(number, ANSWER, 1, 1, 0, 0) + question + record


def main(listen_address, name, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((listen_address, 53))
        while True:
            query, client = server.recvfrom(65535)
            server.sendto(answer(query, name, address), client)


main(*sys.argv[1:])
