#!/usr/bin/env python3
"""Killed at every call that changes the world, before it and after it: the next apply converges, nothing is there twice, nothing is lost.

The lab stops answering at the n-th POST, PUT or DELETE (having executed it, or not); then hlrec is killed with SIGKILL and run again."""
import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
from lib import HLREC, Lab, Stack, Tap, World, private_folder, stop_on_signals, wait_for  # noqa: E402

SPEC = """\
hlrec: 1
stack: kill
variables: {label: {default: one}}
providers:
  docker: {host: "${env.HLREC_LAB_DOCKER}"}
  traefik: {directory: dynamic}
secrets:
  PASSWORD: {generate: {length: 24}, write: [{dotenv: out/app.env}]}
networks:
  front: {}
  back: {}
volumes:
  data: {}
containers:
  db:
    image: nginx:1.27
    environment: {PASSWORD: "${secret.PASSWORD}"}
    networks: [back]
    volumes: ["data:/data"]
  web:
    image: nginx:1.27
    networks: [front, back]
    labels: {label: "${var.label}"}
    files: {/etc/web.conf: {content: "password=${secret.PASSWORD}", mode: "0400"}}
    ports: ["8080:80"]
    depends_on: [db]
routers:
  web: {rule: Host(`web.test`), service: {url: "http://web:80"}}
"""


def world(lab):
    """What there is, as a person would list it."""
    containers = sorted((row["Names"][0].lstrip("/"), row["State"]) for row in lab.get("/containers/json?all=1"))
    networks = sorted(row["Name"] for row in lab.get("/networks") if row["Name"] not in ("bridge", "host", "none"))
    volumes = sorted(row["Name"] for row in lab.get("/volumes")["Volumes"] or [])
    return containers, networks, volumes


WHOLE = ([("db", "running"), ("web", "running")], ["back", "front"], ["data"])
NOTHING = ([], [], [])

# name, arguments before the kill, whether the stack is applied before, world afterwards, arguments of the run that converges
SCENARIOS = [
    ("create", ["apply", "--yes"], False, WHOLE),
    ("replace", ["apply", "--yes", "--var", "label=two"], True, WHOLE),
    ("destroy", ["destroy", "--yes", "--allow-destroy"], True, NOTHING),
]


def start(folder, name, applied, fault=None):
    """A lab and a stack. The fault counts from the first call, those of the preparation included: `skip` says how many those were."""
    lab = Lab(os.path.join(folder, name + "-lab"), *(["--fault", fault] if fault else []))
    spec = SPEC.replace("data: {}", "data: {protect: false}")
    stack = Stack(folder, name, spec, environment=lab.environment)
    os.makedirs(stack.path("dynamic"), exist_ok=True)
    if applied:
        done = stack.apply()
        if done.status != 0:
            raise RuntimeError("preparation failed: " + done.text)
    return lab, stack


def count_calls(lab):
    counts = {"POST": 0, "PUT": 0, "DELETE": 0}
    for call in lab.calls():
        if call["method"] in counts:
            counts[call["method"]] += 1
    return counts


def measure(folder, scenario):
    """How many calls of each method the preparation and the whole make."""
    name, arguments, applied, _ = scenario
    lab, stack = start(folder, name + "-measure", applied)
    before = count_calls(lab)
    done = stack.run(*arguments)
    after = count_calls(lab)
    lab.stop()
    if done.status != 0:
        raise RuntimeError(f"{name} failed without a fault: {done.text}")
    return before, after


