#!/usr/bin/env python3
"""Tokens and applications of authentik, on the simulated API: drift of each field, adoption, renewal, first starts, crashes, and each call failing in each way."""
import collections
import concurrent.futures
import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, Lab, Stack, Tap, private_folder, stop_on_signals, wait_for  # noqa: E402

TOKEN = "lab-bootstrap"

HEAD = """\
hlrec: 1
stack: lab
providers:
  authentik: {url: "${env.HLREC_LAB_AUTHENTIK}", token: "${env.AK_TOKEN}", timeout: 5s}
"""

SPEC = HEAD + """\
secrets:
  MGMT: {value: "${token.mgmt.value}", write: [{dotenv: app.env}]}
tokens:
  mgmt: {provider: authentik, identifier: netbird-mgmt-token, user: akadmin, intent: api, expires: never, description: for the mesh}
applications:
  netbird:
    name: NetBird
    client_type: public
    redirect_uris: ["https://nb.example.com/auth", "^https://nb\\\\.example\\\\.com/.*$", {url: "http://localhost:53000"}]
    scopes: [openid, profile, email, offline_access, goauthentik.io/api]
    signing_key: authentik Self-signed Certificate
    authorization_flow: default-provider-authorization-explicit-consent
    invalidation_flow: default-provider-invalidation-flow
    sub_mode: user_id
    issuer_mode: per_provider
    include_claims_in_id_token: true
    access_code_validity: 10m
    access_token_validity: 90m
    refresh_token_validity: 20d
    launch_url: https://nb.example.com
    open_in_new_tab: true
    group: Net
    description: The mesh
    publisher: Us
outputs:
  issuer: {value: "${application.netbird.issuer}"}
  client_id: {value: "${application.netbird.client_id}"}
  client_secret: {value: "${application.netbird.client_secret}", sensitive: true}
"""


class Authentik(Lab):
    """The lab, and its authentik by hand."""

    def __init__(self, folder, *options):
        super().__init__(folder, *options)
        self.url = self.environment.get("HLREC_LAB_AUTHENTIK")
        if self.url is None:
            self.stop()
            raise RuntimeError("the lab has no authentik")

    def call(self, method, path, body=None, token=TOKEN, base="/api/v3"):
        """(status, decoded answer)"""
        request = urllib.request.Request(self.url + base + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json", "Authorization": "Bearer " + token})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as problem:
            status, text = problem.code, problem.read()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode(errors="replace")

    def get(self, path):
        return self.call("GET", path)[1]

    def all(self, path):
        return self.get(path + ("&" if "?" in path else "?") + "page_size=100")["results"]

    def control(self, **body):
        self.call("POST", "/lab/authentik", body, base="")

    def token(self, identifier="netbird-mgmt-token"):
        status, token = self.call("GET", f"/core/tokens/{identifier}/")
        return token if status == 200 else None

    def key(self, identifier="netbird-mgmt-token"):
        return self.get(f"/core/tokens/{identifier}/view_key/")["key"]

    def works(self, key):
        return self.call("GET", "/core/users/me/", token=key)[0] == 200

    def application(self, slug="netbird"):
        status, application = self.call("GET", f"/core/applications/{slug}/?superuser_full_list=true")
        return application if status == 200 else None

    def provider(self, slug="netbird"):
        application = self.application(slug)
        return self.get(f"/providers/oauth2/{application['provider']}/") if application and application["provider"] else None

    def calls(self):
        return [call for call in super().calls() if call["api"] == "authentik"]


class World:
    """A lab and a stack for one scene; both are gone afterwards."""

    def __init__(self, folder, name, spec=SPEC, *options, environment=None):
        self.folder = os.path.join(folder, name)
        self.lab = Authentik(self.folder + "-lab", *options)
        self.stack = Stack(folder, name, spec, environment={**self.lab.environment, "AK_TOKEN": TOKEN, **(environment or {})})

    def __enter__(self):
        return self.lab, self.stack

    def __exit__(self, *_):
        self.lab.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.folder + "-lab", ignore_errors=True)


def planned(stack, *options):
    """{address: (action, {path: origin})} of what is not unchanged"""
    plan = stack.run("plan", "--format", "json", *options)
    try:
        actions = json.loads(plan.out)["actions"]
    except ValueError:
        return plan.text
    return {row["address"]: (row["action"], {change["path"]: change["origin"] for change in row["changes"]}) for row in actions if row["action"] not in ("none", "unchanged")}


def dotenv(stack, name="MGMT", file="app.env"):
    for line in stack.read(file).splitlines():
        if line.startswith(name + "="):
            return line.split("=", 1)[1].strip("'\"")
    return None


def settled(tap, stack, name):
    done = stack.apply()
    plan = stack.plan_status()
    tap.equal((done.status, plan.status), (0, 0), name, done.text + plan.text)


