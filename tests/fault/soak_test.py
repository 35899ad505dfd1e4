#!/usr/bin/env python3
"""Round after round somebody edits the stack behind hlrec's back, and hlrec puts it right: nothing adds up.

The edits are random, from a seed (HLREC_SOAK_SEED); 10 rounds, or 500 with HLREC_SLOW=1, or HLREC_SOAK_ROUNDS. After each round the next plan is empty. Looked at are
the most memory that a run took and the most descriptors it had open (which must not grow), the state's file and its copy (which must stay bounded), and the history
(which is kept by a limit, not for ever)."""
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bifrost_life import APPLY, Life, brief, place_of_lives  # noqa: E402
from bifrost_world import call  # noqa: E402
from lib import HLREC, Tap, UnixConnection  # noqa: E402

ROUNDS = int(os.environ.get("HLREC_SOAK_ROUNDS", "500" if os.environ.get("HLREC_SLOW") == "1" else "10"))
SEED = int(os.environ.get("HLREC_SOAK_SEED", "5"))
HISTORY_KEPT = 200  # runs, as reconcile/engine/internal.h says
MOST_BYTES = 4 * 1024 * 1024
# A run has up to sixteen connections a system, and how many of them are open at one moment is chance: only many rounds tell whether they become more.
MOST_DESCRIPTORS, ENOUGH_ROUNDS = 200, 40


# ---- edits ----


def docker(life, method, path):
    connection = UnixConnection(life.world.lab.socket)
    try:
        connection.request(method, "/v1.41" + path)
        connection.getresponse().read()
    finally:
        connection.close()


def a_container(life, random):
    return random.choice(sorted(life.containers()))


def stop_container(life, random):
    name = a_container(life, random)
    docker(life, "POST", f"/containers/{name}/stop?t=1")
    return f"{name} stopped"


def remove_container(life, random):
    name = a_container(life, random)
    docker(life, "DELETE", f"/containers/{name}?force=1")
    return f"{name} removed"


def rename_container(life, random):
    name = a_container(life, random)
    docker(life, "POST", f"/containers/{name}/rename?name={name}-moved-{random.randrange(1000)}")
    return f"{name} renamed"


def edit_routers(life, random):
    path = os.path.join(life.world.traefik.dynamic, "hlrec-bifrost.yml")
    if not os.path.exists(path):
        return "routers left alone"
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("netbird.madhan.app", random.choice(("wrong.madhan.app", "other.madhan.app"))))
    return "routers edited"


def remove_routers(life, _):
    path = os.path.join(life.world.traefik.dynamic, "hlrec-bifrost.yml")
    if os.path.exists(path):
        os.unlink(path)
    return "routers removed"


def edit_dotenv(life, random):
    name = random.choice(sorted(life.dotenv()))
    path = life.world.etc + "/.secrets.env"
    with open(path) as file:
        lines = file.read().splitlines()
    with open(path, "w") as file:
        file.write("".join(f"{name}=edited-{random.randrange(1000)}\n" if line.startswith(name + "=") else line + "\n" for line in lines))
    return f"{name} edited in the dotenv file"


def edit_stored(life, random):
    call("POST", life.world.infisical + "/lab/secret", {"project": "homelab-prod", "environment": "prod", "path": "/netbird", "key": "NETBIRD_SETUP_KEY",
                                                        "value": f"edited-{random.randrange(1000)}"})
    return "the key in Infisical edited"


def remove_from_mesh(life, random):
    table, name = random.choice((("routes", "homelab-lan"), ("setup_keys", "bifrost-agent"), ("identity_providers", "Authentik")))
    call("POST", life.world.netbird + "/lab/netbird", {"delete": table, "name": name})
    return f"{name} removed from {table}"


EDITS = (stop_container, remove_container, rename_container, edit_routers, remove_routers, edit_dotenv, edit_stored, remove_from_mesh)


# ---- one run, measured ----


