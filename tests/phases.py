#!/usr/bin/env python3
"""The phases of a test run.

    check        build with --enable-werror; make check: unit tests, golden cases, laws, the fuzz targets' corpus
    sanitize     the same in a build with AddressSanitizer and UndefinedBehaviorSanitizer, by clang, with the fuzz targets
    valgrind     some of the golden cases under memcheck
    integration  tests/integration/*.py, tests/fault/*.py: real servers, faults, kills
    lint         tests/lint/run, beside `sanitize`
    fuzz         each libFuzzer target for 30 s (FUZZ_SECONDS), two at a time, beginning with its corpus, with the same seed each time; in the build of
                 `sanitize`; beside `integration`, which mostly waits, with what that leaves of the processor
    distcheck    make distcheck: builds and tests from the tarball, with a read-only source
    bench        tests/bench/run --quick: its table, and whether every row could be measured; no time is judged
    threads      some of `integration` with a build with ThreadSanitizer, by clang; only when named, for it takes long

Without names all of them but `threads`. --quick: only check. Test points are counted, not programs. The last line is "N passed, N failed" (and ", N skipped" when
there are any); the exit status is 1 when one failed, or when there were none.
With CI=true a skipped integration test is a failure. Each phase's output is in build/log/. Nothing that a phase started outlives it.
"""
import argparse
import concurrent.futures
import ctypes
import functools
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
BUILD = SOURCE / "build"
PLAIN = BUILD / "plain"
SANITIZED = BUILD / "sanitized"
THREADED = BUILD / "threaded"
LOGS = BUILD / "log"
JOBS = str(os.cpu_count() or 2)
IN_CI = os.environ.get("CI") == "true"
CHECK_LIMIT = 900
INTEGRATION_LIMIT = 400
BENCH_LIMIT = 300
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "30"))
SHOWN_LINES = 60
AT_ONCE = 4
STARTS_AN_ENGINE = ("docker_test", "examples_test")
LONGEST = ("unattended_test", "lab_test", "preview_test", "bifrost_kill_test", "kill_test", "authentik_test")  # begun first, so that none is awaited alone at the end
PR_SET_CHILD_SUBREAPER = 36
STOPPED = threading.Event()  # by a signal: nothing new is started
# run() begins a session, which with autogroups (sched(7)) is what niceness is compared within: the group's own is lowered as well.
IN_THE_BACKGROUND = ("sh", "-c", '(echo 10 >/proc/self/autogroup) 2>/dev/null; exec nice -n 10 "$@"', "sh")


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


# ---- processes ----