# ---- what it is for ----


def basics(tap, folder):
    tap.section = "basics"
    with World(folder, "basics") as (lab, stack):
        tap.equal({address: row[0] for address, row in planned(stack).items()}, {"application.netbird": "create", "secret.MGMT": "create", "token.mgmt": "create"}, "a plan without anything")
        tap.equal((lab.token(), lab.application()), (None, None), "which makes nothing")
        done = stack.apply()
        tap.equal(done.status, 0, "apply", done.text)
        token, key = lab.token(), lab.key()
        tap.equal((token["intent"], token["user_obj"]["username"], token["expiring"]), ("api", "akadmin", False), "the token does not expire")
        tap.point(token["description"].startswith("for the mesh [managed by hlrec: lab/token.mgmt, state "), "and carries the mark", token["description"])
        tap.equal(dotenv(stack), key, "its key is where it is wanted")
        provider, application = lab.provider(), lab.application()
        tap.equal([uri["matching_mode"] for uri in provider["redirect_uris"]], ["strict", "regex", "strict"], "redirect URIs have their modes, in the spec's order")
        tap.equal((provider["sub_mode"], provider["access_code_validity"], provider["access_token_validity"], len(provider["property_mappings"])),
                  ("user_id", "minutes=10", "hours=1;minutes=30", 5), "the provider is as the spec says")
        tap.equal((application["name"], application["meta_description"], application["open_in_new_tab"]), ("NetBird", "The mesh", True), "so is the application")
        tap.equal(stack.run("output", "issuer").out.strip(), lab.url + "/application/o/netbird/", "the issuer has its slash")
        tap.equal(stack.run("output", "client_id").out.strip(), provider["client_id"], "the client's id is an output")
        calls = len(lab.calls())
        plan = stack.plan_status()
        tap.equal(plan.status, 0, "the next plan is empty", plan.text)
        reads = lab.calls()[calls:]
        tap.equal((len(reads), {call["method"] for call in reads}), (7, {"GET"}), "and takes five lists, one list of tokens, and a question for the key", reads)
        tap.equal([call for call in reads if "view_key" in call["path"]], [], "no plan looks at a key that it knows")
        doctor = stack.run("doctor")
        tap.point(doctor.status == 0 and "superuser" in doctor.out and "2025.10" in doctor.out, "doctor", doctor.text)
        stack.run("state", "show", "token.mgmt")
        stack.run("plan", "--format", "markdown")
        tap.equal(stack.leaks([key, provider["client_secret"], TOKEN], allowed=("app.env",)), [], "no secret in the clear anywhere else")
        done = stack.run("destroy", "--yes")
        tap.equal((done.status, lab.token(), lab.application(), lab.all("/providers/oauth2/")), (0, None, None, []), "destroy leaves nothing, no provider either", done.text)


def old_version(tap, folder):
    tap.section = "2024.10"
    with World(folder, "old", SPEC, "--authentik", "2024.10.4") as (lab, stack):
        settled(tap, stack, "apply, and the next plan is empty")
        tap.equal(lab.provider()["redirect_uris"].splitlines(), ["https://nb.example.com/auth", "^https://nb\\.example\\.com/.*$", "http://localhost:53000"], "redirect URIs are lines of text")
        lab.call("PATCH", f"/providers/oauth2/{lab.provider()['pk']}/", {"redirect_uris": "https://evil.example"})
        tap.equal(planned(stack), {"application.netbird": ("update", {"redirect_uris": "drift"})}, "others are drift")
        settled(tap, stack, "which is corrected")
    with World(folder, "older", SPEC, "--authentik", "2024.6.0") as (lab, stack):
        settled(tap, stack, "where scopes had another path")


# ---- drift ----

TOKEN_DRIFT = [
    ({"description": "something else"}, "description"),
    ({"expiring": True}, "expires"),
    ({"intent": "app_password"}, "intent"),
    ({"identifier": "renamed"}, "identifier"),
]
APPLICATION_DRIFT = [
    ({"name": "Other"}, "name"),
    ({"slug": "other"}, "slug"),
    ({"meta_launch_url": "https://other.example"}, "launch_url"),
    ({"open_in_new_tab": False}, "open_in_new_tab"),
    ({"group": ""}, "group"),
    ({"meta_description": "Other"}, "description"),
    ({"meta_publisher": "Them"}, "publisher"),
    ({"provider": None}, "provider_state"),
]
PROVIDER_DRIFT = [
    ({"client_type": "confidential"}, "client_type"),
    ({"redirect_uris": [{"url": "https://evil.example", "matching_mode": "strict"}]}, "redirect_uris"),
    ({"property_mappings": []}, "scopes"),
    ({"signing_key": None}, "signing_key"),
    ({"authorization_flow": "default-provider-authorization-implicit-consent"}, "authorization_flow"),
    ({"invalidation_flow": "default-invalidation-flow"}, "invalidation_flow"),
    ({"sub_mode": "user_email"}, "sub_mode"),
    ({"issuer_mode": "global"}, "issuer_mode"),
    ({"include_claims_in_id_token": False}, "include_claims_in_id_token"),
    ({"access_code_validity": "minutes=1"}, "access_code_validity"),
    ({"access_token_validity": "hours=5"}, "access_token_validity"),
    ({"refresh_token_validity": "weeks=9"}, "refresh_token_validity"),
]


