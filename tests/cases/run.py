#!/usr/bin/env python3
"""Runs golden cases and prints TAP.

    tests/cases/run.py [--accept] [--valgrind] [--every N] AREA[/CASE]...

A case is a folder tests/cases/AREA/CASE/ whose name is a sentence. It is copied to a private place and run there; what it prints (standard output and
errors together) is compared with its expected.txt, the exit status with its expected.exit (absent: 0).

    validate   spec.yaml                              hlrec validate -f spec.yaml
    plan       spec.yaml, before.yaml, ...            plan_case, see tests/cases/plan_case.c; with expected.json also its JSON
    cli        command: lines for `sh -e`             with hlrec in PATH; `run WORDS` shows the command line and its exit status, when not 0

--accept writes what comes out as the expectation: read the diff afterwards. --every N takes each N-th case only.
The program is looked for in $HLREC_BUILD, which make sets; by default in build/plain.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("HLREC_BUILD", SOURCE / "build" / "plain")).resolve()
AREAS = ("validate", "plan", "cli")
TIME_LIMIT = 60
VALGRIND_TIME_LIMIT = 300
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--error-exitcode=99"]
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")

# What differs from run to run, in the order in which it is replaced.
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\b\d+\.\d+ s\b"), "N s"),
    (re.compile(r"\b\d+ ms\b"), "N ms"),
    (re.compile(r"\b1[6-9]\d{11}\b"), "MS"),
    (re.compile(r'("(?:elapsed|read)_ms": ?)\d+'), r"\1N"),
)


PRELUDE = """
run() {
    echo "$ $*"
    "$@" || echo "[exit status $?]"
}
. ./command
"""


class Outcome:
    """What a case gave: texts by the name of the file that holds the expectation, the exit status, and complaints of valgrind."""

    def __init__(self):
        self.texts = {}
        self.status = 0
        self.complaints = ""


def is_case(folder):
    return folder.is_dir() and not folder.name.startswith((".", "_")) and any(folder.iterdir())


def find_cases(names):
    found = []
    for name in names:
        area, _, case = name.strip("/").partition("/")
        if area not in AREAS:
            sys.exit(f"run.py: no area '{area}'; there are {', '.join(AREAS)}")
        folder = HERE / area / case
        if not folder.is_dir():
            sys.exit(f"run.py: no such case: {name}")
        found += [folder] if case else sorted(child for child in folder.iterdir() if is_case(child))
    return found


def environment(home, bin_folder):
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env.update(PATH=f"{bin_folder}:{os.environ['PATH']}", HOME=str(home), HLREC=str(bin_folder / "hlrec"), LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb",
               HLREC_SOURCE=str(SOURCE), HLREC_BUILD=str(BUILD))
    return env


def run_program(arguments, folder, env, limit):
    """Standard output with errors, and the status. Nothing of the case's session outlives it."""
    process = subprocess.Popen(arguments, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        out += f"\n[killed after {limit} s]\n".encode()
        status = -1
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return out.decode("utf-8", "backslashreplace"), status


def settle(text, private, volatile):
    text = text.replace(str(private), "$DIR").replace(str(private.resolve()), "$DIR")
    for pattern, replacement in VOLATILE if volatile else ():
        text = pattern.sub(replacement, text)
    return text


class Runner:
    def __init__(self, valgrind):
        self.valgrind = valgrind
        self.limit = VALGRIND_TIME_LIMIT if valgrind else TIME_LIMIT

    def prefix(self, private):
        return VALGRIND + [f"--log-file={private}/valgrind.%p"] if self.valgrind else []

    def run(self, case):
        with tempfile.TemporaryDirectory(prefix="hlrec-case-") as temporary:
            private = pathlib.Path(temporary)
            folder = private / "case"
            # Modes are not copied: the source may be read-only.
            shutil.copytree(case, folder, copy_function=shutil.copyfile)
            folder.chmod(0o755)
            for path in folder.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
            for expectation in folder.glob("expected.*"):
                expectation.unlink()
            outcome = getattr(self, "run_" + case.parent.name)(case, folder, private)
            outcome.complaints = "".join(log.read_text() for log in sorted(private.glob("valgrind.*")) if log.stat().st_size)
        return outcome

    def make_bin(self, private):
        """A folder with a hlrec that is run under valgrind when asked to."""
        folder = private / "bin"
        folder.mkdir()
        program = folder / "hlrec"
        if self.valgrind:
            words = " ".join(f"'{word}'" for word in [*self.prefix(private), str(BUILD / "hlrec")])
            program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            program.chmod(0o755)
        else:
            program.symlink_to(BUILD / "hlrec")
        return folder

    def run_command(self, folder, private, arguments, volatile):
        outcome = Outcome()
        home = private / "home"
        home.mkdir()
        text, outcome.status = run_program(arguments, folder, environment(home, self.make_bin(private)), self.limit)
        outcome.texts["expected.txt"] = settle(text, folder, volatile)
        return outcome

    def run_validate(self, _case, folder, private):
        return self.run_command(folder, private, ["hlrec", "validate", "-f", "spec.yaml", "--color", "never"], False)

    def run_cli(self, _case, folder, private):
        return self.run_command(folder, private, ["sh", "-e", "-c", PRELUDE], True)

    def run_plan(self, case, folder, private):
        program = [*self.prefix(private), str(BUILD / "tests" / "cases" / "plan_case")]
        env = environment(private, private)
        outcome = Outcome()
        outcome.texts["expected.txt"], outcome.status = run_program([*program, str(folder)], folder, env, self.limit)
        if (case / "expected.json").exists():
            outcome.texts["expected.json"], _ = run_program([*program, "--json", str(folder)], folder, env, self.limit)
        return outcome


def expected_status(case):
    path = case / "expected.exit"
    return int(path.read_text()) if path.exists() else 0


def compare(case, outcome):
    """The differences, as lines; none when all is as expected."""
    lines = []
    for name, text in outcome.texts.items():
        path = case / name
        wanted = path.read_text() if path.exists() else ""
        if not path.exists():
            lines.append(f"there is no {name}")
        lines += difflib.unified_diff(wanted.splitlines(), text.splitlines(), f"expected/{name}", "now", lineterm="")
        if wanted.splitlines() == text.splitlines() and wanted != text:
            lines.append(f"{name}: the line ends differ")
    if outcome.status != expected_status(case):
        lines.append(f"exit status {outcome.status}, expected {expected_status(case)}")
    return lines + outcome.complaints.splitlines()


def accept(case, outcome):
    for name, text in outcome.texts.items():
        (case / name).write_text(text)
    path = case / "expected.exit"
    if outcome.status != 0:
        path.write_text(f"{outcome.status}\n")
    elif path.exists():
        path.unlink()


def is_unfit_for_valgrind(case):
    """Its command says so: valgrind is no transparent wrapper, it opens what is closed."""
    command = case / "command"
    return command.exists() and "not under valgrind" in command.read_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--valgrind", action="store_true")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("names", nargs="+", metavar="AREA[/CASE]")
    options = parser.parse_args()
    cases = [case for case in find_cases(options.names) if not (options.valgrind and is_unfit_for_valgrind(case))][::options.every]
    runner = Runner(options.valgrind)
    failed = 0

    print(f"1..{len(cases)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for number, (case, outcome) in enumerate(zip(cases, pool.map(runner.run, cases)), 1):
            if options.accept:
                accept(case, outcome)
            differences = compare(case, outcome)
            failed += bool(differences)
            print("not ok" if differences else "ok", number, "-", f"{case.parent.name}/{case.name}", flush=True)
            for line in differences:
                print("#", json.dumps(line)[1:-1] if not line.isprintable() else line, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