def children():
    """Processes whose parent we are: also what a dead child left behind, since we are made its reaper."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        name, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        if int(fields[1]) == os.getpid():
            found.append((int(entry), name, fields[0]))
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_strays():
    """Ends what the phase left behind; gives the names."""
    names = []
    deadline = time.monotonic() + 10
    while True:
        reap()
        left = [child for child in children() if child[2] != "Z"]
        if not left:
            return names
        for pid, name, _ in left:
            names.append(name)
            try:
                os.kill(pid, signal.SIGTERM if time.monotonic() < deadline - 8 else signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            return names
        time.sleep(0.2)


def run(arguments, log, limit, env=None):
    """The exit status; what was printed goes to the log."""
    if STOPPED.is_set():
        return -1
    with log.open("ab") as out:
        process = subprocess.Popen([str(word) for word in arguments], cwd=SOURCE, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            out.write(f"\n[killed after {limit} s]\n".encode())
            return -1


def new_log(name):
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    log.write_bytes(b"")
    return log


def show(lines):
    for line in lines[-SHOWN_LINES:]:
        print("   |", line, flush=True)


def tail(log):
    show(log.read_text(errors="replace").splitlines())


# ---- TAP ----

POINT = re.compile(r"^(not )?ok\b\s*(\d*)\s*-?\s*(.*)$")
SKIP = re.compile(r"#\s*SKIP\b", re.IGNORECASE)
TODO = re.compile(r"#\s*TODO\b", re.IGNORECASE)


def count_tap(name, text, status, skip_fails=False):
    """Counts a TAP stream; failing points are shown with the comments behind them."""
    counts = Counts()
    shown = []
    planned = None
    failing = False
    for line in text.splitlines():
        point = POINT.match(line)
        plan = re.match(r"^1\.\.(\d+)\s*(#\s*skip.*)?$", line, re.IGNORECASE)
        if plan:
            planned = int(plan.group(1))
        skipped = bool(point and SKIP.search(line)) or bool(plan and planned == 0)
        if point or skipped:
            failing = bool(point and point.group(1)) and not TODO.search(line) and not skipped
            if skipped and skip_fails:
                failing = True
                shown.append(f"{name}: SKIPPED IN CI, WHICH COUNTS AS A FAILURE: {line}")
            counts.skipped += skipped and not failing
            counts.failed += failing
            counts.passed += not skipped and not failing
        elif line.startswith("Bail out!"):
            counts.failed += 1
            failing = True
        if failing:
            shown.append(line)
    total = counts.passed + counts.failed + counts.skipped
    if planned and total != planned:
        counts.failed += 1
        shown.append(f"{name}: {planned} tests were planned, {total} were run")
    if status != 0 and counts.failed == 0:
        counts.failed += 1
        shown += [*text.splitlines()[-20:], f"{name}: exit status {status}"]
    if total == 0 and counts.failed == 0:
        counts.failed += 1
        shown.append(f"{name}: no test was run")
    show(shown)
    return counts


# ---- make check ----


def results(build):
    """The .trs files, but for those of an unfinished `make distcheck`."""
    return sorted(trs for trs in build.rglob("*.trs") if "_build" not in trs.parts)


def count_results(build):
    """From automake's .trs files. A red program gives FAIL for its points and ERROR for its exit status: that is counted once."""
    counts = Counts()
    for trs in results(build):
        points = [(line.split(" ", 2) + [""])[1:3] for line in trs.read_text(errors="replace").splitlines() if line.startswith(":test-result:")]
        words = [word for word, _ in points]
        failed = words.count("FAIL") + words.count("XPASS")
        counts.passed += words.count("PASS") + words.count("XFAIL")
        counts.skipped += words.count("SKIP")
        counts.failed += failed or words.count("ERROR")
        if failed or "ERROR" in words:
            print(f"   {trs.relative_to(build).with_suffix('')}:")
            show(failing_lines(trs.with_suffix(".log"), [text for word, text in points if word in ("FAIL", "ERROR", "XPASS")]))
    return counts


def failing_lines(log, points):
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    kept = []
    failing = False
    for line in lines:
        if POINT.match(line):
            failing = line.startswith("not ok")
        if failing and not re.match(r"(FAIL|ERROR|PASS|SKIP|XFAIL|XPASS): ", line):  # the driver's own words
            kept.append(line)
    return kept or [*points, *lines[-30:]]


def make_check(name, build, configure, env):
    log = new_log(name)
    if run([SOURCE / "build-aux" / "build", build.name, *configure], log, CHECK_LIMIT) != 0:
        print("   the build failed")
        tail(log)
        return failure()
    for trs in results(build):
        trs.unlink()
    status = run(["make", "-C", build, "-k", f"-j{JOBS}", "check"], log, CHECK_LIMIT, env)
    counts = count_results(build)
    if status != 0 and counts.failed == 0:
        print("   make check failed")
        tail(log)
        counts.failed = 1
    return counts


def failure():
    counts = Counts()
    counts.failed = 1
    return counts