def kill_at(folder, scenario, method, number, how):
    """Kills one run at one call; what is wrong after the next, as a list of lines."""
    name, arguments, applied, wanted = scenario
    place = f"{name}-{method}-{number}-{how}"
    wrong = []

    def insist(good, words, detail=""):
        if not good:
            wrong.append(f"not so: {words}\n{detail}")

    lab, stack = start(folder, place, applied, f"{method} * {number} {how}")
    try:
        log = open(stack.path("killed.log"), "w")
        victim = subprocess.Popen([HLREC, *arguments], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: victim.poll() is not None or sum(call["method"] == method for call in lab.calls()) >= number, 20)
        time.sleep(0.15)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        done = stack.run(*arguments)
        again = stack.run(*arguments) if done.status != 0 else done
        insist(again.status == 0, "the next run converges", done.text + again.text)
        insist(world(lab) == wanted, "nothing is missing, nothing is there twice", f"{world(lab)}\n{done.text}")
        if wanted is WHOLE:
            plan = stack.run("plan", "--detailed-exitcode", *arguments[2:])
            insist(plan.status == 0, "the next plan is empty", plan.text)
            shown = stack.run("secret", "show", "PASSWORD", "--reveal").out.strip()
            insist(stack.read("out/app.env").strip().splitlines()[-1] == f"PASSWORD={shown}", "the secret is one and the same everywhere")
    finally:
        lab.stop()
        shutil.rmtree(os.path.join(folder, place), ignore_errors=True)
    return wrong


CROWD = """\
hlrec: 1
stack: crowd
settings: {parallel: 2}
variables: {label: {default: one}}
providers: {docker: {host: "${env.HLREC_LAB_DOCKER}", settle: 0s, settle_replaced: 0s}}
"""
CROWDS = {
    "container": CROWD + "containers:\n" + "".join(f'  app-{i}: {{image: "nginx:1.27", labels: {{label: "${{var.label}}"}}}}\n' for i in range(6)),
    "volume": CROWD + "volumes:\n" + "".join(f'  data-{i}: {{protect: false, labels: {{label: "${{var.label}}"}}}}\n' for i in range(6)),
}
# kind, arguments, whether the stack is applied before, the call that is the run's first change, how many of the kind there are afterwards
CROWD_SCENES = [(kind, words, applied, call, left) for kind, removal in (("container", "containers/*/stop"), ("volume", "volumes/*")) for words, applied, call, left in (
    (("apply",), False, f"POST */{kind}s/create", 6),
    (("apply", "--var", "label=two"), True, "POST */containers/create" if kind == "container" else f"DELETE */{removal}", 6),
    (("destroy",), True, f"{'POST' if kind == 'container' else 'DELETE'} */{removal}", 0))]


def kill_with_actions_lined_up(folder, number):
    """Two actions are in flight, and two more have only their intents: they were never begun, and the next run finds that out. What is wrong, as a text."""
    kind, words, applied, call, left = CROWD_SCENES[number]
    arguments = [*words, "--yes", "--allow-destroy", *(["--max-destroy", "100"] if words[0] == "apply" else [])]
    with World(folder, f"crowd-{number}", CROWDS[kind]) as (lab, stack):
        if applied:
            stack.run("apply", "--yes")
        lab.fault(f"{call} * hang")
        begun = len(lab.calls())
        victim = subprocess.Popen([HLREC, *arguments], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        wait_for(lambda: sum("fault" in call for call in lab.calls()[begun:]) == 2, 20)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        lab.fault()
        done = stack.run(*arguments)
        plan = stack.run("plan", "--detailed-exitcode", *words[1:])
        there = len(lab.get("/containers/json?all=1") if kind == "container" else lab.get("/volumes")["Volumes"] or [])
        found = (done.status, plan.status if left else 0, there, done.text.count("or about to, when it ended"), done.text.count("it had been done"))
        return "" if found == (0, 0, left, 4, 0) else f"{found}\n{done.text}\n{plan.text}"


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    points = []
    try:
        for scenario in SCENARIOS:
            before, after = measure(folder, scenario)
            points += [(scenario, method, number, how) for method in ("POST", "PUT", "DELETE") for number in range(before[method] + 1, after[method] + 1)
                       for how in ("hang", "after-hang")]
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            found = list(pool.map(lambda point: kill_at(folder, *point), points))
        for (scenario, method, number, how), wrong in zip(points, found):
            tap.point(not wrong, f"{scenario[0]}: killed at {method} {number} ({how}), the next run converges", "\n".join(wrong))
        tap.point(len(points) > 20, f"{len(points)} points were tried")
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            found = list(pool.map(lambda number: kill_with_actions_lined_up(folder, number), range(len(CROWD_SCENES))))
        for (kind, words, *_), wrong in zip(CROWD_SCENES, found):
            tap.point(not wrong, f"{' '.join(words)} of many {kind}s: what was lined up and never begun is looked at, told so, and done by the next run", wrong)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
