#!/usr/bin/env python3
"""The Bifrost example killed, out of disk, and out of power at each call that changes the world and at each write to a file: the next run converges.

A stack with a resource of every kind lives many lives: it is made from nothing, changed to another form and back, and destroyed. In each of these four runs
something goes wrong at one point (tests/fault/preload.c makes it so: the n-th write, sync, rename ... of such a file, or the n-th such POST, PUT, PATCH, DELETE),
and the run after it must put everything right: bifrost_life.py says what that is. A part of the points is tried; all of them with HLREC_SLOW=1, or the K-th of N
parts of all with HLREC_FAULT_PART=K/N as well.

How often a file is written depends on which actions end together, so that no life has the very points of another. A run that is over before its point comes is
tried again in another life, at the point that is as far from the end.

Besides, for an undisturbed life, the files as a power failure would have left them at each write are rebuilt (disk.py): the state then holds the last commit or
the one that was being written, and nothing else."""
import collections
import concurrent.futures
import fnmatch
import itertools
import os
import queue
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bifrost_life import APPLY, DESTROY, PRELOAD, Life, brief, place_of_lives, take, work_side_by_side  # noqa: E402
from disk import Disk, put_image, read_trace  # noqa: E402
from lib import HLREC, Tap  # noqa: E402

WORKERS = int(os.environ.get("HLREC_FAULT_WORKERS", "6"))
SLOW = os.environ.get("HLREC_SLOW") == "1"
PART, PARTS = map(int, os.environ.get("HLREC_FAULT_PART", "1/1").split("/"))
PHASES = ("from nothing", "to the second form", "to the first form", "destroyed")
PLACES = itertools.count(1)
STARTED = time.monotonic()
SHOWN_LINES = 100
TRIES = 5  # of a point that does not come
MOST_MISSED = 0.05
ENDING = threading.Event()  # nothing new is begun

# How it goes wrong: what the shim is told, whether the files are then put back to what a power failure leaves, which deeds it is tried at
FILES, CALLS, ROOM = "files", "calls", "room"
WAYS = {
    "killed before": ("before", None, (FILES, CALLS)),
    "killed after": ("after", None, (CALLS,)),
    "killed in the middle": ("torn", None, (ROOM,)),
    "no power": ("before", "nothing", (FILES, CALLS)),
    "no power, some of it written": ("before", "some", (FILES,)),
    "disk full": ("ENOSPC", None, (ROOM,)),
    "disk error": ("EIO", None, (FILES,)),
}


def fits(deed, kinds):
    if deed.is_call():
        return CALLS in kinds
    return FILES in kinds or (ROOM in kinds and deed.word in ("create", "write"))


# ---- one undisturbed life: what there is to break ----


class Measured:
    """The deeds of each phase and what there is after it; `starts` are the files before it."""

    def __init__(self):
        self.deeds, self.starts, self.wanted, self.roots = [], [], [], None


def begin_phase(life, phase):
    """What is done before the run of this phase; its arguments."""
    if phase == 3:
        life.prepare_end()
        return DESTROY
    life.spec(phase == 1)
    return APPLY


def measure(folder, traefik):
    measured = Measured()
    life = Life(os.path.join(folder, "0"), traefik)
    wrong = []

    def insist(good, words, detail=""):
        if not good:
            wrong.append(f"not so: {words}\n{detail}")

    try:
        measured.roots = life.roots
        for phase in range(4):
            arguments = begin_phase(life, phase)
            measured.starts.append(Disk(life.roots))
            done = life.run(arguments, keeps=True)
            measured.deeds.append(read_trace(life.trace, keeps=True)[0])
            if done.status != (5 if phase == 0 else 0):
                raise RuntimeError(f"{PHASES[phase]} fails without a fault: {brief(done.text)}")
            if phase == 0:
                life.settle(insist)
            measured.wanted.append(life.census())
            finish_phase(life, phase, measured.wanted[phase], {}, insist)
    finally:
        life.stop()
    if wrong:
        raise RuntimeError("an undisturbed life goes wrong: " + "\n".join(wrong))
    return measured


