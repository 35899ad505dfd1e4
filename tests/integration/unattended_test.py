#!/usr/bin/env python3
"""Runs that nobody watches: the time limit, suspension, the window for drift, the journal, metrics, notifications, pings, and the examples for systemd and cron."""
import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, SOURCE, Tap, World, private_folder, stop_on_signals, wait_for  # noqa: E402

HEAD = 'hlrec: 1\nstack: lab\nproviders:\n  docker: {host: "${env.HLREC_LAB_DOCKER}"}\n'
SPEC = HEAD + """\
secrets:
  TOKEN: {generate: {length: 24}, write: [{dotenv: app.env}]}
networks: {net: {}}
containers:
  one: {image: "nginx:1.27", networks: [net]}
  two: {image: "nginx:1.27", environment: {TOKEN: "${secret.TOKEN}"}}
"""
CHANGED = SPEC.replace('environment: {TOKEN', 'labels: {a: b}, environment: {TOKEN')


class Receiver:
    """A web server on loopback that keeps what it is sent; `status` is what it answers, `delay` how late."""

    def __init__(self):
        receiver = self
        self.requests, self.status, self.delay = [], 200, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests.append({"path": self.path, "headers": dict(self.headers), "body": body.decode()})
                time.sleep(receiver.delay)
                try:
                    self.send_response(receiver.status)
                    self.end_headers()
                    # As careless servers do, it repeats what was asked for.
                    self.wfile.write(b"" if receiver.status == 200 else f"cannot POST {self.path}".encode())
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self):
        taken, self.requests = self.requests, []
        return taken

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def drift(lab, name="one"):
    """Somebody deletes a container by hand."""
    subprocess.run(["curl", "-sf", "-X", "DELETE", "--unix-socket", lab.socket, f"http://localhost/v1.41/containers/{name}?force=1"], check=True, capture_output=True)


def names(lab):
    return sorted(row["Names"][0] for row in lab.get("/containers/json?all=1"))


# ---- the time limit ----

def time_limit(tap, folder):
    tap.section = "--timeout"
    with World(folder, "limit", SPEC, "--latency", "300") as (lab, stack):
        begin = time.monotonic()
        done = stack.apply("--timeout", "1s", "--parallel", "1")
        tap.equal(done.status, 9, "ends the run with 9", done.text)
        tap.point("--timeout 1s" in done.err and "the time limit is reached" in done.err, "and says that it was the limit", done.text)
        tap.point(time.monotonic() - begin < 20, "without waiting for all that is left")
        history = json.loads(stack.run("history", "--format", "json").out)
        tap.equal([run["result"] for run in history["runs"]], ["interrupted"], "the history calls it interrupted")
    with World(folder, "limit-after", SPEC, "--latency", "300") as (lab, stack):
        stack.apply("--timeout", "1s", "--parallel", "1")
        done = stack.apply("--timeout", "5m")
        tap.equal((done.status, stack.plan_status().status), (0, 0), "the next run, within its limit, goes on", done.text)
        plan = stack.run("plan", "--timeout", "100ms")
        tap.equal(plan.status, 9, "a plan is ended as well", plan.text)
    with World(folder, "limit-none", SPEC) as (lab, stack):
        tap.equal(stack.run("plan", "--timeout", "0s").status, 3, "a limit of nothing is refused")


def second_limit(tap, folder):
    tap.section = "--timeout, and nothing comes back"
    with World(folder, "limit2", SPEC, "--fault", "POST */containers/create* 1 hang") as (lab, stack):
        begin = time.monotonic()
        done = stack.apply("--timeout", "1s")
        took = time.monotonic() - begin
        tap.equal(done.status, 9, "ends with 9", done.text)
        tap.point(29 < took < 50, "30 s after the limit", took)
        after = stack.apply()
        tap.equal((after.status, stack.plan_status().status), (0, 0), "the next run goes on", after.text)


# ---- drift alone ----