def drift_of(tap, lab, stack, address, path, body, field):
    """One change by hand: the plan names exactly the field, and apply puts back what was there."""
    before = (lab.token(), lab.application(), lab.provider())
    if "flow" in field:
        body = {name: lab.get(f"/flows/instances/{slug}/")["pk"] for name, slug in body.items()}
    status, answer = lab.call("PATCH", path, dict(body, user=before[0]["user"], **({} if "intent" in body else {"intent": "api"})) if "tokens" in path else body)
    changes = planned(stack).get(address)
    again = {"provider_state"} if field == "provider_state" else {field}
    good = status == 200 and changes is not None and changes[0] == "update" and set(changes[1]) >= again and (field == "provider_state" or changes[1] == {field: "drift"})
    tap.point(good, f"{field}: the plan says so", f"{status} {answer}\n{changes}")
    done = stack.apply()
    after = (lab.token(), lab.application(), lab.provider())
    for objects in (before, after):
        objects[0].pop("expires")
        if field == "provider_state":  # another one, made anew
            for name in ("pk", "client_id", "client_secret"):
                objects[2].pop(name)
            objects[1].pop("provider")
            objects[1]["provider_obj"].pop("pk")
    plan = stack.plan_status()
    tap.equal((done.status, plan.status, after), (0, 0, before), f"{field}: apply puts it back, and nothing else", done.text + plan.text)


def drift(tap, folder):
    tap.section = "drift"
    with World(folder, "drift") as (lab, stack):
        stack.apply()
        key = lab.key()
        for body, field in TOKEN_DRIFT:
            drift_of(tap, lab, stack, "token.mgmt", "/core/tokens/netbird-mgmt-token/", body, field)
        for body, field in APPLICATION_DRIFT[:-1]:
            drift_of(tap, lab, stack, "application.netbird", "/core/applications/netbird/", body, field)
        for body, field in PROVIDER_DRIFT:
            drift_of(tap, lab, stack, "application.netbird", f"/providers/oauth2/{lab.provider()['pk']}/", body, field)
        orphan = lab.provider()["pk"]
        drift_of(tap, lab, stack, "application.netbird", "/core/applications/netbird/", *APPLICATION_DRIFT[-1])
        tap.equal([row["pk"] for row in lab.all("/providers/oauth2/")], [orphan], "a provider that was taken off is put on again, not made twice")
        lab.call("DELETE", f"/providers/oauth2/{orphan}/")
        settled(tap, stack, "a deleted provider is made anew")
        tap.equal(stack.run("output", "client_id").out.strip(), lab.provider()["client_id"], "with its new client id as output")
        tap.equal((lab.key(), dotenv(stack)), (key, key), "none of this has touched the token's key")
        views = [call for call in lab.calls() if call["path"].endswith("/view_key/")]
        tap.equal(len(views), 3, "which hlrec has looked at once (this test twice)")


def expired_by_others(tap, folder):
    tap.section = "switched to expiring"
    with World(folder, "expired") as (lab, stack):
        stack.apply()
        key = lab.key()
        lab.call("PATCH", "/core/tokens/netbird-mgmt-token/", {"expiring": True})
        lab.call("POST", "/lab/clock", {"add_seconds": 3600}, base="")
        tap.point(not lab.works(key), "half an hour later the key is dead")
        lab.control(rotate_expired=True)
        settled(tap, stack, "apply makes it last again")
        tap.point(lab.key() != key and lab.works(dotenv(stack)), "and hands on the key that the clean-up has given it")


def foreign_key(tap, folder):
    tap.section = "a key set by others"
    with World(folder, "foreign") as (lab, stack):
        stack.apply()
        lab.call("POST", "/core/tokens/netbird-mgmt-token/set_key/", {"key": "a-key-of-somebody-else"})
        plan = stack.run("plan")
        tap.point("secret.MGMT" in plan.out and "a-key-of" not in plan.out, "those that use it get it; it is not shown", plan.text)
        settled(tap, stack, "apply")
        tap.equal(dotenv(stack), "a-key-of-somebody-else", "the new key is handed on")


