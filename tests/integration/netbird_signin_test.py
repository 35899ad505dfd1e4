#!/usr/bin/env python3
"""NetBird's identity providers and the tokens of its reverse proxies, on the simulated server.

The same against a real server: NETBIRD_URL, NETBIRD_TOKEN (of an admin), and NETBIRD_ISSUERS, two issuers that this server reaches, as it asks them who they
are. Give it an account that nobody uses; what it makes it deletes again (revoked proxy tokens stay in NetBird's list for ever)."""
import base64
import hashlib
import json
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import Tap, private_folder, stop_on_signals  # noqa: E402
from netbird_mesh_test import Mesh, Real, said  # noqa: E402
from netbird_test import NetBird, clock_shim, later  # noqa: E402

VERSIONS = ("0.77.1", "0.66.0")
ISSUERS = os.environ.get("NETBIRD_ISSUERS", "https://auth.example.org/application/o/netbird/ https://sso.example.org").split()
PROVIDERS, PROXIES = "identity-providers", "reverse-proxies/proxy-tokens"
SECRETS = ["the-client-secret-1", "the-client-secret-2"]
DAY = 86400


def secret_is(mesh, secret):
    """Whether the server has this client secret; of a real one nobody can tell."""
    if isinstance(mesh.server, Real):
        return True
    hashed = base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
    return [item.get("secret_hash") for item in mesh.server.tables()["identity_providers"] if item["name"] == "Home SSO"] == [hashed]


def behind(mesh, **members):
    """Somebody changes the provider in the dashboard, which does not know the secret."""
    item = mesh.find(PROVIDERS, name="Home SSO")
    return mesh.call("PUT", f"{PROVIDERS}/{item['id']}", {**item, **members})


# ---- identity providers ----


def providers(mesh):
    tap = mesh.tap
    told = lambda: mesh.find(PROVIDERS, name="Home SSO")  # noqa: E731
    mesh.spec = {"identity_providers": {
        "sso": {"name": "Home SSO", "type": "authentik", "issuer": ISSUERS[0], "client_id": "netbird", "client_secret": "${env.CLIENT_SECRET}"},
        "plain": {"issuer": ISSUERS[1], "client_id": "c"}, "google": {"type": "google", "client_id": "g", "client_secret": "x-secret-of-google"}}}
    mesh.stack.environment["CLIENT_SECRET"] = SECRETS[0]
    sso = mesh.spec["identity_providers"]["sso"]
    mesh.settles("three providers")
    tap.equal(said(told(), "type", "issuer", "client_id"), ("authentik", ISSUERS[0], "netbird"), "are as the spec says")
    tap.point(secret_is(mesh, SECRETS[0]), "with the secret")
    tap.equal(sorted((item["name"], item["type"], item["id"].split("-")[0]) for item in mesh.call("GET", PROVIDERS) if item["name"] != "plain"),
              [("Home SSO", "authentik", "authentik"), ("google", "google", "google")], "of their types")
    tap.equal(said(mesh.find(PROVIDERS, name="plain"), "type", "issuer"), ("oidc", ISSUERS[1]), "which is oidc when not said")
    provider_fields(mesh, sso, told)
    provider_drift(mesh, sso, told)
    provider_owners(mesh)
    provider_refusals(mesh, sso)
    tap.equal(mesh.stack.leaks(SECRETS), [], "no secret stands in the clear")


def provider_fields(mesh, sso, told):
    tap, before = mesh.tap, told()["id"]
    sso["client_id"], sso["issuer"] = "other", ISSUERS[1]
    mesh.plans({"identity_provider.sso": ("update", {"client_id": "spec", "issuer": "spec"})}, "another client of another issuer")
    mesh.settles("in place")
    tap.equal((said(told(), "client_id", "issuer"), told()["id"] == before, secret_is(mesh, SECRETS[0])), (("other", ISSUERS[1]), True, True),
              "it is the same one, and has its secret")
    mesh.stack.environment["CLIENT_SECRET"] = SECRETS[1]
    mesh.plans({"identity_provider.sso": ("update", {"client_secret": "spec"})}, "another secret")
    mesh.settles("in place")
    tap.point(secret_is(mesh, SECRETS[1]), "the server has it")
    sso["name"] = "Away SSO"
    mesh.plans({"identity_provider.sso": ("update", {"name": "spec"})}, "another name")
    mesh.settles("in place")
    sso["name"] = "Home SSO"
    del sso["client_secret"]
    mesh.settles("the name back, and the secret no longer said")
    tap.equal((told()["id"] == before, secret_is(mesh, SECRETS[1])), (True, True), "the server keeps the one it has")
    sso["client_secret"] = "${env.CLIENT_SECRET}"
    mesh.settles("said again")
    sso["type"] = "keycloak"
    mesh.plans({"identity_provider.sso": ("replace", {"type": "spec"})}, "another type")
    mesh.settles("is another provider")
    tap.equal((told()["type"], told()["id"] != before, secret_is(mesh, SECRETS[1])), ("keycloak", True, True), "which takes the place of the first")
    tap.equal(len(mesh.call("GET", PROVIDERS)), 3, "there are three")


