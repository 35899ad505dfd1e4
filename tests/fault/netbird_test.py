#!/usr/bin/env python3
"""Broken off at every call that changes something in NetBird: the next apply converges, nothing is there twice, no secret is lost.

A stack with a resource of every kind is made, changed, replaced and destroyed. What calls one run of these makes is measured; then, for each POST, PUT and
DELETE, the run is done again on a copy of the same server and the same state, and just that call goes wrong: hlrec is killed when it has sent it, before or
after the server did it; the answer is lost, cut short, an error, or does not come in time. A key with two users is rotated in the same ways, and is deleted
only when both have the new one."""
import base64
import concurrent.futures
import fnmatch
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
from lib import BUILD, HLREC, Stack, Tap, private_folder, stop_on_signals  # noqa: E402

TOKEN = "nbp_0123456789abcdefghijABCDEFGHIJ012345"
WORKERS = 6
WRITES = ("POST", "PUT", "DELETE", "PATCH")

SPEC = """\
hlrec: 1
stack: fault
variables: {text: one, members: machines, days: 90d, type: reusable, product: authentik, network: here}
providers:
  netbird: {url: "${env.HLREC_LAB_NETBIRD}", token: "${env.NB_TOKEN}", timeout: "${env.ANSWER_TIMEOUT}"}
groups:
  people: {name: "People ${var.text}"}
  machines: {}
  nobody: {}
  spare: {}
setup_keys:
  key: {type: "${var.type}", expires_in: 365d, auto_groups: ["${var.members}"]}
routes:
  lan: {network: 10.1.0.0/16, peer_groups: [machines], groups: [people], description: "${var.text}"}
policies:
  web: {description: "${var.text}", rules: {sources: people, destinations: machines}}
nameservers:
  dns: {nameservers: 1.1.1.1, groups: people, description: "${var.text}"}
mesh_networks:
  here: {name: Here, description: "${var.text}"}
  there: {name: There}
mesh_resources:
  nas: {network: "${var.network}", address: 10.9.9.9, groups: [machines], description: "${var.text}"}
mesh_routers:
  gate: {network: "${var.network}", peer_groups: ["${var.members}"], enabled: false}
users:
  robot: {name: "Robot ${var.product}", role: auditor, auto_groups: ["${var.members}"], blocked: true}
tokens:
  mine: {provider: netbird, expires_in: "${var.days}"}
  its: {provider: netbird, user: robot, expires_in: "${var.days}"}
identity_providers:
  sso: {type: "${var.product}", issuer: "https://auth.test/", client_id: "${var.text}", client_secret: "${env.CLIENT_SECRET}"}
proxy_tokens:
  edge: {expires_in: "${var.days}"}
secrets:
  KEY: {value: "${setup_key.key.key}", write: [{dotenv: secrets.env}]}
  MINE: {value: "${token.mine.value}", write: [{dotenv: secrets.env}]}
  ITS: {value: "${token.its.value}", write: [{dotenv: secrets.env}]}
  EDGE: {value: "${proxy_token.edge}", write: [{dotenv: secrets.env}]}
"""

# What is told once: the table with its hash
TOLD_ONCE = {"KEY": "setup_keys", "MINE": "tokens", "ITS": "tokens", "EDGE": "proxy_tokens"}

ROTATION = """\
hlrec: 1
stack: rotation
variables: {days: 90d}
providers:
  netbird: {url: "${env.HLREC_LAB_NETBIRD}", token: "${env.NB_TOKEN}", timeout: "${env.ANSWER_TIMEOUT}"}
  infisical: {url: "${env.HLREC_LAB_INFISICAL}", project: homelab-prod, environment: prod, client_id: lab-client, client_secret: lab-client-secret,
              timeout: "${env.ANSWER_TIMEOUT}"}
setup_keys:
  key: {type: reusable, expires_in: "${var.days}"}
secrets:
  FILE_NAME: {value: "${setup_key.key.key}", write: [{dotenv: secrets.env}]}
  STORE_NAME: {value: "${setup_key.key.key}", write: [{infisical: {path: /netbird}}]}
"""