def drift_alone(tap, folder):
    tap.section = "--drift-only"
    with World(folder, "only", SPEC) as (lab, stack):
        stack.apply()
        labels = lambda: {row["Names"][0]: row["Labels"].get("a") for row in lab.get("/containers/json?all=1")}  # noqa: E731
        stack.write(CHANGED.replace("networks: {net: {}}", "networks: {net: {}, more: {}}"))
        before = json.loads(stack.run("state", "show", "container.two", "--format", "json").out)
        quiet = stack.apply("--drift-only", "-q")
        tap.equal((quiet.status, quiet.text), (0, ""), "applies no change of the spec", quiet.text)
        tap.equal(json.loads(stack.run("state", "show", "container.two", "--format", "json").out), before, "nor takes it for applied")
        drift(lab)
        drift(lab, "two")
        done = stack.apply("--drift-only")
        tap.equal((done.status, labels()), (0, {"/one": None, "/two": None}), "what is gone comes back as it was applied last, whatever the spec says by now", done.text)
        plan = json.loads(stack.run("plan", "--format", "json").out)
        tap.equal([action["address"] for action in plan["actions"] if action["action"] != "none"], ["network.more", "container.two"], "the changes of the spec are still to come", plan["actions"])
        tap.equal((stack.apply().status, labels()), (0, {"/one": None, "/two": "b"}), "and are applied when they are asked for")


# ---- suspension ----

def suspension(tap, folder):
    tap.section = "suspend"
    with World(folder, "suspend", SPEC) as (lab, stack):
        early = stack.run("suspend", "too early")
        tap.equal(early.status, 1, "needs a state", early.text)
        stack.apply()
        done = stack.run("suspend", "--for", "2h", "changing disks")
        tap.equal(done.status, 0, "is told to the state", done.text)
        for command in ("apply", "destroy"):
            refused = stack.run(command, "--yes")
            tap.equal(refused.status, 8, f"{command} is refused", refused.text)
            tap.point(re.search(r"suspended by \S+@\S+ since 20.* until 20.*: changing disks", refused.err), f"{command} says by whom, until when, and why", refused.text)
        tap.equal(names(lab), ["/one", "/two"], "nothing was touched")
        plan = stack.run("plan")
        tap.equal((plan.status, "changing disks" in plan.err), (0, True), "plan only notes it", plan.text)
        status = json.loads(stack.run("status", "--format", "json").out)
        tap.equal(status["suspended"]["reason"], "changing disks", "status tells it")
        for words in (["suspend", "--until", "2020-01-01", "x"], ["suspend", "--until", "tomorrow", "x"], ["suspend", "--until", "2026-02-31", "x"],
                      ["suspend", "--for", "1h", "--until", "23:00", "x"], ["suspend", " "], ["suspend", "--for", "0s", "x"]):
            tap.equal(stack.run(*words).status, 3, f"{' '.join(words)!r} is refused")
        tap.equal((stack.run("resume").status, stack.apply().status), (0, 0), "resume ends it")
        again = stack.run("resume")
        tap.equal((again.status, "was not" in again.out), (0, True), "twice does no harm", again.text)
        stack.run("suspend", "--for", "1s", "a moment")
        tap.equal(stack.apply().status, 8, "one of a second holds")
        time.sleep(1.2)
        tap.equal(stack.apply().status, 0, "and is over by itself")
        commands = [run["command"] for run in json.loads(stack.run("history", "--format", "json").out)["runs"]]
        tap.equal((commands.count("suspend"), commands.count("resume")), (2, 1), "the history has it all", commands)


# ---- the window ----

def window_around(offset_hours):
    """A window of an hour or two around now, moved by hours, in UTC."""
    start, end = (time.strftime("%H:%M", time.gmtime(time.time() + hours * 3600)) for hours in (offset_hours - 1, offset_hours + 1))
    return f"settings: {{window: ['* {start}-{end}']}}\n"


