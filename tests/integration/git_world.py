"""What the tests of the git source share: the program that drives it, the servers that it talks to, and runs of it."""
import getpass
import json
import os
import random
import shutil
import subprocess
import sys
import time

import git_server as gs
from lib import BUILD, Tap, private_folder, stop_on_signals

TOOL = os.path.join(BUILD, "tests", "integration", "git_tool")
SPEC = "hlrec: 1\nstack: demo\n"


class Run:
    """What the tool printed: an object for each of its commands."""

    def __init__(self, status, out, err, seconds):
        self.status, self.err, self.seconds = status, err, seconds
        self.lines = [json.loads(line) for line in out.splitlines()]
        self.text = out + err
        self.last = self.lines[-1] if self.lines else {}

    def ids(self):
        return [line.get("id") for line in self.lines if line["command"] == "fetch"]

    def told(self):
        return (self.last.get("code"), self.last.get("error", ""), self.last.get("hint", ""))


class World:
    """A folder with the servers; each run of the tool in a session of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.path.join(folder, "home"), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self.authority = gs.Authority(folder)
        self.certificate = self.authority.certificate("good")
        self.caches = 0
        self.user = getpass.getuser()
        os.makedirs(os.path.join(folder, "home", ".ssh"))
        self.https = gs.Server(folder, self.certificate)
        self.sshd = gs.Sshd(os.path.join(folder, "sshd"))
        self.key = self.sshd.keygen("user")
        self.sshd.allow(self.key)
        self.plain = plain(self, "plain.git")

    def repository(self, name):
        return gs.Repository(os.path.join(self.folder, name))

    def cache(self):
        self.caches += 1
        return os.path.join(self.folder, f"cache{self.caches}")

    def variables(self, extra):
        """Of a run that may read everything; None in `extra` takes one out."""
        own = {"HLREC_GIT_CA_FILE": self.authority.file, "HLREC_GIT_SSH_KEY": self.key, "HLREC_GIT_HOST_KEY": self.sshd.fingerprint("ed25519")}
        merged = {**self.environment, **own, **(extra or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def start(self, url, cache, *commands, env=None, timeout=20000, connect=10000, **more):
        words = []
        for command in commands:
            words += ["--", *command] if words else list(command)
        return subprocess.Popen([TOOL, "--timeout", str(timeout), "--connect-timeout", str(connect), url, cache, *words], env=self.variables(env),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **more)

    def run(self, url, cache, *commands, **more):
        started = time.monotonic()
        process = self.start(url, cache, *commands, **more)
        out, err = process.communicate(timeout=120)
        return Run(process.returncode, out, err, time.monotonic() - started)

    def url(self, transport, name):
        if transport == "https":
            return self.https.url(name)
        if transport == "ssh":
            return self.sshd.url(os.path.join(self.folder, name), self.user)
        return "file://" + os.path.join(self.folder, name)


def refused(tap, done, code, words, name):
    """By its code and a part of its text or hint."""
    got, error, hint = done.told()
    return tap.point(got == code and words in error + " / " + hint, name, f"wanted {code} and {words!r}: {done.text}")


def silent(tap, world, stages):
    """Of each stage: its name, the URL, how the https server behaves, further variables, the codes that will do, whether there is no connection yet.
    Each must be ended within two seconds of the deadline, or of the time for a connection, and leave no process."""
    for name, url, behave, env, codes, unconnected in stages:
        tap.section = "silence " + name
        for timeout, connect in ((1500, 10000), (20000, 1000))[:2 if unconnected else 1]:
            world.https.behave = behave
            started = time.monotonic()
            process = world.start(url, world.cache(), ["fetch", "main"], env=env, timeout=timeout, connect=connect)
            out, err = process.communicate(timeout=60)
            world.https.behave = None
            seconds = time.monotonic() - started
            done = Run(process.returncode, out, err, seconds)
            which = "the deadline" if timeout < connect else "the time for a connection"
            tap.point(done.told()[0] in codes and seconds < min(timeout, connect) / 1000 + 2, f"is ended by {which}", f"{seconds:.1f} s: {done.text}")
            tap.equal(session_members(process.pid), [], "and no process is left")


def listing(folder):
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            found[os.path.relpath(path, folder)] = os.stat(path).st_mtime_ns
    return found


def git_folder(cache):
    return os.path.join(cache, os.listdir(cache)[0], "git")


def session_members(session):
    """Processes of the tool's session: its children."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            if entry.isdigit() and int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry))
        except (OSError, ValueError):
            pass
    return found


def noisy(world, name, size=3000000):
    """A repository whose pack takes a while."""
    repository = world.repository(name)
    return repository.set("refs/heads/main", repository.commit({"hlrec.yaml": SPEC, "noise": random.Random(size).randbytes(size)}))


def plain(world, name):
    repository = world.repository(name)
    return repository.set("refs/heads/main", repository.commit({"hlrec.yaml": SPEC}))


def wait_for_client(handler, _):
    """As an answer: none, until the client goes."""
    handler.connection.settimeout(60)
    try:
        handler.connection.recv(1)
    except OSError:
        pass
    handler.close_connection = True
    return True


def run_scenes(*scenes):
    """Each is given the tap and the world; names on the command line choose some."""
    tap = Tap()
    stop_on_signals()
    reason = gs.missing()
    if reason is not None:
        tap.skip_all(reason)
    folder = private_folder()
    world = None
    try:
        world = World(folder)
        world.sshd.start()
        for scene in scenes:
            if len(sys.argv) == 1 or scene.__name__ in sys.argv[1:]:
                started = time.monotonic()
                scene(tap, world)
                print(f"# {scene.__name__}: {time.monotonic() - started:.1f} s", flush=True)
    finally:
        if world is not None:
            world.sshd.stop()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()
