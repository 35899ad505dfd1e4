#!/usr/bin/env python3
"""NetBird as hlrec meets it, on the simulated server: tokens and how they are refused, service users, personal access tokens, and the first set-up of an empty
server with every way that it can be broken off."""
import base64
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import BUILD, HLREC, Stack, Tap, private_folder, stop_on_signals, wait_for  # noqa: E402

TOKEN = "nbp_0123456789abcdefghijABCDEFGHIJ012345"
EMAIL, PASSWORD = "root@netbird.test", "the-owners-password"
DAY = 86400

GIVEN = 'hlrec: 1\nstack: mesh\nproviders:\n  netbird: {url: "${env.HLREC_LAB_NETBIRD}", token: "${env.NB_TOKEN}"}\n'
SETUP = ('hlrec: 1\nstack: mesh\nproviders:\n  netbird:\n    url: "${env.HLREC_LAB_NETBIRD}"\n'
         '    setup: {email: "' + EMAIL + '", password: "${secret.OWNER}", name: Root, token_expires_in: 100d}\n')
OWNER = "secrets:\n  OWNER: {env: OWNER}\n"


class NetBird:
    """The simulated server with one stack. `tables` is what it holds; with `token` it is set up already."""

    def __init__(self, folder, name, spec, *options, token=TOKEN, variables=None):
        self.folder, self.token = os.path.join(folder, name + "-lab"), token
        self.data, self.log = os.path.join(self.folder, "data"), os.path.join(self.folder, "log")
        os.makedirs(self.data)
        self.variables = dict({"HLREC_LAB_NETBIRD_TOKEN": token} if token else {}, **(variables or {}))
        self.process = None
        self.start(*options)
        self.stack = Stack(folder, name, spec, environment=dict(self.environment, NB_TOKEN=token or "", OWNER=PASSWORD))

    def start(self, *options):
        """Again: the same address, the same objects, other faults."""
        listen = ["--listen", self.environment["HLREC_LAB_NETBIRD"].removeprefix("http://")] if self.process else []
        self.stop()
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "lab", "hlrec-lab"), "--dir", self.folder, "--log", self.log, "--only", "netbird",
                                         "--data", self.data, *listen, *options], stdout=subprocess.PIPE, text=True, env=dict(os.environ, **self.variables))
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the lab did not start")
        with open(os.path.join(self.folder, "lab.env")) as file:
            self.environment = dict(line.strip().split("=", 1) for line in file if "=" in line)

    def __enter__(self):
        return self, self.stack

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.stack.folder, ignore_errors=True)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def call(self, method, path, body=None, token=None):
        request = urllib.request.Request(self.environment["HLREC_LAB_NETBIRD"] + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": "Token " + (token or self.token or "")})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            return {"status": problem.code}

    def users(self):
        return {user["name"]: user for user in self.call("GET", "/api/users")}

    def tokens(self, user):
        return self.call("GET", f"/api/users/{self.users()[user]['id']}/tokens") or []

    def tables(self):
        with open(os.path.join(self.data, "netbird.json")) as file:
            return json.load(file)

    def token_names(self):
        return sorted(token["name"] for token in self.tables()["tokens"])

    def calls(self, *methods):
        with open(self.log) as file:
            found = [json.loads(line) for line in file if line.endswith("\n")]
        return [(call["method"], call["path"], call["status"]) for call in found if call["method"] in methods]


def clock_shim(folder):
    """A library that sets the clock of a program ahead by $CLOCK_AHEAD seconds; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    source, library = os.path.join(folder, "clock.c"), os.path.join(folder, "clock.so")
    with open(source, "w") as file:
        file.write('#define _GNU_SOURCE\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <time.h>\n#include <unistd.h>\n'
                   'static long ahead(void) { const char *text = getenv("CLOCK_AHEAD"); return text ? atol(text) : 0; }\n'
                   'int clock_gettime(clockid_t id, struct timespec *now) { int done = (int)syscall(SYS_clock_gettime, id, now);\n'
                   '  if (id == CLOCK_REALTIME) now->tv_sec += ahead(); return done; }\n'
                   'time_t time(time_t *out) { struct timespec now; clock_gettime(CLOCK_REALTIME, &now); if (out) *out = now.tv_sec; return now.tv_sec; }\n')
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def later(shim, days):
    """The environment of a run that many days from now."""
    return {"LD_PRELOAD": shim, "CLOCK_AHEAD": str(int(days * DAY)), "ASAN_OPTIONS": "verify_asan_link_order=0"}


# ---- the token that the spec gives ----


def settings(tap, folder):
    tap.section = "settings"
    wrong = {
        "{url: 'https://nb.test/api', token: t}": "without /api",
        "{url: 'nb.test', token: t}": "http:// or https://",
        "{token: t}": "url",
        "{url: 'http://nb.test', setup: {email: a@b.c, password: short}}": "8 to 72",
        "{url: 'http://nb.test', setup: {email: a.b.c, password: long-enough}}": "e-mail",
        "{url: 'http://nb.test', setup: {email: a@b.c, password: long-enough, token_expires_in: 400d}}": "1 to 365",
        "{url: 'http://nb.test', setup: {email: a@b.c, password: long-enough, token_expires_in: 12h}}": "1 to 365",
        "{url: 'http://nb.test', setup: {email: a@b.c}}": "password",
    }
    stack = Stack(folder, "settings", "")
    for body, words in wrong.items():
        stack.write(f"hlrec: 1\nstack: mesh\nproviders:\n  netbird: {body}\n")
        done = stack.run("validate")
        tap.equal((done.status, words in done.text), (3, True), f"{body} is refused", done.text)
    for body, words in (("{user: a, expires_in: 366d}", "1 to 365"), ("{expires_in: 30d, renew_before: 30d}", "shorter"), ("{expires_in: 36h}", "1 to 365"), ("{name: ''}", "empty")):
        stack.write(GIVEN + f"tokens:\n  t: {dict_with_provider(body)}\n")
        done = stack.run("validate", environment={"HLREC_LAB_NETBIRD": "http://nb.test", "NB_TOKEN": "t"})
        tap.equal((done.status, words in done.text), (3, True), f"token {body} is refused", done.text)
    stack.write(GIVEN + "users:\n  u: {role: owner}\n")
    done = stack.run("validate", environment={"HLREC_LAB_NETBIRD": "http://nb.test", "NB_TOKEN": "t"})
    tap.equal((done.status, "network_admin" in done.text), (3, True), "a service user cannot be the owner", done.text)
    stack.write("hlrec: 1\nstack: mesh\nproviders:\n  netbird: {url: 'http://127.0.0.1:1'}\ngroups: {g: {}}\n")
    done = stack.run("plan")
    tap.point(done.status != 0 and "'token'" in done.text and "'setup'" in done.text, "one of token and setup is needed", done.text)


def dict_with_provider(body):
    return "{provider: netbird, " + body.removeprefix("{")


def given(tap, folder):
    tap.section = "the token"
    spec = GIVEN.replace("${env.NB_TOKEN}", "${secret.NB}") + "secrets: {NB: {env: NB_TOKEN, optional: true}}\nusers: {robot: {}}\n"
    with NetBird(folder, "given", spec) as (lab, stack):
        done = stack.run("apply", "--yes", environment={"NB_TOKEN": ""})
        tap.equal(done.status, 5, "without a value what needs it is put off", done.text)
        tap.point("no token yet" in done.text, "and the reason is told", done.text)
        for value, what in (("nbp_" + "x" * 36, "one that the server does not know"), ("nonsense", "one of the wrong form")):
            done = stack.run("apply", "--yes", environment={"NB_TOKEN": value})
            tap.equal(done.status, 7, f"{what} is refused", done.text)
            tap.point("Create Access Token" in done.text and value not in done.text, "with what to do, and without the token", done.text)
        tap.equal(lab.calls("POST", "PUT", "DELETE"), [], "nothing was changed")
        done = stack.apply()
        tap.equal((done.status, "robot" in lab.users()), (0, True), "with it, it is done", done.text)
        report = stack.run("doctor")
        tap.equal(report.status, 0, "doctor", report.text)
        tap.point("role owner" in report.out and "the one used last" in report.out, "tells who hlrec is and when the token ends", report.out)
        tap.equal(stack.leaks([TOKEN]), [], "the token stands nowhere in the clear")
        lab.call("POST", "/lab/html", {"count": 50})
        done = stack.run("plan")
        tap.equal(done.status, 7, "a proxy's page instead of the API", done.text)
    with NetBird(folder, "blocked", GIVEN + "groups: {g: {}}\n") as (lab, stack):
        robot = lab.call("POST", "/api/users", {"is_service_user": True, "role": "admin", "name": "robot", "auto_groups": []})
        token = lab.call("POST", f"/api/users/{robot['id']}/tokens", {"name": "t", "expires_in": 30})["plain_token"]
        report = stack.run("doctor", environment={"NB_TOKEN": token})
        tap.equal((report.status, "service user 'robot'" in report.out), (0, True), "a service user may not ask who it is, and is told all the same", report.text)
        lab.call("PUT", f"/api/users/{robot['id']}", {"role": "admin", "auto_groups": [], "is_blocked": True})
        done = stack.run("plan", environment={"NB_TOKEN": token})
        tap.equal((done.status, "blocked" in done.text), (7, True), "a user that is blocked", done.text)


# ---- service users ----


def users(tap, folder):
    tap.section = "users"
    spec = GIVEN + "groups:\n  routers: {name: K8s routers}\nusers:\n  robot: {role: network_admin, auto_groups: [routers]}\n  idle: {name: Idle One, blocked: true}\n"
    with NetBird(folder, "users", spec) as (lab, stack):
        done = stack.apply()
        group = next(group["id"] for group in lab.call("GET", "/api/groups") if group["name"] == "K8s routers")
        tell = lambda name: {key: lab.users()[name][key] for key in ("role", "auto_groups", "is_blocked", "is_service_user")}  # noqa: E731
        tap.equal((done.status, tell("robot")), (0, {"role": "network_admin", "auto_groups": [group], "is_blocked": False, "is_service_user": True}), "made", done.text)
        tap.equal(tell("Idle One")["is_blocked"], True, "blocked, which takes a second call")
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")
        before = lab.users()["robot"]["id"]
        lab.call("PUT", f"/api/users/{before}", {"role": "admin", "auto_groups": [], "is_blocked": False})
        plan = stack.run("plan").out
        tap.point("live admin -> network_admin" in plan and "K8s routers" in plan, "drift is shown with names", plan)
        done = stack.apply()
        tap.equal((done.status, tell("robot")["role"], tell("robot")["auto_groups"]), (0, "network_admin", [group]), "and corrected", done.text)
        stack.write(GIVEN + "groups:\n  routers: {name: K8s routers}\nusers:\n  robot: {}\n  idle: {name: Idle One}\n")
        done = stack.apply()
        tap.equal((done.status, tell("robot"), tell("Idle One")["is_blocked"]), (0, {"role": "user", "auto_groups": [], "is_blocked": False, "is_service_user": True}, False),
                  "what the spec drops goes back to the default", done.text)
        lab.call("PUT", f"/api/users/{before}", {"role": "auditor", "auto_groups": [group], "is_blocked": False})
        tap.equal(stack.plan_status().status, 0, "what the spec never named is left alone")
        # A group that somebody links by hand cannot go before what it is linked to, which no dependency tells: that deletion may need another run.
        lab.call("PUT", f"/api/users/{before}", {"role": "auditor", "auto_groups": [], "is_blocked": False})
        stack.write(GIVEN + "users:\n  robot: {name: Robot}\n")
        done = stack.apply()
        names = sorted(name for name, user in lab.users().items() if user["is_service_user"])
        tap.equal((done.status, names, lab.users()["Robot"]["id"] != before), (0, ["Robot"], True), "another name is another user; what is not in the spec goes", done.text)
        user = lab.users()["Robot"]
        lab.call("DELETE", f"/api/users/{user['id']}")
        done = stack.apply()
        tap.equal((done.status, "Robot" in lab.users(), stack.plan_status().status), (0, True, 0), "deleted outside: made again", done.text)
    tap.section = "users of that name"
    with NetBird(folder, "named", GIVEN + "users:\n  robot: {role: admin}\n") as (lab, stack):
        make = lambda: lab.call("POST", "/api/users", {"is_service_user": True, "role": "user", "name": "robot", "auto_groups": []})["id"]  # noqa: E731
        first = make()
        done = stack.apply()
        tap.equal((done.status, first in done.text), (8, True), "one that hlrec did not make is a conflict", done.text)
        second = make()
        done = stack.apply()
        tap.point(done.status != 0 and first in done.text and second in done.text, "several are told with their ids", done.text)
        stack.write(GIVEN + f"users:\n  robot: {{role: admin, adopt: {second}}}\n")
        done = stack.apply()
        roles = {user["id"]: user["role"] for user in lab.call("GET", "/api/users")}
        tap.equal((done.status, roles[first], roles[second]), (0, "user", "admin"), "adopt takes one over", done.text)
        tap.equal(stack.run("unmanaged").out.count(first), 1, "the other is nobody's")
        stack.write(GIVEN + "users:\n  owner: {name: Owner}\n")
        done = stack.apply()
        kinds = sorted(user["is_service_user"] for user in lab.call("GET", "/api/users") if user["name"] == "Owner")
        tap.equal((done.status, kinds), (0, [False, True]), "a person of that name is somebody else", done.text)


# ---- personal access tokens ----

TOKENS = GIVEN + """\
secrets:
  PROXY: {value: "${token.proxy.value}", write: [{dotenv: proxy.env}]}
users:
  robot: {name: The Robot, role: network_admin}
tokens:
  proxy: {provider: netbird, user: robot, expires_in: 90d, renew_before: 30d}
  mine: {provider: netbird, expires_in: 200d}
"""


def env_value(stack):
    return stack.read("proxy.env").splitlines()[-1].removeprefix("PROXY=")


def tokens(tap, folder, shim):
    tap.section = "tokens"
    with NetBird(folder, "tokens", TOKENS) as (lab, stack):
        done = stack.apply()
        value = env_value(stack) if done.status == 0 else ""
        tap.equal((done.status, [token["name"] for token in lab.tokens("The Robot")]), (0, ["proxy"]), "made for a user of the same run", done.text)
        tap.equal(lab.call("GET", "/api/users", token=value) != {"status": 404} and len(value), 40, "its value is written where it belongs, and works")
        log = len(lab.calls("GET"))
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")
        paths = [path for _, path, _ in lab.calls("GET")[log:]]
        tap.equal((len([path for path in paths if path.endswith("/tokens")]), len(paths) == len(set(paths))), (2, True), "with one call a list", paths)
        tap.equal(stack.leaks([value], ("proxy.env",)), [], "the value stands nowhere else in the clear")
        shown = stack.run("state", "show", "token.proxy").out
        tap.point("(sensitive)" in shown and value not in shown, "state show masks it", shown)
        former = lab.tokens("The Robot")[0]["id"]
        stack.write(TOKENS.replace("renew_before: 30d", "renew_before: 20d"))
        tap.equal((stack.apply().status, lab.tokens("The Robot")[0]["id"]), (0, former), "another renew_before makes no new one")
        log = len(lab.calls("POST", "DELETE"))
        stack.write(TOKENS.replace("90d", "60d"))
        done = stack.apply()
        order = [method for method, path, _ in lab.calls("POST", "DELETE")[log:] if "/tokens" in path]
        tap.equal((done.status, order, len(lab.tokens("The Robot"))), (0, ["POST", "DELETE"], 1), "another lifetime: a new one, then the old one goes", done.text)
        tap.point(env_value(stack) != value, "and the new value is in the file")
        if shim:
            value = env_value(stack)
            early = stack.run("plan", "--detailed-exitcode", environment=later(shim, 29))
            tap.equal(early.status, 0, "30 days before its end, but for a day: nothing to do", early.text)
            done = stack.run("apply", "--yes", environment=later(shim, 31))
            tap.equal((done.status, "a new one is due" in done.text, env_value(stack) != value), (0, True, True), "30 days before its end it is renewed", done.text)
        lab.call("DELETE", f"/api/users/{lab.users()['The Robot']['id']}/tokens/{lab.tokens('The Robot')[0]['id']}")
        value = env_value(stack)
        done = stack.apply()
        tap.equal((done.status, len(lab.tokens("The Robot")), env_value(stack) != value), (0, 1, True), "revoked outside: a new one, and the file has it", done.text)
        lab.call("DELETE", f"/api/users/{lab.users()['The Robot']['id']}")
        done = stack.apply()
        tap.equal((done.status, len(lab.tokens("The Robot")), stack.plan_status().status), (0, 1, 0), "the user deleted outside: both again", done.text)
        stack.write(GIVEN + "users:\n  robot: {name: The Robot, role: network_admin}\n")
        done = stack.apply("--allow-destroy")
        tap.equal((done.status, lab.tokens("The Robot"), lab.token_names()), (0, [], ["lab"]), "out of the spec: deleted", done.text)


def renewal(tap, folder, shim):
    tap.section = "tokens, months later"
    with NetBird(folder, "renewal", GIVEN + "tokens:\n  mine: {provider: netbird, expires_in: 100d}\n") as (lab, stack):
        done = stack.apply()
        former = [token["id"] for token in lab.tokens("Owner") if token["name"] == "mine"]
        early = stack.run("plan", "--detailed-exitcode", environment=later(shim, 89))
        tap.equal((done.status, early.status), (0, 0), "11 of 100 days before its end nothing is due", early.text)
        plan = stack.run("plan", environment=later(shim, 91))
        tap.equal((plan.status, "expires on" in plan.text and "REPLACE" in plan.text), (0, True), "9 days before, the plan says why a new one is due", plan.text)
        done = stack.run("apply", "--yes", environment=later(shim, 101))
        now = [token["id"] for token in lab.tokens("Owner") if token["name"] == "mine"]
        tap.equal((done.status, len(now), now != former), (0, 1, True), "and when it has ended, it is replaced too", done.text)


def foreign_tokens(tap, folder):
    tap.section = "tokens of that name"
    spec = GIVEN + "tokens:\n  ci: {provider: netbird, user: robot, expires_in: 30d}\n"
    with NetBird(folder, "foreign", spec) as (lab, stack):
        done = stack.apply()
        tap.point(done.status == 6 and "no service user 'robot'" in done.text, "without the user: refused", done.text)
        robot = lab.call("POST", "/api/users", {"is_service_user": True, "role": "user", "name": "robo", "auto_groups": []})["id"]
        done = stack.apply()
        tap.point(done.status == 6 and "'robo'" in done.text, "and those that there are", done.text)
        stack.write(spec.replace("user: robot", "user: Owner"))
        tap.equal(stack.run("plan").status, 0, "hlrec's own user by its name is fine")
        lab.call("DELETE", f"/api/users/{robot}")
        robot = lab.call("POST", "/api/users", {"is_service_user": True, "role": "user", "name": "robot", "auto_groups": []})["id"]
        other = lab.call("POST", f"/api/users/{robot}/tokens", {"name": "ci", "expires_in": 30})["personal_access_token"]["id"]
        stack.write(spec)
        done = stack.apply()
        tap.equal((done.status, other in done.text), (8, True), "one that hlrec did not make is a conflict", done.text)
        found = stack.run("unmanaged").out
        tap.point(f"{robot}/{other}" in found and "robot-ci" in found, "unmanaged lists it", found)
        done = stack.run("import", "token.ci", f"robot/{other}")
        tap.equal((done.status, stack.plan_status().status), (0, 0), "import takes it by user and id", done.text)
        plan = stack.run("plan", "-v")
        tap.point("--replace token.ci" in plan.text, "its value is not known, and what helps is told", plan.text)
        done = stack.apply("--replace", "token.ci")
        tap.equal((done.status, [token["id"] != other for token in lab.tokens("robot")]), (0, [True]), "--replace makes a new one", done.text)
        stack.write(GIVEN + "tokens:\n  a: {provider: netbird, name: same}\n  b: {provider: netbird, name: same}\n")
        done = stack.apply("--allow-destroy")
        tap.point(done.status != 0 and "as well" in done.text and lab.token_names().count("same") <= 1, "two blocks cannot share a name", done.text)
    with NetBird(folder, "weak", GIVEN + "tokens:\n  ci: {provider: netbird, user: robot}\n") as (lab, stack):
        lab.call("POST", "/api/users", {"is_service_user": True, "role": "user", "name": "robot", "auto_groups": []})
        weak = lab.call("POST", "/api/users", {"is_service_user": True, "role": "network_admin", "name": "weak", "auto_groups": []})["id"]
        token = lab.call("POST", f"/api/users/{weak}/tokens", {"name": "t", "expires_in": 30})["plain_token"]
        done = stack.run("apply", "--yes", environment={"NB_TOKEN": token})
        tap.point(done.status == 7 and "role admin" in done.text, "a role that is too weak is explained", done.text)
        stack.write(GIVEN + "tokens:\n  ci: {provider: netbird, user: Owner}\n")
        done = stack.run("apply", "--yes", environment={"NB_TOKEN": token})
        tap.point(done.status != 0 and "is a person" in done.text, "and that persons make their own", done.text)


def lost_tokens(tap, folder):
    """A token that was made and whose value nobody has is deleted again."""
    tap.section = "tokens, broken off"
    for how in ("after-reset", "truncate", "after-hang", "hang", "500", "503", "429"):
        with NetBird(folder, "lost-" + how, TOKENS, "--fault", f"POST */tokens 2 {how}") as (lab, stack):
            first = run_and_kill(stack, lab, lambda path: path.endswith("/tokens"), 2) if how.endswith("hang") else stack.apply()
            lab.start()
            done = stack.apply() if how != "429" else first
            names = [name for name in lab.token_names() if name != "lab"]
            tap.equal((done.status, names, stack.plan_status().status), (0, ["mine", "proxy"], 0), f"{how}: the next run converges, and none is left over", f"{first and first.text}\n{done.text}")


# ---- the first set-up ----


def run_and_kill(stack, lab, match, count, method="POST"):
    """Runs apply until the call number `count` that matches has come, then kills it."""
    process = subprocess.Popen([HLREC, "apply", "--yes"], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    arrived = wait_for(lambda: len([path for _, path, _ in lab.calls(method) if match(path)]) >= count or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    stack.printed.append(out)
    return None if arrived else out


def setup(tap, folder, shim):
    ways = {
        "0.77.1, which gives a token": ("0.77.1", {}, 0),
        "0.77.1, which gives none": ("0.77.1", {"HLREC_LAB_NETBIRD_PAT": "off"}, 1),
        "0.66.0, which knows no such thing": ("0.66.0", {}, 1),
    }
    for number, (name, (version, variables, logins)) in enumerate(ways.items()):
        tap.section = "set-up of " + name
        spec = SETUP + OWNER + "groups: {routers: {}}\nusers: {robot: {}}\ntokens: {t: {provider: netbird, user: robot}}\n"
        with NetBird(folder, f"setup{number}", spec, "--netbird", version, token=None, variables=variables) as (lab, stack):
            done = stack.apply()
            tap.equal(done.status, 0, "one apply does it all", done.text)
            tokens_kept = [name for name in lab.token_names() if name != "t"]
            tap.equal((len(tokens_kept), tokens_kept[0].startswith("hlrec-mesh-")), (1, True), "hlrec has one token, with a name of its own", tokens_kept)
            plan = stack.plan_status()
            tap.equal(plan.status, 0, "the next plan is empty", plan.text)
            posts = [path for _, path, _ in lab.calls("POST")]
            tap.equal((posts.count("/api/setup"), len([path for path in posts if path.endswith("/login")])), (1, logins), "and signs in no more", posts)
            report = stack.run("doctor")
            tap.equal((report.status, "hlrec's own" in report.out, "role owner" in report.out), (0, True, True), "doctor tells of the token", report.text)
            tap.equal(stack.leaks([PASSWORD]), [], "the password stands nowhere in the clear")
            former = next(token["id"] for token in lab.tables()["tokens"] if token["name"] != "t")
            if shim:
                tap.equal(stack.run("plan", "--detailed-exitcode", environment=later(shim, 89)).status, 0, "11 days before its end nothing is done")
                done = stack.run("apply", "--yes", environment=later(shim, 91))
                ids = [token["id"] for token in lab.tables()["tokens"] if token["name"] != "t"]
                posts = [path for _, path, _ in lab.calls("POST")]
                tap.equal((done.status, len(ids), former not in ids, len([path for path in posts if path.endswith("/login")])), (0, 1, True, logins),
                          "9 days before (of 100), apply makes a new one, without the password", done.text)
            shutil.move(stack.path(".hlrec"), stack.path("lost"))
            stack.write(SETUP + OWNER)
            stack.write(SETUP + OWNER + "groups: {more: {}}\n")
            done = stack.apply()
            tap.equal((done.status, [name for name in lab.token_names() if name.startswith("hlrec-mesh-")] != []), (0, True), "the state lost: signs in with the password", done.text)


def refused(tap, folder):
    spec = SETUP + OWNER + "groups: {routers: {}}\n"
    tap.section = "set-up, token gone"
    with NetBird(folder, "gone", spec, token=None) as (lab, stack):
        stack.apply()
        lab.stop()
        tables = lab.tables()
        tables["tokens"] = []
        with open(os.path.join(lab.data, "netbird.json"), "w") as file:
            json.dump(tables, file)
        lab.start()
        plan = stack.run("plan")
        tap.equal((plan.status, "later" in plan.text), (0, True), "a plan says that apply will do something first", plan.text)
        tap.equal(lab.calls("POST")[-1][1] != "/oauth2/token", True, "and does nothing of it")
        done = stack.apply()
        tap.equal((done.status, len(lab.token_names()), stack.plan_status().status), (0, 1, 0), "apply makes another", done.text)
    tap.section = "set-up, wrong password"
    with NetBird(folder, "wrong", spec, token=None) as (lab, stack):
        lab.call("POST", "/api/setup", {"email": EMAIL, "password": PASSWORD, "name": "Root"})
        done = stack.run("apply", "--yes", environment={"OWNER": "not-the-password"})
        logins = [path for _, path, _ in lab.calls("POST") if path.endswith("/login")]
        tap.equal((done.status, len(logins), "does not take the password" in done.text), (7, 1, True), "tried once, and told", done.text)
        tap.equal(stack.leaks(["not-the-password"]), [], "without showing it")
        done = stack.apply()
        tap.equal((done.status, stack.plan_status().status), (0, 0), "with the right one it goes on", done.text)
    tap.section = "set-up, owner refused"
    with NetBird(folder, "bad", spec.replace(EMAIL, "root@"), token=None) as (lab, stack):
        done = stack.apply()
        tap.equal((done.status, "'email'" in done.text), (7, True), "the server's words, and what to look at", done.text)
    tap.section = "set-up, no sign-in of its own"
    for name, fault, words in (("500", "POST /api/setup * 500", "identity provider"), ("404", "GET /api/instance * 404", "Create Access Token"), ("html", "GET /oauth2/auth* * 404", "Create Access Token")):
        with NetBird(folder, "noidp" + name, spec, "--netbird", "0.66.0", "--fault", fault, token=None) as (lab, stack):
            done = stack.apply()
            tap.equal((done.status, words in done.text), (7, True), f"{fault}: told with the way by hand", done.text)
    tap.section = "set-up, weak person"
    with NetBird(folder, "person", spec, token=None) as (lab, stack):
        stack.apply()
        lab.stop()
        tables = lab.tables()
        tables["tokens"], tables["users"][0]["role"] = [], "auditor"
        with open(os.path.join(lab.data, "netbird.json"), "w") as file:
            json.dump(tables, file)
        lab.start()
        done = stack.apply()
        tap.equal((done.status, "'auditor'" in done.text), (7, True), "a person who may change nothing is of no use", done.text)


def killed(tap, folder):
    """Killed at each call of the set-up that changes something, before it and after it."""
    tap.section = "set-up, killed"
    spec = SETUP + OWNER + "groups: {routers: {}}\n"
    points = [("0.77.1", "/api/setup", "POST"), ("0.77.1", "/tokens", "POST"), ("0.77.1", "/tokens/*", "DELETE"),
              ("0.66.0", "/api/setup", "POST"), ("0.66.0", "/login", "POST"), ("0.66.0", "/oauth2/token", "POST"), ("0.66.0", "/tokens", "POST")]
    for version, end, method in points:
        for how in ("hang", "after-hang"):
            name = f"kill{version}{end}{how}".replace("/", "-").replace("*", "x")
            with NetBird(folder, name, spec, "--netbird", version, "--fault", f"{method} *{end} 1 {how}", token=None) as (lab, stack):
                problem = run_and_kill(stack, lab, lambda path: end.removesuffix("/*") in path, 1, method)
                lab.start("--netbird", version)
                done = stack.apply()
                left = [token for token in lab.tables()["tokens"] if not token["name"].startswith("hlrec-mesh-")]
                days = [(token["expires"] - token["created_at"]) / 1e9 / DAY for token in left]
                own = len(lab.token_names()) - len(left)
                tap.equal((problem, done.status, own, stack.plan_status().status), (None, 0, 1, 0), f"{version} {method} {end} {how}: the next apply converges, with one token", done.text)
                # Only the token that the server itself makes, whose answer nobody has heard, may be left: it ends within a day.
                tap.point(len(left) <= (1 if end == "/api/setup" and how == "after-hang" else 0) and all(day <= 1.01 for day in days), "and leaves none that lasts", left)
                tap.equal(stack.leaks([PASSWORD]), [], "nor the password")


class SignIn(http.server.ThreadingHTTPServer):
    """A NetBird that is set up already, whose pages are as `way` says. Codes are given for the right password and challenge alone."""

    def __init__(self, way):
        super().__init__(("127.0.0.1", 0), SignInPages)
        self.way, self.url, self.challenge, self.logins, self.seen = way, f"http://127.0.0.1:{self.server_port}", None, 0, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a client that is gone


class SignInPages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    LOGIN = '<html><style>form{}</style><!-- <form action="/trap">--><h1>Sign in</h1><FORM class=x method=POST %s>\n<input type=text name="login" />' \
            "<input name='password' TYPE=Password required><input type=hidden name=csrf value='a&amp;b'><button>Go</button></form></html>"

    def log_message(self, *_):
        pass

    def reply(self, status, body="", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def json(self, value, status=200):
        self.reply(status, json.dumps(value), Content_Type="application/json")

    def page(self, body, status=200, **headers):
        self.reply(status, body, Content_Type="text/html", **headers)

    def do_GET(self):
        self.answer("GET", {})

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind = self.headers.get("Content-Type", "")
        self.answer("POST", json.loads(text) if "json" in kind else dict(urllib.parse.parse_qsl(text, keep_blank_values=True)))

    def answer(self, method, form):
        path, _, query = self.path.partition("?")
        self.server.seen.append(f"{method} {path}")
        if path.startswith("/api/"):
            self.api(method, path)
        elif path == "/oauth2/token":
            self.token(form)
        else:
            self.browse(method, path, dict(urllib.parse.parse_qsl(query)), form)

    def api(self, method, path):
        if path == "/api/instance":
            self.json({"setup_required": False})
        elif self.headers.get("Authorization", "") not in ("Bearer the.id.token", "Token " + TOKEN):
            self.json({"message": "token invalid", "code": 401}, 401)
        elif path.startswith("/api/users/current"):
            self.json({"id": "u1", "name": "Root", "email": EMAIL, "role": "owner", "is_current": True})
        elif path == "/api/users/u1/tokens" and method == "POST":
            self.json({"plain_token": TOKEN, "personal_access_token": {"id": "t1", "name": "t"}})
        else:
            self.json([] if path == "/api/groups" else None)

    def token(self, form):
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        good = form.get("code") == "c+/=" and proof == self.server.challenge and form.get("client_id") == "netbird-cli"
        self.json({"id_token": "the.id.token"} if good else {"error": "invalid_grant"}, 200 if good else 400)

    def browse(self, method, path, query, form):
        way, state = self.server.way, query.get("state", "")
        if path == "/oauth2/auth":
            self.server.challenge, self.server.state = query["code_challenge"], state
            if way == "chooser":
                self.page('<a href="https://elsewhere.test/">Other</a> <a class=b href=\'/oauth2/auth/local?x=1&amp;y=2\'>Local</a>')
            elif way == "elsewhere":
                self.page("", 302, Location="https://sso.elsewhere.test/login?a=b")
            elif way == "refused":
                self.page("", 302, Location="http://localhost:53000/?error=access_denied&error_description=not+you&state=" + state)
            elif way == "dashboard":
                self.page("<html><div id=app>NetBird dashboard</div></html>")
            elif way == "loop":
                self.page("", 302, Location=self.path)
            else:
                self.page("", 302, Location="auth/local?x=1", Set_Cookie="flow=one; Path=/; HttpOnly")
        elif method == "POST" and path != "/oauth2/approval":
            self.login(form)
        elif path == "/oauth2/auth/local":
            self.page(self.LOGIN % ('action="/oauth2/auth/local/login?back=&#38;state=R&amp;s=&quot;"' if way != "same page" else ""))
        elif method == "POST":
            self.finish() if form == {"req": "R", "approval": "approve"} else self.page("no", 400)
        else:
            self.page("<form method=post action=''><input name=req value=R type=hidden><input name=approval value=rejected></form>"
                      "<form method=post><input name=req value=R type=hidden><input name=approval value=approve type=hidden></form>")

    def login(self, form):
        self.server.logins += 1
        if form != {"login": EMAIL, "password": PASSWORD, "csrf": "a&b"} or (self.server.way == "cookies" and self.headers.get("Cookie") != "flow=one"):
            self.page(self.LOGIN % "action='/oauth2/auth/local/login'", 401)
        elif self.server.way == "second factor":
            self.page("<h1>Enter the code from your authenticator app.</h1><form method=post><input type=text name=totp></form>")
        elif self.server.way == "broken":
            self.page("<h1>Login error</h1>", 500)
        elif self.server.way == "consent":
            self.page("", 303, Location=self.server.url + "/oauth2/approval?req=R")
        else:
            self.finish()

    def finish(self):
        state = "another" if self.server.way == "forged" else self.server.state
        self.page("", 303, Location="http://localhost:53000/?code=c%2B%2F%3D&state=" + state)


def pages(tap, folder):
    """Sign-in pages as servers may have them; the last ones are those that hlrec cannot pass."""
    tap.section = "sign-in"
    spec = SETUP.replace("${env.HLREC_LAB_NETBIRD}", "${env.URL}") + OWNER + "groups: {}\n"
    ways = {"plain": None, "same page": None, "cookies": None, "chooser": None, "consent": None, "second factor": "asks for more", "elsewhere": "elsewhere.test", "refused": "not you",
            "dashboard": "no sign-in with e-mail and password", "forged": "another request", "loop": "does not come to an end", "broken": "500"}
    for way, words in ways.items():
        server = SignIn(way)
        stack = Stack(folder, "pages-" + way.replace(" ", "-"), spec.replace("groups: {}", "groups: {g: {}}"), environment={"URL": server.url, "OWNER": PASSWORD})
        done = stack.apply()
        through = "POST /api/users/u1/tokens" in server.seen
        if words is None:
            tap.equal((through, server.logins), (True, 1), f"{way}: hlrec is in", done.text + "\n".join(server.seen))
        else:
            tap.equal((through, done.status, words in done.text), (False, 7, True), f"{way}: told what stands in the way", done.text)
            tap.point(server.logins <= 1 and not any("trap" in path for path in server.seen), f"{way}: and the password is not sent again", server.seen)
        tap.equal(stack.leaks([PASSWORD, TOKEN, "the.id.token"]), [], f"{way}: nothing secret is shown")
        server.shutdown()


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    shim = clock_shim(folder)
    if shim is None:
        print("# no C compiler: what happens months later is left out")
    try:
        for scene in (settings, given, users, lambda *both: tokens(*both, shim), lambda *both: shim and renewal(*both, shim), foreign_tokens, lost_tokens, lambda *both: setup(*both, shim), refused, pages, killed):
            try:
                scene(tap, folder)
            except Exception as problem:  # one broken scene must not hide the others
                tap.point(False, "the scene runs to its end", repr(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