APPLY, DESTROY = ["apply", "--yes", "--allow-destroy"], ["destroy", "--yes", "--allow-destroy"]
CHANGED = ["--var", "text=two", "--var", "members=nobody"]
OTHERS = ["--var", "days=60d", "--var", "type=one-off", "--var", "product=okta", "--var", "network=there"]
ANEW = [word for address in ("group.spare", "route.lan", "policy.web", "nameserver.dns", "mesh_network.there") for word in ("--replace", address)]

# How a call goes wrong: the lab's fault, whether hlrec is killed then
WAYS = {"killed before": ("hang", True), "killed after": ("after-hang", True), "answer lost": ("after-reset", False), "answer cut": ("truncate", False),
        "too late": ("hang", False), "500": ("500", False), "503": ("503", False)}


class Server:
    """The simulated APIs on the data of a folder; NetBird alone unless `options` say otherwise."""

    def __init__(self, folder, *options):
        self.data, self.log = os.path.join(folder, "data"), os.path.join(folder, "log")
        os.makedirs(self.data, exist_ok=True)
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "lab", "hlrec-lab"), "--dir", folder, "--data", self.data, "--log", self.log, *options],
                                        stdout=subprocess.PIPE, text=True, env=dict(os.environ, HLREC_LAB_NETBIRD_TOKEN=TOKEN))
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the lab did not start")
        with open(os.path.join(folder, "lab.env")) as file:
            self.environment = dict(line.strip().split("=", 1) for line in file if "=" in line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def tables(self, api="netbird"):
        with open(os.path.join(self.data, api + ".json")) as file:
            return json.load(file)

    def writes(self, after=0):
        """What changes something, from the line `after` of the log on."""
        with open(self.log) as file:
            calls = [json.loads(line) for line in file.readlines()[after:] if line.endswith("\n")]
        return [(call["method"], call["path"]) for call in calls if call["method"] in WRITES and not call["path"].endswith("/login")]

    def count_lines(self):
        with open(self.log) as file:
            return len(file.readlines())

    def was_hit(self):
        with open(self.log) as file:
            return '"fault"' in file.read()


def environment(server, timeout="20s"):
    return {**server.environment, "NB_TOKEN": TOKEN, "CLIENT_SECRET": "the-secret-of-the-client", "ANSWER_TIMEOUT": timeout}


# ---- what there is ----

PASSING = {"id", "hash", "mask", "key", "created_at", "created_by", "updated_at", "expires", "last_used", "last_login", "last_seen", "password"}
TABLES = ("groups", "setup_keys", "routes", "users", "tokens", "networks", "resources", "routers", "policies", "servers", "identity_providers", "proxy_tokens")


def world(tables):
    """All objects, with names in the place of ids and days in the place of times. Revoked proxy tokens stay in NetBird's list for ever: they do not count."""
    names = {item["id"]: item.get("name") or item.get("network_id") for table in TABLES for item in tables[table]}

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in sorted(value.items()) if key not in PASSING}
        if isinstance(value, list):
            return sorted((plain(item) for item in value), key=str)
        return names.get(value, value) if isinstance(value, str) else value

    def days(item):
        return round((item["expires"] - item.get("created_at", item.get("updated_at"))) / 86400e9) if item.get("expires") else None

    return {table: sorted(str((days(item), plain(item))) for item in tables[table] if table != "proxy_tokens" or not item["revoked"]) for table in TABLES}


def values(stack):
    """What the dotenv file says."""
    if not os.path.isfile(stack.path("secrets.env")):
        return {}
    return dict(line.split("=", 1) for line in stack.read("secrets.env").splitlines() if "=" in line and not line.startswith("#"))


def hash_of(value):
    return base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()


def is_alive(tables, table, value):
    return any(item["hash"] == hash_of(value) and not item.get("revoked") for item in tables[table])


# ---- one point ----


class Scenario:
    """`arguments` on a copy of `base`, and what there is then."""

    def __init__(self, name, base, arguments, then=None):
        self.name, self.base, self.arguments, self.then = name, base, arguments, then or arguments
        self.wanted, self.points = None, []


PLACES = itertools.count(1)