def window(tap, folder):
    closed, opened = window_around(6), window_around(0)
    with World(folder, "window", SPEC + closed, environment={"TZ": "UTC"}) as (lab, stack):
        tap.section = "outside of settings.window"
        first = stack.apply()
        tap.equal((first.status, names(lab)), (0, ["/one", "/two"]), "what is new is made", first.text)
        drift(lab)
        for words in (["apply", "--yes"], ["apply", "--drift-only", "--yes"], ["apply", "--drift-only"]):
            done = stack.run(*words)
            tap.equal((done.status, names(lab)), (0, ["/two"]), f"{' '.join(words)} leaves drift alone", done.text)
            tap.point("drift of 1 resource is left alone: settings.window opens on" in done.err, f"{' '.join(words)} says so", done.text)
            quiet = stack.run(*words, "-q", "--metrics", "m.prom")
            tap.equal((quiet.status, quiet.text), (0, ""), f"{' '.join(words)} -q says nothing", quiet.text)
        tap.point('hlrec_drift{stack="lab",command="apply"} 1\n' in stack.read("m.prom"), "the metrics tell it", stack.read("m.prom"))
        stack.write(CHANGED + closed)
        done = stack.apply()
        labels = [row["Labels"].get("a") for row in lab.get("/containers/json?all=1")]
        tap.equal((done.status, labels), (0, ["b"]), "a change of the spec is applied all the same, and the drift beside it is left", done.text)
        stack.write(CHANGED.replace("networks: {net: {}}", "networks: {net: {}, more: {}}") + closed)
        tap.equal((stack.apply().status, names(lab)), (0, ["/two"]), "so it is with what is new")
        needing = CHANGED.replace("  two: {", "  two: {depends_on: [one], ").replace("a: b", "a: c")
        stack.write(needing + closed)
        done = stack.apply()
        tap.equal((done.status, names(lab)), (0, ["/one", "/two"]), "what a change of the spec needs is brought back for it", done.text)
        tap.section = "within settings.window"
        drift(lab)
        stack.write(needing + opened)
        done = stack.run("apply", "--drift-only", "--yes", "-q")
        tap.equal((done.status, names(lab)), (0, ["/one", "/two"]), "drift is corrected", done.text)
        tap.section = "settings.window"
        drift(lab)
        stack.write(needing + window_around(6))
        away = stack.run("apply", "--yes", environment={"TZ": time.strftime("XXX-6")})
        tap.equal((away.status, names(lab)), (0, ["/one", "/two"]), "is in local time", away.text)
        for wrong in ("22:00-06:00", "Mon 6-7", "Mon-Fri", "Mon 10:00-10:00", "Mun *", "Mon 24:00-25:00", "Mon * x"):
            stack.write(SPEC + f"settings: {{window: ['{wrong}']}}\n")
            tap.equal(stack.run("validate").status, 3, f"'{wrong}' is refused")
        for right in ("Mon-Fri 22:00-06:00", "Sat,Sun *", "* 00:00-24:00", "fri-MON 01:30-02:30"):
            stack.write(SPEC + f"settings: {{window: '{right}'}}\n")
            tap.equal(stack.run("validate").status, 0, f"'{right}' is understood")


# ---- stderr of a service ----

def journal(tap, folder):
    tap.section = "journal"
    with World(folder, "journal", SPEC, "--fault", "POST */containers/create* 1 500") as (lab, stack):
        def run(*words):
            path = stack.path("stderr")
            with open(path, "w") as file:
                about = os.fstat(file.fileno())
                done = subprocess.run([HLREC, *words], cwd=stack.folder, env=dict(stack.environment, JOURNAL_STREAM=f"{about.st_dev}:{about.st_ino}"),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, text=True)
            return done.returncode, done.stdout, stack.read("stderr")

        status, out, err = run("apply", "--yes", "-q", "--color", "always")
        lines = err.splitlines()
        tap.equal(status, 6, "a run that fails in part", err)
        tap.point(lines and all(re.match(r"<[3-6]>\S|<[3-6]> ", line) for line in lines), "has a priority on each line", err)
        tap.point("\033" not in err, "and no colour", err)
        tap.point(any(line.startswith("<3>failed ") for line in lines) and any(line.startswith("<3>error: ") for line in lines), "failures are errors", err)
        tap.point(any(line.startswith("<6>created ") for line in lines), "what is done is information", err)
        tap.point(out.startswith("Applied in") or "Applied" in out, "the summary is on stdout, as ever", out)
        status, out, err = run("apply", "--yes", "-q")
        tap.equal((status, out != ""), (0, True), "the next run reports what it did", out + err)
        tap.equal(run("apply", "--yes", "-q"), (0, "", ""), "one that changes nothing is silent")
        status, out, err = run("apply", "--no-such-option")
        tap.point(err.startswith("<3>error: "), "a wrong option is an error there, too", err)
        stack.write(SPEC + "nonsense: 1\n")
        status, out, err = run("validate")
        tap.point(err.startswith("<3>hlrec.yaml:") and "\n<3>  " in err, "so are findings in the spec, with the lines below them", err)
        other = stack.run("apply", "--no-such-option", environment={"JOURNAL_STREAM": "1:2"})
        tap.point(other.err.startswith("error: "), "another stream than the journal's has no priorities", other.err)