def finish_phase(life, phase, wanted, before, insist):
    """The runs that put everything right, and what is then so."""
    if phase == 3:
        life.end(insist)
        return
    if phase == 0:
        life.settle(insist)
    else:
        life.converge(insist)
    life.check_whole(wanted, before, insist)


# ---- the points ----


class Point:
    """What goes wrong in a phase, and where: at the `number`-th of the `of` deeds of its name."""

    def __init__(self, deed, number, of, way):
        self.word, self.pattern, self.label, self.number, self.of, self.way, self.missed = deed.word, deed.pattern(), deed.label(), number, of, way, 0

    def __str__(self):
        return f"{self.way} at {self.label}, {self.number} of {self.of}"

    def is_in_part(self, phase):
        """By its name, since no two lives have the same list."""
        return zlib.crc32(f"{phase} {self.word} {self.pattern} {self.number} {self.way}".encode()) % PARTS == PART - 1

    def miss(self, deeds):
        """The run was over before it came: the same from the end. Whether that is worth a try."""
        found = count_named(deeds, self.word, self.pattern)
        self.number, self.of, self.missed = max(self.number - self.of + found, 1), found, self.missed + 1
        return self.missed < TRIES


def count_named(deeds, word, pattern):
    return sum(deed.word == word and fnmatch.fnmatchcase(deed.path, pattern) for deed in deeds)


def numbered(deeds):
    """(deed, the how manieth of its name it is, of how many)."""
    names = sorted({(deed.word, deed.pattern()) for deed in deeds})
    found, totals = collections.Counter(), {name: count_named(deeds, *name) for name in names}
    for deed in deeds:
        for word, pattern in names:
            found[(word, pattern)] += deed.word == word and fnmatch.fnmatchcase(deed.path, pattern)
        name = (deed.word, deed.pattern())
        yield deed, found[name], totals[name]


def choose(measured):
    """The points of each phase. All of the asked part; or each kind of deed once, in the phase that has the fewest so far, in one of its ways, and every second
    kind of call."""
    if SLOW:
        every = [[Point(deed, number, of, way) for deed, number, of in numbered(deeds) for way in slow_ways(number, deed, ways_of(deed))] for deeds in measured.deeds]
        return [[point for point in points if point.is_in_part(phase)] for phase, points in enumerate(every)]
    first = [{} for _ in PHASES]
    for phase, deeds in enumerate(measured.deeds):
        for deed, number, of in numbered(deeds):
            first[phase].setdefault(deed.label(), (deed, number, of))
    chosen = [[] for _ in PHASES]
    for turn, label in enumerate(sorted({label for labels in first for label in labels})):
        if label.split()[0].isupper() and turn % 2 == 0:  # of the calls, of which there are many, every second
            continue
        phase = min((phase for phase in range(4) if label in first[phase]), key=lambda phase: len(chosen[phase]))
        ways = ways_of(first[phase][label][0])
        chosen[phase].append(Point(*first[phase][label], ways[turn % len(ways)]))
    return chosen


def ways_of(deed):
    return [way for way, (_, _, kinds) in WAYS.items() if fits(deed, kinds)]


