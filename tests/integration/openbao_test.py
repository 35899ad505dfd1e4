#!/usr/bin/env python3
"""Secrets from and to OpenBao: the same scenes on the simulated one and, where there is one ($HLREC_BAO or the tests' venv), on a real `bao` server; what
needs faults or a lease of seconds on the simulated one alone."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, VENV, Lab, Stack, Tap, free_port, private_folder, stop_on_signals  # noqa: E402

ROOT = "root-token-of-a-test"
HEAD = 'hlrec: 1\nstack: bao\nproviders:\n  openbao: {url: "${env.BAO_URL}", token: "${env.BAO_TOKEN}"}\n'


class Api:
    """The server as somebody else uses it: everything by the root token."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None, token=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1/{path}", data=data, method=method, headers={"X-Vault-Token": token or self.token})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def get(self, path):
        """The keys at a path of `secret`; None when there are none."""
        status, answer = self.call("GET", "secret/data/" + path)
        return answer["data"]["data"] if status == 200 else None

    def version(self, path):
        status, answer = self.call("GET", "secret/metadata/" + path)
        return answer["data"]["current_version"] if status == 200 else 0

    def put(self, path, keys):
        return self.call("POST", "secret/data/" + path, {"data": keys})[0] == 200

    def drop(self, path):
        self.call("DELETE", "secret/metadata/" + path)


class LabServer(Api):
    """`calls` is what it was asked."""
    real = False

    def __init__(self, folder, *options):
        self.lab = Lab(folder, *options)
        super().__init__(self.lab.environment["HLREC_LAB_OPENBAO"], os.environ.get("HLREC_LAB_OPENBAO_TOKEN", "lab-root"))

    def calls(self, method="", path=""):
        return [call for call in self.lab.calls() if call["api"] == "openbao" and method in call["method"] and path in call["path"]]

    def switch(self, **modes):
        request = urllib.request.Request(self.url + "/lab/openbao", data=json.dumps(modes).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).read()

    def seal(self):
        self.switch(sealed=True)

    def unseal(self):
        self.switch(sealed=False)

    def stop(self):
        self.lab.stop()


