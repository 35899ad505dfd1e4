"""Answers questions about the file that the last answer of an API is in: look.py FILE. A line of standard input is an expression in Python about `d`, which is
what the file has as JSON; with "!" in front the file is not read."""
import base64  # noqa: F401  # of use in expressions, as the functions below
import datetime
import hashlib  # noqa: F401
import json
import sys
import zlib

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(secret):
    """Of NetBird's tokens: CRC-32 in base 62, six digits."""
    crc, out = zlib.crc32(secret.encode()), ""
    while crc:
        crc, out = crc // 62, DIGITS[crc % 62] + out
    return out.rjust(6, "0")


def when(text):
    """Seconds since 1970 of an RFC 3339 time with any number of digits behind the second."""
    head, _, tail = text.partition(".")
    zone = text[-6:] if text[-6] in "+-" else "+00:00"
    return datetime.datetime.fromisoformat(head[:19] + zone).timestamp()


for line in sys.stdin:
    try:
        d = json.load(open(sys.argv[1])) if not line.startswith("!") else None
        print(eval(line.lstrip("!")), flush=True)
    except Exception as error:
        print(repr(error), flush=True)
