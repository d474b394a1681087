#!/usr/bin/python3
"""Calls one method of CRI's RuntimeService, with messages as JSON.

  client.py METHOD [REQUEST…]   sends every REQUEST at once ({} if there is none) and prints the answers in their order, one a line;
                                with status 1 and the errors, one a line, if not all succeeded

cri_pb2, which protoc makes of cri.proto, is looked for in $CRI_MESSAGES; $CRI_ENDPOINT is where the service listens."""
import json
import os
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


def main(name, requests):
    failed = False
    with grpc.insecure_channel(os.environ["CRI_ENDPOINT"]) as channel:
        call, parse = method(channel, name)
        for answer in [call.future(parse(text), timeout=LIMIT) for text in requests]:
            try:
                print(as_line(answer.result()))
            except grpc.RpcError as error:
                failed = True
                print(f"{error.code().name}: {error.details()}", file=sys.stderr)
    return failed


sys.exit(main(sys.argv[1], sys.argv[2:] or ["{}"]))
