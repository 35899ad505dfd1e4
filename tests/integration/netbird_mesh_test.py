#!/usr/bin/env python3
"""What hlrec manages of a NetBird mesh: routes, policies, DNS servers, networks with their resources and routers, on the simulated server in its two versions.

The same against a real server: NETBIRD_URL, NETBIRD_TOKEN (of an admin), and NETBIRD_ENROL, a command that takes a setup key and a host name and enrols a peer.
Give it an account that nobody uses; what it makes it deletes again."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, Stack, Tap, private_folder, stop_on_signals, wait_for  # noqa: E402
from netbird_test import NetBird  # noqa: E402

VERSIONS = ("0.77.1", "0.66.0")
HEAD = {"hlrec": 1, "stack": "mesh", "providers": {"netbird": {"url": "${env.HLREC_LAB_NETBIRD}", "token": "${env.NB_TOKEN}"}}}
ROUTE_MEMBERS = ("network_id", "description", "network", "domains", "peer", "peer_groups", "metric", "masquerade", "enabled", "groups", "keep_route",
                 "access_control_groups", "skip_auto_apply")


class Real:
    """A real server in the place of the simulated one."""

    def __init__(self, folder, name):
        self.url, self.token = os.environ["NETBIRD_URL"].rstrip("/"), os.environ["NETBIRD_TOKEN"]
        self.stack = Stack(folder, name, "", environment={"HLREC_LAB_NETBIRD": self.url, "NB_TOKEN": self.token})

    def __enter__(self):
        return self, self.stack

    def __exit__(self, *_):
        shutil.rmtree(self.stack.folder, ignore_errors=True)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": "Token " + self.token})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            return {"status": problem.code}


class Mesh:
    """A server and a stack on it, whose spec is `self.spec`: sections by name."""

    def __init__(self, tap, server):
        self.tap, self.server, self.stack = tap, *server
        self.spec, self.peers = {}, []

    def call(self, method, path, body=None):
        return self.server.call(method, "/api/" + path, body)

    def find(self, path, **members):
        return next((item for item in self.call("GET", path) if all(item.get(key) == value for key, value in members.items())), None)

    def id(self, path, name):
        return self.find(path, name=name)["id"]

    def enrol(self, name):
        key = self.call("POST", "setup-keys", {"name": "enrol", "type": "one-off", "expires_in": 3600, "auto_groups": [], "usage_limit": 1})
        if isinstance(self.server, Real):
            subprocess.run([*shlex.split(os.environ["NETBIRD_ENROL"]), key["key"], name], check=True, stdout=subprocess.DEVNULL)
        else:
            self.server.call("POST", "/lab/peers", {"setup_key": key["key"], "hostname": name})
        self.call("DELETE", "setup-keys/" + key["id"])
        known = [peer["id"] for peer in self.peers]
        self.peers.append(next(peer for peer in self.call("GET", "peers") if peer["name"] == name and peer["id"] not in known))
        return self.peers[-1]["id"]

    def run(self, *arguments):
        self.stack.write(json.dumps({**HEAD, **self.spec}, indent=1))
        return self.stack.run(*arguments)

    def actions(self):
        plan = json.loads(self.run("plan", "--format", "json").out)
        return {item["address"]: (item["action"], {change["path"]: change["origin"] for change in item.get("changes", [])})
                for item in plan["actions"] if item["action"] != "none"}

    def plans(self, wanted, name):
        return self.tap.equal(self.actions(), wanted, name)

    def settles(self, name, status=0):
        """Applied, the next plan is empty and nothing has drifted."""
        done = self.run("apply", "--yes", "--allow-destroy")
        left = self.actions()
        drift = self.run("drift")
        return self.tap.equal((done.status, left, drift.status), (status, {}, 0), name, done.text + drift.text)

    def fails(self, status, words, name):
        done = self.run("apply", "--yes")
        return self.tap.equal((done.status, all(word in done.text for word in words)), (status, True), name, done.text)

    def end(self):
        done = self.run("destroy", "--yes", "--allow-destroy")
        self.tap.equal(done.status, 0, "all is deleted again", done.text)
        for peer in self.peers:
            self.call("DELETE", "peers/" + peer["id"])


def said(item, *names):
    return tuple(item.get(name) for name in names)


# ---- routes ----


def change_route(mesh, name, **members):
    """By hand, as somebody does in the dashboard."""
    route = mesh.find("routes", network_id=name)
    body = {key: route[key] for key in ROUTE_MEMBERS if route.get(key) not in (None, "")}
    if route["network_type"] == "Domain":
        body.pop("network", None)
    body.update(members)
    return mesh.call("PUT", "routes/" + route["id"], {key: value for key, value in body.items() if value is not None})


def route_fields(mesh):
    tap, peer = mesh.tap, mesh.enrol("gate")
    mesh.spec = {"groups": {"one": {"name": "Group one"}, "two": {}, "three": {}},
                 "routes": {"lan": {"network": "10.200.1.9/24", "peer": "gate", "groups": ["one"]}}}
    route = mesh.spec["routes"]["lan"]
    told = lambda: mesh.find("routes", network_id="lan")  # noqa: E731
    mesh.settles("a route")
    tap.equal(said(told(), "network", "peer", "masquerade", "enabled", "keep_route", "metric"), ("10.200.1.0/24", peer, True, True, True, 9999),
              "has the defaults")
    route.update(masquerade=False, enabled=False, metric=5, description="hey", keep_route=False, access_control_groups=["two"], groups=["two", "one"])
    mesh.settles("every field changed")
    tap.equal(said(told(), "masquerade", "enabled", "metric", "description", "keep_route"), (False, False, 5, "hey", False), "is as the spec says")
    for name in ("masquerade", "enabled", "metric", "description", "keep_route", "access_control_groups"):
        del route[name]
    mesh.settles("every field dropped")
    tap.equal(said(told(), "masquerade", "enabled", "metric", "description", "keep_route", "access_control_groups"), (True, True, 9999, "", True, None),
              "is as it was")
    change_route(mesh, "lan", description="by hand", metric=77)
    mesh.plans({}, "what the spec does not name is not drift")
    route["masquerade"] = False
    mesh.settles("one field changed")
    tap.equal(said(told(), "description", "metric", "masquerade"), ("by hand", 77, False), "leaves the rest as somebody has set it")
    return route, told, peer


def route_drift(mesh, route, told, peer):
    tap, three = mesh.tap, mesh.id("groups", "three")
    for path, members in (("masquerade", {"masquerade": True}), ("groups", {"groups": [three]}), ("network", {"network": None, "domains": ["x.example"]}),
                          ("peer", {"peer": None, "peer_groups": [three]})):
        change_route(mesh, "lan", **members)
        mesh.plans({"route.lan": ("update", {path: "drift"})}, f"drift of {path} is seen")
        mesh.settles(f"drift of {path} is corrected")
    tap.equal(said(told(), "network", "domains", "peer", "peer_groups"), ("10.200.1.0/24", None, peer, None), "and all is back")
    del route["peer"], route["network"]
    route.update(peer_groups=["three", "one"], domains=["B.example", "a.example."])
    mesh.settles("from a peer to groups, from a network to domains")
    route["domains"] = ["a.example", "b.example"]
    mesh.plans({}, "order, case and a dot at the end mean nothing")
    route["domains"] = ["bücher.example", "xn--mnchen-3ya.example", "*.c.example"]
    mesh.settles("domains beyond ASCII")
    tap.equal(sorted(told()["domains"]), ["*.c.example", "bücher.example", "münchen.example"], "are told in Unicode by the server")
    del route["domains"], route["peer_groups"]
    route.update(network="FD12:0::5/48", peer=peer)
    mesh.settles("back to a network, of IPv6, and a peer by its id")
    route["peer"] = "gate"
    mesh.plans({}, "the peer's id and its name are one")
    for name in (mesh.id("groups", "Group one"), "Group one", "one"):
        route["groups"] = [name]
        mesh.settles(f"a group as '{name}'")
    mesh.spec["groups"]["one"]["name"] = "Group uno"
    mesh.settles("a group gets another name")
    mesh.call("DELETE", "routes/" + told()["id"])
    tap.equal(mesh.actions().get("route.lan", ("",))[0], "create", "a deleted route is made again")
    mesh.settles("and there it is")


def route_owners(mesh):
    tap, three, peer = mesh.tap, mesh.id("groups", "three"), mesh.peers[0]["id"]
    routes = mesh.spec["routes"]
    routes["b"] = {"network": "10.201.0.0/16", "peer_groups": ["three"], "groups": ["All"]}
    mesh.settles("a route through groups")
    routes["c"] = dict(routes["b"])
    mesh.fails(6, ("409", "route.c", "different peers"), "a second way through the same group is refused by the server, with what to do")
    routes["c"]["peer_groups"] = ["nosuch"]
    mesh.fails(6, ("there is no group 'nosuch'",), "a group that is not there")
    del routes["c"]
    found = mesh.call("POST", "routes", {"network_id": "x", "network": "10.202.0.0/16", "peer": peer, "groups": [three], "metric": 1, "enabled": True})
    routes["x"] = {"network": "10.202.0.1/16", "peer": "gate", "groups": ["three"]}
    tap.equal(mesh.actions()["route.x"][0], "refuse", "a route of somebody else is not taken")
    routes["x"]["adopt"] = True
    mesh.settles("but with `adopt`")
    tap.equal(said(mesh.find("routes", network_id="x"), "id", "metric", "masquerade"), (found["id"], 1, False), "and stays as it is")
    routes["x2"] = {"network_id": "x", "network": "10.202.0.0/16", "peer_groups": ["three"], "groups": ["three"]}
    mesh.settles("another route of the same network_id stands in for it")
    found = mesh.call("POST", "routes", {"network_id": "z", "network": "10.203.0.0/16", "peer": peer, "groups": [three], "metric": 1, "enabled": True})
    routes["y"] = {"network": "10.204.0.0/16", "peer_groups": ["three"], "groups": ["three"], "adopt": found["id"]}
    mesh.settles("adopted by its id, and changed")
    tap.equal(mesh.find("routes", network_id="y")["id"], found["id"], "it is the same one")


def route_peers(mesh):
    tap, routes = mesh.tap, mesh.spec["routes"]
    routes["w"] = {"network": "10.205.0.0/16", "peer": "joiner", "groups": ["three"]}
    mesh.fails(5, ("peer 'joiner' has not joined", "setup key"), "a peer that has not joined: deferred")
    first = mesh.enrol("joiner")
    mesh.settles("it has joined")
    second = mesh.enrol("joiner")
    done = mesh.run("plan")
    tap.point(done.status != 0 and first in done.out and second in done.out and "by its id" in done.out, "two of one name: neither is guessed", done.text)
    mesh.call("DELETE", "peers/" + first)
    mesh.plans({"route.w": ("update", {"peer": "drift"})}, "joined again under another id: drift")
    mesh.settles("which is corrected")
    tap.equal(mesh.find("routes", network_id="w")["peer"], second, "the route goes through the new one")
    mesh.call("DELETE", "peers/" + second)
    tap.equal(mesh.actions().get("route.w", ("",))[0], "defer", "a peer that is gone: deferred")
    del routes["w"]
    mesh.settles("and its route can be deleted")


def routes(mesh):
    route_drift(mesh, *route_fields(mesh))
    route_owners(mesh)
    route_peers(mesh)


# ---- policies ----


def change_rule(mesh, of, **members):
    policy = mesh.find("policies", name=of)
    rule = policy["rules"][0]
    body = {key: rule[key] for key in ("id", "name", "description", "enabled", "action", "bidirectional", "protocol", "ports", "port_ranges") if key in rule}
    body.update({side: [group["id"] for group in rule[side] or []] for side in ("sources", "destinations")}, **members)
    return mesh.call("PUT", "policies/" + policy["id"],
                     dict(said_as_dict(policy, "name", "description", "enabled"), rules=[{key: value for key, value in body.items() if value is not None}]))


def said_as_dict(item, *names):
    return {name: item[name] for name in names}


def policies(mesh):
    tap, peer = mesh.tap, mesh.enrol("gate")
    mesh.spec = {"groups": {"a": {"name": "Group a"}, "b": {}, "c": {}},
                 "policies": {"web": {"rules": {"sources": ["a"], "destinations": ["b"], "protocol": "tcp", "ports": [443, 22]}}}}
    policy = mesh.spec["policies"]["web"]
    rule = policy["rules"]
    told = lambda: mesh.find("policies", name="web")["rules"][0]  # noqa: E731
    mesh.settles("a policy")
    tap.equal(said(told(), "name", "action", "bidirectional", "enabled", "ports"), ("web", "accept", True, True, ["22", "443"]), "has the defaults")
    first = told()["id"]
    policy.update(description="d", enabled=False)
    rule.update(description="rd", bidirectional=False, action="drop", enabled=False, ports=["80"], sources=["a", "c"])
    mesh.settles("every field changed")
    tap.equal(said(told(), "description", "bidirectional", "action", "enabled", "ports", "id"), ("rd", False, "drop", False, ["80"], first),
              "is as the spec says")
    for holder, names in ((policy, ("description", "enabled")), (rule, ("description", "bidirectional", "action", "enabled", "ports"))):
        for name in names:
            del holder[name]
    mesh.settles("every field dropped")
    tap.equal(said(told(), "description", "bidirectional", "action", "enabled", "ports"), ("", True, "accept", True, None), "is as it was")
    rule["port_ranges"] = ["8000-8100", {"start": 443, "end": 443}]
    mesh.settles("ranges of ports")
    del rule["port_ranges"]
    rule["ports"] = [1]
    mesh.settles("ports instead of ranges")
    rule["protocol"] = "icmp"
    del rule["ports"]
    mesh.settles("a protocol without ports")
    rule["name"] = "other"
    mesh.settles("the rule gets another name")
    tap.equal((told()["id"], len(mesh.find("policies", name="web")["rules"])), (first, 1), "and is the same one")
    change_rule(mesh, "web", name="by hand")
    mesh.settles("a rule renamed by hand gets its name back")
    rule["protocol"] = "tcp"
    mesh.settles("tcp")
    change_rule(mesh, "web", ports=["99"], description="by hand")
    mesh.plans({}, "what the spec does not name of a rule is not drift")
    rule["action"] = "drop"
    mesh.settles("one field of a rule changed")
    tap.equal(said(told(), "ports", "description", "action"), (["99"], "by hand", "drop"), "leaves the rest")
    change_rule(mesh, "web", sources=None, sourceResource={"id": peer, "type": "peer"})
    mesh.plans({"policy.web": ("update", {"rules.other.sources": "drift"})}, "drift of a side is seen")
    mesh.settles("and corrected")
    policy_sides(mesh, rule, told, peer)
    policy_ssh(mesh)
    policy_owners(mesh)


def policy_sides(mesh, rule, told, peer):
    tap = mesh.tap
    del rule["sources"]
    rule["source_resource"] = {"peer": "gate"}
    mesh.settles("from groups to a peer")
    tap.equal((told()["sourceResource"], told()["sources"]), ({"id": peer, "type": "peer"}, None), "which is told by its id")
    rule["source_resource"] = {"peer": peer}
    mesh.plans({}, "the id does as well")
    mesh.spec.update(mesh_networks={"n": {"name": "Net"}}, mesh_resources={"r": {"name": "Res", "network": "n", "address": "p.example"}})
    del rule["destinations"]
    rule["destination_resource"] = {"resource": "r"}
    mesh.settles("to a resource that is made in the same run")
    tap.equal(told()["destinationResource"]["type"], "domain", "with the type that NetBird gave it")
    mesh.spec["mesh_resources"]["r"]["name"] = "Other"
    mesh.settles("which gets another name")
    rule["source_resource"] = {"peer": "not-yet"}
    mesh.fails(5, ("peer 'not-yet' has not joined",), "a peer that has not joined: deferred")
    del rule["source_resource"], rule["destination_resource"], mesh.spec["mesh_resources"], mesh.spec["mesh_networks"]
    rule.update(sources=["a"], destinations=["All"])
    mesh.settles("back to groups, and the resource goes")


def policy_ssh(mesh):
    tap = mesh.tap
    mesh.spec["policies"]["sh"] = {"rules": {"protocol": "netbird-ssh", "sources": ["a", "b"], "destinations": ["c"],
                                             "authorized_groups": [{"group": "a", "users": ["root", "bob"]}, {"group": "b"}]}}
    told = lambda: mesh.find("policies", name="sh")["rules"][0].get("authorized_groups")  # noqa: E731
    a, b = mesh.id("groups", "Group a"), mesh.id("groups", "b")
    mesh.settles("netbird-ssh")
    tap.equal(told(), {a: ["bob", "root"], b: []}, "with accounts a group")
    change_rule(mesh, "sh", authorized_groups={a: ["x"], b: []})
    mesh.settles("drift of the accounts is corrected")
    tap.equal(told(), {a: ["bob", "root"], b: []}, "they are back")
    del mesh.spec["policies"]["sh"]["rules"]["authorized_groups"]
    mesh.settles("without them")
    tap.equal(told(), None, "all accounts")


def policy_owners(mesh):
    tap, policies_of, c = mesh.tap, mesh.spec["policies"], mesh.id("groups", "c")
    if isinstance(mesh.call("GET", "posture-checks"), list):
        policies_of["sh"]["source_posture_checks"] = ["nosuch"]
        mesh.fails(6, ("there is no posture check 'nosuch'",), "a posture check that is not there")
    del policies_of["sh"]
    mesh.settles("a policy is deleted")
    rule = {"name": "twin", "enabled": True, "action": "accept", "bidirectional": True, "protocol": "all", "sources": [c], "destinations": [c]}
    twins = [mesh.call("POST", "policies", {"name": "twin", "enabled": True, "rules": [rule]})["id"] for _ in "ab"]
    policies_of["twin"] = {"rules": {"sources": "c", "destinations": "c"}}
    done = mesh.run("plan")
    tap.point(done.status != 0 and all(twin in done.out for twin in twins), "two of one name: neither is guessed", done.text)
    policies_of["twin"]["adopt"] = twins[1]
    mesh.settles("one of them taken over by its id")
    mesh.call("DELETE", "policies/" + twins[0])


# ---- DNS ----


def nameservers(mesh):
    tap = mesh.tap
    mesh.spec = {"groups": {"a": {"name": "Group a"}, "b": {}}, "nameservers": {"dns": {"nameservers": ["1.1.1.1", "[2606::1]"], "groups": ["a"]}}}
    dns = mesh.spec["nameservers"]["dns"]
    told = lambda: mesh.find("dns/nameservers", name="dns")  # noqa: E731
    mesh.settles("DNS servers")
    tap.equal((told()["primary"], [said(server, "ip", "port") for server in told()["nameservers"]]), (True, [("1.1.1.1", 53), ("2606::1", 53)]),
              "for all names")
    dns.update(domains=["B.example", "a.example."], search_domains_enabled=True, enabled=False, description="x", nameservers=["9.9.9.9:5353"],
               groups=["a", "b"])
    mesh.settles("every field changed")
    tap.equal(said(told(), "primary", "domains", "search_domains_enabled", "enabled"), (False, ["a.example", "b.example"], True, False), "is as the spec says")
    for name in ("domains", "search_domains_enabled", "enabled", "description"):
        del dns[name]
    mesh.settles("every field dropped")
    tap.equal(said(told(), "primary", "domains", "search_domains_enabled", "enabled", "description"), (True, [], False, True, ""), "is as it was")
    item = told()
    mesh.call("PUT", "dns/nameservers/" + item.pop("id"),
              {**item, "primary": False, "domains": ["h.example"], "nameservers": [{"ip": "8.8.8.8", "ns_type": "udp", "port": 53}]})
    mesh.plans({"nameserver.dns": ("update", {"primary": "drift", "nameservers": "drift"})}, "drift is seen")
    mesh.settles("and corrected")
    mesh.call("POST", "dns/nameservers", {**item, "name": "there"})
    mesh.spec["nameservers"]["there"] = {"nameservers": ["1.1.1.1"], "groups": ["a"]}
    tap.equal(mesh.actions()["nameserver.there"][0], "refuse", "one of somebody else is not taken")
    mesh.spec["nameservers"]["there"]["adopt"] = True
    mesh.settles("but with `adopt`")


# ---- networks ----


def networks(mesh):
    tap = mesh.tap
    mesh.enrol("gate")
    mesh.spec = {"groups": {"a": {"name": "Group a"}, "b": {}, "c": {}}, "mesh_networks": {"n1": {"name": "Net one"}, "n2": {}},
                 "mesh_resources": {"h": {"network": "n1", "address": "10.9.9.9", "groups": ["a"]}, "d": {"network": "n2", "address": "Bücher.Example"}},
                 "mesh_routers": {"g": {"network": "n1", "peer_groups": ["b"]}, "p": {"network": "n2", "peer": "gate", "enabled": False}}}
    told = lambda: mesh.find("networks/resources", name="h")  # noqa: E731
    host = mesh.spec["mesh_resources"]["h"]
    mesh.settles("networks with resources and routers")
    tap.equal((told()["address"], router_of(mesh, "n2")["enabled"]), ("10.9.9.9/32", False), "a host is a range of one, and a router can begin disabled")
    host.update(address="10.9.9.77/24", groups=["a", "b"], enabled=False, description="q")
    mesh.settles("every field of a resource changed")
    tap.equal(said(told(), "address", "enabled", "description"), ("10.9.9.0/24", False, "q"), "is as the spec says")
    for name in ("groups", "enabled", "description"):
        del host[name]
    mesh.settles("every field dropped")
    tap.equal(said(told(), "groups", "enabled", "description"), (None, True, ""), "is as it was")
    mesh.call("PUT", f"networks/{mesh.id('networks', 'Net one')}/resources/{told()['id']}",
              {"name": "h", "address": "10.8.8.8", "enabled": True, "groups": [mesh.id("groups", "b")]})
    mesh.plans({"mesh_resource.h": ("update", {"address": "drift"})}, "drift is seen")
    mesh.settles("and corrected")
    moves(mesh, host, told)
    network_routers(mesh)
    outside(mesh)


def router_of(mesh, network):
    return next(router for router in mesh.call("GET", "networks/routers") if router["id"] in mesh.find("networks", name=network)["routers"])


def moves(mesh, host, told):
    tap, before = mesh.tap, told()["id"]
    mesh.spec["mesh_networks"]["n1"]["name"] = "Net uno"
    mesh.plans({"mesh_network.n1": ("update", {"name": "spec"})}, "a network gets another name: nothing else changes")
    mesh.settles("and does not")
    tap.equal(told()["id"], before, "the resource is the same one")
    host["network"] = "n2"
    mesh.plans({"mesh_resource.h": ("replace", {"network_id": "spec"})}, "to another network")
    mesh.settles("it is made anew there")
    host["network"], mesh.spec["mesh_networks"]["n3"] = "n3", {}
    mesh.settles("to a network that is made in the same run")
    tap.point(told()["id"] in mesh.find("networks", name="n3")["resources"], "there it is")
    host["network"] = "n2"
    del mesh.spec["mesh_networks"]["n3"]
    mesh.settles("away from a network that goes in the same run")
    mesh.call("DELETE", "networks/" + mesh.id("networks", "n2"))
    tap.equal({address: action for address, (action, _) in mesh.actions().items()},
              dict.fromkeys(("mesh_network.n2", "mesh_resource.d", "mesh_resource.h", "mesh_router.p"), "create"),
              "a network deleted by hand, and all that was in it")
    mesh.settles("is made again")


def network_routers(mesh):
    tap, router = mesh.tap, mesh.spec["mesh_routers"]["p"]
    router.update(enabled=True, metric=7, masquerade=False)
    mesh.settles("every field of a router changed")
    tap.equal(said(router_of(mesh, "n2"), "enabled", "metric", "masquerade"), (True, 7, False), "is as the spec says")
    for name in ("enabled", "metric", "masquerade"):
        del router[name]
    mesh.settles("every field dropped")
    tap.equal(said(router_of(mesh, "n2"), "enabled", "metric", "masquerade"), (True, 9999, True), "is as it was")
    mesh.call("PUT", f"networks/{mesh.id('networks', 'n2')}/routers/{router_of(mesh, 'n2')['id']}",
              {"peer_groups": [mesh.id("groups", "c")], "metric": 1, "masquerade": True, "enabled": True})
    mesh.plans({"mesh_router.p": ("update", {"peer": "drift"})}, "drift of the peer is seen")
    mesh.settles("and corrected")
    del router["peer"]
    router["peer_groups"] = ["c"]
    mesh.settles("from a peer to groups")
    mesh.spec["mesh_routers"]["later"] = {"network": "n2", "peer": "not-yet"}
    mesh.fails(5, ("peer 'not-yet' has not joined",), "a peer that has not joined: deferred")
    del mesh.spec["mesh_routers"]["later"]


def outside(mesh):
    """A network that is not in the spec."""
    tap = mesh.tap
    network = mesh.call("POST", "networks", {"name": "Outside"})
    resource = mesh.spec["mesh_resources"]["o"] = {"network": "Outside", "address": "10.7.7.7"}
    mesh.settles("a resource in a network of somebody else")
    resource["network"] = network["id"]
    mesh.plans({}, "named by its id, it is the same")
    resource["network"] = "Outside"
    mesh.call("PUT", "networks/" + network["id"], {"name": "Outer"})
    done = mesh.run("plan")
    tap.point(done.status != 0 and "there is no network 'Outside'" in done.out, "renamed by somebody, it is asked for, and the resource is not made anew",
              done.text)
    resource["network"] = "Outer"
    mesh.settles("with its new name all is well")
    mesh.call("POST", f"networks/{network['id']}/routers", {"peer": mesh.peers[0]["id"], "metric": 10, "masquerade": True, "enabled": True})
    mesh.spec["mesh_routers"]["o"] = {"network": "Outer", "peer": "gate"}
    tap.equal(mesh.actions()["mesh_router.o"][0], "refuse", "a router of somebody else is told by its network and its peer")
    mesh.spec["mesh_routers"]["o"]["adopt"] = True
    mesh.settles("and taken over with `adopt`")
    del mesh.spec["mesh_routers"]["o"], mesh.spec["mesh_resources"]["o"]
    mesh.settles("both are deleted")
    mesh.call("DELETE", "networks/" + network["id"])


# ---- broken off ----


def world(mesh):
    """All that the spec makes, without ids."""
    names = {item["id"]: item["name"] for path in ("groups", "networks", "networks/resources") for item in mesh.call("GET", path)}
    tell = {"routes": ("network_id", "network", "domains", "metric"), "policies": ("name", "enabled"), "dns/nameservers": ("name", "primary"),
            "networks": ("name",), "networks/resources": ("name", "address"), "networks/routers": ("metric", "enabled", "peer_groups")}
    plain = lambda value: [names.get(item, item) for item in value] if isinstance(value, list) else value  # noqa: E731
    return {path: sorted(str([plain(item.get(name)) for name in members]) for item in mesh.call("GET", path)) for path, members in tell.items()}


def broken_off(tap, folder):
    """Every call that changes something: killed before it and after it, cut, and refused once. The next apply leaves what one that nobody disturbs does."""
    spec = {"groups": {"a": {}}, "routes": {"r": {"network": "10.1.0.0/16", "peer": "gate", "groups": ["a"]}},
            "policies": {"p": {"rules": {"sources": "a", "destinations": "a"}}}, "nameservers": {"n": {"nameservers": "1.1.1.1", "groups": "a"}},
            "mesh_networks": {"n": {"name": "Net"}}, "mesh_resources": {"h": {"network": "n", "address": "10.9.9.9", "groups": ["a"]}},
            "mesh_routers": {"g": {"network": "n", "peer_groups": ["a"], "enabled": False}}}
    with NetBird(folder, "undisturbed", "") as server:
        mesh = Mesh(tap, server)
        mesh.spec = spec
        mesh.enrol("gate")
        mesh.settles("undisturbed")
        wanted = world(mesh)
        mesh.end()
        nothing = world(mesh)
    hit = 0
    for method, how, count in ([("POST", how, count) for how in ("hang", "after-hang", "after-reset", "503") for count in range(1, 8)]
                               + [("PUT", how, 1) for how in ("hang", "after-hang", "reset")]
                               + [("DELETE", how, count) for how in ("hang", "after-hang", "after-reset") for count in (1, 4, 7)]):
        with NetBird(folder, f"{method}{count}{how}", "") as server:
            mesh = Mesh(tap, server)
            mesh.spec = spec
            mesh.enrol("gate")
            server[0].start("--fault", f"{method} /api/* {count} {how}")
            if method == "DELETE":
                mesh.run("apply", "--yes")
            done = disturbed(mesh, how, *(("destroy", "--yes", "--allow-destroy") if method == "DELETE" else ("apply", "--yes")))
            again = mesh.run("destroy", "--yes", "--allow-destroy") if method == "DELETE" else mesh.run("apply", "--yes")
            left = {} if method == "DELETE" else mesh.actions()
            tap.equal((again.status, left, world(mesh)), (0, {}, nothing if method == "DELETE" else wanted),
                      f"{method} {count} {how} ({done}): the next run converges", again.text)
            hit += done not in ("0", "done")
    tap.point(hit >= 30, f"{hit} of them were disturbed indeed")


def disturbed(mesh, how, *arguments):
    """A run whose call hangs is killed when it does."""
    if "hang" not in how:
        return str(mesh.run(*arguments).status)
    mesh.stack.write(json.dumps({**HEAD, **mesh.spec}))
    running = subprocess.Popen([HLREC, *arguments], cwd=mesh.stack.folder, env=mesh.stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: any(status == 0 for _, _, status in mesh.server.calls("POST", "PUT", "DELETE")) or running.poll() is not None)
    hung = running.poll() is None
    running.kill()
    running.wait()
    return "killed" if hung else "done"


# ---- all ----


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    is_real = "NETBIRD_URL" in os.environ
    scenes = [(scene, version) for version in (("real",) if is_real else VERSIONS) for scene in (routes, policies, nameservers, networks)]
    try:
        for scene, version in scenes:
            tap.section = f"{version}, {scene.__name__}"
            name = f"{version}-{scene.__name__}"
            with Real(folder, name) if is_real else NetBird(folder, name, "", "--netbird", version) as server:
                mesh = Mesh(tap, server)
                try:
                    scene(mesh)
                except Exception as problem:  # one broken scene must not hide the others
                    tap.point(False, "the scene runs to its end", repr(problem))
                mesh.end()
        if not is_real:
            tap.section = "broken off"
            broken_off(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