def provider_drift(mesh, sso, told):
    tap = mesh.tap
    behind(mesh, client_id="theirs", issuer=ISSUERS[0])
    mesh.plans({"identity_provider.sso": ("update", {"client_id": "drift", "issuer": "drift"})}, "drift is seen")
    mesh.settles("and corrected")
    behind(mesh, name="Renamed")
    mesh.plans({"identity_provider.sso": ("update", {"name": "drift"})}, "its name, too")
    mesh.settles("corrected")
    tap.equal((said(told(), "client_id", "issuer"), secret_is(mesh, SECRETS[1])), (("other", ISSUERS[1]), True), "all is back")
    sso["ignore"] = ["client_id"]
    behind(mesh, client_id="theirs")
    mesh.plans({}, "what is ignored is no drift")
    sso["issuer"] = ISSUERS[0]
    mesh.settles("another field changed")
    tap.equal(said(told(), "client_id", "issuer"), ("theirs", ISSUERS[0]), "leaves it as it is")
    del sso["ignore"]
    mesh.settles("ignored no longer")
    mesh.call("DELETE", f"{PROVIDERS}/{told()['id']}")
    tap.equal({address: action for address, (action, _) in mesh.actions().items()}, {"identity_provider.sso": "create"}, "deleted by hand")
    mesh.settles("it is made again")
    tap.point(secret_is(mesh, SECRETS[1]), "with its secret")


def provider_owners(mesh):
    tap, all_of = mesh.tap, mesh.spec["identity_providers"]
    make = lambda: mesh.call("POST", PROVIDERS, {"name": "there", "type": "google", "client_id": "theirs"})["id"]  # noqa: E731
    first = make()
    all_of["there"] = {"type": "google", "client_id": "ours"}
    done = mesh.run("apply", "--yes")
    tap.equal((done.status, first in done.text, mesh.find(PROVIDERS, name="there")["client_id"]), (8, True, "theirs"), "one of somebody else is not taken",
              done.text)
    second = make()
    done = mesh.run("apply", "--yes")
    tap.point(done.status != 0 and first in done.text and second in done.text, "nor is one of two", done.text)
    all_of["there"]["adopt"] = second
    mesh.settles("but with its id")
    tap.equal((mesh.find(PROVIDERS, id=first)["client_id"], mesh.find(PROVIDERS, id=second)["client_id"]), ("theirs", "ours"), "and the other is left alone")
    listed = mesh.run("unmanaged")
    tap.equal((listed.status, first in listed.out, second in listed.out), (0, True, False), "it is what nobody manages", listed.text)
    mesh.call("DELETE", f"{PROVIDERS}/{first}")
    del all_of["there"]
    mesh.plans({"identity_provider.there": ("delete", {})}, "out of the spec")
    mesh.settles("it goes")
    tap.equal(mesh.find(PROVIDERS, id=second), None, "really")


def provider_refusals(mesh, sso):
    tap, is_old = mesh.tap, mesh.call("GET", PROXIES) == {"status": 404}
    if is_old:
        mesh.spec["identity_providers"]["new"] = {"type": "adfs", "issuer": ISSUERS[0], "client_id": "c"}
        mesh.fails(6, ("unsupported identity provider type",), "a product that this version does not know")
        del mesh.spec["identity_providers"]["new"]
    good, sso["issuer"] = sso["issuer"], "https://unreachable.test/x/"
    mesh.fails(6, ("identity_provider.sso", "issuer is unreachable"), "an issuer that does not answer")
    mesh.spec["identity_providers"]["late"] = {"issuer": "https://unreachable.test/x/", "client_id": "c"}
    mesh.fails(6, ("identity_provider.late", "issuer is unreachable"), "nor to a new one")
    tap.equal(mesh.find(PROVIDERS, name="late"), None, "which is not there")
    sso["issuer"] = good
    mesh.spec["identity_providers"]["late"]["issuer"] = ISSUERS[1]
    mesh.settles("with one that does, all is well")
    for body, words in (({"client_id": "c"}, "needs its 'issuer'"), ({"client_id": "c", "issuer": "auth.example.org"}, "is a URL"),
                        ({"client_id": "c", "issuer": "https:///x"}, "is a URL"), ({"client_id": "", "issuer": ISSUERS[0]}, "'client_id' is empty"),
                        ({"client_id": "c", "name": "", "issuer": ISSUERS[0]}, "'name' is empty"), ({"issuer": ISSUERS[0]}, "client_id"),
                        ({"client_id": "c", "type": "google", "issuer": ISSUERS[0]}, "an issuer of its own"),
                        ({"client_id": "c", "type": "authentic", "issuer": ISSUERS[0]}, "authentik")):
        kept, mesh.spec = mesh.spec, {"identity_providers": {"x": body}}
        done = mesh.run("validate")
        tap.equal((done.status, words in done.text), (3, True), f"{json.dumps(body)} is refused", done.text)
        mesh.spec = kept


