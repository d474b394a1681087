#!/usr/bin/python3
"""Calls methods of CRI's RuntimeService for pods.bash, with messages as JSON.

  client.py SOCKET   serves one call for each connection to SOCKET, and stays: it takes seconds to load what a call needs

A connection sends FILE, METHOD and any number of REQUESTs, each with a NUL behind it, and closes its side. All requests are sent to
the service at once ({} if there is none); the answers go to FILE.out in their order, one a line, the errors to FILE.err. What the
connection gets is a status: 0, or 1 if not all succeeded.

cri_pb2, which protoc makes of cri.proto, is looked for in $CRI_MESSAGES; $CRI_ENDPOINT is where the service listens."""
import json
import os
import socketserver
import sys

import grpc
from google.protobuf import json_format

sys.path.insert(0, os.environ["CRI_MESSAGES"])
import cri_pb2

LIMIT = 580  # seconds; less than any test has


def method(channel, name):
    """The call, and what makes a request for it."""
    service = cri_pb2.DESCRIPTOR.services_by_name["RuntimeService"]
    described = service.methods_by_name[name]
    request = getattr(cri_pb2, described.input_type.name)
    response = getattr(cri_pb2, described.output_type.name)
    call = channel.unary_unary(f"/{service.full_name}/{name}", request.SerializeToString, response.FromString)
    return call, lambda text: json_format.Parse(text, request())


def as_line(message):
    return json.dumps(json_format.MessageToDict(message, including_default_value_fields=True, preserving_proto_field_name=True))


def ask(channel, name, requests, out, errors):
    failed = False
    call, parse = method(channel, name)
    for answer in [call.future(parse(text), timeout=LIMIT) for text in requests]:
        try:
            print(as_line(answer.result()), file=out)
        except grpc.RpcError as error:
            failed = True
            print(f"{error.code().name}: {error.details()}", file=errors)
    return failed


def main(socket):
    channel = grpc.insecure_channel(os.environ["CRI_ENDPOINT"])

    class Call(socketserver.StreamRequestHandler):
        def handle(self):
            file, name, *requests = self.rfile.read().decode().split("\0")[:-1]
            with open(file + ".out", "w") as out, open(file + ".err", "w") as errors:
                failed = ask(channel, name, requests or ["{}"], out, errors)
            self.wfile.write(b"1\n" if failed else b"0\n")

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        request_queue_size = 64

    Server(socket, Call).serve_forever()


main(sys.argv[1])