def deleted(tap, folder):
    tap.section = "deleted by others"
    with World(folder, "deleted") as (lab, stack):
        stack.apply()
        old = dotenv(stack)
        lab.call("DELETE", "/core/tokens/netbird-mgmt-token/")
        lab.call("DELETE", "/core/applications/netbird/")
        tap.equal({address: row[0] for address, row in planned(stack).items() if address != "secret.MGMT"}, {"token.mgmt": "create", "application.netbird": "create"}, "both are made again")
        settled(tap, stack, "apply")
        tap.equal((dotenv(stack) != old, dotenv(stack)), (True, lab.key()), "with a new key, which is handed on in the same run")
        tap.equal(len(lab.all("/providers/oauth2/")), 1, "and the provider that was left is used, not made twice")
        lab.call("DELETE", "/core/tokens/netbird-mgmt-token/")
        lab.call("POST", "/core/tokens/", {"identifier": "netbird-mgmt-token", "expiring": False})
        done = stack.apply()
        tap.equal(done.status, 8, "a stranger under the same identifier is a conflict", done.text)


# ---- changes of the spec ----


def spec_changes(tap, folder):
    tap.section = "the spec changes"
    with World(folder, "changes") as (lab, stack):
        stack.apply()
        before, key = (lab.application(), lab.provider()), lab.key()
        changed = SPEC.replace("name: NetBird", "name: The NetBird").replace("access_code_validity: 10m", "access_code_validity: 2m").replace("description: for the mesh", "description: for all")
        stack.write(changed)
        log = len(lab.calls())
        settled(tap, stack, "three fields")
        writes = sorted(call["method"] + " " + call["path"].split("/")[-3] for call in lab.calls()[log:] if call["method"] != "GET")
        tap.equal(writes, ["PATCH applications", "PATCH oauth2", "PATCH tokens"], "a PATCH for each object")
        after = (lab.application(), lab.provider())
        differing = sorted(name for old, new in zip(before, after) for name in old if old[name] != new[name] and name not in ("provider_obj", "assigned_application_name"))
        tap.equal(differing, ["access_code_validity", "name"], "nothing but what was changed differs")
        tap.equal((lab.key(), lab.token()["description"].split(" [")[0]), (key, "for all"), "the key stays")
        dropped = "\n".join(line for line in changed.splitlines() if not any(word in line for word in ("sub_mode", "launch_url", "scopes", "client_type", "signing_key", "  name:"))) + "\n"
        stack.write(dropped)
        settled(tap, stack, "fields that the spec drops")
        provider, application = lab.provider(), lab.application()
        tap.equal((provider["sub_mode"], provider["client_type"], len(provider["property_mappings"]), application["meta_launch_url"], application["name"], provider["signing_key"] is None),
                  ("hashed_user_id", "confidential", 3, "", "netbird", False), "go back to their defaults")
        stack.write(dropped.replace("identifier: netbird-mgmt-token", "identifier: new-name"))
        settled(tap, stack, "another identifier")
        tap.equal((lab.token(), lab.key("new-name")), (None, key), "the token is renamed and keeps its key")
        lab.call("POST", "/core/users/", {"username": "joe", "name": "Joe"})
        stack.write(dropped.replace("identifier: netbird-mgmt-token", "identifier: new-name").replace("user: akadmin", "user: joe"))
        plan = planned(stack)
        tap.equal((plan["token.mgmt"][0], plan.get("secret.MGMT", [None])[0]), ("replace", "update"), "another user makes another token", plan)
        settled(tap, stack, "apply")
        tap.equal((lab.token("new-name")["user_obj"]["username"], lab.key("new-name") != key, dotenv(stack)), ("joe", True, lab.key("new-name")), "of that user, with a key that is handed on")
        left = "\n".join(line for line in SPEC.splitlines() if "MGMT" not in line and "secrets:" not in line and "tokens:" not in line and "mgmt" not in line) + "\n"
        stack.write(left)
        done = stack.apply()
        tap.equal((done.status, lab.token("new-name")), (0, None), "a token that the spec has no more is deleted", done.text)