# ---- proxy tokens ----


def proxies(mesh):
    tap = mesh.tap
    if mesh.call("GET", PROXIES) == {"status": 404}:
        proxies_unknown(mesh)
        return
    mesh.spec = {"proxy_tokens": {"edge": {"expires_in": "365d", "renew_before": "30d"}, "ever": {"name": "For ever"}},
                 "secrets": {"EDGE": {"value": "${proxy_token.edge}", "write": [{"dotenv": "edge.env"}]}},
                 "outputs": {"ends": {"value": "${proxy_token.edge.expires_at}"}}}
    edge = mesh.spec["proxy_tokens"]["edge"]
    mesh.settles("two tokens")
    tap.point(re.fullmatch(r"nbx_\w{36}", value(mesh)), "the value of one is where it belongs")
    ends = int(mesh.run("output", "ends").out) / 1000
    tap.point(abs(ends - time.time() - 365 * DAY) < 60, "it ends in a year", ends)
    tap.equal(len(alive(mesh, "edge") + alive(mesh, "For ever")), 2, "they are there")
    before, former = alive(mesh, "edge")[0], value(mesh)
    edge["renew_before"] = "20d"
    mesh.settles("another renew_before")
    tap.equal(alive(mesh, "edge"), [before], "makes no new one")
    edge["expires_in"] = "300d"
    tap.equal(mesh.actions()["proxy_token.edge"], ("replace", {"expires_in": "spec"}), "another lifetime")
    mesh.settles("is another token")
    tap.equal((len(alive(mesh, "edge")), alive(mesh, "edge") != [before], value(mesh) != former), (1, True, True), "whose value is in the file")
    edge["name"] = "Edge"
    mesh.settles("and so is another name")
    tap.equal((alive(mesh, "edge"), len(alive(mesh, "Edge"))), ([], 1), "the former is revoked")
    proxies_end(mesh, edge)
    proxies_of_others(mesh)
    proxies_go(mesh)


def value(mesh):
    return mesh.stack.read("edge.env").strip().splitlines()[-1].removeprefix("EDGE=")


def alive(mesh, name):
    return [item["id"] for item in mesh.call("GET", PROXIES) if item["name"] == name and not item["revoked"]]


def proxies_end(mesh, edge):
    tap, former = mesh.tap, value(mesh)
    mesh.call("DELETE", f"{PROXIES}/{alive(mesh, 'Edge')[0]}")
    plan = mesh.run("plan", "--detailed-exitcode")
    tap.equal((plan.status, "revoked: a new one is due" in plan.out), (2, True), "revoked by somebody", plan.text)
    mesh.settles("a new one is made")
    tap.equal((len(alive(mesh, "Edge")), value(mesh) != former), (1, True), "and the file has it")
    if isinstance(mesh.server, Real):
        edge.update(expires_in="6s", renew_before="4s")
        mesh.settles("one for six seconds")
        time.sleep(2.5)
        due(mesh, "expires on", "two seconds and a half later")
        mesh.run("apply", "--yes")
        time.sleep(6.5)
        due(mesh, "expired", "when it has ended")
        edge.update(expires_in="365d", renew_before="30d")
        mesh.settles("one for a year")
        return
    edge.update(expires_in="365d", renew_before="30d")
    for days, words in ((340, "expires on"), (366, "expired")):
        mesh.server.call("POST", "/lab/clock", {"add_seconds": -days * DAY})
        mesh.call("DELETE", f"{PROXIES}/{alive(mesh, 'Edge')[0]}")
        mesh.run("apply", "--yes")
        mesh.server.call("POST", "/lab/clock", {"add_seconds": days * DAY})
        former = value(mesh)
        due(mesh, words, f"made {days} days ago")
        mesh.settles("a new one is made")
        tap.equal((len(alive(mesh, "Edge")), value(mesh) != former), (1, True), "and the file has it")
    shim = clock_shim(mesh.stack.folder)
    if shim:
        plan = mesh.stack.run("plan", "--detailed-exitcode", environment=later(shim, 334))
        tap.equal(plan.status, 0, "31 days before its end nothing is due", plan.text)
        plan = mesh.stack.run("plan", "--detailed-exitcode", environment=later(shim, 336))
        tap.equal((plan.status, "expires on" in plan.text), (2, True), "29 days before it is", plan.text)