class RealServer(Api):
    """A server in memory, in a folder of its own."""
    real = True

    def __init__(self, folder):
        os.makedirs(folder)
        port = free_port()
        self.log = os.path.join(folder, "log")
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "BAO_DEV_ROOT_TOKEN_ID": ROOT}
        self.process = subprocess.Popen([program(), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"], cwd=folder, env=environment,
                                        stdin=subprocess.DEVNULL, stdout=open(self.log, "w"), stderr=subprocess.STDOUT, start_new_session=True)
        super().__init__(f"http://127.0.0.1:{port}", ROOT)
        for _ in range(300):
            try:
                if self.call("GET", "sys/internal/ui/mounts/secret")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError("bao did not start: " + open(self.log).read()[-2000:])

    def seal(self):
        self.call("PUT", "sys/seal")

    def unseal(self):
        with open(self.log) as file:
            key = re.search(r"Unseal Key: (\S+)", file.read()).group(1)
        self.call("PUT", "sys/unseal", {"key": key})
        for _ in range(100):
            if self.call("GET", "secret/data/nothing")[0] == 404:
                return
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def program():
    for name in (os.environ.get("HLREC_BAO"), os.path.join(VENV, "bin", "bao")):
        if name and os.path.exists(name):
            return name
    return None


class KillStack(Stack):
    def kill_in(self, seconds):
        """Runs apply and kills it: whatever it does then."""
        process = subprocess.Popen([HLREC, "apply", "--yes"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        process.wait()


class Scene:
    """A stack of its own on a server; what is below `secret` is emptied by using paths of the scene's name."""

    def __init__(self, folder, server, name, spec, head=HEAD, **environment):
        self.folder = os.path.join(folder, ("real-" if server.real else "lab-") + name)
        self.stack = KillStack(self.folder, "stack", head + spec, environment=dict({"BAO_URL": server.url, "BAO_TOKEN": server.token}, **environment))
        self.head = head

    def write(self, spec):
        self.stack.write(self.head + spec)

    def __enter__(self):
        return self.stack, self.write

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


def life(tap, folder, server):
    spec = """secrets:
  A: {generate: true, write: [{openbao: {path: life}}, {dotenv: a.env}]}
  B: {generate: {length: 30}, write: [{openbao: {path: /life/, key: other key}}]}
  C: {value: "${secret.A}", write: [{openbao: {path: life/deeper/path, mount: secret}}]}
"""
    tap.section = "a secret's life"
    server.put("life", {"theirs": {"list": [1, None, "x"]}, "text": "stays"})
    with Scene(folder, server, "life", spec) as (stack, write):
        plan = stack.run("plan")
        tap.equal((plan.status, "3 to create" in plan.out), (0, True), "the plan makes it", plan.text)
        tap.equal(server.get("life"), {"theirs": {"list": [1, None, "x"]}, "text": "stays"}, "and changes nothing")
        done = stack.apply()
        keys = server.get("life")
        tap.equal((done.status, sorted(keys)), (0, ["A", "other key", "text", "theirs"]), "apply writes its keys", done.text)
        tap.equal((keys["theirs"], keys["text"]), ({"list": [1, None, "x"]}, "stays"), "and leaves the path's other keys")
        tap.equal(server.get("life/deeper/path"), {"C": keys["A"]}, "a path that is new is made")
        tap.point(f"A={keys['A']}\n" in stack.read("a.env"), "the file has the same value")
        plan = stack.plan_status()
        tap.equal((plan.status, server.version("life")), (0, 3), "the next plan is empty", plan.text)
        stack.apply()
        tap.equal(server.version("life"), 3, "and the next apply writes nothing")

        server.put("life", dict(keys, A="changed by somebody"))
        drift = stack.plan_status()
        tap.equal((drift.status, "changed by somebody" in drift.text), (2, False), "a changed value is drift, which is not shown", drift.text)
        tap.equal((stack.apply().status, server.get("life")), (0, keys), "and is put right")
        server.call("DELETE", "secret/data/life")
        tap.equal(stack.plan_status().status, 2, "a deleted version is drift")
        done = stack.apply()
        tap.equal((done.status, server.get("life")), (0, {"A": keys["A"], "other key": keys["other key"]}), "and is written anew", done.text)
        server.drop("life")
        done = stack.apply()
        tap.equal((done.status, sorted(server.get("life"))), (0, ["A", "other key"]), "so is a path of which nothing is left", done.text)

        stack.run("secret", "rotate", "A")
        done = stack.apply()
        rotated = server.get("life")
        tap.equal((done.status, rotated["A"] != keys["A"], rotated["other key"] == keys["other key"]), (0, True, True), "a rotated value is written", done.text)
        tap.equal(server.get("life/deeper/path"), {"C": rotated["A"]}, "to all that refer to it")
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")

        server.put("life", dict(rotated, theirs="stays"))
        write(spec.replace("B: {generate: {length: 30}, write: [{openbao: {path: /life/, key: other key}}]}", "B: {generate: {length: 30}}"))
        done = stack.apply()
        tap.equal((done.status, server.get("life")), (0, {"A": rotated["A"], "theirs": "stays"}), "a destination that is taken out is cleaned", done.text)
        server.put("life/deeper/path", {"C": "of somebody"})
        gone = stack.run("destroy", "--yes", "--allow-destroy")
        tap.equal((gone.status, server.get("life")), (0, {"theirs": "stays"}), "destroy takes the keys away", gone.text)
        tap.equal(server.get("life/deeper/path"), {"C": "of somebody"}, "but for one that somebody has changed")
        tap.point("left at openbao secret/life/deeper/path C" in gone.text, "which is told", gone.text)
        tap.equal(stack.leaks([keys["A"], keys["other key"], rotated["A"]], ["a.env"]), [], "no value is printed or lies about")


def last_key(tap, folder, server):
    tap.section = "the last key"
    with Scene(folder, server, "last", "secrets: {A: {generate: true, write: [{openbao: {path: last}}]}}\n") as (stack, write):
        stack.apply()
        value = server.get("last")["A"]
        write("secrets: {A: {generate: true}}\n")
        done = stack.apply()
        tap.equal((done.status, server.get("last"), server.version("last")), (0, None, 1), "goes with its version", done.text)
        server.call("POST", "secret/undelete/last", {"versions": [1]})
        tap.equal(server.get("last"), {"A": value}, "which can be brought back")
        server.call("DELETE", "secret/data/last")
        write("secrets: {A: {generate: true, write: [{openbao: {path: last}}]}}\n")
        done = stack.apply()
        tap.equal((done.status, server.get("last"), server.version("last")), (0, {"A": value}, 2), "and a later write follows the deleted one", done.text)


def sources(tap, folder, server):
    pem = " -----BEGIN X-----\n\tQQ==\"'\\ ${A} $(x)\n-----END X-----\n\n"
    spec = """secrets:
  A: {openbao: {path: given, key: pem}, write: [{file: a}]}
  B: {openbao: {path: given}, optional: true, write: [{file: b}]}
  N: {openbao: {path: given, key: number}}
"""
    tap.section = "sources"
    with Scene(folder, server, "sources", spec) as (stack, _):
        done = stack.apply()
        tap.equal(done.status, 5, "what is not there is deferred", done.text)
        tap.point("no value: there is no openbao secret/given pem" in done.text, "with what is missing", done.text)
        server.put("given", {"pem": pem, "number": 42})
        done = stack.apply()
        with open(stack.path("a")) as file:
            tap.equal((done.status, file.read()), (0, pem), "a text of several lines arrives to the byte", done.text)
        tap.equal(os.path.exists(stack.path("b")), False, "an optional one may be absent")
        tap.equal(stack.run("secret", "show", "N", "--reveal").out.strip(), "42", "a number is taken as it is written")
        server.put("given", {"pem": "new one", "B": "now there", "number": [1]})
        plan = stack.run("plan")
        tap.equal((plan.status != 0, "openbao secret/given number is a list, not a text" in plan.text), (True, True), "what is no text is told", plan.text)
        server.put("given", {"pem": "new one", "B": "now there", "number": 42})
        done = stack.apply()
        tap.equal((done.status, stack.read("a"), stack.read("b")), (0, "new one", "now there"), "a change at the source is followed", done.text)


def many(tap, folder, server):
    tap.section = "one path, many secrets"
    names = [f"KEY_{number}" for number in range(20)]
    spec = "secrets:\n" + "".join(f"  {name}: {{generate: true, write: [{{openbao: {{path: many}}}}]}}\n" for name in names)
    server.drop("many")
    with Scene(folder, server, "many", spec) as (stack, _):
        stop = threading.Event()

        def meddle():
            number = 0
            while not stop.is_set():
                status, answer = server.call("GET", "secret/data/many")
                data = answer["data"] if answer and answer.get("data") else {"data": {}, "metadata": {"version": 0}}
                keys = dict(data["data"] or {}, theirs=str(number))
                if server.call("POST", "secret/data/many", {"data": keys, "options": {"cas": data["metadata"]["version"]}})[0] == 200:
                    number += 1
                time.sleep(0.02)

        other = threading.Thread(target=meddle)
        other.start()
        done = stack.apply("--parallel", "10")
        stop.set()
        other.join()
        for _ in range(3):  # somebody who never pauses may win a few times in a row
            if done.status == 0:
                break
            done = stack.apply("--parallel", "10")
        keys = server.get("many")
        tap.equal((done.status, sorted(set(keys) - {"theirs"})), (0, sorted(names)), "written at once, while somebody else writes there too, none is lost", done.text)
        tap.equal(stack.plan_status().status, 0, "the next plan is empty")


def credentials(tap, folder, server):
    tap.section = "AppRole"
    capabilities = ["create", "read", "update", "delete"]
    server.call("PUT", "sys/policies/acl/hlrec-test", {"policy": json.dumps({"path": {"secret/data/role/*": {"capabilities": capabilities}}})})
    server.call("POST", "sys/auth/approle", {"type": "approle"})
    server.call("POST", "auth/approle/role/hlrec-test", {"token_policies": "hlrec-test", "token_ttl": "600s"})
    role = server.call("GET", "auth/approle/role/hlrec-test/role-id")[1]["data"]["role_id"]
    secret = server.call("POST", "auth/approle/role/hlrec-test/secret-id", {})[1]["data"]["secret_id"]
    head = 'hlrec: 1\nstack: bao\nproviders:\n  openbao: {url: "${env.BAO_URL}/v1/", role_id: "${env.ROLE}", secret_id: "${env.SECRET}"}\n'
    spec = "secrets:\n  A: {generate: true, write: [{openbao: {path: role/a}}]}\n  B: {generate: true, write: [{openbao: {path: role/a}}]}\n"
    with Scene(folder, server, "approle", spec, head, ROLE=role, SECRET=secret) as (stack, write):
        done = stack.apply()
        tap.equal((done.status, sorted(server.get("role/a") or {})), (0, ["A", "B"]), "a policy of create, read and update for data/ is enough", done.text)
        write(spec.splitlines()[0] + "\n" + spec.splitlines()[1] + "\n")
        done = stack.apply()
        tap.equal((done.status, sorted(server.get("role/a") or {})), (0, ["A"]), "to take a key away as well", done.text)
        write("secrets: {X: {env: NONE, optional: true}}\n")
        done = stack.apply()
        tap.equal((done.status, server.get("role/a")), (0, None), "and `delete` for the last one", done.text)
        write("secrets: {A: {generate: true, write: [{openbao: {path: other}}]}}\n")
        plan = stack.run("plan")
        tap.equal((plan.status, "none of its policies allows this" in plan.text), (7, True), "what the policy does not allow is told as that", plan.text)
        wrong = stack.run("plan", environment={"SECRET": "wrong"})
        tap.equal((wrong.status, "invalid role or secret ID" in wrong.text and "check role_id and secret_id" in wrong.text), (7, True), "so are wrong credentials", wrong.text)
        tap.equal(stack.leaks([secret], []), [], "the secret id is nowhere")
    tap.section = "a token that is about to end"
    token = server.call("POST", "auth/token/create", {"policies": ["hlrec-test"], "period": "15s"})[1]["auth"]["client_token"]
    with Scene(folder, server, "periodic", "secrets: {A: {generate: true, write: [{openbao: {path: role/periodic}}]}}\n", BAO_TOKEN=token) as (stack, _):
        time.sleep(10.5)
        done = stack.apply()
        renewed = server.call("GET", "auth/token/lookup-self", token=token)[1].get("data", {}).get("last_renewal")
        tap.equal((done.status, bool(renewed)), (0, True), "is renewed by being used", done.text)
    tap.section = "a token"
    with Scene(folder, server, "token", "secrets: {A: {generate: true, write: [{openbao: {path: token}}]}}\n") as (stack, _):
        plan = stack.run("plan", environment={"BAO_TOKEN": "not-a-token-at-all"})
        tap.equal((plan.status, "has ended or was revoked" in plan.text, "not-a-token-at-all" in plan.text), (7, True, False), "that is not good is told", plan.text)
        tap.equal(stack.apply().status, 0, "the right one goes on")
        doctor = stack.run("doctor")
        tap.equal((doctor.status, "the token is good" in doctor.text, "mount secret: KV version 2" in doctor.text), (0, True, True), "doctor shows what it may", doctor.text)
    tap.section = "a token that was put right"
    spec = 'secrets: {TOKEN: {env: BAO_TOKEN}, A: {generate: true, write: [{openbao: {path: right}}]}}\n'
    with Scene(folder, server, "right", spec, head=HEAD.replace("env.BAO_TOKEN", "secret.TOKEN")) as (stack, _):
        stack.run("apply", "--yes", environment={"BAO_TOKEN": "not-a-token-at-all"})
        doctor = stack.run("doctor")
        tap.equal((doctor.status, "the token is good" in doctor.text), (0, True), "is what doctor looks at, not the one that was recorded", doctor.text)


def mounts(tap, folder, server):
    tap.section = "mounts"
    server.call("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    server.call("POST", "sys/mounts/team/kv", {"type": "kv", "options": {"version": "2"}})
    for mount, words in (("old", "is version 1"), ("nowhere", "has no mount 'nowhere'"), ("secret/a", "nothing is mounted at 'secret/a'")):
        with Scene(folder, server, "mount-" + mount.replace("/", "-"), f"secrets: {{A: {{generate: true, write: [{{openbao: {{path: a, mount: {mount}}}}}]}}}}\n") as (stack, _):
            done = stack.apply()
            tap.equal((done.status != 0, words in done.text), (True, True), f"{mount}: a clear message", done.text)
    tap.equal(server.call("GET", "old/data/a")[0], 404, "nothing was written to version 1")
    with Scene(folder, server, "mount-nested", "secrets: {A: {generate: true, write: [{openbao: {path: a, mount: team/kv}}]}}\n") as (stack, _):
        done = stack.apply()
        status, answer = server.call("GET", "team/kv/data/a")
        tap.equal((done.status, status, list(answer["data"]["data"])), (0, 200, ["A"]), "a mount of several parts is fine", done.text)


def takeover(tap, folder, server):
    tap.section = "a state that is lost"
    with Scene(folder, server, "lost", "secrets: {A: {generate: true, write: [{openbao: {path: lost}}]}}\n") as (stack, _):
        stack.apply()
        value = server.get("lost")["A"]
        shutil.rmtree(stack.path(".hlrec"))
        done = stack.apply()
        tap.equal((done.status, server.get("lost")["A"]), (0, value), "takes over the value that is in use", done.text)
        tap.equal((stack.plan_status().status, server.version("lost")), (0, 1), "without writing it")


def sealed(tap, folder, server):
    tap.section = "a sealed server"
    with Scene(folder, server, "sealed", "secrets: {A: {generate: true, write: [{openbao: {path: sealed}}]}, B: {generate: true, write: [{file: b}]}}\n") as (stack, _):
        stack.apply()
        value = server.get("sealed")
        server.seal()
        plan = stack.run("plan")
        tap.equal((plan.status, "sealed" in plan.text and "bao operator unseal" in plan.text), (7, True), "is told, with what to do", plan.text)
        doctor = stack.run("doctor")
        tap.point(doctor.status != 0 and "is sealed" in doctor.text, "doctor tells it", doctor.text)
        os.unlink(stack.path("b"))
        done = stack.apply()
        tap.equal((done.status, os.path.exists(stack.path("b"))), (7, True), "other secrets go on meanwhile", done.text)
        server.unseal()
        tap.equal((stack.plan_status().status, server.get("sealed")), (0, value), "unsealed, nothing has changed")


SCENES = (life, last_key, sources, many, credentials, mounts, takeover, sealed)


# ---- on the lab alone ----

FAULTY = "secrets:\n  A: {generate: true, write: [{openbao: {path: a}}, {dotenv: a.env}]}\n  B: {generate: true, write: [{openbao: {path: a}}]}\n"


def fault_at(folder, method, number, how):
    name = f"fault-{method}-{number}-{how}"
    server = LabServer(os.path.join(folder, name + "-lab"), "--fault", f"{method} /v1/* {number} {how}")
    try:
        with Scene(folder, server, name, FAULTY) as (stack, _):
            first = stack.apply()
            printed = re.findall(r"=(.*)\n", stack.read("a.env")) if os.path.exists(stack.path("a.env")) else []
            done = stack.apply() if first.status != 0 else first
            plan = stack.plan_status()
            if plan.status == 7:
                plan = stack.plan_status()
            keys = server.get("a") or {}
            same = printed == [] or printed[-1] == keys.get("A")
            good = first.status in (0, 6, 7) and (done.status, plan.status, sorted(keys), same) == (0, 0, ["A", "B"], True) and not stack.leaks(keys.values(), ["a.env"])
            return None if good else f"{first.status} {done.status} {plan.status} {sorted(keys)} {same}\n{first.text}\n{done.text}\n{plan.text}"
    finally:
        server.stop()
        shutil.rmtree(os.path.join(folder, name + "-lab"), ignore_errors=True)


def faults(tap, folder):
    """Each call that a first apply makes fails once in each way; the run after it converges, with the same values."""
    tap.section = "faults"
    server = LabServer(os.path.join(folder, "measure-lab"))
    with Scene(folder, server, "measure", FAULTY) as (stack, _):
        stack.apply()
        counts = {}
        for call in server.calls():
            counts[call["method"]] = counts.get(call["method"], 0) + 1
    server.stop()
    points = [(method, number, how) for method, count in sorted(counts.items()) for number in range(1, count + 1)
              for how in ("500", "503", "reset", "after-reset", "truncate")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda point: fault_at(folder, *point), points))
    for point, problem in zip(points, found):
        tap.point(problem is None, "%s %d answers %s: then the next apply converges" % point, problem or "")


def simulated(tap, folder):
    server = LabServer(os.path.join(folder, "lab-more"))
    try:
        tap.section = "calls"
        spec = "secrets:\n" + "".join(f"  K{number}: {{generate: true, write: [{{openbao: {{path: calls}}}}]}}\n" for number in range(10))
        with Scene(folder, server, "calls", spec) as (stack, _):
            stack.apply()
            before = len(server.calls())
            stack.run("plan")
            tap.equal(len(server.calls()) - before, 3, "a plan of ten secrets in a path asks for the token, the mount and the path")
        tap.section = "an engine that is being made"
        with Scene(folder, server, "upgrading", "secrets: {A: {generate: true, write: [{openbao: {path: upgrading}}]}}\n") as (stack, _):
            server.switch(upgrading=2)
            done = stack.apply()
            tap.equal((done.status, list(server.get("upgrading"))), (0, ["A"]), "is waited for", done.text)
            server.drop("upgrading")
            server.switch(throttle=2)
            done = stack.apply()
            tap.equal(done.status, 0, "so is a quota", done.text)
        tap.section = "a token that ends"
        head = 'hlrec: 1\nstack: bao\nproviders:\n  openbao: {url: "${env.BAO_URL}", role_id: "${env.ROLE}", secret_id: "${env.SECRET}"}\n'
        server.call("POST", "auth/approle/role/short", {"token_policies": "root-like", "token_ttl": "2s"})
        rules = {"*": {"capabilities": ["create", "read", "update", "delete", "patch", "list"]}}
        server.call("PUT", "sys/policies/acl/root-like", {"policy": json.dumps({"path": rules})})
        role = server.call("GET", "auth/approle/role/short/role-id")[1]["data"]["role_id"]
        secret = server.call("POST", "auth/approle/role/short/secret-id", {})[1]["data"]["secret_id"]
        spec = 'secrets:\n  S: {command: [sleep, "3"], optional: true}\n  A: {generate: true, needs: [secret.S], write: [{openbao: {path: short}}]}\n'
        with Scene(folder, server, "short", spec, head, ROLE=role, SECRET=secret) as (stack, _):
            done = stack.apply()
            tap.equal((done.status, list(server.get("short") or {})), (0, ["A"]), "in the middle of a run is replaced by another", done.text)
            before = len(server.calls("POST", "approle/login"))
            stack.run("plan", environment={"SECRET": "wrong"})
            tap.equal(len(server.calls("POST", "approle/login")) - before, 1, "wrong credentials are tried once")
    finally:
        server.stop()


def killed_at(folder, method, how):
    name = f"kill-{method}-{how}"
    server = LabServer(os.path.join(folder, name + "-lab"), "--fault", f"{method} /v1/secret/data/* 1 {how}")
    try:
        with Scene(folder, server, name, FAULTY) as (stack, _):
            stack.kill_in(1.5)
            done = stack.apply()
            keys = server.get("a") or {}
            files = re.findall(r"=(.*)\n", stack.read("a.env"))
            plan = stack.plan_status()
            good = (done.status, plan.status, sorted(keys), files) == (0, 0, ["A", "B"], [keys.get("A")])
            return None if good else f"{done.status} {plan.status} {keys.keys()}\n{done.text}\n{plan.text}"
    finally:
        server.stop()
        shutil.rmtree(os.path.join(folder, name + "-lab"), ignore_errors=True)


def killed(tap, folder):
    tap.section = "killed"
    for method, how in (("POST", "hang"), ("POST", "after-hang"), ("PATCH", "hang"), ("PATCH", "after-hang")):
        problem = killed_at(folder, method, how)
        tap.point(problem is None, f"while {method} {'is done' if how == 'hang' else 'is answered'}: the next apply goes on with the same values", problem or "")


def run_scenes(tap, folder, server, label):
    try:
        for scene in SCENES:
            scene(_Labelled(tap, label), folder, server)
    finally:
        server.stop()


class _Labelled:
    """The same points for two servers, told apart."""

    def __init__(self, tap, label):
        self.tap, self.label, self.section = tap, label, ""

    def _here(self):
        self.tap.section = f"{self.label}: {self.section}"
        return self.tap

    def point(self, *arguments):
        return self._here().point(*arguments)

    def equal(self, *arguments):
        return self._here().equal(*arguments)


def main():
    stop_on_signals()
    tap = Tap()
    folder = private_folder()
    try:
        run_scenes(tap, folder, LabServer(os.path.join(folder, "lab")), "lab")
        if program() is None:
            print("SKIPPED: no real OpenBao: neither $HLREC_BAO nor a bao in the tests' venv", file=sys.stderr)
            tap.section = ""
            print(f"ok {tap.count + 1} - the same on a real OpenBao # SKIP there is none")
            tap.count += 1
        else:
            run_scenes(tap, folder, RealServer(os.path.join(folder, "bao")), "OpenBao")
        faults(tap, folder)
        killed(tap, folder)
        simulated(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