def copy(folder, base):
    """A place of its own, with a short name: the lab's sockets are in it."""
    place = os.path.join(folder, str(next(PLACES)))
    if base is None:
        os.makedirs(os.path.join(place, "lab"))
        os.makedirs(os.path.join(place, "stack"))
    else:
        shutil.copytree(base, place)
    return place


def spec_of(scenario):
    if scenario.base is None:
        return SPEC
    with open(os.path.join(scenario.base, "stack", "hlrec.yaml")) as file:
        return file.read()


ID = re.compile(r"[0-9a-v]{20}|[a-z]+-[0-9a-v]{20}|[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9+]{40,}")


def globs(calls, known):
    """A pattern for each call, in which the ids of objects that are yet to be made are stars; and which of the calls that it fits is meant."""
    points = set()
    for method, path in calls:
        glob = "/".join("*" if ID.fullmatch(part) and part not in known else part for part in path.split("/"))
        count = sum(other == method and fnmatch.fnmatchcase(where, glob) for other, where in calls)
        points |= {(method, glob, number) for number in range(1, count + 1)}
    return sorted(points)


def measure(folder, scenario, options, after=None):
    """The scenario when nothing goes wrong: what it leaves, and the calls on the way. `after`: a second run, on what it left, that is a base too."""
    place = copy(folder, scenario.base)
    with Server(os.path.join(place, "lab"), *options) as server:
        stack = Stack(place, "stack", after or SPEC, environment=environment(server))
        begin = server.count_lines()
        known = json.dumps(server.tables())
        done = stack.run(*scenario.arguments)
        if done.status != 0:
            raise RuntimeError(f"{scenario.name} fails without a fault: {done.text}")
        scenario.wanted = world(server.tables())
        scenario.points = globs(server.writes(begin), known)
    return place


def go_wrong(stack, server, arguments, way):
    """The run in which it goes wrong; whether it did."""
    fault, is_killed = WAYS[way]
    if not is_killed:
        stack.run(*arguments, environment={"ANSWER_TIMEOUT": "700ms"} if fault == "hang" else None)
        return server.was_hit()
    with open(stack.path("killed.log"), "w") as log:
        victim = subprocess.Popen([HLREC, *arguments], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while victim.poll() is None and not server.was_hit() and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    return server.was_hit()


def judge(scenario, stack, server, insist):
    """Another run, and everything is as if nothing had gone wrong."""
    again = stack.run(*scenario.then)
    tables = server.tables()
    insist(again.status == 0, "the next run converges", again.text)
    now = world(tables)
    differ = [f"{table}: {now[table]}\nwanted {scenario.wanted[table]}" for table in TABLES if now[table] != scenario.wanted[table]]
    insist(not differ, "nothing is missing, nothing is there twice", "\n".join([*differ, again.text]))
    if scenario.then[0] == "destroy":
        return
    plan = stack.run("plan", "--detailed-exitcode", *[word for word in scenario.then[1:] if word not in APPLY])
    insist(plan.status == 0, "the next plan is empty", plan.text)
    told = values(stack)
    for name, table in TOLD_ONCE.items():
        insist(name in told and is_alive(tables, table, told[name]), f"{name} is that of the one that is there", again.text)
    insist(not stack.leaks(list(told.values()), ("secrets.env",)), "no secret stands in the clear")


def run_point(folder, options, check, scenario, point):
    """What is wrong, as a list of lines; None when the call never came."""
    (method, glob, number), way = point
    wrong = []
    place = copy(folder, scenario.base)

    def insist(good, words, detail=""):
        if not good:
            wrong.append(f"not so: {words}\n{detail}")

    try:
        log = os.path.join(place, "lab", "log")
        if os.path.exists(log):
            os.remove(log)
        with Server(os.path.join(place, "lab"), *options, "--fault", f"{method} {glob} {number} {WAYS[way][0]}") as server:
            stack = Stack(place, "stack", spec_of(scenario), environment=environment(server))
            if not go_wrong(stack, server, scenario.arguments, way):
                return None
            check(scenario, stack, server, insist)
    except Exception as problem:  # a broken point must not hide the others
        insist(False, "the point runs to its end", repr(problem))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return wrong


def run_points(tap, folder, options, check, scenarios, ways):
    """Each call of each scenario in each way, several at once; gives how many were hit."""
    work = [(scenario, (point, way)) for scenario in scenarios for point in scenario.points for way in ways]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda item: run_point(folder, options, check, *item), work))
    hit = {}
    for (scenario, (point, way)), wrong in zip(work, found):
        if wrong is None:
            continue
        hit.setdefault((scenario.name, way), []).append(wrong)
        if wrong:
            tap.point(False, f"{scenario.name}: {' '.join(map(str, point))} {way}", "\n".join(wrong))
    for (name, way), points in hit.items():
        tap.point(not any(points), f"{name}, {way}: {len(points)} points, after each the next run converges")
    for scenario in scenarios:
        calls = len([1 for (name, _), points in hit.items() if name == scenario.name for _ in points])
        tap.point(calls >= len(scenario.points) * len(ways) * 0.9, f"{scenario.name}: {calls} points of {len(scenario.points)} calls were hit")
    return sum(len(points) for points in hit.values())