# ---- metrics ----

SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)+)\} (-?\d+(?:\.\d+)?)')


def parse_metrics(text):
    """A strict reader of the text format 0.0.4: {name: {labels: value}}; raises for what is not of that form."""
    families, current = {}, None
    if not text.endswith("\n"):
        raise ValueError("no line end at the end")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            if current in families:
                raise ValueError(f"{current} twice")
            families[current] = {}
            continue
        if line.startswith("# TYPE "):
            if line != f"# TYPE {current} gauge":
                raise ValueError(line)
            continue
        match = SAMPLE.fullmatch(line)
        if match is None or match.group(1) != current or match.group(2) in families[current]:
            raise ValueError(line)
        families[current][match.group(2)] = float(match.group(3))
    return families


def value(families, name, more="", command="apply"):
    return families.get("hlrec_" + name, {}).get(f'stack="lab",command="{command}"{more}')


def check_form(tap, stack, name):
    try:
        families = parse_metrics(stack.read(name))
    except (ValueError, OSError) as problem:
        tap.point(False, f"{name} is of the form", problem)
        return {}
    promtool = shutil.which("promtool", path=os.environ.get("HLREC_PROMTOOL_PATH", "") + ":" + os.environ["PATH"])
    if promtool:
        done = subprocess.run([promtool, "check", "metrics"], input=stack.read(name), capture_output=True, text=True)
        tap.equal((done.returncode, done.stdout + done.stderr), (0, ""), f"promtool finds no fault with {name}")
    return families


def metrics(tap, folder):
    tap.section = "--metrics"
    with World(folder, "metrics", SPEC, "--fault", "POST */containers/create* 1 500") as (lab, stack):
        old_mask = os.umask(0o077)
        begin = time.time()
        stack.apply("--metrics", "m.prom")
        os.umask(old_mask)
        found = check_form(tap, stack, "m.prom")
        tap.equal(stat.S_IMODE(os.stat(stack.path("m.prom")).st_mode), 0o644, "can be read by all, whatever the umask")
        tap.equal((value(found, "last_run_exit_code"), value(found, "resources", ',state="failed"')), (6, 1), "a failed run writes it", found)
        tap.point(begin - 1 <= value(found, "last_run_timestamp_seconds") <= time.time() + 1, "with the time", found)
        tap.point(0 < value(found, "last_run_duration_seconds") < 60, "and the duration", found)
        stack.apply("--metrics", "m.prom")
        found = check_form(tap, stack, "m.prom")
        tap.equal((value(found, "last_run_exit_code"), value(found, "resources", ',state="in_place"'), value(found, "drift"), value(found, "deferred")), (0, 4, 0, 0),
                  "a good one tells that all is in place", found)
        drift(lab)
        stack.run("drift", "--metrics", "d.prom")
        found = check_form(tap, stack, "d.prom")
        tap.equal((value(found, "last_run_exit_code", command="drift"), value(found, "drift", command="drift")), (2, 1), "drift is counted", found)
        stack.run("plan", "--metrics", "p.prom")
        found = check_form(tap, stack, "p.prom")
        tap.equal(value(found, "resources", ',state="differs"', command="plan"), 1, "a plan tells what differs", found)
        stack.write("hlrec: 1\nstack: lab\ncontainers: [\n")
        stack.apply("--metrics", "broken.prom")
        tap.point('hlrec_last_run_exit_code{stack="",command="apply"} 3' in stack.read("broken.prom"), "a spec that cannot be read", stack.read("broken.prom"))
        stack.write(SPEC + "nonsense: 1\n")
        stack.apply("--metrics", "broken.prom")
        found = check_form(tap, stack, "broken.prom")
        tap.equal((value(found, "last_run_exit_code"), value(found, "resources", ',state="in_place"')), (3, None), "a wrong spec is told, without numbers", found)
        stack.write(SPEC)
        done = stack.apply("--metrics", "no/such/folder/m.prom")
        tap.equal((done.status, "warning: the metrics were not written" in done.err), (0, True), "a place that cannot be written is a warning", done.text)
        tap.equal([name for name in os.listdir(stack.folder) if "prom" in name and not name.endswith(".prom")], [], "nothing is left beside it")


