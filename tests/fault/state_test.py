#!/usr/bin/env python3
"""The state when its file, its disk, its clock or its company is not as it should be: told as what it is, with the way back, and nothing is lost."""
import concurrent.futures
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
from lib import BUILD, Stack, Tap, private_folder, stop_on_signals  # noqa: E402

PRELOAD = os.path.join(BUILD, "tests", "fault", "preload.so")
SPEC = """\
hlrec: 1
stack: home
variables: {path: one}
providers: {traefik: {directory: dynamic}}
secrets:
  PASSWORD: {generate: {length: 32}, rotate: never, write: [{dotenv: out/app.env}, {file: out/password, mode: "0600"}]}
routers:
  web: {rule: "Host(`web.test`) && PathPrefix(`/${var.path}`)", service: {url: "http://web:80"}}
"""
STATE = os.path.join(".hlrec", "home.db")


def make(folder, name):
    """A stack that was applied twice, so that it has a last good copy."""
    stack = Stack(folder, name, SPEC)
    os.makedirs(stack.path("dynamic"))
    for path in ("zero", "one"):
        done = stack.apply("--var", "path=" + path)
        if done.status != 0:
            raise RuntimeError("the stack cannot be made: " + done.text)
    return stack


def password(stack):
    with open(stack.path("out", "app.env")) as file:
        return file.read().strip().splitlines()[-1].partition("=")[2]


def is_whole(stack, secret):
    """Whether the next apply and plan are fine, and the secret is what it was."""
    done, plan = stack.apply(), stack.plan_status()
    return (done.status, plan.status, password(stack)) == (0, 0, secret), done.text + plan.text


# ---- damage ----


def go_back(stack, text):
    """Does what the hint says, to the letter."""
    commands = re.search(r"to go back to it: (.*)", text)
    if commands is None:
        return False
    return subprocess.run(["sh", "-ec", commands.group(1)], cwd=stack.folder, capture_output=True).returncode == 0


def told_of(done):
    return [line for line in done.err.splitlines() if line.startswith(("error: ", "hint: "))]


def damage(tap, folder):
    """A page of rubbish in the place of each page; and the file cut off at each page, and in the middle of one."""
    tap.section = "damage"
    stack = make(folder, "damage")
    secret = password(stack)
    with open(stack.path(STATE), "rb") as file:
        sound = file.read()
    rubbish = random.Random(1).randbytes(4096)
    forms = [(f"page {at // 4096 + 1} is rubbish", sound[:at] + rubbish + sound[at + 4096:]) for at in range(0, len(sound), 4096)]
    forms += [(f"cut off at {at}", sound[:at]) for at in [*range(0, len(sound), 8192), 10000]]
    forms.append(("a bit is turned in each page", b"".join(sound[at:at + 2000] + bytes([sound[at + 2000] ^ 4]) + sound[at + 2001:at + 4096] for at in range(0, len(sound), 4096))))
    told = unharmed = 0
    wrong = []
    for name, data in forms:
        with open(stack.path(STATE), "wb") as file:
            file.write(data)
        shown, checked, done = stack.run("state", "list"), stack.run("state", "check"), stack.apply()
        if (checked.status, told_of(checked)) != (done.status, told_of(done)):
            wrong.append(f"{name}: the check says otherwise than opening it: {checked.status} {checked.text} {done.status} {done.text}")
        if done.status == 0:  # a page that nothing is in, or a history that nothing needs
            unharmed += 1
        elif done.status == 1 and "last good copy" in done.text and shown.status in (0, 1):
            told += 1
            if not go_back(stack, done.text):
                wrong.append(f"{name}: the way back does not go: {done.text}")
        else:
            wrong.append(f"{name}: {shown.status} {shown.text} {done.status} {done.text}")
        fine, text = is_whole(stack, secret)
        if not fine:
            wrong.append(f"{name}: not whole afterwards: {text}")
            shutil.copy(stack.path(STATE) + ".bak", stack.path(STATE))
    tap.point(not wrong and told > unharmed, f"{len(forms)} damaged files: {told} told, by `state check` as by apply, with the way back, which goes; {unharmed} did no harm", "\n".join(wrong))


# ---- no room, nothing may be written ----


