#!/usr/bin/env python3
"""Secrets from and to Infisical, on the simulated one: what a run does when all is well, what it refuses, older servers, limits and faults, and stores that
come late."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, Lab, Stack, Tap, private_folder, stop_on_signals  # noqa: E402

CLIENT = {"client_id": os.environ.get("HLREC_LAB_INFISICAL_ID", "lab-client"), "client_secret": os.environ.get("HLREC_LAB_INFISICAL_SECRET", "lab-client-secret")}
PROVIDER = '{url: "${env.HLREC_LAB_INFISICAL}", project: homelab-prod, environment: prod, client_id: "${env.ID}", client_secret: "${env.SECRET}"}'
HEAD = f"hlrec: 1\nstack: store\nproviders:\n  infisical: {PROVIDER}\n"
ONE = "secrets: {A: {generate: true, write: [{infisical: {path: /netbird}}]}}\n"


class Infisical:
    """The simulated server; `get`, `put` as somebody else who uses it, `switch` for its modes, `calls` for what it was asked."""

    def __init__(self, folder, *options):
        self.lab = Lab(folder, *options)
        self.url = self.lab.environment["HLREC_LAB_INFISICAL"]
        self.token = None

    def send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        if self.token is not None:
            headers["Authorization"] = "Bearer " + self.token
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def switch(self, **modes):
        status, answer = self.send("POST", "/lab/infisical", modes)
        if status != 200:
            raise RuntimeError(f"{status} {answer}")

    def put(self, path, key, value, **more):
        body = dict({"project": "homelab-prod", "environment": "prod", "path": path, "key": key, "value": value}, **more)
        status, answer = self.send("POST", "/lab/secret", body)
        if status != 200:
            raise RuntimeError(f"{status} {answer}")

    def get(self, path, environment="prod", member="secretValue"):
        """The secrets of a folder; None when there is none."""
        if self.token is None:
            login = self.send("POST", "/api/v1/auth/universal-auth/login", {"clientId": CLIENT["client_id"], "clientSecret": CLIENT["client_secret"]})[1]
            self.token = login["accessToken"]
            self.project = self.send("GET", "/api/v2/workspace/homelab-prod")[1]["id"]
        query = urllib.parse.urlencode({"workspaceId": self.project, "environment": environment, "secretPath": path, "expandSecretReferences": "false"})
        status, answer = self.send("GET", "/api/v3/secrets/raw?" + query)
        return {secret["secretKey"]: secret[member] for secret in answer["secrets"]} if status == 200 else None

    def calls(self, method="", path=""):
        return [call for call in self.lab.calls() if call["api"] == "infisical" and method in call["method"] and path in call["path"] and not call["path"].startswith("/lab")]

    def stop(self):
        self.lab.stop()


class Scene:
    """A server and a stack of their own."""

    def __init__(self, folder, name, spec, *options, head=HEAD, **environment):
        self.folder, self.name, self.head, self.options = folder, name, head, options
        self.spec, self.environment = spec, environment

    def __enter__(self):
        self.server = Infisical(os.path.join(self.folder, self.name + "-lab"), *self.options)
        environment = dict({"ID": CLIENT["client_id"], "SECRET": CLIENT["client_secret"]}, **self.server.lab.environment)
        self.stack = Stack(self.folder, self.name, self.head + self.spec, environment=dict(environment, **self.environment))
        return self.server, self.stack

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(os.path.join(self.folder, self.name + "-lab"), ignore_errors=True)
        shutil.rmtree(os.path.join(self.folder, self.name), ignore_errors=True)


def life(tap, folder):
    spec = """secrets:
  A: {generate: true, write: [{infisical: {path: /netbird}}, {dotenv: a.env}]}
  B: {generate: {length: 30}, write: [{infisical: {path: deep/er/folder/, key: OTHER_KEY, environment: dev}}]}
  C: {value: "${secret.A}", write: [{infisical: true}]}
