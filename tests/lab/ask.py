"""The client of the lab's shell tests: one process for all requests of a test and all questions about the answers, where a curl each would cost more
than the labs do.

Reads commands from standard input, fields with \\x1e behind each, commands with \\x1d behind; answers one line each.
    send METHOD URL BODY HEADER...   the status, 000 when there was no answer; BODY may be @FILE; a HEADER is 'Name: value'
    at EXPRESSION                    its value in Python; d is the body as JSON (maps sorted), body the bytes, heads the headers (lower case)
"""
import http.client
import json
import sys
import urllib.parse


def parse(body):
    try:
        return json.loads(body, object_pairs_hook=lambda pairs: dict(sorted(pairs)))
    except ValueError:
        return None


def send(method, url, data, *lines):
    host = urllib.parse.urlsplit(url).netloc
    body = open(data[1:], "rb").read() if data.startswith("@") else data.encode(errors="surrogateescape")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(method, url.split(host, 1)[1] or "/", body=body or None, headers=dict(line.split(": ", 1) for line in lines))
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    except (OSError, http.client.HTTPException):
        return 0, b"", {}
    finally:
        connection.close()


def commands():
    text = b""
    while piece := sys.stdin.buffer.raw.read(65536):
        text += piece
        while b"\x1d" in text:
            command, text = text.split(b"\x1d", 1)
            yield command.decode(errors="surrogateescape").split("\x1e")[:-1]


def evaluate(expression, names):
    try:
        return eval(expression, names)
    except Exception as error:  # what a question about an unexpected answer comes to
        return repr(error)


def main():
    status, body, heads = 0, b"", {}
    for command in commands():
        if command[0] == "send":
            status, body, heads = send(*command[1:])
            answer = f"{status:03}"
        else:
            answer = str(evaluate(command[1], {"d": parse(body), "body": body, "heads": heads, "json": json}))
        print(answer.replace("\n", "\\n"), flush=True)


main()