class Mount:
    """A small disk."""

    def __init__(self, path, size):
        self.path = path
        os.makedirs(path)
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], capture_output=True).returncode == 0

    def remount(self, how):
        subprocess.run(["mount", "-o", "remount," + how, self.path], check=True)

    def leave(self, room):
        """Fills it but for so many bytes."""
        about = os.statvfs(self.path)
        size = about.f_bavail * about.f_frsize - room
        with open(os.path.join(self.path, "filler"), "wb") as file:
            file.write(b"\0" * max(size, 0))

    def make_room(self):
        os.unlink(os.path.join(self.path, "filler"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", self.path], check=True)


def says_full(text):
    return "No space left" in text or "is full" in text


def full_once(disk, name, room, wrong):
    """A first apply and a change with so much room; whether either failed."""
    stack = Stack(disk.path, name, SPEC)
    os.makedirs(stack.path("dynamic"))
    failed = False
    for arguments in (["apply", "--yes"], ["apply", "--yes", "--var", "path=two"]):
        before = password(stack) if os.path.exists(stack.path("out", "app.env")) else None
        disk.leave(room)
        done = stack.run(*arguments)
        disk.make_room()
        failed = failed or done.status != 0
        if done.status != 0 and not says_full(done.text):
            wrong.append(f"{room} bytes left: {done.status} {done.text}")
        fine, text = is_whole(stack, before or (password(stack) if os.path.exists(stack.path("out", "app.env")) else None))
        if not fine and before is not None:
            wrong.append(f"{room} bytes left: not whole afterwards: {text}")
        left = sorted(name for folder in (".hlrec", "out", "dynamic") if os.path.isdir(stack.path(folder)) for name in os.listdir(stack.path(folder)) if "tmp" in name)
        if left:
            wrong.append(f"{room} bytes left: {left} lie about")
    shutil.rmtree(stack.folder)
    return failed


def full(tap, folder):
    tap.section = "full disk"
    with Mount(os.path.join(folder, "small"), "2m") as disk:
        if not disk.mounted:
            tap.point(True, "a small disk # SKIP a tmpfs cannot be mounted here")
            return
        wrong, rooms = [], range(0, 400 * 1024, 12 * 1024)
        failed = sum(full_once(disk, f"s{room}", room, wrong) for room in rooms)
        tap.point(not wrong and 0 < failed < len(rooms), f"with {len(rooms)} different amounts of room, {failed} too small: each is told, and the next apply puts it right",
                  "\n".join(wrong[:10]))
        stack = make(disk.path, "files")
        secret = password(stack)
        for name, arguments in (("a plan file", ["plan", "--out", "saved.plan", "--var", "path=two"]), ("a backup", ["state", "backup", "copy.db"])):
            disk.leave(0)
            done = stack.run(*arguments)
            disk.make_room()
            tap.point(done.status == 1 and says_full(done.text), f"{name} that finds no room says so", done.text)
            tap.point(not [entry for entry in os.listdir(stack.folder) if entry.startswith(("saved", "copy"))], "and leaves nothing behind", os.listdir(stack.folder))
            tap.equal(stack.run(*arguments).status, 0, "and succeeds when there is room")
            os.unlink(stack.path(arguments[2]))
        tap.point(is_whole(stack, secret)[0], "nothing is lost")


def read_only(tap, folder):
    tap.section = "read-only disk"
    with Mount(os.path.join(folder, "fixed"), "4m") as disk:
        if not disk.mounted:
            tap.point(True, "a read-only disk # SKIP a tmpfs cannot be mounted here")
            return
        stack = make(disk.path, "home")
        secret = password(stack)
        disk.remount("ro")
        for arguments in (["plan", "--detailed-exitcode"], ["state", "list"], ["state", "check"], ["drift"], ["history"], ["status"]):
            done = stack.run(*arguments)
            tap.equal(done.status, 0, f"`{' '.join(arguments)}` needs nothing to be written", done.text)
        done = stack.apply("--var", "path=two")
        tap.point(done.status == 1 and re.search("(?i)read-only", done.text), "apply says that the disk is read-only", done.text)
        disk.remount("rw")
        fine, text = is_whole(stack, secret)
        tap.point(fine, "once it can be written all goes on", text)


# ---- the clock ----


def clock(tap, folder):
    """Ten years back, and forth again."""
    tap.section = "clock"
    stack = make(folder, "clock")
    secret = password(stack)
    for name, seconds in (("set back", -10 * 365 * 86400), ("a day back", -86400), ("put right", 0), ("ten years ahead", 10 * 365 * 86400), ("right again", 0)):
        environment = {"LD_PRELOAD": PRELOAD, "HLREC_FAULT_CLOCK": str(seconds)}
        done = stack.run("apply", "--yes", "--var", f"path=p{abs(seconds)}", environment=environment)
        plan = stack.run("plan", "--detailed-exitcode", "--var", f"path=p{abs(seconds)}", environment=environment)
        told = [stack.run(*words, environment=environment) for words in (["status"], ["history"], ["state", "history", "1"])]
        tap.equal((done.status, plan.status, [each.status for each in told], password(stack) == secret), (0, 0, [0, 0, 0], True), f"{name}: applied, and nothing differs",
                  done.text + plan.text + "".join(each.text for each in told))
    runs = json.loads(stack.run("history", "--format", "json").out)["runs"]
    tap.equal([row["run"] for row in runs], sorted((row["run"] for row in runs), reverse=True), "the history is in the order in which the runs began")


# ---- company ----


def together(tap, folder):
    """Several runs at once, one after the other; readers and backups beside them."""
    tap.section = "company"
    stack = make(folder, "company")
    secret = password(stack)
    ended = threading.Event()
    wrong, looked = [], [0]

    def look(number):
        while not ended.is_set():
            backup = f"copy-{number}-{looked[0]}.db"
            for arguments in (["plan"], ["state", "list", "--format", "json"], ["history", "--format", "json"], ["state", "show", "secret.PASSWORD"], ["state", "check"], ["state", "backup", backup]):
                done = stack.run(*arguments)
                looked[0] += 1
                if done.status != 0:
                    wrong.append(f"{arguments}: {done.status} {done.text}")
            with sqlite3.connect(stack.path(backup)) as copy:
                if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    wrong.append(f"{backup} is damaged")
            os.unlink(stack.path(backup))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(look, number) for number in range(2)]
        runs = list(pool.map(lambda number: stack.run("apply", "--yes", "--lock-timeout", "60s", "--var", f"path=p{number}"), range(16)))
        ended.set()
        for reader in readers:
            reader.result()
    tap.equal([done.status for done in runs], [0] * 16, "16 runs at once all come to their turn", "".join(done.text for done in runs if done.status != 0))
    tap.point(not wrong and looked[0] > 10, f"{looked[0]} looks and backups meanwhile see whole commits", "\n".join(wrong[:5]))
    fine, text = is_whole(stack, secret)
    tap.point(fine, "nothing is lost", text)


def main():
    tap = Tap()
    stop_on_signals()
    if not os.path.exists(PRELOAD):
        tap.skip_all(f"{PRELOAD} is not built")
    folder = private_folder()
    try:
        for scene in (damage, full, read_only, clock, together):
            scene(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
