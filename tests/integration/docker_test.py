#!/usr/bin/env python3
"""The main job on a real Docker Engine: apply, an empty plan, drift of many sorts corrected, roll-back, adoption, nothing left behind."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import Docker, Stack, Tap, private_folder, stop_on_signals  # noqa: E402

SPEC = """\
hlrec: 1
stack: it
variables:
  image: {default: "app:1"}
  greeting: {default: hello}
  check: {default: "true"}
providers:
  docker: {host: "${env.ENGINE}"}
secrets:
  DB_PASSWORD: {generate: {length: 32}, write: [{dotenv: out/app.env}, {file: out/password}]}
  API_KEY: {generate: {bytes: 32, encoding: base64}, rotate: never}
networks:
  front: {subnet: 172.29.5.0/24}
  back: {}
volumes:
  data: {}
containers:
  db:
    image: app:1
    environment: {PASSWORD: "${secret.DB_PASSWORD}"}
    networks: [back]
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, /bin/true], interval: 1s, timeout: 2s, retries: 3}
    stop_grace_period: 1s
  web:
    image: ${var.image}
    environment: {GREETING: "${var.greeting}", KEY: "${secret.API_KEY}"}
    networks: {front: {ipv4_address: 172.29.5.10, aliases: [www]}, back: {}}
    files:
      /etc/app.conf: {template: app.conf, mode: "0400", vars: {NAME: web}}
    mem_limit: 64m
    restart: unless-stopped
    labels: {role: web}
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, "/bin/${var.check}"], interval: 1s, timeout: 2s, retries: 2}
    stop_grace_period: 1s
outputs:
  address: {value: "${container.web.id}"}