"""
    tap.section = "a secret's life"
    with Scene(folder, "life", spec) as (server, stack):
        server.put("/netbird", "THEIRS", "stays")
        plan = stack.run("plan")
        tap.equal((plan.status, "3 to create" in plan.out), (0, True), "the plan makes it", plan.text)
        tap.equal((server.get("/netbird"), server.get("/deep/er/folder", "dev")), ({"THEIRS": "stays"}, None), "and changes nothing")
        done = stack.apply()
        keys = server.get("/netbird")
        tap.equal((done.status, sorted(keys)), (0, ["A", "THEIRS"]), "apply writes", done.text)
        tap.equal((sorted(server.get("/deep/er/folder", "dev")), server.get("/")), (["OTHER_KEY"], {"C": keys["A"]}), "folders are made, the root is one")
        tap.equal(server.get("/netbird", member="secretComment")["A"], "managed by hlrec, stack store", "a comment says whose it is")
        tap.point(f"A={keys['A']}\n" in stack.read("a.env"), "the file has the same value")
        before = len(server.calls())
        plan = stack.plan_status()
        paths = [call["path"] for call in server.calls()[before:]]
        tap.equal(plan.status, 0, "the next plan is empty", plan.text)
        tap.equal(sorted(paths), sorted(["/api/v1/auth/universal-auth/login", "/api/v1/projects/slug/homelab-prod"] + 3 * ["/api/v4/secrets"]),
                  "it signs in once, asks for the project once, and lists each folder once")

        server.put("/netbird", "A", "changed by somebody")
        drift = stack.plan_status()
        tap.equal((drift.status, "changed by somebody" in drift.text), (2, False), "a changed value is drift, which is not shown", drift.text)
        tap.equal((stack.apply().status, server.get("/netbird")["A"]), (0, keys["A"]), "and is put right")
        server.put("/netbird", "A", None)
        tap.equal(stack.plan_status().status, 2, "a deleted secret is drift")
        tap.equal((stack.apply().status, server.get("/netbird")["A"]), (0, keys["A"]), "and is made anew")
        stack.run("secret", "rotate", "A")
        done = stack.apply()
        rotated = server.get("/netbird")["A"]
        tap.equal((done.status, rotated != keys["A"], server.get("/")), (0, True, {"C": rotated}), "a rotated value is written everywhere", done.text)

        stack.write(HEAD + spec.replace(", write: [{infisical: true}]", ""))
        done = stack.apply()
        tap.equal((done.status, server.get("/")), (0, {}), "a destination that is taken out is cleaned", done.text)
        server.put("/deep/er/folder", "OTHER_KEY", "of somebody", environment="dev")
        gone = stack.run("destroy", "--yes", "--allow-destroy")
        tap.equal((gone.status, server.get("/netbird"), server.get("/deep/er/folder", "dev")), (0, {"THEIRS": "stays"}, {"OTHER_KEY": "of somebody"}),
                  "destroy deletes what holds our value, and nothing else", gone.text)
        tap.point("left at infisical /deep/er/folder OTHER_KEY (project homelab-prod, environment dev)" in gone.text, "what is left is told", gone.text)
        tap.equal(stack.leaks([keys["A"], rotated, CLIENT["client_secret"]], ["a.env"]), [], "no value is printed or lies about")


def sources(tap, folder):
    pem = "-----BEGIN X-----\n\tQQ==\"'\\ $(x) $\n-----END X-----\n"
    spec = "secrets:\n  A: {infisical: {path: /given, key: PEM}, write: [{file: a}]}\n  B: {infisical: {path: /given}, optional: true, write: [{file: b}]}\n"
    tap.section = "sources"
    with Scene(folder, "sources", spec) as (server, stack):
        done = stack.apply()
        tap.equal(done.status, 5, "what is not there is deferred", done.text)
        tap.point("no value: there is no infisical /given PEM (project homelab-prod, environment prod), nor its folder" in done.text, "with what is missing", done.text)
        server.put("/given", "PEM", pem)
        done = stack.apply()
        with open(stack.path("a")) as file:
            tap.equal((done.status, file.read()), (0, pem), "a text of several lines arrives to the byte", done.text)
        tap.equal(os.path.exists(stack.path("b")), False, "an optional one may be absent")
        server.put("/given", "PEM", "${REF} of a reference")
        server.put("/given", "REF", "the value")
        server.put("/given", "B", "now there")
        done = stack.apply()
        tap.equal((done.status, stack.read("a"), stack.read("b")), (0, "${REF} of a reference", "now there"), "a change is followed; references are not resolved", done.text)
        server.switch(mask=True)
        plan = stack.run("plan")
        tap.equal((plan.status, "Infisical hides the value" in plan.text), (7, True), "a value that may not be seen is told", plan.text)
        tap.equal(stack.read("a"), "${REF} of a reference", "and never taken for one")


def takeover(tap, folder):
    tap.section = "what is there already"
    with Scene(folder, "lost", ONE) as (server, stack):
        stack.apply()
        value = server.get("/netbird")["A"]
        shutil.rmtree(stack.path(".hlrec"))
        done = stack.apply()
        tap.equal((done.status, server.get("/netbird")["A"]), (0, value), "after a lost state the value in use is taken over", done.text)
        stack.write(HEAD + "secrets: {A: {env: GIVEN, write: [{infisical: {path: /netbird}}]}}\n")
        shutil.rmtree(stack.path(".hlrec"))
        given = {"GIVEN": "a given value"}
        plan = stack.run("plan", environment=given)
        tap.point("another value stands at infisical /netbird A" in plan.text, "a given value replaces it, and the plan says so", plan.text)
        done = stack.run("apply", "--yes", environment=given)
        tap.equal((done.status, server.get("/netbird")["A"]), (0, "a given value"), "as in a file", done.text)


def refusals(tap, folder):
    tap.section = "values that Infisical would change"
    spec = "secrets: {A: {file: source, write: [{infisical: {path: /netbird}}]}, B: {generate: true, write: [{infisical: {path: /netbird}}]}}\n"
    with Scene(folder, "refusals", spec) as (server, stack):
        for value, words in (("two lines\nand blanks \n", "begins or ends with white space"), (" blank", "begins or ends with white space"), ("pass${word}", "takes for a reference")):
            stack.write(value, "source")
            plan = stack.run("plan")
            tap.equal((words in plan.text, value.strip() in plan.text), (True, False), f"are refused by the plan: {words}", plan.text)
        done = stack.apply()
        tap.equal((done.status, sorted(server.get("/netbird"))), (7, ["B"]), "other secrets go on", done.text)
        stack.write("two\nlines, the end of the last one included\n", "source")
        done = stack.apply()
        tap.equal((done.status, server.get("/netbird")["A"]), (0, "two\nlines, the end of the last one included\n"), "a line end at the end is kept", done.text)
        tap.equal(stack.plan_status().status, 0, "and the next plan is empty")
    tap.section = "changes that wait for approval"
    with Scene(folder, "approval", ONE) as (server, stack):
        server.switch(approval=True)
        done = stack.apply()
        tap.equal((done.status, "waits for approval in Infisical" in done.text), (6, True), "are not done", done.text)
        server.switch(approval=False)
        done = stack.apply()
        tap.equal((done.status, list(server.get("/netbird") or {})), (0, ["A"]), "until they are", done.text)
    tap.section = "secrets that Infisical rotates"
    with Scene(folder, "rotated", "secrets: {A: {env: GIVEN, write: [{infisical: {path: /netbird}}]}}\n", GIVEN="ours") as (server, stack):
        server.put("/netbird", "A", "made by Infisical", rotated=True)
        done = stack.apply()
        tap.equal((done.status != 0, "Infisical rotates this secret by itself" in done.text, server.get("/netbird")["A"]), (True, True, "made by Infisical"),
                  "are left to it", done.text)


def access(tap, folder):
    tap.section = "credentials"
    with Scene(folder, "credentials", ONE) as (server, stack):
        wrong = stack.run("plan", environment={"SECRET": "wrong"})
        tap.equal((wrong.status, "Invalid credentials" in wrong.text and "check client_id and client_secret" in wrong.text), (7, True), "that are wrong are told", wrong.text)
        tap.equal(len(server.calls("POST", "/login")), 1, "and tried once: three wrong tries lock the identity")
        tap.equal(stack.apply().status, 0, "so that the right ones still work")
        doctor = stack.run("doctor")
        tap.equal((doctor.status, "signed in as a machine identity" in doctor.text, "environments dev, staging, prod" in doctor.text), (0, True, True),
                  "doctor shows what they open", doctor.text)
        server.switch(member=False)
        plan = stack.run("plan")
        tap.equal((plan.status, "add the machine identity to the project" in plan.text), (7, True), "an identity that is not in the project is told", plan.text)
        server.switch(member=True)
        stack.write(HEAD.replace("environment: prod", "environment: Production") + ONE)
        plan = stack.run("plan")
        tap.equal((plan.status != 0, "has no environment 'Production'" in plan.text and "it has dev, staging, prod" in plan.text), (True, True),
                  "so is an environment that is not there", plan.text)
        stack.write(HEAD.replace("project: homelab-prod", "project: homelab-test") + ONE)
        plan = stack.run("plan")
        tap.equal((plan.status != 0, "no project 'homelab-test'" in plan.text), (True, True), "and a project", plan.text)
        tap.equal(stack.leaks([CLIENT["client_secret"]], []), [], "the client secret is nowhere")
    tap.section = "tokens"
    spec = 'secrets:\n  S: {command: [sleep, "3"], optional: true}\n  A: {generate: true, needs: [secret.S], write: [{infisical: {path: /netbird}}]}\n'
    with Scene(folder, "tokens", spec) as (server, stack):
        server.switch(token_ttl=2)
        done = stack.apply()
        tap.equal((done.status, list(server.get("/netbird") or {})), (0, ["A"]), "one that ends in the middle of a run is replaced", done.text)
        tap.equal((len(server.calls("POST", "/login")) > 1, len(server.calls("POST", "/renew"))), (True, 0), "by signing in again, not by renewing")
    with Scene(folder, "token", ONE, head=re.sub(r"client_id.*}", 'token: "${env.TOKEN}"}', HEAD), TOKEN="none") as (server, stack):
        bad = stack.run("plan")
        tap.equal((bad.status, "has ended or was revoked" in bad.text), (7, True), "a given one that is not good is told", bad.text)
        server.get("/")
        done = stack.run("apply", "--yes", environment={"TOKEN": server.token})
        tap.equal((done.status, len(server.get("/netbird"))), (0, 1), "a good one will do", done.text)


def versions(tap, folder):
    for version in ("0.90", "0.149", "0.160"):
        tap.section = f"Infisical {version}"
        with Scene(folder, "version-" + version, "secrets:\n  A: {generate: true, write: [{infisical: {path: /a/b}}]}\n  B: {generate: true, write: [{infisical: {path: /a/b}}]}\n",
                   "--infisical", version) as (server, stack):
            done = stack.apply()
            values = server.get("/a/b")
            tap.equal((done.status, sorted(values or {})), (0, ["A", "B"]), "secrets are written", done.text)
            server.put("/a/b", "A", "changed")
            tap.equal((stack.apply().status, server.get("/a/b")), (0, values), "drift is put right")
            tap.equal(stack.plan_status().status, 0, "the next plan is empty")
            gone = stack.run("destroy", "--yes", "--allow-destroy")
            tap.equal((gone.status, server.get("/a/b")), (0, {}), "destroy deletes them", gone.text)


def limits(tap, folder):
    tap.section = "limits"
    names = [f"KEY_{number}" for number in range(12)]
    spec = "secrets:\n" + "".join(f"  {name}: {{generate: true, write: [{{infisical: {{path: /many}}}}]}}\n" for name in names)
    with Scene(folder, "limits", spec) as (server, stack):
        done = stack.apply("--parallel", "10")
        tap.equal((done.status, sorted(server.get("/many") or {})), (0, sorted(names)), "many are written at once, into a folder that is new", done.text)
        tap.equal(len(server.calls("POST", "/folders")), 1, "which is made once")
        stack.run("destroy", "--yes", "--allow-destroy")
        server.switch(rate_limit=8, rate_window_ms=2000)
        done = stack.apply("--parallel", "10")
        tap.equal(done.status, 0, "a limit of calls is waited for", done.text)
        server.switch(rate_limit=0)
        tap.equal(sorted(server.get("/many") or {}), sorted(names), "and nothing is lost")


FAULTY = "secrets:\n  A: {generate: true, write: [{infisical: {path: /a}}, {dotenv: a.env}]}\n  B: {generate: true, write: [{infisical: {path: /a}}]}\n"


def fault_at(folder, method, number, how):
    with Scene(folder, f"fault-{method}-{number}-{how}", FAULTY, "--fault", f"{method} /api/* {number} {how}") as (server, stack):
        first = stack.apply()
        printed = re.findall(r"=(.*)\n", stack.read("a.env")) if os.path.exists(stack.path("a.env")) else []
        done = stack.apply() if first.status != 0 else first
        plan = stack.plan_status()
        if plan.status == 7:
            plan = stack.plan_status()
        try:
            keys = server.get("/a") or {}
        except (OSError, ValueError, KeyError):  # the fault met us
            keys = server.get("/a") or {}
        same = printed == [] or printed[-1] == keys.get("A")
        good = first.status in (0, 6, 7) and (done.status, plan.status, sorted(keys), same) == (0, 0, ["A", "B"], True) and not stack.leaks(keys.values(), ["a.env"])
        return None if good else f"{first.status} {done.status} {plan.status} {sorted(keys)} {same}\n{first.text}\n{done.text}\n{plan.text}"


def faults(tap, folder):
    """Each call that a first apply makes fails once in each way; the run after it converges, with the same values."""
    tap.section = "faults"
    with Scene(folder, "measure", FAULTY) as (server, stack):
        stack.apply()
        counts = {}
        for call in server.calls():
            counts[call["method"]] = counts.get(call["method"], 0) + 1
    points = [(method, number, how) for method, count in sorted(counts.items()) for number in range(1, count + 1)
              for how in ("500", "503", "reset", "after-reset", "truncate")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda point: fault_at(folder, *point), points))
    for point, problem in zip(points, found):
        tap.point(problem is None, "%s %d answers %s: then the next apply converges" % point, problem or "")


def killed_at(folder, call, number, how):
    with Scene(folder, f"kill-{number}-{how}", FAULTY, "--fault", f"POST {call} {number} {how}") as (server, stack):
        process = subprocess.Popen([HLREC, "apply", "--yes"], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        process.kill()
        process.wait()
        done = stack.apply()
        keys = server.get("/a") or {}
        files = re.findall(r"=(.*)\n", stack.read("a.env"))
        plan = stack.plan_status()
        good = (done.status, plan.status, sorted(keys), files) == (0, 0, ["A", "B"], [keys.get("A")])
        return None if good else f"{done.status} {plan.status} {keys.keys()}\n{done.text}\n{plan.text}"


def killed(tap, folder):
    tap.section = "killed"
    for call, what in (("/api/v2/folders", "a folder"), ("/api/v4/secrets/A", "a secret")):
        for how, when in (("hang", "before it is made"), ("after-hang", "when it is made")):
            problem = killed_at(folder, call, 1, how)
            tap.point(problem is None, f"while it waits for {what}, {when}: the next apply goes on with the same values", problem or "")


def several(tap, folder):
    tap.section = "several stores"
    head = f"hlrec: 1\nstack: store\nproviders:\n  one: {PROVIDER.replace('{url', '{type: infisical, url')}\n" \
           f"  two: {PROVIDER.replace('{url', '{type: infisical, url').replace('environment: prod', 'environment: dev')}\n"
    spec = "secrets: {A: {generate: true, write: [{infisical: {path: /x, provider: one}}, {infisical: {path: /x, provider: two}}]}}\n"
    with Scene(folder, "several", spec, head=head) as (server, stack):
        done = stack.apply()
        tap.equal((done.status, server.get("/x") == server.get("/x", "dev"), len(server.get("/x") or {})), (0, True, 1), "are told apart by name", done.text)
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")
        stack.write(head + spec.replace(", provider: one", ""))
        plan = stack.run("plan")
        tap.equal(plan.status, 3, "which one is meant must be said", plan.text)
    with Scene(folder, "named", spec.replace(", provider: one", ""), head=head.replace("  one:", "  infisical:")) as (server, stack):
        done = stack.apply()
        tap.equal((done.status, server.get("/x") == server.get("/x", "dev"), len(server.get("/x") or {})), (0, True, 1), "unless one is named as its type", done.text)
    tap.section = "from store to store"
    head = HEAD + '  openbao: {url: "${env.HLREC_LAB_OPENBAO}", token: lab-root}\n'
    spec = "secrets:\n  A: {generate: true, write: [{openbao: {path: a}}]}\n  B: {openbao: {path: a, key: A}, needs: [secret.A], write: [{infisical: {path: /b}}]}\n"
    with Scene(folder, "both", spec, head=head) as (server, stack):
        first = stack.apply()
        done = stack.apply() if first.status == 5 else first
        tap.equal((done.status, list(server.get("/b") or {})), (0, ["B"]), "a value goes from OpenBao to Infisical", first.text + done.text)
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")


def late(tap, folder):
    tap.section = "a store that comes late"
    head = f'hlrec: 1\nstack: store\nproviders:\n  docker: {{host: "${{env.HLREC_LAB_DOCKER}}"}}\n  infisical: {PROVIDER[:-1]}, needs: [container.infisical]}}\n'
    spec = """containers: {infisical: {image: "infisical/infisical:latest"}}
secrets:
  A: {generate: true, write: [{infisical: {path: /netbird}}, {file: a}]}
  B: {generate: true, write: [{file: b}]}
"""
    with Scene(folder, "late", spec, head=head) as (server, stack):
        plan = stack.run("plan")
        tap.equal((plan.status, len(server.calls())), (0, 0), "a plan does not ask it before its container is there", plan.text)
        done = stack.apply()
        tap.equal((done.status, server.get("/netbird")), (0, {"A": stack.read("a")}), "apply makes the container, then the secret, in one run", done.text)
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")


def main():
    stop_on_signals()
    tap = Tap()
    folder = private_folder()
    try:
        for scene in (life, sources, takeover, refusals, access, versions, limits, several, late, faults, killed):
            scene(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