def environment_of(build):
    """For the suites that run the program."""
    return {
        "HLREC": str(build / "hlrec"),
        "HLREC_BUILD": str(build),
        "HLREC_SOURCE": str(SOURCE),
        "PATH": f"{build}:{BUILD / 'venv' / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def build_with_tests(build, configure, log):
    """With the programs of the tests."""
    return (run([SOURCE / "build-aux" / "build", build.name, *configure], log, CHECK_LIMIT) == 0 and
            run(["make", "-C", build, f"-j{JOBS}", "check", "TESTS="], log, CHECK_LIMIT) == 0)


def build_plain(log):
    return build_with_tests(PLAIN, ["--enable-werror"], log)


# ---- the phases ----


def check():
    return make_check("check", PLAIN, ["--enable-werror"], {})


@functools.cache
def can_fuzz():
    """Whether there is a clang with libFuzzer."""
    probe = "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);\n" \
            "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return data == 0 && size > 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        command = ["clang", "-x", "c", "-fsanitize=fuzzer,address,undefined", "-o", os.path.join(folder, "probe"), "-"]
        try:
            return subprocess.run(command, input=probe, text=True, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


def sanitized_build():
    """The arguments of configure for the one build that `sanitize` and `fuzz` share. clang's UndefinedBehaviorSanitizer knows more than gcc's."""
    if not can_fuzz():
        return ["--enable-werror", "--enable-sanitizers", "CFLAGS=-O1 -g"]
    compiler = "ccache clang" if shutil.which("ccache") else "clang"
    return ["--enable-werror", "--enable-fuzzing", f"CC={compiler}", "CFLAGS=-O1 -gline-tables-only"]


def sanitize():
    options = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return make_check("sanitize", SANITIZED, sanitized_build(), options)


def tap_of(name, arguments, limit, env=None, skip_fails=False):
    log = new_log(name)
    status = run(arguments, log, limit, env)
    return count_tap(name, log.read_text(errors="replace"), status, skip_fails)


def valgrind():
    log = new_log("valgrind-build")
    if not build_plain(log):
        tail(log)
        return failure()
    return tap_of("valgrind", [SOURCE / "tests/cases/run.py", "--valgrind", "--every", "12", "validate", "plan", "cli"], CHECK_LIMIT, {"HLREC_BUILD": str(PLAIN)})


def integration():
    log = new_log("integration-build")
    if not build_plain(log):
        tail(log)
        return failure()
    env = environment_of(PLAIN)
    paths = [path for folder in ("integration", "fault") for path in sorted((SOURCE / "tests" / folder).glob("*.py")) if os.access(path, os.X_OK)]
    paths.sort(key=lambda path: path.stem not in LONGEST)
    counts = Counts()

    def run_one(path):
        started = time.monotonic()
        result = tap_of(f"{path.parent.name}-{path.stem}", [path], INTEGRATION_LIMIT, env, skip_fails=IN_CI)
        print(f"   {path.parent.name}/{path.name}: {result} in {time.monotonic() - started:.0f} s", flush=True)
        return result

    # They mostly wait, so several run at once; but two Docker engines would fight for one bridge.
    alone = [path for path in paths if path.stem in STARTS_AN_ENGINE]
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE + 1) as pool:
        engines = pool.submit(lambda: [run_one(path) for path in alone])
        for result in [*pool.map(run_one, [path for path in paths if path not in alone]), *engines.result()]:
            counts.add(result)
    return counts


def threads():
    """clang's runtime wants addresses where they are without randomisation. A race ends the run that has it, so that the test's expectation fails."""
    log = new_log("threads-build")
    configure = ["--enable-werror", "CC=clang", "CFLAGS=-O1 -g -fsanitize=thread", "LDFLAGS=-fsanitize=thread"]
    if not build_with_tests(THREADED, configure, log):
        tail(log)
        return failure()
    env = {**environment_of(THREADED), "TSAN_OPTIONS": "halt_on_error=1"}
    counts = Counts()
    for suite in ("integration/crowd_test", "integration/lab_test", "integration/stores_test", "fault/kill_test"):
        counts.add(tap_of(f"threads-{suite[suite.index('/') + 1:]}", ["setarch", "-R", SOURCE / "tests" / f"{suite}.py"], CHECK_LIMIT, env))
    return counts


def lint():
    log = new_log("lint-build")
    if not build_plain(log):
        tail(log)
        return failure()
    counts = tap_of("lint", [SOURCE / "tests" / "lint" / "run"], CHECK_LIMIT, {"HLREC_BUILD": str(PLAIN)})
    show([line for line in (LOGS / "lint.log").read_text().splitlines() if line.startswith("# warning")])
    return counts


def fuzz_one(target):
    """With the same seed each time, and without what earlier runs have found: another run of the same source tries nearly the same inputs."""
    log = new_log(f"fuzz-{target}")
    shutil.rmtree(SANITIZED / "tests" / "fuzz" / "corpus" / target, ignore_errors=True)
    environment = {"HLREC_BUILD": str(SANITIZED), "HLREC_SOURCE": str(SOURCE), "FUZZ_SEED": "1"}
    status = run([*IN_THE_BACKGROUND, SOURCE / "tests" / "fuzz" / "run", str(FUZZ_SECONDS), target], log, FUZZ_SECONDS + CHECK_LIMIT, environment)
    text = log.read_text(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    print(f"   {target}: {runs.group(1) if runs else '?'} runs{'' if status == 0 else ', FAILED'}", flush=True)
    if status != 0:
        show([line for line in text.splitlines() if not line.startswith("#")])
    return status == 0


def fuzz():
    """One test point a target."""
    counts = Counts()
    if not can_fuzz():
        print("   SKIPPED: there is no clang with libFuzzer (build-aux/prepare test installs them)", flush=True)
        counts.failed, counts.skipped = int(IN_CI), int(not IN_CI)
        return counts
    targets = sorted(path.name for path in (SOURCE / "tests" / "fuzz" / "corpus").iterdir())
    log = new_log("fuzz-build")
    environment = {"HLREC_TARGETS": " ".join(f"tests/fuzz/fuzz_{target}" for target in targets)}
    if run([*IN_THE_BACKGROUND, SOURCE / "build-aux" / "build", SANITIZED.name, *sanitized_build()], log, CHECK_LIMIT, environment) != 0:
        print("   the build failed", flush=True)
        tail(log)
        return failure()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for passed in pool.map(fuzz_one, targets):
            counts.passed += passed
            counts.failed += not passed
    return counts


def distcheck():
    log = new_log("distcheck")
    if not build_plain(log):
        tail(log)
        return failure()
    counts = Counts()
    if run(["make", "-C", PLAIN, f"-j{JOBS}", "distcheck", "DISTCHECK_CONFIGURE_FLAGS=--enable-werror CFLAGS=-O0"], log, CHECK_LIMIT, {"HLREC_QUICK": "1"}) == 0:
        counts.passed = 1
    else:
        counts.failed = 1
        lines = log.read_text(errors="replace").splitlines()
        show([line for line in lines if re.match(r"(not ok|FAIL|ERROR)", line)] + lines[-30:])
    return counts


def bench():
    """One test point: how fast a shared machine is says nothing about a change."""
    log = new_log("bench-build")
    if not build_plain(log):
        tail(log)
        return failure()
    log = new_log("bench")
    counts = Counts()
    if run([SOURCE / "tests" / "bench" / "run", "--quick"], log, BENCH_LIMIT, {"HLREC_BUILD": str(PLAIN)}) == 0:
        counts.passed = 1
    else:
        counts.failed = 1
    tail(log)
    return counts


PHASES = {function.__name__: function for function in (check, sanitize, valgrind, integration, lint, fuzz, distcheck, bench, threads)}
NAMED_ONLY = ("threads",)


def stop(number, _frame):
    STOPPED.set()
    end_strays()  # what a phase's threads wait for
    sys.exit(128 + number)


def processor_seconds():
    """Of all that has ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_phase(name):
    started = time.monotonic()
    counts = PHASES[name]()
    print(f"   {name}: {counts} in {time.monotonic() - started:.0f} s", flush=True)
    return counts


def run_side_by_side(names):
    print(f"== {', '.join(names)}", flush=True)
    busy = processor_seconds()
    counts = Counts()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for result in pool.map(run_phase, names):
            counts.add(result)
    strays = end_strays()
    if strays:
        print(f"   left behind and ended: {', '.join(sorted(set(strays)))}")
    print(f"   {processor_seconds() - busy:.0f} s of processor", flush=True)
    return counts


BESIDE = {"lint": "sanitize", "fuzz": "integration"}  # what takes one processor, beside what leaves one now and then


def in_turn(names):
    """The phases as lists: those of one list run side by side."""
    leading = [name for name in names if BESIDE.get(name) not in names]
    return [[name, *(other for other in names if BESIDE.get(other) == name)] for name in leading]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only the phase check")
    parser.add_argument("phases", nargs="*", metavar="PHASE", choices=[[], *PHASES])
    options = parser.parse_args()
    names = options.phases or (["check"] if options.quick else [name for name in PHASES if name not in NAMED_ONLY])
    total = Counts()

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    started = time.monotonic()
    try:
        for side_by_side in in_turn(names):
            total.add(run_side_by_side(side_by_side))
    finally:
        end_strays()
    print(f"== {', '.join(names)} in {time.monotonic() - started:.0f} s")
    print(total)
    sys.exit(1 if total.failed or total.passed + total.failed == 0 else 0)


if __name__ == "__main__":
    main()
