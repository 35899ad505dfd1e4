#!/usr/bin/env python3
"""Many actions at once, of six kinds, that end in any order: all is made, changed and deleted, each object once. The phase `threads` runs it under ThreadSanitizer."""
import collections
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import SOURCE, Tap, World, private_folder, stop_on_signals  # noqa: E402

sys.path.insert(0, os.path.join(SOURCE, "tests", "bench"))
import stacks  # noqa: E402

COUNT = 200
TOKEN = "nbp_0123456789abcdefghijABCDEFGHIJ012345"
ROOM = "settings: {parallel: 32, max_destroy: 100%}\n"
MADE = {"docker": COUNT // 2, "netbird": COUNT // 5}


def made_since(lab, seen):
    """How many objects each API was asked to make, and how many calls there were by now."""
    calls = lab.calls()
    wanted = [call["api"] for call in calls[seen:] if call["method"] == "POST" and call["path"].endswith(("/containers/create", "/groups", "/setup-keys", "/routes"))]
    return collections.Counter(wanted), len(calls)


def crowd(tap, folder):
    spec = stacks.mixed(COUNT) + ROOM
    os.environ["HLREC_LAB_NETBIRD_TOKEN"] = TOKEN
    with World(folder, "crowd", spec, "--latency", "2", environment={"BENCH_TOKEN": TOKEN}) as (lab, stack):
        os.mkdir(stack.path("dynamic"))
        done = stack.apply()
        made, seen = made_since(lab, 0)
        tap.equal(done.status, 0, f"{COUNT} at once: made", done.text)
        tap.equal(made, MADE, "each object once")
        tap.equal(stack.plan_status().status, 0, "then nothing is left to do")
        stack.write(spec.replace("LOG_LEVEL: info", "LOG_LEVEL: debug").replace("metric: ", "metric: 1"))
        done = stack.apply()
        made, seen = made_since(lab, seen)
        tap.equal((done.status, made["docker"], stack.plan_status().status), (0, MADE["docker"], 0), "changed: each container replaced once", done.text)
        done = stack.run("destroy", "--yes", "--allow-destroy")
        tap.equal((done.status, lab.get("/containers/json?all=1")), (0, []), "deleted, all of them", done.text)


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    try:
        crowd(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