# ---- notifications ----

SECRET_PATH = "/api/webhooks/1234567890/S3cr3tT0kenInThePath"


def notifications(tap, folder):
    tap.section = "--notify"
    receiver = Receiver()
    token = {"HLREC_NOTIFY_TOKEN": "tk_SuperSecretToken"}
    urls = [f"http://{receiver.host}{SECRET_PATH}", f"ntfy+http://{receiver.host}/homelab", f"gotify+http://{receiver.host}/push",
            f"discord+http://{receiver.host}{SECRET_PATH}", f"slack+http://{receiver.host}/services/T000/B000/AnotherSecretInThePath"]
    words = [word for url in urls for word in ("--notify", url)] + ["--log", "run.log"]
    with World(folder, "notify", SPEC, "--fault", "POST */containers/create* 3 500", environment=token) as (lab, stack):
        done = stack.apply(*words)
        sent = {json.dumps([r["path"], i]): r for i, r in enumerate(receiver.take())}
        posts = list(sent.values())
        tap.equal((done.status, len(posts)), (0, 5), "a change is told to each", done.text)
        generic, ntfy, gotify, discord, slack = (json.loads(post["body"]) for post in posts)
        tap.equal((generic["event"], generic["stack"], generic["exit_code"], generic["summary"]["changed"]), ("change", "lab", 0, 4), "the webhook gets numbers", generic)
        tap.equal(posts[0]["headers"].get("Authorization"), "Bearer tk_SuperSecretToken", "and the token")
        tap.equal((posts[1]["path"], ntfy["topic"], ntfy["priority"]), ("/", "homelab", 3), "ntfy gets JSON at the root", ntfy)
        tap.point("created container.one" in ntfy["message"], "which says what was done", ntfy)
        tap.equal((posts[2]["path"], posts[2]["headers"].get("X-Gotify-Key"), gotify["priority"]), ("/push/message", "tk_SuperSecretToken", 4), "Gotify gets its header", gotify)
        tap.equal((posts[3]["path"], discord["allowed_mentions"]), (SECRET_PATH, {"parse": []}), "Discord mentions nobody", discord)
        tap.equal([post["headers"].get("Authorization") for post in posts[3:]], [None, None], "and neither Discord nor Slack gets another service's token")
        tap.point(len(discord["content"]) <= 2000 and "container.one" in slack["text"], "Slack and Discord get text", slack)
        secret = stack.run("secret", "show", "TOKEN", "--reveal").out.strip()
        tap.point(len(secret) >= 24 and not any(secret in post["body"] for post in posts), "no secret is in it")
        quiet = stack.apply(*words, "-q")
        tap.equal((quiet.status, quiet.text, receiver.take()), (0, "", []), "nothing is told when nothing happened", quiet.text)
        drift(lab)
        stack.run("drift", "--notify", urls[0])
        body = json.loads(receiver.take()[0]["body"])
        tap.equal((body["event"], body["message"].splitlines()[0]), ("drift", "gone: container.one"), "drift is told", body)
        failed = stack.apply(*words)
        posts = receiver.take()
        body = json.loads(posts[0]["body"])
        tap.equal((failed.status, body["event"], body["exit_code"], json.loads(posts[1]["body"])["priority"]), (6, "failure", 6, 4), "failure is told", failed.text)
        tap.point("failed container.one" in body["message"], "with what failed", body)
        receiver.status = 404
        drift(lab, "two")
        refused = stack.apply(*words)
        tap.equal((refused.status, refused.err.count("warning: the notification to http://127.0.0.1")), (0, 5), "one that fails is a warning and no more", refused.text)
        gone = stack.apply("--notify", "ntfy+http://127.0.0.1:1/topic", "--replace", "container.two")
        tap.equal((gone.status, "warning: the notification to http://127.0.0.1:1 failed" in gone.err), (0, True), "so is a server that is not there", gone.text)
        receiver.status = 200
        stack.apply("--notify", f"http://{receiver.host}/hook/{{token}}", "--replace", "container.two")
        post = receiver.take()[-1]
        tap.equal((post["path"], post["headers"].get("Authorization")), ("/hook/tk_SuperSecretToken", None), "'{token}' stands for the token")
        with open(stack.path("token"), "w") as file:
            file.write("tk_FromAFile\n")
        stack.run("apply", "--yes", "--notify", urls[0], "--replace", "container.two", environment={"HLREC_NOTIFY_TOKEN": "", "HLREC_NOTIFY_TOKEN_FILE": "token"})
        tap.equal(receiver.take()[-1]["headers"].get("Authorization"), "Bearer tk_FromAFile", "which may stand in a file")
        for wrong in ("ftp://host/x", "https://", "https://user:pa55word-x@host/", "ntfy+https://host/", "https://host/a b", "https://host/#x"):
            bad = stack.apply("--notify", wrong)
            tap.point(bad.status == 3 and "pa55word" not in bad.text, f"{wrong!r} is refused", bad.text)
        preview = stack.run("plan", "--preview", "--notify", urls[0])
        tap.equal((preview.status, receiver.take()), (3, []), "a preview tells nobody", preview.text)
        receiver.delay = 30
        begin = time.monotonic()
        slow = stack.apply("--notify", urls[0], "--replace", "container.two")
        took = time.monotonic() - begin
        tap.point(slow.status == 0 and 9 < took < 20 and "warning: the notification" in slow.err, "a server that does not answer costs 10 s", f"{took} {slow.text}")
        receiver.delay = 0
        leaks = stack.leaks(["tk_SuperSecretToken", "S3cr3tT0kenInThePath", "AnotherSecretInThePath"])
        tap.equal(leaks, [], "no token is in what was printed, in the log or the state")
    receiver.stop()