# ---- every kind ----


def kinds(tap, folder):
    only = ("--only", "netbird")
    create = Scenario("create", None, APPLY)
    made = measure(folder, create, only)
    update = Scenario("update", made, APPLY + CHANGED)
    changed = measure(folder, update, only)
    replace = Scenario("replace", changed, APPLY + CHANGED + OTHERS)
    replaced = measure(folder, replace, only)
    anew = Scenario("made anew", replaced, APPLY + CHANGED + OTHERS + ANEW, APPLY + CHANGED + OTHERS)
    measure(folder, anew, only)
    destroy = Scenario("destroy", replaced, DESTROY + CHANGED + OTHERS)
    measure(folder, destroy, only)
    scenarios = [create, update, replace, anew, destroy]
    called = {(method, re.sub(r"/\*|(?<=/)" + ID.pattern, "", glob)) for scenario in scenarios for method, glob, _ in scenario.points}
    tap.point(len(called) > 30, f"{len(called)} different calls are made")
    return run_points(tap, folder, only, judge, scenarios, WAYS) + namesakes(tap, folder, made)


# ---- beside those of others ----

NAMESAKES = (("setup-keys", "setup_keys", {"name": "key", "type": "reusable", "expires_in": 86400}),
             ("users/OWNER/tokens", "tokens", {"name": "mine", "expires_in": 30}), ("reverse-proxies/proxy-tokens", "proxy_tokens", {"name": "edge"}))


def namesakes(tap, folder, made):
    """What has the same name, and was made by somebody else an hour ago, is not what the run that was broken off has made: it stays."""
    only = ("--only", "netbird")
    base = copy(folder, made)
    with Server(os.path.join(base, "lab"), *only) as server:
        owner = next(item["id"] for item in server.tables()["users"] if item["role"] == "owner")
        send(server, "/lab/clock", {"add_seconds": -3600})
        for path, _, body in NAMESAKES:
            send(server, "/api/" + path.replace("OWNER", owner), body)
        send(server, "/lab/clock", {"add_seconds": 3600})
        before = {table: {item["id"] for item in server.tables()[table] if item["name"] == body["name"]} for _, table, body in NAMESAKES}
    with open(os.path.join(made, "lab", "data", "netbird.json")) as file:
        ours = json.load(file)
    theirs = {(table, item) for table, ids in before.items() for item in ids - {item["id"] for item in ours[table]}}
    tap.equal(len(theirs), 3, "a key and two tokens of somebody else have our names")

    def check(scenario, stack, server, insist):
        judge(scenario, stack, server, insist)
        tables = server.tables()
        left = {(table, item["id"]) for table in tables if table in before for item in tables[table] if not item.get("revoked")}
        insist(theirs <= left, "what is somebody else's is left alone", theirs - left)

    scenario = Scenario("beside others", base, APPLY + OTHERS)
    measure(folder, scenario, only)
    scenario.points = [point for point in scenario.points if point[0] == "POST" and point[1].endswith(("/setup-keys", "/proxy-tokens", owner + "/tokens"))]
    tap.equal(len(scenario.points), 3, "three calls make new ones")
    return run_points(tap, folder, only, check, [scenario], ("killed before", "killed after", "answer lost", "too late"))


