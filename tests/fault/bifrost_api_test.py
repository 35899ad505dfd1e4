#!/usr/bin/env python3
"""Each call of the Bifrost example to each API answered by an error, cut off, or not at all: hlrec says so and ends by itself, and the next run converges.

What calls an undisturbed life makes is measured; then each kind of call, reading ones as well, goes wrong once in each way. A part of the points is tried; all of
them with HLREC_SLOW=1, or the K-th of N parts of all with HLREC_FAULT_PART=K/N as well."""
import collections
import http.client
import itertools
import os
import queue
import shutil
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bifrost_life import APPLY, DESTROY, Life, brief, place_of_lives, take, work_side_by_side  # noqa: E402
from disk import general  # noqa: E402
from lib import Tap, Traefik, private_folder, stop_on_signals, traefik_program  # noqa: E402

WORKERS = int(os.environ.get("HLREC_FAULT_WORKERS", "6"))
SLOW = os.environ.get("HLREC_SLOW") == "1"
PART, PARTS = map(int, os.environ.get("HLREC_FAULT_PART", "1/1").split("/"))
WAYS = ("500", "403", "429", "503", "reset", "truncate", "hang", "after-reset", "after-500")
PATIENCE = "1s"  # how long an answer is awaited in a run in which one does not come; for Docker, the whole run is limited
LIMIT = "4s"
FIRST, SECOND, BACK, END = PHASES = "from nothing", "to the second form", "to the first form", "destroyed"
PLACES = itertools.count(1)
ENDING = threading.Event()


def set_fault(life, text):
    try:
        life.world.lab.fault(text)
    except http.client.HTTPException as problem:
        raise RuntimeError("the lab does not answer") from problem


def calls_of(life, start=0):
    return life.world.lab.calls()[start:]


def kinds_of(calls):
    """API, method, and a pattern that fits all calls of the kind; from a log."""
    return {(call["api"], call["method"], general(call["path"])) for call in calls if not call["path"].startswith("/lab/")}


def begin(life, phase):
    """What is done before the run; its arguments."""
    if phase == END:
        life.prepare_end()
        return DESTROY
    life.spec(phase == SECOND)
    return APPLY


def measure(folder, traefik):
    """The kinds of calls of each phase, and what there is after the first form and the second."""
    life = Life(os.path.join(folder, "0"), traefik)
    kinds, wanted = {}, {}

    def insist(good, words, detail=""):
        if not good:
            raise RuntimeError(f"an undisturbed life goes wrong: {words} {detail}")

    def run(phase):
        arguments = begin(life, phase)
        start = len(calls_of(life))
        done = life.stack.run(*arguments)
        insist(done.status in (0, 5), phase, brief(done.text))
        kinds[phase] = kinds_of(calls_of(life, start))

    try:
        run(FIRST)
        life.settle(insist)
        wanted[FIRST] = wanted[BACK] = life.census()
        run(SECOND)
        wanted[SECOND] = life.census()
        run(BACK)
        run(END)
    finally:
        life.stop()
    return kinds, wanted


def fits(method, way):
    return method != "GET" or not way.startswith("after-")


def choose(kinds):
    """(phase, API, method, pattern, way): all of the asked part; or for each API and way one reading and one changing call, in turns."""
    seen, every = set(), []
    for phase in (SECOND, BACK, FIRST, END):  # each kind where it is cheapest to have
        every += [(phase, *kind, way) for kind in sorted(kinds[phase] - seen) for way in WAYS if fits(kind[1], way)]
        seen |= kinds[phase]
    if SLOW:
        return every[PART - 1::PARTS]
    groups = collections.defaultdict(list)
    for point in every:
        groups[(point[1], point[2] == "GET", point[4])].append(point)
    return [points[turn * 7 % len(points)] for turn, (_, points) in enumerate(sorted(groups.items()))]


class Report:
    def __init__(self):
        self.lock = threading.Lock()
        self.hit, self.missed, self.wrong = collections.Counter(), 0, []

    def insist(self, good, words, detail=""):
        """For what is undisturbed."""
        if not good:
            self.add(("undisturbed",), False, [words, detail])

    def add(self, point, was_hit, wrong):
        name = " ".join(point)
        with self.lock:
            if wrong:
                self.wrong.append((name, "\n".join(wrong)))
                print("\n".join(f"# {line}" for line in [name, *"\n".join(wrong).splitlines()[:100]]), flush=True)
            if was_hit:
                self.hit[(point[1], point[4])] += 1
            elif not wrong:
                self.missed += 1