def renewal(tap, folder):
    tap.section = "renewal"
    spec = SPEC.replace("expires: never", "expires: 1h, renew_before: 59m56s")
    with World(folder, "renewal", spec) as (lab, stack):
        done = stack.apply()
        first = dotenv(stack)
        tap.equal((done.status, stack.plan_status().status, lab.token()["expiring"]), (0, 0, False), "a lifetime is hlrec's own", done.text)
        ends = {row["address"]: row.get("expires", "") for row in json.loads(stack.run("status", "--format", "json").out)["resources"]}["token.mgmt"]
        tap.point(ends[:13] in [time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + seconds)) for seconds in (3500, 3600)], "and its end is told", ends)
        time.sleep(4.1)
        plan = stack.run("plan")
        tap.point("a new key is due" in plan.out and "secret.MGMT" in plan.out, "when it is due the plan says so, and who uses the key", plan.text)
        done = stack.apply()
        second = dotenv(stack)
        tap.equal((done.status, second != first, second == lab.key(), lab.works(first), lab.works(second)), (0, True, True, False, True), "a new key, handed on in the same run; the old one is dead", done.text)
        tap.equal(stack.leaks([first, second], allowed=("app.env",)), [], "neither is printed")
    for intent in ("api", "app_password"):
        tap.section = f"renewal of {intent}, killed on the way"
        with World(folder, "killed-" + intent, spec.replace("intent: api", f"intent: {intent}"), "--fault", "POST */set_key/ 1 after-hang") as (lab, stack):
            stack.apply()
            first = dotenv(stack)
            time.sleep(4.1)
            kill_at(stack, lab, lambda call: call["path"].endswith("/set_key/"))
            second = lab.key()
            tap.point(second != first, "the new key is set, and hlrec is dead")
            done = stack.run("apply", "--yes")
            tap.equal((done.status, dotenv(stack), lab.key()), (0, second, second), "the next run knows it and hands it on, instead of making yet another", done.text)


def own_key(tap, folder):
    tap.section = "a key of the spec's"
    spec = HEAD + """\
secrets:
  K: {env: K}
  OUT: {value: "${token.t.value}", write: [{dotenv: app.env}]}
tokens:
  t: {provider: authentik, key: "${secret.K}"}
"""
    with World(folder, "own", spec, environment={"K": "first-key-of-mine"}) as (lab, stack):
        settled(tap, stack, "apply")
        tap.equal((lab.key("t"), dotenv(stack, "OUT")), ("first-key-of-mine", "first-key-of-mine"), "is set and known")
        lab.call("POST", "/core/tokens/t/set_key/", {"key": "another-key"})
        tap.equal(planned(stack), {"token.t": ("update", {"key": "drift"})}, "another one is drift")
        settled(tap, stack, "which is corrected")
        stack.environment["K"] = "second-key-of-mine"
        settled(tap, stack, "a new one")
        tap.equal((lab.key("t"), dotenv(stack, "OUT")), ("second-key-of-mine", "second-key-of-mine"), "goes everywhere in one run")
        tap.equal(stack.leaks(["first-key-of-mine", "second-key-of-mine", "another-key"], allowed=("app.env",)), [], "none is printed")


# ---- what was there before ----


def adoption(tap, folder):
    tap.section = "adoption"
    with World(folder, "adoption") as (lab, stack):
        lab.call("POST", "/core/tokens/", {"identifier": "netbird-mgmt-token", "description": "by hand", "expiring": False})
        key = lab.key()
        flow, bye = (lab.get(f"/flows/instances/{slug}/")["pk"] for slug in ("default-provider-authorization-implicit-consent", "default-provider-invalidation-flow"))
        provider = lab.call("POST", "/providers/oauth2/", {"name": "by hand", "authorization_flow": flow, "invalidation_flow": bye, "redirect_uris": []})[1]
        lab.call("POST", "/core/applications/", {"name": "By hand", "slug": "netbird", "provider": provider["pk"]})
        done = stack.apply()
        tap.equal((done.status, "adopt: true" in done.text, lab.key(), lab.provider()["name"]), (8, True, key, "by hand"), "what is there already is a conflict, and left alone", done.text)
        found = json.loads(stack.run("unmanaged", "--format", "json").out)["unmanaged"]
        tap.equal(sorted((row["kind"], row["id"]) for row in found), [("application", "netbird"), ("token", "authentik-bootstrap-token"), ("token", "netbird-mgmt-token")], "unmanaged lists them")
        written = stack.run("adopt", "--write", "authentik").out
        tap.point('adopt: "netbird"' in written and "tokens:" in written and provider["client_secret"] not in written, "adopt --write writes them, without secrets", written)
        done = stack.apply("--adopt")
        tap.equal((done.status, stack.plan_status().status), (0, 0), "--adopt takes them over", done.text)
        tap.equal((lab.key(), dotenv(stack)), (key, key), "the token keeps its key, which is handed on")
        tap.equal((lab.provider()["client_id"], lab.provider()["sub_mode"]), (provider["client_id"], "user_id"), "the application keeps its client id, and is as the spec says")
        tap.equal(len(lab.all("/providers/oauth2/")), 1, "nothing is there twice")
    tap.section = "adoption by id"
    with World(folder, "by-id", HEAD + "tokens: {t: {provider: authentik, adopt: by-hand, identifier: mine}}\napplications: {a: {adopt: found, slug: mine}}\n") as (lab, stack):
        lab.call("POST", "/core/tokens/", {"identifier": "by-hand", "expiring": False})
        lab.call("POST", "/core/applications/", {"name": "Found", "slug": "found"})
        settled(tap, stack, "apply")
        tap.equal((lab.token("by-hand"), lab.token("mine") is not None, lab.application("found"), lab.provider("mine") is not None), (None, True, None, True), "takes that one, and gives it what it lacks")
    tap.section = "adopted as it is"
    with World(folder, "as-is", HEAD + "tokens: {t: {provider: authentik, adopt: true, description: mine}}\n") as (lab, stack):
        lab.call("POST", "/core/tokens/", {"identifier": "t", "intent": "app_password", "user": lab.call("POST", "/core/users/", {"username": "joe", "name": "Joe"})[1]["pk"], "expiring": False})
        settled(tap, stack, "apply")
        tap.equal((lab.token("t")["intent"], lab.token("t")["user_obj"]["username"], lab.token("t")["description"].split(" [")[0]), ("app_password", "joe", "mine"), "intent and user that the spec does not name stay")
    tap.section = "import"
    with World(folder, "import", HEAD + "tokens: {t: {provider: authentik}}\n") as (lab, stack):
        lab.call("POST", "/core/tokens/", {"identifier": "t", "expiring": False})
        key = lab.key("t")
        done = stack.run("import", "token.t", "t")
        tap.equal((done.status, stack.plan_status().status, lab.key("t")), (0, 0, key), "by identifier", done.text)
    tap.section = "another stack's"
    with World(folder, "first", HEAD + "tokens: {t: {provider: authentik}}\napplications: {a: {}}\n") as (lab, stack):
        stack.apply()
        other = Stack(folder, "second", HEAD.replace("stack: lab", "stack: other") + "tokens: {t: {provider: authentik}}\napplications: {a: {}}\n", environment=dict(lab.environment, AK_TOKEN=TOKEN))
        done = other.apply("--adopt")
        tap.equal((done.status, done.text.count("stack 'lab'") >= 2), (8, True), "is never taken", done.text)
        shutil.rmtree(stack.path(".hlrec"))
        lost = stack.apply("--adopt")
        tap.equal(lost.status, 8, "nor is that of a lost state", lost.text)
        shutil.rmtree(other.folder, ignore_errors=True)