class Watch(threading.Thread):
    """The most memory (KiB) and descriptors of a process, looked at every few milliseconds until it has ended. What wait4() tells of memory includes ours, from
    before the exec; the kernel's high-water mark does not."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.memory, self.descriptors = pid, 0, 0
        self.start()

    def run(self):
        while True:
            try:
                self.descriptors = max(self.descriptors, len(os.listdir(f"/proc/{self.pid}/fd")))
                with open(f"/proc/{self.pid}/status") as file:
                    marks = [int(line.split()[1]) for line in file if line.startswith("VmHWM:")]
                self.memory = max(marks, default=self.memory)
            except OSError:
                return
            time.sleep(0.003)


def run_measured(life, arguments):
    """Exit status, output, the most memory, the most descriptors."""
    with open(os.path.join(life.stack.folder, os.pardir, "output"), "w+") as output:
        process = subprocess.Popen([HLREC, *arguments, *life.stack.variables], cwd=life.stack.folder, env=life.stack.environment, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output)
        watch = Watch(process.pid)
        status = process.wait()
        watch.join()
        output.seek(0)
        return status, output.read(), watch.memory, watch.descriptors


def sizes(life):
    """Of the state and of what stands beside it."""
    folder = life.stack.path(".hlrec")
    return {name: os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)}


def count_history(life):
    with sqlite3.connect(f"file:{life.stack.path('.hlrec', 'bifrost.db')}?mode=ro", uri=True) as database:
        return tuple(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("runs", "run_events", "journal"))


# ---- the rounds ----


def soak(tap, life):
    """What each round took: memory, descriptors, bytes."""
    chance, rounds, count, former = random.Random(SEED), [], 0, [set(), set()]
    for number in range(1, ROUNDS + 1):
        # What differs in the same way three runs in a row is left alone, as something else insists on it: not what is to be seen here.
        chosen = chance.sample([edit for edit in EDITS if edit not in former[0] & former[1]], chance.randrange(1, 4))
        former = [former[1], set(chosen)]
        edits = [edit(life, chance) for edit in chosen]
        status, text, memory, descriptors = run_measured(life, APPLY)
        plan_status, plan_text, plan_memory, _ = run_measured(life, ["plan", "--detailed-exitcode"])
        if (status, plan_status) != (0, 0):
            tap.point(False, f"round {number}: {', '.join(edits)}: corrected, and the next plan is empty", f"{status} {brief(text)}\n{plan_status} {plan_text}")
            return rounds
        count += len(edits)
        rounds.append((memory, descriptors, plan_memory, sum(sizes(life).values())))
    tap.point(True, f"{ROUNDS} rounds with {count} edits behind its back: each is corrected, and the next plan is empty")
    return rounds


def is_steady(values, allowed):
    """Whether the last quarter is no larger than the first, but for what is allowed."""
    quarter = max(len(values) // 4, 1)
    return statistics.median(values[-quarter:]) <= statistics.median(values[:quarter]) * allowed


def judge(tap, life, rounds, wanted):
    memory, descriptors, plan_memory, files = zip(*rounds)
    tap.point(is_steady(memory, 1.15), f"the memory of apply does not grow: {min(memory)} to {max(memory)} KiB", memory)
    tap.point(is_steady(plan_memory, 1.15), f"nor that of plan: {min(plan_memory)} to {max(plan_memory)} KiB", plan_memory)
    few = max(descriptors) <= MOST_DESCRIPTORS and (ROUNDS < ENOUGH_ROUNDS or is_steady(descriptors, 1.25))
    tap.point(few, f"nor do the descriptors: {min(descriptors)} to {max(descriptors)}", descriptors)
    tap.point(max(files) < MOST_BYTES, f"the state and what is beside it stay below {MOST_BYTES >> 20} MiB: {files[0]} to {max(files)} bytes", files)
    runs, events, open_intents = count_history(life)
    tap.point(runs <= HISTORY_KEPT and open_intents == 0, f"{runs} runs with {events} events are kept, no intent is open")
    if ROUNDS > HISTORY_KEPT * 2:
        steady = files[HISTORY_KEPT + 20:]
        tap.point(max(steady) <= steady[0] * 1.25, f"once the history is full the files do not grow: {steady[0]} to {max(steady)} bytes", steady)
    census = life.census()
    differ = [f"{name}: {census[name]}\nwanted {wanted[name]}" for name in census if census[name] != wanted[name]]
    tap.point(not differ, "nothing is missing, nothing is there twice", "\n".join(differ))
    life.check_secrets({}, tap.point)
    life.check_state(tap.point)


def main():
    tap = Tap()
    with place_of_lives(tap, 1) as (folder, traefiks):
        life = Life(os.path.join(folder, "life"), traefiks[0])
        try:
            life.spec(False)
            life.settle(lambda good, words, detail="": good or tap.point(False, words, detail))
            wanted = life.census()
            rounds = soak(tap, life)
            if len(rounds) == ROUNDS:
                judge(tap, life, rounds, wanted)
            print(f"# seed {SEED}")
        finally:
            life.stop()
    tap.end()


if __name__ == "__main__":
    main()
