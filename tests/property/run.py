#!/usr/bin/env python3
"""Laws that hold for every spec, tried on random ones; prints TAP.

    tests/property/run.py [--seeds N] [SEED...]

A fixed list of seeds, and a fresh one whose number is printed, so that a failure can be repeated. With HLREC_QUICK set: fewer.

The planner (tests/cases/plan_case):
    a plan is a function           the same input gives the same bytes
    ... whatever the order of keys  another order, comments and spellings change nothing but line numbers
    what was applied is unchanged  the spec as it was recorded gives an empty plan
    a change stays where it is     only what changed, and what refers to it, is in the plan

The program on the lab (tests/lab/hlrec-lab):
    apply does what the plan said, and after it the plan is empty; always, also after a change
    destroy leaves nothing
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import generate  # noqa: E402  (beside this file)

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("HLREC_BUILD", SOURCE / "build" / "plain")).resolve()
PLAN_CASE = BUILD / "tests" / "cases" / "plan_case"
LAB = BUILD / "tests" / "lab" / "hlrec-lab"
PROGRAM = BUILD / "hlrec"
LIMIT = 120
PLANNER_SEEDS = 30
LAB_SEEDS = 5


class Broken(Exception):
    """A law does not hold."""


def expect(holds, message, *details):
    if not holds:
        raise Broken("\n".join([message, *(str(detail) for detail in details)]))


# ---- the planner ----


def plan(folder, *options):
    result = subprocess.run([PLAN_CASE, *options, folder], capture_output=True, text=True, timeout=LIMIT, check=False)
    expect(result.returncode == 0, f"plan_case: exit status {result.returncode}", result.stdout, result.stderr, (folder / "spec.yaml").read_text())
    return result.stdout


def without_places(text):
    """Line numbers gone, and the blanks that align what stands beside them."""
    return re.sub(r" +", " ", re.sub(r"spec\.yaml:\d+", "spec.yaml:N", re.sub(r'"line": \d+', '"line": N', text)))


def write(folder, spec, before=None, rng=None):
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(generate.to_yaml(spec, rng))
    if before is not None:
        (folder / "before.yaml").write_text(generate.to_yaml(before))
    return folder


def law_same_bytes(rng, folder):
    spec = generate.spec(rng)
    changed, _ = generate.change(rng, spec)
    write(folder / "a", changed, before=spec)
    for options in ((), ("--json",)):
        expect(plan(folder / "a", *options) == plan(folder / "a", *options), "two plans of the same input differ")


def law_key_order(rng, folder):
    spec = generate.spec(rng)
    changed, _ = generate.change(rng, spec)
    write(folder / "a", changed, before=spec)
    write(folder / "b", changed, before=spec, rng=rng)
    for options in ((), ("--json",)):
        first, second = (without_places(plan(folder / name, *options)) for name in ("a", "b"))
        expect(first == second, "the order of keys matters", first, second, (folder / "a" / "spec.yaml").read_text(), (folder / "b" / "spec.yaml").read_text())


def law_applied_is_unchanged(rng, folder):
    spec = generate.spec(rng)
    text = plan(write(folder / "a", spec, before=spec, rng=rng))
    count = len(generate.addresses(spec))
    expect("No changes." in text and f", {count} unchanged." in text, "what was applied differs from itself", text, (folder / "a" / "spec.yaml").read_text())


def law_change_stays(rng, folder):
    spec = generate.spec(rng)
    changed, address = generate.change(rng, spec)
    document = json.loads(plan(write(folder / "a", changed, before=spec), "--json"))
    touched = {action["address"]: action for action in document["actions"]}
    expect(address in touched, f"{address} was changed and is not in the plan", list(touched), (folder / "a" / "spec.yaml").read_text())
    allowed = {address}
    for action in document["actions"]:  # in an order in which needs come first
        if allowed.intersection(action["needs"]):
            allowed.add(action["address"])
    expect(set(touched) <= allowed, f"only {address} was changed", sorted(touched))
    summary = document["summary"]
    expect(sum(summary.values()) - summary["unchanged"] == len(document["actions"]), "the summary does not count the actions", summary)


# ---- the program on the lab ----


class Lab:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.process = subprocess.Popen([LAB, "--dir", folder], stdin=subprocess.DEVNULL, stdout=(folder / "out").open("wb"), stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.env = self.wait()

    def wait(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            path = self.folder / "lab.env"
            if path.exists() and "ready" in (self.folder / "out").read_text():
                return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
            time.sleep(0.02)
        self.stop()
        raise Broken("the lab did not start:\n" + (self.folder / "out").read_text())

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


class Program:
    """hlrec in a private folder, against a lab."""

    def __init__(self, folder, lab):
        self.folder = folder
        (folder / "dynamic").mkdir()
        (folder / "home").mkdir()
        self.providers = {
            "docker": {"host": lab.env["HLREC_LAB_DOCKER"], "settle": "0s", "settle_replaced": "0s"},
            "traefik": {"directory": str(folder / "dynamic")},
        }
        self.env = {**os.environ, "HOME": str(folder / "home"), "NO_COLOR": "1"}

    def run(self, spec, *arguments, expected=0):
        (self.folder / "hlrec.yaml").write_text(generate.to_yaml({**spec, "providers": self.providers}))
        result = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                                check=False)
        expect(result.returncode == expected, f"hlrec {' '.join(arguments)}: exit status {result.returncode}, expected {expected}", result.stdout, result.stderr,
               (self.folder / "hlrec.yaml").read_text())
        return result.stdout

    def apply_and_look(self, spec):
        """The plan says what apply does, and then there is nothing left to do."""
        options = ("--allow-destroy", "--max-destroy", "100", "--format", "json")
        planned = json.loads(self.run(spec, "plan", *options))["summary"]
        done = json.loads(self.run(spec, "apply", "--yes", *options).splitlines()[-1])["summary"]
        for action in ("create", "update", "replace", "delete", "adopt", "forget"):
            expect(planned[action] == done[action], f"planned to {action} {planned[action]}, did {done[action]}", (self.folder / "hlrec.yaml").read_text())
        self.run(spec, "plan", "--detailed-exitcode")


def law_apply_settles(rng, folder):
    lab = Lab(folder / "lab")
    try:
        program = Program(folder, lab)
        spec = generate.spec(rng)
        program.apply_and_look(spec)
        changed, _ = generate.change(rng, spec)
        program.run(changed, "plan", "--detailed-exitcode", expected=2)
        program.apply_and_look(changed)
        program.apply_and_look(spec)
        program.run(spec, "destroy", "--yes", "--allow-destroy")
        recorded = json.loads(program.run(spec, "state", "list", "--format", "json"))["resources"]
        expect(not recorded, "destroy leaves something recorded", recorded)
        summary = json.loads(program.run(spec, "plan", "--format", "json"))["summary"]
        expect(summary["create"] == len(generate.addresses(spec)), "destroy leaves something live", summary)
    finally:
        lab.stop()


# ---- the runs ----

PLANNER_LAWS = {
    "a plan is a function": law_same_bytes,
    "the order of keys does not matter": law_key_order,
    "what was applied is unchanged": law_applied_is_unchanged,
    "a change stays where it is": law_change_stays,
}
LAB_LAWS = {"after apply the plan is empty": law_apply_settles}


def try_law(law, seed):
    """None when it holds, else why not."""
    with tempfile.TemporaryDirectory(prefix="hlrec-law-") as folder:
        try:
            law(random.Random(seed), pathlib.Path(folder))
        except Broken as broken:
            return str(broken)
        except subprocess.TimeoutExpired as expired:
            return str(expired)
    return None


def points(options):
    quick = bool(os.environ.get("HLREC_QUICK"))
    fresh = random.SystemRandom().randrange(1_000_000)
    for laws, program, seeds in ((PLANNER_LAWS, PLAN_CASE, PLANNER_SEEDS), (LAB_LAWS, LAB, LAB_SEEDS)):
        count = options.seeds if options.seeds is not None else seeds // 3 + 1 if quick else seeds
        for name, law in laws.items():
            yield name, law, program, options.seed or [*range(1, count + 1), fresh]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, metavar="N", help="how many of the fixed seeds")
    parser.add_argument("seed", nargs="*", type=int, help="only these seeds")
    wanted = list(points(parser.parse_args()))
    failed = 0

    print(f"1..{len(wanted)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for number, (name, law, program, seeds) in enumerate(wanted, 1):
            if shutil.which(str(program)) is None:
                print(f"ok {number} - {name} # SKIP {program} is not built", flush=True)
                continue
            reasons = [(seed, reason) for seed, reason in zip(seeds, pool.map(lambda seed, law=law: try_law(law, seed), seeds)) if reason]
            failed += bool(reasons)
            print(f"{'not ok' if reasons else 'ok'} {number} - {name}: {len(seeds)} specs, the last of seed {seeds[-1]}", flush=True)
            for seed, reason in reasons[:2]:
                print(f"# seed {seed}:", *reason.splitlines(), sep="\n# ", flush=True)
            if len(reasons) > 2:
                print(f"# and with the seeds {[seed for seed, _ in reasons[2:]]}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