def due(mesh, words, name):
    plan = mesh.run("plan", "--detailed-exitcode")
    return mesh.tap.equal((plan.status, words in plan.out, "a new one is due" in plan.out), (2, True, True), name, plan.text)


def proxies_of_others(mesh):
    tap, all_of = mesh.tap, mesh.spec["proxy_tokens"]
    make = lambda **more: mesh.call("POST", PROXIES, {"name": "there", **more})  # noqa: E731
    mesh.call("DELETE", f"{PROXIES}/{make()['id']}")
    ended = make(expires_in=1)["id"]
    time.sleep(1.1)
    all_of["there"] = {}
    mesh.settles("revoked and expired ones of somebody else are in nobody's way")
    tap.point(ended in alive(mesh, "there"), "and are left alone")
    listed = mesh.run("unmanaged")
    tap.equal((listed.status, ended in listed.out), (0, False), "nor offered", listed.text)
    mesh.call("DELETE", f"{PROXIES}/{ended}")
    del all_of["there"]
    mesh.settles("out of the spec it goes")
    tap.equal(alive(mesh, "there"), [], "revoked")
    first = make()
    all_of["there"] = {"expires_in": "1d"}
    done = mesh.run("apply", "--yes")
    tap.equal((done.status, first["id"] in done.text), (8, True), "one that can be used is a conflict", done.text)
    tap.point(first["id"] in mesh.run("unmanaged").out, "and what nobody manages")
    second = make()["id"]
    done = mesh.run("plan")
    tap.point(done.status != 0 and first["id"] in done.text and second in done.text, "two are told with their ids", done.text)
    all_of["there"] = {"adopt": first["id"]}
    mesh.settles("one of them taken over")
    mesh.call("DELETE", f"{PROXIES}/{second}")
    done = mesh.run("plan", "-v")
    tap.equal((done.status, "--replace proxy_token.there" in done.text), (0, True), "its value is not known, and what helps is told", done.text)
    mesh.run("apply", "--yes", "--replace", "proxy_token.there")
    tap.equal((len(alive(mesh, "there")), alive(mesh, "there") != [first["id"]]), (1, True), "with that, there is another one")
    tap.equal(mesh.stack.leaks([first["plain_token"]]), [], "what somebody else was told was never seen")


def proxies_go(mesh):
    tap, last = mesh.tap, value(mesh)
    tap.equal(mesh.stack.leaks([last], ("edge.env",)), [], "the value stands nowhere else in the clear")
    for body, words in (({"expires_in": "1500ms"}, "whole number of seconds"), ({"expires_in": "0s"}, "one at least"),
                        ({"expires_in": "200000d"}, "longer than"), ({"renew_before": "3d"}, "needs 'expires_in'"),
                        ({"expires_in": "1d", "renew_before": "3d"}, "shorter"), ({"name": ""}, "1 to 255"), ({"name": "x" * 256}, "1 to 255")):
        kept, mesh.spec = mesh.spec, {"proxy_tokens": {"x": body}}
        done = mesh.run("validate")
        tap.equal((done.status, words in done.text), (3, True), f"{json.dumps(body)[:60]} is refused", done.text)
        mesh.spec = kept
    ours = [alive(mesh, name) for name in ("Edge", "For ever", "there")]
    done = mesh.run("destroy", "--yes", "--allow-destroy")
    tap.equal((done.status, [len(ids) for ids in ours], [alive(mesh, name) for name in ("Edge", "For ever", "there")]), (0, [1, 1, 1], [[], [], []]),
              "destroyed: all are revoked", done.text)
    mesh.spec = {"proxy_tokens": {"edge": {}}}
    mesh.settles("and can be made again")


def proxies_unknown(mesh):
    """A server that is too old spoils nothing else."""
    tap = mesh.tap
    mesh.spec = {"groups": {"g": {}}, "proxy_tokens": {"edge": {}}}
    done = mesh.run("apply", "--yes")
    tap.equal(("older than 0.71" in done.text, done.status != 0, mesh.find("groups", name="g") is not None), (True, True, True), "it says so", done.text)
    tap.equal(mesh.run("unmanaged").status, 0, "what nobody manages can be listed")
    del mesh.spec["proxy_tokens"]
    mesh.settles("without it all is well")


# ---- all ----


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    is_real = "NETBIRD_URL" in os.environ
    try:
        for version in (("real",) if is_real else VERSIONS):
            for scene in (providers, proxies):
                tap.section = f"{version}, {scene.__name__}"
                name = f"{version}-{scene.__name__}"
                with Real(folder, name) if is_real else NetBird(folder, name, "", "--netbird", version) as server:
                    mesh = Mesh(tap, server)
                    try:
                        scene(mesh)
                    except Exception as problem:  # one broken scene must not hide the other
                        tap.point(False, "the scene runs to its end", repr(problem))
                    mesh.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