def run_with_fault(life, arguments, method, pattern, way, insist):
    """Whether a call met the fault."""
    start = len(calls_of(life))
    set_fault(life, f"{method} {pattern} 1 {way}")
    hang = way == "hang"
    done = life.stack.run(*arguments, *(["--var", f"patience={PATIENCE}", "--timeout", LIMIT] if hang else []), timeout=120)
    set_fault(life, "")
    said = done.status in (0, 5) or any(word in done.text for word in ("error: ", "unreadable: ", "could not be opened", "interrupted"))
    insist(done.status >= 0 and said, f"it ends by itself and says why ({done.status})", brief(done.text))
    return any("fault" in call for call in calls_of(life, start))


def try_point(life, point, wanted, report):
    phase, _, method, pattern, way = point
    wrong, was_hit = [], False

    def insist(good, words, detail=""):
        if not good:
            wrong.append(f"not so: {words}\n{detail}")

    try:
        arguments = begin(life, phase)
        was_hit = run_with_fault(life, arguments, method, pattern, way, insist)
        if phase == END:
            life.end(insist)
        else:
            if phase == FIRST:
                life.settle(insist)
            else:
                life.converge(insist)
            life.check_whole(wanted[phase], {}, insist)
    except Exception as problem:  # a broken point must not hide the others
        insist(False, "the point runs to its end", repr(problem))
    report.add(point, was_hit, wrong)
    return not wrong


def live(traefik, folder, points, wanted, report):
    """One life after the other: from nothing (at a point of that kind, when there is one left), to and fro, the end."""
    while not ENDING.is_set() and any(not waiting.empty() for waiting in points.values()):
        life = Life(os.path.join(folder, str(next(PLACES))), traefik)
        try:
            live_once(life, points, wanted, report)
        finally:
            life.stop()
            shutil.rmtree(os.path.dirname(life.stack.folder), ignore_errors=True)


def live_once(life, points, wanted, report):
    """At a point of the beginning when one is left, some to and fro, at one of the end when one is left."""
    first = take(points[FIRST])
    if first is not None and not try_point(life, first, wanted, report):
        return
    if first is None:
        life.spec(False)
        life.settle(report.insist)
    for phase in itertools.chain.from_iterable(itertools.repeat((SECOND, BACK))):
        is_over = points[SECOND].empty() and points[BACK].empty()
        is_long = life.turns >= 4 and (not points[FIRST].empty() or not points[END].empty())
        if ENDING.is_set() or is_over or is_long:
            break
        point = take(points[phase])
        life.turns += 1
        if point is not None and not try_point(life, point, wanted, report):
            return
        if point is None:
            life.spec(phase == SECOND)
            life.converge(report.insist)
    last = take(points[END])
    if last is not None:
        try_point(life, last, wanted, report)


def main():
    tap = Tap()
    with place_of_lives(tap, WORKERS) as (folder, traefiks):
        kinds, wanted = measure(folder, traefiks[0])
        count = len(set().union(*kinds.values()))
        tap.point(count > 60, f"{count} kinds of calls are made")
        chosen = choose(kinds)
        points = {phase: queue.Queue() for phase in PHASES}
        for point in chosen:
            points[point[0]].put(point)
        report = Report()
        work_side_by_side(traefiks, ENDING, live, folder, points, wanted, report)
        for name, detail in report.wrong:
            tap.point(False, name, detail)
        for api in sorted({api for api, _ in report.hit}):
            told = ", ".join(f"{report.hit[(api, way)]} {way}" for way in WAYS if report.hit[(api, way)])
            tap.point(told, f"{api}: hlrec says so, ends by itself, and the next run converges ({told})")
        total = sum(report.hit.values())
        tap.point(total >= len(chosen) * 0.9, f"{total} points were tried, {report.missed} runs did not make the call")
    tap.end()


if __name__ == "__main__":
    main()
