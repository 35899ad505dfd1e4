#!/usr/bin/env python3
"""examples/ci: the workflows are what their CI systems read, and their shell, run as it stands with a real hlrec on the simulated forges, applies what was merged
and previews what is proposed."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forge_world import APIS, NEW, OLD, OTHER, REPOSITORY, World, event  # noqa: E402
from git_server import Repository  # noqa: E402
from lib import HLREC, SOURCE, VENV, Tap, private_folder, stop_on_signals  # noqa: E402

ROOT = os.path.join(SOURCE, "examples", "ci")
SPEC = """\
hlrec: 1
stack: home
providers:
  docker: {host: "${env.HLREC_LAB_DOCKER}"}
networks:
  net: {}
"""


class Workflow:
    """A file of examples/ci, as far as the CI systems have it in common."""

    def __init__(self, path):
        self.name = os.path.relpath(path, ROOT)
        self.system = self.name.split("/")[0]
        with open(path) as file:
            self.text = file.read()
        done = subprocess.run([os.path.join(VENV, "bin", "python3"), "-c", "import json, sys, yaml; print(json.dumps(yaml.load(sys.stdin, yaml.BaseLoader)))"],
                              input=self.text, capture_output=True, text=True)
        self.problem = done.stderr
        self.document = json.loads(done.stdout or "{}")

    def steps(self):
        """(shell, variables) of each step or job, as the system puts them together."""
        for job in self.document.get("jobs", {}).values():
            for step in job["steps"]:
                yield step["run"], step.get("env", {})
        for step in self.document.get("steps", []):
            yield "\n".join(step["commands"]), step.get("environment", {})
        for name, job in self.document.items():
            if isinstance(job, dict) and "script" in job:
                yield "\n".join(job["script"]), {**self.document.get("variables", {}), **job.get("variables", {})}


def workflows():
    return [Workflow(os.path.join(where, name)) for where, _, names in sorted(os.walk(ROOT)) for name in sorted(names) if name.endswith((".yaml", ".yml"))]


# ---- read ----


def as_written(tap):
    known = subprocess.run([HLREC, "help", "--man"], capture_output=True, text=True).stdout.replace("\\-", "-")
    for workflow in workflows():
        name, document = workflow.name, workflow.document
        tap.equal(workflow.problem, "", f"{name} is YAML")
        fetches = re.search(r"^[\s-]*uses:|checkout", workflow.text, re.MULTILINE)
        if workflow.system == "woodpecker":
            fetches = fetches or document.get("skip_clone") != "true"
        if workflow.system == "gitlab":
            fetches = fetches or document["variables"].get("GIT_STRATEGY") != "none"
        tap.point(not fetches, f"{name} checks nothing out")
        if workflow.system == "github":
            wanted = {"contents": "read"} if "apply" in name else {"contents": "read", "pull-requests": "write", "statuses": "write"}
            tap.equal((document["permissions"], [job["permissions"] for job in document["jobs"].values()]), ({}, [wanted]), f"{name} has the least rights")
        if "pull_request_target" in document.get("on", {}):
            tap.point("secrets." not in workflow.text, f"{name}, which strangers start, has no secret but the job's token")
        steps = list(workflow.steps())
        tap.point(steps != [] and not any("${{" in shell for shell, _ in steps), f"{name} puts no text of strangers into its shell")
        for shell, _ in steps:
            checked = subprocess.run(["shellcheck", "-s", "sh", "-"], input=shell, capture_output=True, text=True)
            tap.equal(checked.returncode, 0, f"{name}: its shell is sound", checked.stdout)
            tap.equal("hlrec apply" in shell, "--preview" not in shell, f"{name}: a script applies, or only previews")
            missing = [word for word in re.findall(r"(?<!\S)--[a-z-]+", shell) if word not in known]
            tap.equal(missing, [], f"{name} uses options that there are")
            tap.point("--timeout" in shell and ("--preview" in shell or "--lock-timeout" in shell), f"{name} ends, and waits its turn, whatever the CI system sees to")


# ---- run ----


class Homelab:
    """A repository with a pull request, a forge that knows it, and a place for /var/lib."""

    def __init__(self, folder, system):
        self.system = system
        self.forge = {"woodpecker": "forgejo"}.get(system, system)
        self.folder = os.path.join(folder, "homelab-" + system)
        self.var = os.path.join(self.folder, "var")
        for name in ("hlrec", "hlrec-preview"):
            os.makedirs(os.path.join(self.var, name))
        self.server = "file://" + os.path.join(self.folder, "repositories")
        os.makedirs(os.path.join(self.folder, "repositories", "home"))
        self.repository = Repository(os.path.join(self.folder, "repositories", "home", "lab.git"))
        self.base = self.repository.commit({"hlrec.yaml": SPEC})
        self.repository.set("refs/heads/main", self.base)
        self.head = self.propose(SPEC + "  other: {}\n")
        self.world = World(self.folder, self.forge, head=self.head)

    def propose(self, spec):
        head = self.repository.commit({"hlrec.yaml": spec, "Makefile": "all:\n\ttouch /tmp/owned\n"}, [self.base])
        for refs in ("pull", "merge-requests"):
            self.repository.set(f"refs/{refs}/7/head", head)
        return head

    def variables(self, head):
        """What the CI system sets for a job of the pull request; those of its own runner are not heeded."""
        world = self.world
        found = {name: value for name, value in os.environ.items() if not re.match(r"CI|GIT|HLREC_FORGE|FORGEJO", name)}
        found.update(world.lab.environment, HOME=self.folder, PATH=os.path.dirname(HLREC) + ":" + os.environ["PATH"])
        if self.system in ("github", "forgejo"):
            path = event(self.folder, head={"sha": head, "ref": "$(id)", "repo": {"full_name": REPOSITORY}})
            found.update({"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_API_URL": world.url + APIS[self.forge], "GITHUB_SERVER_URL": self.server,
                          "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_RUN_ID": "1", "GITHUB_EVENT_PATH": path, "GITHUB_STEP_SUMMARY": os.path.join(self.folder, "summary.md")})
        if self.system == "forgejo":
            found["FORGEJO_ACTIONS"] = "true"
        if self.system == "gitlab":
            found.update({"CI": "true", "GITLAB_CI": "true", "CI_API_V4_URL": world.url + APIS["gitlab"], "CI_MERGE_REQUEST_PROJECT_ID": REPOSITORY,
                          "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": REPOSITORY, "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": head, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                          "CI_MERGE_REQUEST_PROJECT_URL": f"{self.server}/{REPOSITORY}", "CI_PROJECT_URL": f"{self.server}/{REPOSITORY}", "CI_JOB_ID": "5", "CI_JOB_TOKEN": "lab-job"})
        if self.system == "woodpecker":
            found.update({"CI": "woodpecker", "CI_FORGE_TYPE": "forgejo", "CI_FORGE_URL": world.url, "CI_REPO": REPOSITORY, "CI_REPO_CLONE_URL": f"{self.server}/{REPOSITORY}.git",
                          "CI_COMMIT_PULL_REQUEST": "7", "CI_COMMIT_SHA": head, "CI_COMMIT_TARGET_BRANCH": "main", "CI_PIPELINE_NUMBER": "8"})
        if self.system == "gitlab":
            found["HLREC_FORGE_TOKEN"] = "lab-user"  # a variable of the project
        return found

    def value(self, text, head):
        """A variable of the workflow, as its CI system works it out."""
        if isinstance(text, dict):
            return "lab-user"  # from_secret
        known = {"github.token": "lab-job", "github.server_url": self.server, "github.repository": REPOSITORY, "github.event.pull_request.number": "7",
                 "github.event.pull_request.base.ref": "main", "secrets.HLREC_FORGE_TOKEN": "lab-user", "secrets.NETBIRD_READ_TOKEN": "x", "secrets.NETBIRD_TOKEN": "x"}
        text = re.sub(r"\$\{\{ (.*?) \}\}", lambda match: known[match.group(1)], text)
        return re.sub(r"^\$(\w+)$", lambda match: self.variables(head).get(match.group(1), ""), text)

    def run(self, shell, variables, head=None):
        head = head or self.head
        environment = self.variables(head)
        environment.update({name: self.value(text, head) for name, text in variables.items()})
        interpreter = {"woodpecker": ["sh", "-e"], "gitlab": ["bash", "-eo", "pipefail"]}.get(self.system, ["bash", "-e"])
        return subprocess.run([*interpreter, "-c", shell.replace("/var/lib", self.var)], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=60)

    def stop(self):
        self.world.lab.stop()


def as_run(tap, folder):
    for system in ("github", "forgejo", "gitlab", "woodpecker"):
        mine = [workflow for workflow in workflows() if workflow.system == system]
        home = Homelab(folder, system)
        try:
            scripts = [(workflow.name, shell, variables) for workflow in mine for shell, variables in workflow.steps()]
            for name, shell, variables in (script for script in scripts if "hlrec apply" in script[1]):
                done = home.run(shell, variables)
                tap.equal((done.returncode, [row["Name"] for row in home.world.lab.get("/networks") if row["Name"] == "net"]), (0, ["net"]), f"{name} applies", done.stderr)
                tap.equal(os.listdir(home.var + "/hlrec-preview"), ["home.db"], f"{name} leaves a copy of the state for previews, without the key")
                shutil.copy2(home.var + "/hlrec/home.db.key", home.var + "/hlrec-preview/home.db.key")  # as README.md says: by hand, once
                home.repository.set("refs/heads/main", home.repository.commit({"hlrec.yaml": SPEC.replace("networks:", "nonsense:")}, [home.base]))
                done = home.run(shell, variables)
                tap.equal((done.returncode, sorted(os.listdir(home.var + "/hlrec-preview"))), (3, ["home.db", "home.db.key"]), f"{name} fails when the apply does", done.stderr)
                home.repository.set("refs/heads/main", home.base)
            for name, shell, variables in (script for script in scripts if "--preview" in script[1]):
                previewed(tap, home, name, shell, variables)
        finally:
            home.stop()


def previewed(tap, home, name, shell, variables):
    author = "github-actions[bot]" if home.system == "github" else "hlrec-bot"
    head = home.propose(SPEC + "  other: {}\n")
    home.world.set(pull={"repository": REPOSITORY, "number": 7, "head": head})
    before = len(home.world.comments(author))
    done = home.run(shell, variables, head)
    found = home.world.comments(author)
    tap.equal((done.returncode, done.stderr, len(found)), (0, "", 1), f"{name} writes one comment", done.stdout)
    tap.point("| CREATE | `network.other` | new in the spec |" in found[0]["body"] and f"head `{head[:12]}`, base `{home.base[:12]}`" in found[0]["body"], f"{name}: with the plan", found)
    statuses = [(status["context"], status["state"]) for status in home.world.state()["statuses"] if status["head"] == head]
    tap.equal(statuses, [("hlrec/home", "success")], f"{name}: and sets the status of the head")
    wrong = home.propose(SPEC + "  other: {subnet: 1}\n")
    home.world.set(pull={"repository": REPOSITORY, "number": 7, "head": wrong})
    done = home.run(shell, variables, wrong)
    found = home.world.comments(author)
    statuses = [(status["context"], status["state"]) for status in home.world.state()["statuses"] if status["head"] == wrong]
    failure = "failed" if home.system == "gitlab" else "failure"
    tap.equal((done.returncode, len(found), "There is no plan:" in found[0]["body"], statuses), (3, 1, True, [("hlrec/home", failure)]),
              f"{name}: of a proposal with a mistake the same comment says so", (done.stderr, found))
    tap.point(before <= 1 and not os.path.exists("/tmp/owned"), f"{name}: nothing of the proposal is run")
    leaked = [token for token in ("lab-user", "lab-job") if token in done.stdout + done.stderr + json.dumps(found)]
    tap.equal(leaked, [], f"{name}: no token is printed or written")


# ---- the timer ----


def stand_in(folder):
    """An hlrec that writes down how it was called, and ends with $CODE."""
    tools = os.path.join(folder, "tools")
    os.makedirs(tools, exist_ok=True)
    with open(os.path.join(tools, "hlrec"), "w") as file:
        file.write('#!/bin/sh\necho "$HLREC_FORGE_PULL $*" >>"$CALLS"\nexit "$CODE"\n')
    os.chmod(os.path.join(tools, "hlrec"), 0o755)
    return tools + ":" + os.environ["PATH"]


def timer(tap, folder):
    """The script for hosts without CI, with a stand-in for hlrec that writes down how it was called."""
    if shutil.which("jq") is None or shutil.which("curl") is None:
        print("# SKIP: the timer's script needs curl and jq")
        return
    for forge, refs in (("gitea", "pull"), ("github", "pull"), ("gitlab", "merge-requests")):
        with World(folder, forge) as world:
            place, token, calls = (os.path.join(folder, f"{forge}-{name}") for name in ("preview", "token", "calls"))
            with open(token, "w") as file:
                file.write("lab-user\n")
            world.set(pull={"repository": REPOSITORY, "number": 9, "head": OTHER})
            world.set(pull={"repository": REPOSITORY, "number": 10, "head": "$(touch x)"})

            def run(code):
                environment = dict(os.environ, PATH=stand_in(folder), CALLS=calls, CODE=str(code), HLREC_FORGE=forge, HLREC_FORGE_URL=world.url + APIS[forge],
                                   HLREC_FORGE_REPOSITORY=REPOSITORY, HLREC_FORGE_TOKEN_FILE=token, HLREC_GIT_URL="https://git.example.org/home/lab.git", HLREC_PREVIEW=place)
                if os.path.exists(calls):
                    os.remove(calls)
                done = subprocess.run([os.path.join(ROOT, "timer", "preview-pulls")], env=environment, capture_output=True, text=True, timeout=30)
                if not os.path.exists(calls):
                    return done.returncode, []
                with open(calls) as file:
                    return done.returncode, [line.split()[0] + " " + " ".join(line.split()[5:9]) for line in file]

            both = [f"{number} --ref {refs}/{number} --base main" for number in (7, 9)]
            tap.equal(run(7), (0, both), f"{forge}: each open pull request, by its number; an id that is none is passed over")
            tap.equal(run(0), (0, both), f"{forge}: again, when it did not work")
            tap.equal(run(0), (0, []), f"{forge}: not when its head has not moved")
            world.set(pull={"repository": REPOSITORY, "number": 9, "head": OLD})
            tap.equal(run(3), (0, both[1:]), f"{forge}: and when it has")
            tap.equal(run(0), (0, []), f"{forge}: a spec that is wrong is not tried again")
            for number in range(100, 160):
                world.set(pull={"repository": REPOSITORY, "number": number, "head": NEW})
            tap.equal(len(run(0)[1]), 60, f"{forge}: all pages")
            world.set(trouble={"status": 503, "count": 1})
            tap.point(run(0)[0] != 0, f"{forge}: a forge that is away fails the unit")


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    try:
        if not glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", "yaml")):
            tap.skip_all("the Python package yaml is not installed")
        for scene, arguments in ((as_written, ()), (as_run, (folder,)), (timer, (folder,))):
            tap.section = scene.__name__.replace("_", " ")
            try:
                scene(tap, *arguments)
            except Exception as problem:  # one broken scene must not hide the others
                tap.point(False, "the scene runs to its end", repr(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
