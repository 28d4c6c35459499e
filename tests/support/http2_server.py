#!/usr/bin/env python3
"""A server that speaks HTTP/2 over TLS and nothing else, as far as a test of a client needs it.

http2_server.py CERTIFICATE KEY prints its address on the first line and serves until its standard
input ends. Each request is answered with 200 and a line of text: the number of the connection, the
number of the stream in it, and how many bytes of body came.
"""
import socket
import ssl
import struct
import sys
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
STATUS_200 = b"\x88"  # the static table's entry 8 (RFC 7541, appendix A)


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def frame(kind, flags, stream_id, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream_id) + payload


def serve(stream, number):
    if read_exactly(stream, len(PREFACE)) != PREFACE:
        return
    stream.sendall(frame(SETTINGS, 0, 0))
    body = {}
    while True:
        head = read_exactly(stream, 9)
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream_id = struct.unpack(">BBI", head[3:])
        payload = read_exactly(stream, length)
        if kind == GOAWAY:
            return
        if kind in (SETTINGS, PING) and not flags & ACK:
            stream.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind in (DATA, HEADERS):
            body[stream_id] = body.get(stream_id, 0) + (length if kind == DATA else 0)
            if flags & END_STREAM:
                text = f"{number} {stream_id} {body.pop(stream_id)}".encode()
                stream.sendall(frame(HEADERS, END_HEADERS, stream_id, STATUS_200)
                               + frame(DATA, END_STREAM, stream_id, text))


def take(plain, context, number):
    try:
        serve(context.wrap_socket(plain, server_side=True), number)
    except (EOFError, OSError):
        pass


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        number = 0
        while True:
            plain, _ = listener.accept()
            number += 1
            threading.Thread(target=take, args=(plain, context, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