def pings(tap, folder):
    tap.section = "--ping"
    receiver = Receiver()
    url = f"http://{receiver.host}/ping/0b7a4a4e-6f2b-4f6e-9d1b-000000000000"
    path = "/ping/0b7a4a4e-6f2b-4f6e-9d1b-000000000000"
    with World(folder, "ping", SPEC, "--fault", "POST */containers/create* 3 500") as (lab, stack):
        stack.apply("--ping", url)
        tap.equal([post["path"] for post in receiver.take()], [path + "/start", path], "the start and a good end are told")
        drift(lab)
        tap.equal(stack.run("drift", "--ping", url + "?rid=7").status, 2, "drift is no failure")
        tap.equal([post["path"] for post in receiver.take()], [path + "/start?rid=7", path + "?rid=7"], "nor told as one; a query stays behind")
        done = stack.apply("--ping", url)
        posts = receiver.take()
        tap.equal((done.status, [post["path"] for post in posts]), (6, [path + "/start", path + "/fail"]), "a bad end is told", done.text)
        tap.point("exit code 6" in posts[1]["body"], "with the exit code", posts[1])
        stack.run("suspend", "disks")
        stack.apply("--ping", url, "--notify", f"http://{receiver.host}/hook")
        tap.equal([post["path"] for post in receiver.take()], [path + "/start", path], "a suspended stack alarms nobody")
        tap.equal(stack.leaks(["0b7a4a4e-6f2b-4f6e-9d1b-000000000000"]), [], "the URL is shown nowhere")
    receiver.stop()


# ---- the exit codes ----