"""


def start_time(docker, name):
    return docker.inspect(name)["State"]["StartedAt"]


def secrets_of(stack):
    values = [line.split("=", 1)[1] for line in stack.read("out/app.env").splitlines() if "=" in line]
    shown = stack.run("secret", "show", "API_KEY", "--reveal").out.strip()
    stack.printed.pop()
    return [value.strip("'\"") for value in values] + [shown]


def first_apply(tap, docker, stack):
    tap.section = "from nothing"
    plan = stack.run("plan")
    tap.equal(plan.status, 0, "plan succeeds", plan.text)
    tap.point("Plan: 7 to create" in plan.out, "the plan counts what it would make", plan.out)
    done = stack.apply()
    if not tap.equal(done.status, 0, "apply succeeds", done.text):
        return False
    again = stack.plan_status()
    tap.equal(again.status, 0, "the next plan is empty", again.text)
    web = docker.inspect("web")
    tap.equal(web["NetworkSettings"]["Networks"]["front"]["IPAddress"], "172.29.5.10", "the fixed address is there")
    tap.equal(web["HostConfig"]["Memory"], 64 << 20, "the memory limit is there")
    tap.equal(docker.run("exec", "web", "cat", "/etc/app.conf").out, "name = web", "the rendered file is in the container")
    tap.equal(docker.run("exec", "web", "stat", "-c", "%a", "/etc/app.conf").out, "400", "with its mode")
    tap.equal(oct(os.stat(stack.path("out/app.env")).st_mode & 0o777), "0o600", "the dotenv file is for its owner alone")
    second = stack.apply()
    tap.equal(second.status, 0, "a second apply has nothing to do", second.text)
    return True


# Each: what somebody does behind hlrec's back.
def drifts(docker, stack):
    def edit_env():
        with open(stack.path("out/app.env"), "w") as file:
            file.write("# mine\nOTHER=1\nDB_PASSWORD=edited\n")

    def move_tag():
        docker.image("app:1", "LABEL revision=2")

    def lose_alias():
        docker.run("network", "disconnect", "front", "web")
        docker.run("network", "connect", "--ip", "172.29.5.10", "front", "web")

    return [
        ("a stopped container", lambda: docker.run("stop", "-t", "1", "web")),
        ("a removed container", lambda: docker.run("rm", "-f", "web")),
        ("a paused container", lambda: docker.run("pause", "web")),
        ("a changed restart policy", lambda: docker.run("update", "--restart", "no", "web")),
        ("a changed memory limit", lambda: docker.run("update", "--memory", "128m", "--memory-swap", "256m", "web")),
        ("a disconnected network", lambda: docker.run("network", "disconnect", "back", "web")),
        ("a lost alias", lose_alias),
        ("a renamed container", lambda: docker.run("rename", "web", "web-old")),
        ("an edited line of the dotenv file", edit_env),
        ("a deleted secret file", lambda: os.unlink(stack.path("out/password"))),
        ("a tag that moved", move_tag),
        ("a killed container", lambda: docker.run("kill", "db")),
    ]


def drift(tap, docker, stack):
    for name, change in drifts(docker, stack):
        tap.section = name
        change()
        found = stack.run("drift")
        tap.equal(found.status, 2, "drift finds it", found.text)
        done = stack.apply()
        tap.equal(done.status, 0, "apply corrects it", done.text)
        again = stack.plan_status()
        tap.equal(again.status, 0, "the next plan is empty", again.text)
    tap.section = "an edited line of the dotenv file"
    tap.point("# mine\nOTHER=1\n" in stack.read("out/app.env"), "lines of others stay", stack.read("out/app.env"))


def changes(tap, docker, stack):
    tap.section = "changes of the spec"
    before = docker.inspect("web")["Id"]
    stack.write(SPEC.replace("mem_limit: 64m", "mem_limit: 96m").replace("unless-stopped", "always"))
    done = stack.apply()
    tap.equal(done.status, 0, "limits and restart policy change", done.text)
    tap.equal(docker.inspect("web")["Id"], before, "in place, without a new container")
    stack.write(SPEC.replace("labels: {role: web}", "labels: {role: other}"))
    done = stack.apply()
    tap.equal(done.status, 0, "a label changes", done.text)
    tap.point(docker.inspect("web")["Id"] != before, "by a new container")
    tap.equal(stack.plan_status().status, 0, "the next plan is empty")
    stack.write(SPEC)
    stack.apply()


def rollback(tap, docker, stack):
    tap.section = "a replacement that does not become healthy"
    old = docker.inspect("web")["Id"]
    done = stack.run("apply", "--yes", "--var", "check=false", "--var", "greeting=bad")
    tap.equal(done.status, 6, "apply says that an action failed", done.text)
    tap.equal(docker.inspect("web")["Id"], old, "the old container is back under its name", done.text)
    tap.equal(docker.inspect("web")["State"]["Status"], "running", "and runs")
    names = docker.run("ps", "-a", "--format", "{{.Names}}").out.split()
    tap.equal(sorted(names), ["db", "web"], "nothing is left behind")
    tap.equal(stack.plan_status().status, 0, "the next plan of the good spec is empty")


def adoption(tap, docker, stack, folder):
    tap.section = "adoption"
    docker.run("run", "-d", "--name", "hand", "--label", "com.docker.compose.project=old", "-e", "A=1", "--restart", "unless-stopped", "app:1")
    before = docker.inspect("hand")
    spec = "hlrec: 1\nstack: second\nproviders: {docker: {host: '${env.ENGINE}'}}\ncontainers:\n  hand: {image: 'app:1', environment: {A: '1'}, restart: unless-stopped%s}\n"
    second = Stack(folder, "second", spec % "", environment={"ENGINE": docker.host})
    done = second.apply()
    tap.equal(done.status, 8, "a container that others made is a conflict", done.text)
    tap.point("adopt" in done.text, "and the message says how to take it over", done.text)
    second.write(spec % ", adopt: true")
    done = second.apply()
    tap.equal(done.status, 0, "adopt takes it over", done.text)
    after = docker.inspect("hand")
    tap.equal((after["Id"], after["State"]["StartedAt"]), (before["Id"], before["State"]["StartedAt"]), "without a restart")
    tap.equal(second.plan_status().status, 0, "the next plan is empty")
    third = Stack(folder, "third", spec.replace("second", "third") % ", adopt: true", environment={"ENGINE": docker.host})
    stolen = Stack(folder, "thief", SPEC.replace("stack: it", "stack: thief"), environment={"ENGINE": docker.host})
    shutil.copy(stack.path("app.conf"), stolen.path("app.conf"))
    done = stolen.apply("--adopt")
    tap.equal(done.status, 8, "what another stack owns is never taken", done.text)
    done = second.run("destroy", "--yes")
    tap.equal(done.status, 0, "destroy of the second stack", done.text)
    tap.point(not docker.exists("hand") and docker.exists("web"), "takes its own away and nothing else")
    del third


def strangers(tap, docker, folder):
    tap.section = "made anew by others"
    spec = ("hlrec: 1\nstack: anew\nproviders: {docker: {host: '${env.ENGINE}'}}\nnetworks: {anew-net: {}}\n"
            "containers:\n  anew: {image: 'app:1', stop_grace_period: 1s}\n")
    stack = Stack(folder, "anew", spec, environment={"ENGINE": docker.host})
    tap.equal(stack.apply().status, 0, "a container and a network are made")
    docker.run("rm", "-f", "anew")
    docker.run("network", "rm", "anew-net")
    docker.run("network", "create", "anew-net")
    docker.run("run", "-d", "--rm", "--name", "anew", "app:1")
    theirs = docker.inspect("anew")["Id"]
    done = stack.run("destroy", "--yes")
    tap.equal(done.status, 0, "destroy succeeds", done.text)
    tap.equal((docker.exists("anew") and docker.inspect("anew")["Id"], docker.exists("anew-net")), (theirs, True),
              "and leaves what somebody else made under the same names", done.text)
    done = stack.run("plan", "--adopt")
    tap.point("a replacement has no way back" in done.out, "a plan tells that a container started with --rm does not outlive its stop", done.text)

    tap.section = "one object, one address"
    stack.write(spec + "  twin: {image: 'app:1', stop_grace_period: 1s}\n")
    tap.equal(stack.run("import", "container.anew", theirs).status, 0, "an object is imported")
    done = stack.run("import", "container.twin", theirs)
    tap.equal(done.status, 8, "and not a second time at another address", done.text)
    tap.point("container.anew" in done.err, "which the message tells", done.err)
    docker.run("rm", "-f", "anew")
    docker.run("network", "rm", "anew-net")


def import_by_id(tap, docker, folder):
    tap.section = "import"
    docker.run("run", "-d", "--name", "byid", "app:1")
    spec = "hlrec: 1\nstack: imp\nproviders: {docker: {host: '${env.ENGINE}'}}\ncontainers:\n  byid: {image: 'app:1'}\n"
    stack = Stack(folder, "imp", spec, environment={"ENGINE": docker.host})
    done = stack.run("import", "container.byid", docker.inspect("byid")["Id"])
    tap.equal(done.status, 0, "an object is recorded by its id", done.text)
    tap.equal(stack.plan_status().status, 0, "the next plan is empty")
    stack.run("destroy", "--yes")
    tap.point(not docker.exists("byid"), "and it is managed from then on")


def over_tls(tap, docker, folder):
    tap.section = "TCP with TLS"
    spec = ("hlrec: 1\nstack: tls\nproviders:\n  docker: {host: 'tcp://127.0.0.1:%d', tls: {ca: '%s', cert: client.pem, key: client-key.pem}}\n"
            "containers:\n  secured: {image: 'app:1'}\n")
    stack = Stack(folder, "tls", spec % (docker.port, "ca.pem"))
    for name in ("ca.pem", "client.pem", "client-key.pem"):
        shutil.copy(os.path.join(docker.folder, name), stack.path(name))
    done = stack.apply()
    tap.equal(done.status, 0, "a client with the right certificate is served", done.text)
    tap.equal(stack.plan_status().status, 0, "the next plan is empty")
    stack.run("destroy", "--yes")
    tap.point(not docker.exists("secured"), "destroy takes it away")
    stack.write(spec % (docker.port, "client.pem"))
    done = stack.run("plan")
    tap.equal(done.status, 7, "a server that another CA vouches for is not trusted", done.text)


def planfile(tap, docker, stack):
    tap.section = "saved plans"
    stack.write(SPEC.replace("role: web", "role: planned"))
    done = stack.run("plan", "--out", "plan.json")
    tap.equal(done.status, 0, "a plan is saved", done.text)
    docker.run("update", "--restart", "no", "web")
    done = stack.run("apply", "--yes", "plan.json")
    tap.equal(done.status, 8, "a plan is refused when the world has changed", done.text)
    stack.run("plan", "--out", "plan.json")
    done = stack.run("apply", "--yes", "plan.json")
    tap.equal(done.status, 0, "a fresh one is applied", done.text)
    tap.equal(docker.inspect("web")["Config"]["Labels"]["role"], "planned", "exactly")
    stack.write(SPEC)
    stack.apply()


def guards(tap, docker, stack):
    tap.section = "guards"
    without = SPEC.replace("volumes:\n  data: {}\n", "").replace("    volumes: [\"data:/data\"]\n", "")
    stack.write(without)
    done = stack.apply()
    tap.equal(done.status, 8, "a volume is not deleted because its block is gone", done.text)
    tap.point(docker.run("volume", "inspect", "data", check=False).status == 0, "it is still there")
    stack.write(SPEC.split("networks:")[0])
    done = stack.apply("--max-destroy", "1")
    tap.equal(done.status, 8, "max_destroy stops a big deletion", done.text)
    stack.write("")
    done = stack.apply()
    tap.equal(done.status, 3, "an empty spec is an error, not the deletion of everything", done.text)
    tap.point(docker.exists("web"), "and nothing was touched")
    stack.write(SPEC)
    tap.equal(stack.plan_status().status, 0, "the next plan is empty")


def secrecy(tap, stack, values):
    tap.section = "secrecy"
    stack.run("plan", "--format", "json")
    stack.run("state", "show", "secret.DB_PASSWORD")
    stack.run("state", "show", "container.web")
    stack.run("drift", "--format", "json")
    found = stack.leaks(values, allowed=("out/app.env", "out/password"))
    tap.equal(found, [], f"none of {len(values)} secret values stands in any output or file but its destinations")


def ending(tap, docker, stack):
    tap.section = "destroy"
    stack.write(SPEC.replace("data: {}", "data: {protect: false}").replace("rotate: never", "rotate: never, protect: false"))
    done = stack.apply()
    tap.equal(done.status, 0, "protection is lifted by the spec", done.text)
    done = stack.run("destroy", "--yes")
    tap.equal(done.status, 8, "what holds data still needs --allow-destroy", done.text)
    done = stack.run("destroy", "--yes", "--allow-destroy")
    tap.equal(done.status, 0, "destroy succeeds", done.text)
    left = docker.run("ps", "-aq").out + docker.run("volume", "ls", "-q").out + docker.run("network", "ls", "-q", "--filter", "type=custom").out
    tap.equal(left, "", "no container, volume or network is left")
    tap.point(not os.path.exists(stack.path("out/password")), "nor a secret's file")


def main():
    tap = Tap()
    stop_on_signals()
    missing = Docker.missing()
    if missing:
        tap.skip_all(missing)
    folder = private_folder()
    docker = Docker(os.path.join(folder, "engine"))
    try:
        docker.start()
        docker.image("app:1")
        stack = Stack(folder, "main", SPEC, environment={"ENGINE": docker.host})
        stack.write("name = ${NAME}", "app.conf")
        if first_apply(tap, docker, stack):
            values = secrets_of(stack)
            drift(tap, docker, stack)
            changes(tap, docker, stack)
            rollback(tap, docker, stack)
            adoption(tap, docker, stack, folder)
            strangers(tap, docker, folder)
            import_by_id(tap, docker, folder)
            over_tls(tap, docker, folder)
            planfile(tap, docker, stack)
            guards(tap, docker, stack)
            secrecy(tap, stack, values)
            ending(tap, docker, stack)
    finally:
        docker.stop()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