def slow_ways(number, deed, ways):
    """Killed at each; the other ways at each call, sync and name, and in turns at the writes, which are many and alike."""
    if deed.word != "write":
        return ways
    others = [way for way in ways if way != "killed before"]
    return ["killed before"] + ([others[number // 4 % len(others)]] if number % 4 == 0 else [])


class Report:
    """What was tried, and what was found wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        self.tried, self.kinds, self.missed, self.wrong = collections.Counter(), collections.defaultdict(collections.Counter), 0, []

    def add(self, phase, point, hit, wrong):
        with self.lock:
            self.tried[(phase, point.way)] += 1
            if SLOW and sum(self.tried.values()) % 100 == 0:
                print(f"# {sum(self.tried.values())} points, {time.monotonic() - STARTED:.0f} s", flush=True)
            if hit is not None:
                self.kinds[hit.label()][point.way] += 1
            if wrong:
                self.fail(f"{PHASES[phase]}, {point}", wrong)

    def miss(self, phase, point):
        with self.lock:
            self.missed += 1
            print(f"# {PHASES[phase]}, {point}: {TRIES} runs were over before it came", flush=True)

    def fail(self, name, wrong):
        """Told at once: who waits for an hour wants to know."""
        self.wrong.append((name, "\n".join(wrong)))
        print("\n".join(f"# {line}" for line in [name, *"\n".join(wrong).splitlines()[:SHOWN_LINES]]), flush=True)


def go_wrong(life, arguments, point, insist):
    """The run in which it goes wrong: what was done, and where it went wrong, or None when the run was over before."""
    how, loss, _ = WAYS[point.way]
    start = Disk(life.roots) if loss else None
    done = life.run(arguments, f"{point.number} {how} {point.word} {point.pattern}", keeps=loss is not None)
    deeds, hit = read_trace(life.trace, keeps=loss is not None)
    if hit is None:
        return deeds, None
    if how in ("ENOSPC", "EIO"):
        insist(done.status >= 0, "hlrec ends by itself", brief(done.text))
        said = any(word in done.text for word in ("No space left", "is full", "Input/output error", "I/O error", "unable to open"))
        insist(said or done.status in (0, 5), f"it says what is wrong ({done.status})", brief(done.text))
    else:
        insist(done.status == -9, "hlrec is killed", f"{done.status} {brief(done.text)}")
    if loss:
        for deed in deeds:
            start.do(deed)
        put_image(life.roots, start.after_power_loss(random.Random(point.number) if loss == "some" else None))
    return deeds, hit


def try_point(life, phase, point, measured, report):
    """Whether the life can go on; and whether the point is to be tried again."""
    wrong, hit, deeds = [], None, []

    def insist(good, words, detail=""):
        if not good:
            wrong.append(f"not so: {words}\n{detail}")

    try:
        arguments = begin_phase(life, phase)
        if point is None:
            done = life.run(arguments)
            insist(done.status in (0, 5), "an undisturbed run succeeds", brief(done.text))
        else:
            deeds, hit = go_wrong(life, arguments, point, insist)
        finish_phase(life, phase, measured.wanted[phase], life.given() if phase != 3 else {}, insist)
    except Exception as problem:  # a broken point must not hide the others
        insist(False, "the point runs to its end", repr(problem))
    if point is None:
        if wrong:
            report.fail(f"{PHASES[phase]}, undisturbed", wrong)
        return not wrong, False
    if hit is not None or wrong:
        report.add(phase, point, hit, wrong)
        return not wrong, False
    again = point.miss(deeds)
    if not again:
        report.miss(phase, point)
    return True, again


def live(traefik, folder, queues, measured, report):
    """One life after the other until no point is left. A life in which something was wrong ends there."""
    while not ENDING.is_set() and any(not points.empty() for points in queues):
        place = os.path.join(folder, str(next(PLACES)))
        life = Life(place, traefik)
        try:
            live_once(life, queues, measured, report)
        finally:
            life.stop()
            shutil.rmtree(place, ignore_errors=True)


def live_once(life, queues, measured, report):
    for phase in range(4):
        if all(points.empty() for points in queues[phase:]):
            return
        point = take(queues[phase])
        fine, again = try_point(life, phase, point, measured, report)
        if again:
            queues[phase].put(point)
        if not fine:
            return


def run_points(tap, folder, traefiks, measured):
    queues = [queue.Queue() for _ in PHASES]
    chosen = choose(measured)
    for points, waiting in zip(chosen, queues):
        for point in points:
            waiting.put(point)
    report = Report()
    work_side_by_side(traefiks, ENDING, live, folder, queues, measured, report)
    for name, detail in report.wrong:
        tap.point(False, name, detail)
    for phase, name in enumerate(PHASES):
        tried = {way: report.tried[(phase, way)] for way in WAYS if report.tried[(phase, way)]}
        tap.point(tried, f"{name}: {sum(tried.values())} points of {len(measured.deeds[phase])} deeds, after each the next run converges ({told(tried)})")
    total, wanted = sum(report.tried.values()), sum(map(len, chosen))
    tap.point(report.missed <= wanted * MOST_MISSED, f"{total} of {wanted} points were tried; for {report.missed}, {TRIES} runs were over before they came")
    for label, ways in sorted(report.kinds.items()):
        print(f"# {label}: {told(ways)}")


def told(counts):
    return ", ".join(f"{count} {name}" for name, count in counts.items())


# ---- the files alone ----

TABLES = ("meta", "resources", "journal", "secrets", "runs", "run_events", "lock_holder")


def contents(folder, name):
    """What the state of an image says; None when there is none, a text when it cannot be read."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    database = sqlite3.connect(path)
    try:
        check = database.execute("PRAGMA integrity_check").fetchall()
        if check != [("ok",)]:
            return f"damaged: {check}"
        return [database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]
    except sqlite3.Error as problem:
        return f"cannot be read: {problem}"
    finally:
        database.close()


def unpack(image, roots, place):
    """The state's files of an image in a folder of their own."""
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, mode=0o700)
    for path, content in image.items():
        if os.path.dirname(path) == os.path.join(roots[0], ".hlrec") and not path.endswith("-shm"):
            with open(os.open(os.path.join(place, os.path.basename(path)), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(content)


def passes_its_check(place):
    path = os.path.join(place, "bifrost.db")
    if not os.path.exists(path):
        return True, ""
    done = subprocess.run([HLREC, "state", "check", "--state", path], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def check_images(folder, measured, phase):
    """After each deed: the file says what it said at its last sync, or all that was written since. Gives how many images were looked at, and what is wrong."""
    disk, place, wrong, looked, committed = measured.starts[phase], os.path.join(folder, f"image{phase}"), [], 0, None
    step = PARTS if SLOW else 40
    for number, deed in enumerate([None, *measured.deeds[phase]]):
        if deed is not None:
            disk.do(deed)
        if deed is not None and deed.word in ("write", "truncate") and number % step != PART - 1:
            continue
        unpack({path: file.content(lambda each: True if each.word == "truncate" else [(0, each.length)]) for path, file in disk.names.items()}, measured.roots, place)
        killed = contents(place, "bifrost.db")
        if deed is None or (deed.word == "sync" and os.path.basename(deed.path) in ("bifrost.db", "bifrost.db-wal")):
            committed = killed  # another file's sync, by another thread, commits nothing of the state
        for seed in (None, number, -number):
            unpack(disk.after_power_loss(None if seed is None else random.Random(seed)), measured.roots, place)
            sound, text = passes_its_check(place) if looked % 9 == 0 else (True, "")
            found = contents(place, "bifrost.db")
            looked += 1
            if found not in (committed, killed) or isinstance(found, str) or not sound:
                wrong.append(f"{PHASES[phase]}, after {number} ({deed and deed.label()}), seed {seed}: {str(found)[:300]} {text}")
            copy = contents(place, "bifrost.db.bak")
            if isinstance(copy, str):
                wrong.append(f"{PHASES[phase]}, after {number}, seed {seed}: the last good copy is {copy}")
    shutil.rmtree(place, ignore_errors=True)
    return looked, wrong


def images(tap, folder, measured):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda phase: check_images(folder, measured, phase), range(4)))
    for phase, (looked, wrong) in enumerate(found):
        tap.point(looked > 0 and not wrong, f"{PHASES[phase]}: in {looked} images of a lost power the state has the last commit, or the one that was being written",
                  "\n".join(wrong[:20]))


def main():
    tap = Tap()
    if not os.path.exists(PRELOAD):
        tap.skip_all(f"{PRELOAD} is not built")
    with place_of_lives(tap, WORKERS) as (folder, traefiks):
        measured = measure(folder, traefiks[0])
        tap.point(all(len(deeds) > 300 for deeds in measured.deeds), f"{sum(map(len, measured.deeds))} deeds: {told(dict(zip(PHASES, map(len, measured.deeds))))}")
        run_points(tap, folder, traefiks, measured)
        images(tap, folder, measured)
    tap.end()


if __name__ == "__main__":
    main()