# ---- what can go wrong ----


@contextlib.contextmanager
def stranger(status, headers, body):
    """A server that is no authentik."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mistakes(tap, folder):
    tap.section = "mistakes"
    cases = [
        ("a wrong token", {"AK_TOKEN": "wrong-token-of-mine"}, SPEC, 7, ["Token invalid/expired", "AUTHENTIK_BOOTSTRAP_TOKEN is read at the very first start only"]),
        ("an unknown user", {}, SPEC.replace("user: akadmin", "user: akadmn"), 6, ["authentik has no user 'akadmn'", "'akadmin'"]),
        ("an unknown flow", {}, SPEC.replace("explicit-consent", "expliciit-consent"), 6, ["'authorization_flow' of application", "it has 'default-provider-authorization-explicit-consent'"]),
        ("an unknown scope", {}, SPEC.replace("profile, email", "profil, email"), 6, ["authentik has no scope mapping 'profil'", "'profile'"]),
        ("an unknown key", {}, SPEC.replace("authentik Self-signed", "authentik self-signed"), 6, ["certificate key pair", "'authentik Self-signed Certificate'"]),
        ("an expression that is none", {}, SPEC.replace("^https://nb", "^https://(nb"), 6, ["Invalid Regex Pattern"]),
        ("a reserved slug", {}, SPEC.replace("    name: NetBird", "    slug: token\n    name: NetBird"), 6, ["is reserved"]),
    ]
    for name, environment, spec, status, words in cases:
        with World(folder, "mistake", spec, environment=environment) as (lab, stack):
            done = stack.apply()
            tap.equal((done.status, [word for word in words if word not in done.text]), (status, []), name, done.text)
            tap.equal(lab.token() if "user" in name else lab.application(), None, f"{name}: nothing is made of it")
    with World(folder, "ambiguous", SPEC) as (lab, stack):
        lab.call("POST", "/propertymappings/provider/scope/", {"name": "My own email", "scope_name": "email", "expression": "return {}"})
        done = stack.apply()
        tap.equal((done.status, "'My own email'" in done.text, "'authentik default OAuth Mapping: OpenID 'email''" in done.text), (6, True, True), "an ambiguous scope lists what is meant", done.text)
        stack.write(SPEC.replace("profile, email", "profile, My own email"))
        settled(tap, stack, "the name of the mapping tells")
        lab.control(hide="netbird")
        tap.equal(stack.plan_status().status, 0, "an application that the caller may not launch is not taken for gone")
    page = b"<html><body>Bad Gateway</body></html>"
    for name, answer, words in (
            ("a page of a proxy", (502, {"Content-Type": "text/html"}, page), ["an HTML page", "a first start takes minutes"]),
            ("a page instead of a list", (200, {"Content-Type": "text/html"}, page), ["is not authentik's API"]),
            ("a page that is not found", (404, {"Content-Type": "text/html"}, page), ["is not authentik's API"]),
            ("a redirect to https", (301, {"Location": "https://auth.example.com/api/v3/?next=secret-part"}, b""), ["sends us on to 'https://auth.example.com/api/v3/'", "with https://"]),
            ("no list at all", (200, {"Content-Type": "application/json"}, b"[1]"), ["no JSON object"]),
            ("a null list", (200, {"Content-Type": "application/json"}, b'{"pagination": null, "results": null}'), ["no list of 'results'"])):
        with World(folder, "stranger") as (lab, stack), stranger(*answer) as url:
            stack.apply()
            plan = stack.run("plan", environment={"HLREC_LAB_AUTHENTIK": url})
            tap.equal((plan.status, [word for word in words if word not in plan.text], "secret-part" in plan.text), (7, [], False), name, plan.text)
            done = stack.run("apply", "--yes", environment={"HLREC_LAB_AUTHENTIK": url})
            tap.equal((done.status, stack.plan_status().status), (7, 0), f"{name}: nothing is done, and nothing forgotten", done.text)
            doctor = stack.run("doctor", environment={"HLREC_LAB_AUTHENTIK": url})
            tap.equal(doctor.status, 7, f"{name}: doctor sees it", doctor.text)


def plain_user(tap, folder):
    tap.section = "no superuser"
    with World(folder, "plain", HEAD + "secrets: {T: {value: '${token.t.value}', write: [{dotenv: app.env}]}}\ntokens: {t: {provider: authentik}}\n") as (lab, stack):
        joe = lab.call("POST", "/core/users/", {"username": "joe", "name": "Joe"})[1]["pk"]
        lab.call("POST", "/core/tokens/", {"identifier": "joes", "user": joe, "expiring": False})
        stack.environment["AK_TOKEN"] = lab.key("joes")
        settled(tap, stack, "apply")
        tap.equal((lab.token("t")["user"], lab.token("t")["expiring"], lab.key("t")), (joe, False, dotenv(stack, "T")), "gets a token of its own, which does not expire although authentik began with that")
        stack.write(HEAD + "tokens: {t: {provider: authentik}, netbird-mgmt-token: {provider: authentik}}\n")
        lab.call("POST", "/core/tokens/", {"identifier": "netbird-mgmt-token", "expiring": False})
        done = stack.apply()
        tap.point("cannot see the token that has this identifier" in done.text, "an identifier of another user's token is told", done.text)
        stack.write(HEAD + "applications: {a: {}}\n")
        done = stack.apply()
        tap.point(done.status == 7 and "lacks this right" in done.text, "rights that are missing are told", done.text)


def first_start(tap, folder):
    tap.section = "first start"
    spec = SPEC.replace("token: \"${env.AK_TOKEN}\"", "token: \"${env.AK_TOKEN}\", startup: 20s, needs: [container.authentik]").replace(
        "providers:\n", "providers:\n  docker: {host: \"${env.HLREC_LAB_DOCKER}\"}\n") + "containers:\n  authentik: {image: \"nginx:1.27\"}\n"
    with World(folder, "start", spec) as (lab, stack):
        lab.control(start=[600, 1500, 3000])
        plan = stack.run("plan")
        tap.equal(plan.status, 0, "a plan before there is an authentik", plan.text)
        done = stack.apply()
        tap.equal((done.status, stack.plan_status().status), (0, 0), "apply waits for the server, its token, then its flows", done.text)
        lab.control(start=[0, 60000, 0])
        begin = time.monotonic()
        done = stack.run("plan")
        tap.equal((done.status, time.monotonic() - begin < 10), (7, True), "a plan of what is there does not wait", done.text)


# ---- crashes and faults ----


def kill_at(stack, lab, reached, *arguments):
    """Runs apply and kills it when the lab has seen a call; the lab is told to hang there."""
    count = len(lab.calls())
    process = subprocess.Popen([HLREC, "apply", "--yes", *arguments], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = wait_for(lambda: any(reached(call) for call in lab.calls()[count:]))
    process.send_signal(signal.SIGKILL)
    process.wait()
    return found


def whole(lab, stack):
    """What is wrong with the world after all is done, or None."""
    plan = stack.plan_status()
    tokens = [row["identifier"] for row in lab.all("/core/tokens/") if row["identifier"] != "authentik-bootstrap-token"]
    applications = [row["slug"] for row in lab.all("/core/applications/?superuser_full_list=true")]
    providers = [row["assigned_application_slug"] for row in lab.all("/providers/oauth2/")]
    if (plan.status, tokens, applications, providers, dotenv(stack)) == (0, ["netbird-mgmt-token"], ["netbird"], ["netbird"], lab.key()):
        return None
    return f"{plan.status} {tokens} {applications} {providers} {dotenv(stack) == lab.key()}\n{plan.text}"


def killed(tap, folder):
    tap.section = "killed"
    for name, fault in (("POST */core/tokens/", "POST */core/tokens/ 1"), ("GET */view_key/", "GET */view_key/ 1"), ("PUT */transactional/applications/", "PUT */transactional/* 1"),
                        ("GET */core/applications/netbird/", "GET */core/applications/netbird/ 1")):
        for how in ("hang", "after-hang"):
            with World(folder, "kill", SPEC, "--fault", f"{fault} {how}") as (lab, stack):
                method, path = name.split(" *")
                found = kill_at(stack, lab, lambda call: call["method"] == method and call["path"].endswith(path))
                done = stack.apply()
                problem = whole(lab, stack)
                tap.point(found and done.status == 0 and problem is None, f"in the middle of {name} ({how}): the next run goes on, nothing is twice", f"{found} {done.status} {problem}\n{done.text}")
    for name, fault in (("DELETE */core/tokens/netbird-mgmt-token/", "DELETE */core/tokens/* 1"), ("DELETE */core/applications/netbird/", "DELETE */core/applications/* 1"),
                        ("DELETE */providers/oauth2/2/", "DELETE */providers/* 1")):
        for how in ("hang", "after-hang"):
            with World(folder, "kill", SPEC, "--fault", f"{fault} {how}") as (lab, stack):
                stack.apply()
                method, path = name.split(" *")
                stack.write(HEAD + "secrets: {X: {generate: true}}\n")
                found = kill_at(stack, lab, lambda call: call["method"] == method and call["path"].endswith(path), "--max-destroy", "9")
                done = stack.apply("--max-destroy", "9")
                left = (lab.token(), lab.application(), lab.all("/providers/oauth2/"), stack.plan_status().status)
                tap.equal((found, done.status, left), (True, 0, (None, None, [], 0)), f"in the middle of {name} ({how}): the next run deletes the rest", done.text)


def fault_at(folder, number, point):
    """One fault in a first apply, or in an apply that changes both objects; what is wrong then, or None."""
    phase, method, nth, how = point
    options = ["--fault", f"{method} /api/v3/* {nth} {how}"]
    spec = SPEC.replace("timeout: 5s", "timeout: 700ms") if "hang" in how else SPEC
    changed = spec.replace("name: NetBird", "name: The NetBird").replace("sub_mode: user_id", "sub_mode: user_email").replace("description: for the mesh", "description: for all")
    with World(folder, f"fault-{number}", spec, *options) as (lab, stack):
        first = stack.apply()
        if phase == "change" and first.status == 0:
            stack.write(changed)
            first = stack.apply()
        done = stack.apply() if first.status != 0 else first
        problem = whole(lab, stack)
        hit = any("fault" in call for call in lab.calls())
        told = first.status == 0 or "error" in first.text or "unreadable" in first.text or "could not be read" in first.text
        good = hit and told and first.status in (0, 6, 7) and done.status == 0 and problem is None
        return None if good else f"{hit} {first.status} {done.status} {problem}\n{first.text}\n{done.text}"


def faults(tap, folder):
    """Each call fails once in each way; the run after it converges."""
    tap.section = "faults"
    points = []
    with World(folder, "measure") as (lab, stack):
        stack.apply()
        made = collections.Counter(call["method"] for call in lab.calls())
        stack.write(SPEC.replace("name: NetBird", "name: The NetBird").replace("sub_mode: user_id", "sub_mode: user_email").replace("description: for the mesh", "description: for all"))
        stack.apply()
        changed = collections.Counter(call["method"] for call in lab.calls())
    for method, count in sorted(changed.items()):
        ways = ("500", "truncate", "reset", "hang") if method == "GET" else ("500", "503", "403", "reset", "after-reset", "after-500", "truncate", "hang", "after-hang")
        points += [("make" if nth <= made[method] else "change", method, nth, how) for nth in range(1, count + 1) for how in ways]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda row: fault_at(folder, *row), enumerate(points)))
    for point, problem in zip(points, found):
        tap.point(problem is None, "%s: %s %d answers %s: a clear message, then the next apply converges" % point, problem or "")


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    scenes = (basics, old_version, drift, expired_by_others, foreign_key, deleted, spec_changes, renewal, own_key, adoption, mistakes, plain_user, first_start, killed, faults)
    wanted = [scene for scene in scenes if scene.__name__ in sys.argv[1:]] or scenes
    try:
        for scene in wanted:
            try:
                scene(tap, folder)
            except Exception as problem:  # one broken scene must not hide the others
                tap.point(False, f"the scene {scene.__name__} runs to its end", repr(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