def exit_codes(tap, folder):
    tap.section = "exit code of apply --yes -q"
    with World(folder, "codes", SPEC + "settings: {max_destroy: 1}\n") as (lab, stack):
        def run(*words, **options):
            return stack.run("apply", "--yes", "-q", *words, **options)

        done = run()
        tap.equal((done.status, "4 created" in done.out, run().text), (0, True, ""), "0: done, and told; the next run is silent", done.text)
        done = run("--state", "/proc/nowhere/x.db")
        tap.equal((done.status, done.err.startswith("error: ")), (1, True), "1: failed before anything was changed", done.text)
        receiver = Receiver()
        away = {"HLREC_LAB_DOCKER": "unix:///nowhere/docker.sock"}
        done = run("--notify", receiver.url, environment=away)
        tap.point(done.status == 7 and "provider 'docker' could not be read" in done.err and "/nowhere/docker.sock" in done.err, "7: which API is unreachable, and why", done.text)
        tap.point("provider 'docker' could not be read" in json.loads(receiver.take()[0]["body"])["message"], "a notification says it, too")
        receiver.stop()
        for command in ("plan", "drift"):
            done = stack.run(command, "-q", environment=away)
            tap.point(done.status == 7 and "provider 'docker' could not be read" in done.err, f"so does {command} -q", done.text)
        stack.write(HEAD + "networks: {net: {}}\nsettings: {max_destroy: 1}\n")
        done = run()
        tap.equal((done.status, "max_destroy" in done.err, names(lab)), (8, True, ["/one", "/two"]), "8: more would be deleted than max_destroy allows, and nothing is", done.text)
        tap.equal((run("--max-destroy", "10%").status, run("--max-destroy", "3").status, names(lab)), (8, 0, []), "--max-destroy says otherwise for once")
        stack.write(HEAD + "volumes: {data: {}}\n")
        stack.apply()
        stack.write(HEAD + "volumes: {data: {protect: false}}\n")
        stack.apply()
        stack.write(HEAD + "networks: {net: {}}\n")
        done = run()
        tap.equal((done.status, "--allow-destroy" in done.text), (8, True), "8: what holds data goes with --allow-destroy alone", done.text)
        tap.equal((run("--allow-destroy").status, lab.get("/volumes")["Volumes"] or []), (0, []), "and then it goes")
    with World(folder, "fighting", SPEC) as (lab, stack):
        for _ in range(4):
            stack.apply("-q")
            drift(lab)
        done = stack.run("apply", "--yes", "-q")
        tap.equal((done.status, "not converging" in done.text), (10, True), "10: what somebody undoes again and again is left alone", done.text)


# ---- status ----