def send(server, path, body):
    request = urllib.request.Request(server.environment["HLREC_LAB_NETBIRD"] + path, method="POST", data=json.dumps(body).encode(),
                                     headers={"Authorization": "Token " + TOKEN})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


# ---- a key with two users ----


def in_store(server):
    """The value in Infisical, or None."""
    for project in server.tables("infisical")["projects"].values():
        for secret in project["folders"]["prod"].get("/netbird", {"secrets": {}})["secrets"].values():
            return secret["value"]
    return None


def users_of_key(stack, server):
    return [*values(stack).values(), in_store(server)]


def judge_rotation(scenario, stack, server, insist):
    """At no time has a user a key that is gone; at the end both have the new one, and the old one is gone."""
    held = users_of_key(stack, server)
    insist(len(held) == 2 and all(is_alive(server.tables(), "setup_keys", key) for key in held), "both have a key that is there")
    again = stack.run(*scenario.then)
    held = users_of_key(stack, server)
    keys = server.tables()["setup_keys"]
    insist(again.status == 0, "the next run converges", again.text)
    insist(held[0] == held[1] and is_alive(server.tables(), "setup_keys", held[0]), "both have one and the same")
    insist(world(server.tables()) == scenario.wanted and len(keys) == 1, "which is the only one", [item["name"] for item in keys])
    plan = stack.run("plan", "--detailed-exitcode", *scenario.then[3:])
    insist(plan.status == 0, "the next plan is empty", plan.text)
    insist(not stack.leaks(held, ("secrets.env",)), "no key stands in the clear")


def rotation(tap, folder):
    count = 0
    for first, spec in (("the file first", ROTATION.replace("FILE_NAME", "A").replace("STORE_NAME", "B")),
                        ("the store first", ROTATION.replace("FILE_NAME", "B").replace("STORE_NAME", "A"))):
        tap.section = "rotation, " + first
        made = measure(folder, Scenario("made", None, APPLY), (), spec)
        rotate = Scenario("rotate", made, APPLY + ["--parallel", "1", "--var", "days=60d"])
        measure(folder, rotate, (), spec)
        tap.equal([method for method, _, _ in sorted(rotate.points)], ["DELETE", "PATCH", "POST"], "three calls")
        count += run_points(tap, folder, (), judge_rotation, [rotate], WAYS)
        unwritable(tap, folder, rotate)
    tap.section = ""
    return count


def unwritable(tap, folder, scenario):
    """The file cannot be written: the old key stays until it can."""
    place = copy(folder, scenario.base)
    with Server(os.path.join(place, "lab")) as server:
        stack = Stack(place, "stack", spec_of(scenario), environment=environment(server))
        old, kept = in_store(server), stack.path("kept.env")
        os.rename(stack.path("secrets.env"), kept)
        os.mkdir(stack.path("secrets.env"))
        done = stack.run(*scenario.arguments)
        tap.equal((done.status, is_alive(server.tables(), "setup_keys", old)), (7, True), "the file cannot be written: the old key stays", done.text)
        os.rmdir(stack.path("secrets.env"))
        os.rename(kept, stack.path("secrets.env"))
        wrong = []
        judge_rotation(scenario, stack, server, lambda good, words, detail="": good or wrong.append(f"{words}\n{detail}"))
        tap.point(not wrong and not is_alive(server.tables(), "setup_keys", old), "until it can", "\n".join(wrong))


def main():
    tap = Tap()
    stop_on_signals()
    if os.access("/dev/shm", os.W_OK):  # hlrec is killed, the machine is not: nothing has to reach a disk
        os.environ.setdefault("TMPDIR", "/dev/shm")
    folder = private_folder()
    started = time.monotonic()
    try:
        count = kinds(tap, folder) + rotation(tap, folder)
        tap.point(count > 400, f"{count} points were hit")
        print(f"# {count} points in {time.monotonic() - started:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