def status(tap, folder):
    tap.section = "status"
    with World(folder, "status", SPEC) as (lab, stack):
        stack.apply()
        before = len(lab.calls())
        table = stack.run("status").out
        tap.equal(table.split("\n")[0].split(), ["RESOURCE", "PROVIDER", "STATE", "CHANGED", "(UTC)", "EXPIRES", "(UTC)"], "is a table")
        found = json.loads(stack.run("status", "--format", "json").out)
        tap.equal([(row["address"], row["state"]) for row in found["resources"] if row["kind"] == "container"],
                  [("container.one", "in place"), ("container.two", "in place")], "also as JSON", found)
        tap.equal(len(lab.calls()), before, "and asks no system")
        tap.equal(stack.run("history").out, stack.run("state", "history").out, "history is state history")
    with World(folder, "killed", SPEC, "--fault", "POST */containers/create* 1 hang") as (lab, stack):
        run = subprocess.Popen([HLREC, "apply", "--yes"], cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result = lambda: json.loads(stack.run("status", "--format", "json").out)["last_run"]["result"]  # noqa: E731
        wait_for(lambda: any("/containers/create" in row["path"] for row in lab.calls()))
        tap.equal(result(), "running", "a run at work is told as such")
        run.kill()
        run.wait()
        tap.equal((result(), json.loads(stack.run("history", "--format", "json").out)["runs"][0]["result"]), ("died", "died"), "one that was killed at once as well")
        tap.point("unfinished" in stack.run("status").out, "and what it left unfinished", stack.run("status").out)


# ---- the examples ----

def examples(tap, folder):
    tap.section = "examples/systemd"
    if shutil.which("systemd-analyze") is None:
        tap.point(True, "# SKIP systemd is not installed")
    else:
        place = os.path.join(folder, "systemd")
        shutil.copytree(os.path.join(SOURCE, "examples", "systemd"), place)
        unit = os.path.join(place, "hlrec.service")
        with open(unit) as file:
            text = file.read()
        with open(unit, "w") as file:
            file.write(text.replace("/usr/bin/hlrec", os.path.realpath(HLREC)))
        done = subprocess.run(["systemd-analyze", "verify", unit, os.path.join(place, "hlrec.timer")], capture_output=True, text=True)
        tap.equal((done.returncode, done.stdout + done.stderr), (0, ""), "systemd finds no fault with the units")
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True)
        score = re.search(r"Overall exposure level for hlrec.service: ([0-9.]+)", done.stdout)
        tap.point(score is not None and float(score.group(1)) <= 2.0, "the exposure is low", done.stdout[-300:] + done.stderr)
        with open(os.path.join(place, "README.md")) as file:
            readme = file.read()
        tap.point(score is not None and f"**{score.group(1)}**" in readme, "README.md tells the score", score)
        command, behind = (next(line for line in text.splitlines() if line.startswith(key)).split()[1:] for key in ("ExecStart=", "ExecStopPost=-"))
        tap.section = "the service's command"
        with World(folder, "service", SPEC) as (lab, stack):
            os.makedirs(stack.path("state", "hlrec"), mode=0o700)
            words, behind = ([word.replace("%S", stack.path("state")).replace("%t", stack.path("state")).replace("/etc/hlrec/", "") for word in line]
                             for line in (command, behind))
            done = stack.run(*words)
            tap.equal((done.status, names(lab)), (0, ["/one", "/two"]), "works", done.text)
            quiet = stack.run(*words)
            tap.equal((quiet.status, quiet.text), (0, ""), "and is silent the next time", quiet.text)
            page = stack.run(*behind)
            with open(behind[-1]) as file:
                shown = file.read()
            tap.equal((page.status, page.text, "container.two" in shown, os.stat(behind[-1]).st_mode & 0o777), (0, "", True, 0o600),
                      "the one behind it writes the page, for the service alone", page.text)
    tap.section = "examples/cron"
    with open(os.path.join(SOURCE, "examples", "cron", "hlrec")) as file:
        lines = [line for line in file.read().splitlines() if line and not line.startswith("#") and "=" not in line.split()[0]]
    tap.equal(len(lines), 1, "has one job")
    fields = lines[0].split(None, 6)
    tap.point(all(re.fullmatch(r"[0-9*/,-]+", field) for field in fields[:5]) and "%" not in lines[0], "of cron's form", lines)
    with World(folder, "cron", SPEC) as (lab, stack):
        shell = " ".join(fields[6:]).replace("/usr/bin/hlrec", HLREC).replace("/etc/hlrec/hlrec.yaml", "hlrec.yaml").replace("/var/lib/hlrec/", stack.path("") + "/")
        environment = dict(lab.environment, PATH="/usr/bin:/bin", HOME=stack.folder)
        runs = [subprocess.run(["/bin/sh", "-c", shell], cwd=stack.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True) for _ in range(2)]
        tap.equal((runs[0].returncode, "created" in runs[0].stdout + runs[0].stderr), (0, True), "reports what was changed", runs[0])
        tap.equal((runs[1].returncode, runs[1].stdout + runs[1].stderr), (0, ""), "and sends no mail when nothing was", runs[1])


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    chosen = sys.argv[1:]
    try:
        for scene in (time_limit, drift_alone, suspension, window, journal, metrics, notifications, pings, exit_codes, status, examples, second_limit):
            if chosen and scene.__name__ not in chosen:
                continue
            try:
                scene(tap, folder)
            except Exception as problem:  # one broken scene must not hide the others
                tap.point(False, "the scene runs to its end", repr(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
