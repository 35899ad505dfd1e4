#!/usr/bin/env python3
"""Comments and statuses on the simulated forges: one comment whatever happens, never over a newer run's, and what is said when it does not work."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forge_world import APIS, MARKER, NEW, NOW, OLD, OTHER, REPOSITORY, TOOL, World, comment, event  # noqa: E402
from git_server import Repository  # noqa: E402
from lib import BUILD, Stack, Tap, private_folder, stop_on_signals  # noqa: E402


class Points:
    """Test points of scenes that run beside others, printed when all are done."""

    def __init__(self):
        self.section = ""
        self.kept = []

    def point(self, good, name, detail=""):
        self.kept.append((good, f"{self.section}: {name}", detail))
        return good

    def equal(self, got, wanted, name, detail=""):
        return self.point(got == wanted, name, f"got {got!r}, wanted {wanted!r}\n{detail}")


def kept_up_to_date(tap, folder, forge):
    with World(folder, forge) as world:
        first = world.post(comment(NOW, text="first\n"), head=NEW, state="success", description="1 to create", context="hlrec/home", target_url="http://ci/1")
        tap.equal((first["exit"], first["comment"], first["status_set"]), (0, "created", True), "a comment is made", first)
        second = world.post(comment(NOW + 1000, text="second\n"), head=NEW, state="failure", description="refused", context="hlrec/home")
        tap.equal((second["exit"], second["comment"], second["status_set"]), (0, "updated", True), "and edited", second)
        found = world.comments()
        tap.equal([(entry["body"], entry["edits"]) for entry in found], [(comment(NOW + 1000, text="second\n"), 1)], "one comment with the newer text")
        states = [(status["context"], status["state"], status["head"]) for status in world.state()["statuses"]]
        tap.equal(states, [("hlrec/home", "failed" if forge == "gitlab" else "failure", NEW)], "one status, of the head")
        other = world.post(comment(marker=MARKER.replace("default", "nas")))
        tap.equal((other["comment"], len(world.comments())), ("created", 2), "another target has a comment of its own", other)
        quiet = world.post(comment(marker=MARKER.replace("default", "vps")), only_update=True)
        tap.equal((quiet["exit"], quiet["comment"], len(world.comments())), (0, "silent", 2), "nothing to say makes none", quiet)
        quiet = world.post(comment(NOW + 2000, text="No changes.\n"), only_update=True)
        tap.equal((quiet["comment"], "No changes." in world.comments()[0]["body"]), ("updated", True), "but corrects one that is there", quiet)


def found_again(tap, folder, forge):
    with World(folder, forge) as world:
        world.write("mallory", comment(text="Plan: nothing\n"))
        world.write("someone", "hello", count=120)
        if forge == "gitlab":
            world.write("hlrec-bot", comment(text="changed the title"), system=True)
        world.write("hlrec-bot", "see " + comment(text="quoted\n"))
        first = world.post()
        world.write("mallory", comment(NOW + 10**7, text="Plan: nothing\n"))
        world.write("someone", "hello", count=130)
        second = world.post(comment(NOW + 1, text="new\n"))
        tap.equal((first["comment"], second["comment"]), ("created", "updated"), "among three pages of comments", (first, second))
        texts = [entry["body"] for entry in world.comments() if not entry.get("system")]
        tap.equal(texts, ["see " + comment(text="quoted\n"), comment(NOW + 1, text="new\n")], "only what begins with the marker is ours")
        tap.equal([entry["edits"] for entry in world.comments("mallory")], [0, 0], "another author's copy of the marker is left alone")
    with World(folder, forge) as world:
        world.set(no_links=True)
        world.write("someone", "hello", count=230)
        world.write("hlrec-bot", comment(NOW - 5, text="old\n"))
        answer = world.post()
        tap.equal((answer["comment"], len(world.comments())), ("updated", 1), "without a word about further pages", answer)
        pages = sum(call["method"] == "GET" and ("comments" in call["path"] or "notes" in call["path"]) for call in world.calls())
        tap.equal(pages, 2 if forge in ("gitea", "forgejo") else 3, "each page is read once")
    with World(folder, forge) as world:
        for order in (3, 2, 1):
            world.write("hlrec-bot", comment(NOW - order))
        world.write("mallory", comment(NOW - 4))
        answer = world.post()
        tap.equal((answer["comment"], [entry["body"] for entry in world.comments()]), ("updated", [comment()]), "of several the first is edited, the others go", answer)
        tap.equal(len(world.comments("mallory")), 1, "but not somebody else's")


def never_over_a_newer(tap, folder, forge):
    rows = [  # (the pull request's head, the comment's head and order, ours, what comes of it)
        ("an older run of the same head", NEW, NEW, NOW + 5000, NEW, NOW, "outdated"),
        ("a newer run of the same head", NEW, NEW, NOW - 5000, NEW, NOW, "updated"),
        ("a late run of a former head", NEW, NEW, NOW - 5000, OLD, NOW, "outdated"),
        ("an early run of the current head", NEW, OLD, NOW + 5000, NEW, NOW, "updated"),
        ("neither is current, ours began later", OTHER, OLD, NOW - 5000, NEW, NOW, "updated"),
        ("neither is current, ours began earlier", OTHER, OLD, NOW + 5000, NEW, NOW, "outdated"),
        ("a clock that was wrong", NEW, NEW, NOW + 10**9, NEW, NOW, "updated"),
    ]
    for name, current, their_head, their_order, our_head, our_order, wanted in rows:
        with World(folder, forge, head=current) as world:
            world.write("hlrec-bot", comment(their_order, their_head, "theirs\n"))
            answer = world.post(comment(our_order, our_head, "ours\n"))
            text = "ours\n" if wanted == "updated" else "theirs\n"
            tap.equal((answer["exit"], answer["comment"], [entry["body"].endswith(text) for entry in world.comments()]), (0, wanted, [True]), name, answer)
            if wanted == "outdated" and current == their_head:
                answer = world.post(comment(our_order, our_head, "ours\n"), head=current, state="success")
                tap.equal((answer["comment"], answer["status_set"], world.state()["statuses"]), ("outdated", False, []), f"{name}: it does not set the status, either", answer)


def tokens(tap, folder, forge):
    with World(folder, forge) as world:
        if forge != "gitlab":
            job = {"github": "github-actions[bot]"}.get(forge, "gitea-actions")
            answers = [world.post(comment(NOW + i), token="lab-job", author=job)["comment"] for i in range(2)]
            tap.equal((answers, len(world.comments(job))), (["created", "updated"], 1), "a job's token that may not ask who it is, with its login known")
        else:
            answer = world.post(token="lab-job")
            tap.equal((answer["exit"], answer["code"]), (1, "auth"), "a job's own token may not write notes", answer)
        app = "my-app[bot]" if forge == "github" else "my-app"
        answers = [world.post(comment(NOW + i), token="lab-app", author=author)["comment"] for i, author in enumerate((None, "github-actions[bot]", app))]
        tap.equal((answers, [entry["body"] for entry in world.comments(app)]), (["created", "updated", "updated"], [comment(NOW + 2)]),
                  "an app whose login is not known: a new comment tells who we are, and the former one is kept")
        answer = world.post(comment(NOW - 9000), token="lab-app")
        tap.equal((answer["comment"], [entry["body"] for entry in world.comments(app)]), ("outdated", [comment(NOW + 2)]), "not for an older run, though", answer)
    with World(folder, forge) as world:
        answer = world.post(token="lab-comment", author="hlrec-bot", head=NEW, state="success")
        tap.equal((answer["exit"], answer["comment"], answer["status_set"], answer["code"]), (1, "created", False, "not_found" if forge == "github" else "auth"),
                  "a token for comments alone: the comment is made all the same", answer)
        answer = world.post(token="lab-comment", author="hlrec-bot", head=NEW, state="success", fork=True)
        tap.equal((answer["exit"], answer["comment"], answer["status_set"]), (0, "updated", False), "a status that a fork may not set is no error", answer)
        answer = world.post(token="lab-read", head=NEW, state="success")
        tap.equal((answer["exit"], answer["comment"], answer["code"]), (1, "failed", "auth"), "a token that only reads", answer)
        tap.point("permissions" in answer["hint"] or "scope" in answer["hint"], "with a hint about rights", answer)
        answer = world.post(token="lab-secret-token-of-nobody")
        tap.equal((answer["exit"], answer["code"], "HLREC_FORGE_TOKEN" in answer["hint"]), (1, "auth", True), "a token that is wrong", answer)
        tap.point(not any("lab-secret" in text for text in world.outputs), "is not printed")
        answer = world.post(repository="home/elsewhere")
        tap.equal((answer["exit"], answer["code"]), (1, "not_found"), "a repository that is not there", answer)


def patience(tap, folder, forge):
    with World(folder, forge) as world:
        for name, trouble in (("429 with Retry-After", {"status": 429, "retry_after": 1}), ("429 with a date", {"status": 429, "retry_after": 1, "date": True}),
                              ("429 without a word", {"status": 429}), ("403 with a reset", {"status": 403, "reset": 1}),
                              ("403 in words", {"status": 403}), ("503", {"status": 503}), ("500", {"status": 500})):
            if forge != "github" and trouble["status"] == 403 and "reset" in trouble:
                continue
            for method in ("GET", "POST", "PATCH"):
                if method == "PATCH" and forge == "gitlab":
                    method = "PUT"
                if method == "POST":
                    for entry in world.comments():
                        request = urllib.request.Request(f"{world.url}{APIS[forge]}{path_of(forge, entry['id'])}", method="DELETE",
                                                         headers={"PRIVATE-TOKEN" if forge == "gitlab" else "Authorization": "lab-user" if forge == "gitlab" else "Bearer lab-user"})
                        urllib.request.urlopen(request, timeout=10).read()
                world.set(trouble=dict(trouble, count=1, method=method))
                answer = world.post(comment(NOW + 1))
                tap.equal((answer["exit"], len(world.comments())), (0, 1), f"{name} to a {method} is waited for", answer)
        world.set(trouble={"count": 100, "status": 429, "retry_after": 3600})
        began = time.monotonic()
        answer = world.post()
        tap.equal((answer["exit"], "1h" in answer["error"], time.monotonic() - began < 5), (1, True, True), "an hour is not", answer)


def path_of(forge, number):
    return f"/projects/home%2Flab/merge_requests/7/notes/{number}" if forge == "gitlab" else f"/repos/{REPOSITORY}/issues/comments/{number}"


def accidents(tap, folder, forge):
    for how in ("reset", "500", "502", "after-reset", "after-500", "truncate"):
        with World(folder, forge, "--fault", f"POST */{'notes' if forge == 'gitlab' else 'comments'} 1 {how}") as world:
            answer = world.post()
            tap.equal((answer["exit"], answer["comment"], len(world.comments())), (0, "created", 1), f"{how} to the creation: still one comment", answer)
            tries = sum(call["method"] == "POST" for call in world.calls())
            tap.equal(tries, 1 if how.startswith("after") else 1 if how == "truncate" else 2, f"{how}: made again only where it was not made")
    edit = "PUT" if forge == "gitlab" else "PATCH"
    for how, wanted in (("reset", "updated"), ("after-reset", "updated"), ("502", "updated"), ("404", "created"), ("403", "created")):
        with World(folder, forge, "--fault", f"{edit} * 1 {how}") as world:
            world.write("hlrec-bot", comment(NOW - 1))
            answer = world.post()
            tap.equal((answer["exit"], answer["comment"], [entry["body"] for entry in world.comments()]), (0, wanted, [comment()]), f"{how} to the edit: still one comment", answer)
    with World(folder, forge, "--fault", "GET * 3 hang") as world:
        began = time.monotonic()
        answer = world.post(timeout_ms=1500)
        world.post(timeout_ms=1500)
        tap.equal((time.monotonic() - began < 6, answer["exit"]), (True, 0 if answer["comment"] == "created" else 1), "a server that hangs is left at the deadline", answer)
    with World(folder, forge) as world:
        world.set(trouble={"count": 1, "html": True})
        answer = world.post()
        tap.equal((answer["exit"], answer["code"], "/api/v" in answer["hint"]), (1, "rejected", True), "a page instead of an API", answer)
        world.set(trouble={"count": 100, "bad": True})
        answer = world.post()
        tap.equal(answer["exit"], 1, "JSON of another shape", answer)
        world.set(trouble={"count": 100, "redirect": True})
        answer = world.post(head=NEW, state="success")
        tap.equal((answer["exit"], "redirect" in answer["hint"]), (1, True), "a redirect is not followed", answer)
        world.set(trouble={"count": 0}, most=1000)
        answer = world.post(comment(text="x" * 70000))
        tap.equal((answer["exit"], "--max-size" in answer["hint"]), (1, True), "a text that is too long", answer)
        world.set(most=0, archived=True)
        answer = world.post(head=NEW, state="success")
        tap.equal((answer["exit"], answer["comment"], answer["status_set"]), (1, "failed", True), "an archived repository; the status is set all the same", answer)
    with World(folder, forge) as world:
        world.lab.stop()
        answer = world.post(head=NEW, state="success", timeout_ms=1500)
        tap.equal((answer["exit"], answer["code"]), (1, "unreachable"), "a forge that is away", answer)
        tap.point("commenting" in answer["error"] and "status" in answer["error"], "both failures are told", answer)


def texts(tap, folder, forge):
    with World(folder, forge) as world:
        long = comment(text="\U0001f600" * 14900 + "\n")
        answer = world.post(long)
        tap.equal((answer["exit"], world.comments()[0]["body"] == long), (0, True), "sixty thousand bytes of the longest characters", answer)
        answer = world.post(comment(NOW + 1, text="a hunter2hunter2 b\n/close\n/merge\n"), secret="hunter2hunter2")
        body = world.comments()[0]["body"]
        tap.equal((answer["exit"], "hunter2" in body, world.state()["commands"]), (0, False, []), "secrets are masked, commands are none", body)
        tap.equal(body.splitlines()[0], MARKER, "the marker stays")
        for text in ("no marker\n", "<!-- hlrec:v1 stack=home", ""):
            answer = world.post(text or "\n")
            tap.equal((answer["exit"], answer["code"]), (1, "spec"), "a text without a marker is not posted", answer)
        tap.equal(len(world.comments()), 1, "and changes nothing")
        answer = world.post(False, head=NEW, state="success", description="\u00fc" * 300 + "\nx", context="hlrec/home")
        description = world.state()["statuses"][0]["description"]
        most = 140 if forge == "github" else 255
        tap.equal((answer["exit"], answer["comment"], len(description), description.endswith("...")), (0, "not asked", most, True), "a long description is cut", answer)
        answers = [world.post(False, head=NEW, state=state, context="hlrec/home")["status_set"] for state in ("success", "pending", "pending", "error")]
        tap.equal(answers, [True] * 4, "every state, also twice")
        answer = world.post(False, head=OTHER, state="success")
        tap.equal(answer["exit"], 1, "a commit that is not there", answer)
        for name, members in (("no forge", {"forge": "svn"}), ("no address", {"api": ""}), ("no repository", {"repository": "x/../y"}), ("no number", {"pull": 0}),
                              ("no full id", {"head": "abc", "state": "success"}), ("no token", {"token": ""}), ("no URL", {"api": "ftp://x"}), ("a token of two lines", {"token": "a\nb"})):
            before = len(world.calls())
            answer = world.post(**members)
            tap.equal((answer["exit"], len(world.calls()) - before), (1, 0), f"{name}: nothing is sent", answer)


def at_once(tap, folder, forge):
    with World(folder, forge, "--latency", "20") as world:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: world.post(comment(NOW + i)), range(8)))
        last = world.post(comment(NOW + 8))
        tap.equal((last["comment"], [entry["body"] for entry in world.comments()]), ("updated", [comment(NOW + 8)]), "eight runs at once, and one after them: one comment", last)
    with World(folder, forge, "--latency", "20") as world:
        world.write("hlrec-bot", comment(NOW - 1))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: world.post(comment(NOW + i)), range(8)))
        tap.equal(len(world.comments()), 1, "eight edits at once: one comment")


# ---- where we are ----


def ask(mode, *arguments, **environment):
    done = subprocess.run([TOOL, mode, *arguments], env=dict({"PATH": os.environ["PATH"]}, **environment), capture_output=True, text=True, timeout=20)
    return json.loads(done.stdout)


def has(tap, got, wanted, name):
    tap.equal({key: got.get(key) for key in wanted}, wanted, name, got)


def detection(tap, folder):
    tap.section = "detection"
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://api.github.com", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": REPOSITORY,
               "GITHUB_RUN_ID": "4711", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_SHA": OTHER, "GITHUB_HEAD_REF": "$(touch x)", "GITHUB_EVENT_PATH": event(folder)}
    pull = {"pull": 7, "head": NEW, "base": OLD, "base_ref": "main", "fork": False, "repository": REPOSITORY}
    has(tap, ask("detect", **actions), {**pull, "forge": "github", "api": "https://api.github.com", "run": "github-4711-2", "author": "github-actions[bot]",
                                        "run_url": "https://github.com/home/lab/actions/runs/4711"}, "GitHub Actions")
    has(tap, ask("detect", **{**actions, "GITHUB_API_URL": ""}), {"api": "https://api.github.com"}, "without the API's address")
    gitea = {**actions, "GITEA_ACTIONS": "true", "GITHUB_API_URL": "https://git.example.org/api/v1", "GITHUB_SERVER_URL": "https://git.example.org"}
    has(tap, ask("detect", **gitea), {**pull, "forge": "gitea", "api": "https://git.example.org/api/v1", "author": "gitea-actions"}, "Gitea Actions")
    has(tap, ask("detect", **{**gitea, "FORGEJO_ACTIONS": "true", "GITHUB_API_URL": ""}), {"forge": "forgejo", "api": "https://git.example.org/api/v1"}, "Forgejo Actions")
    for name, change in (("a fork", {"head": {"sha": NEW, "repo": {"full_name": "mallory/lab"}}}), ("a fork that was deleted", {"head": {"sha": NEW, "repo": None}}), ("a push without a fork", {"flow": 1})):
        event(folder, **change)
        has(tap, ask("detect", **actions), {"fork": True, "pull": 7, "head": NEW}, name)
    event(folder, head={"sha": "--upload-pack=x", "repo": {"full_name": REPOSITORY}})
    has(tap, ask("detect", **actions), {"head": None, "pull": 7}, "an id that is none")
    with open(actions["GITHUB_EVENT_PATH"], "w") as file:
        json.dump({"ref": "refs/heads/main"}, file)
    has(tap, ask("detect", **actions), {"pull": 0, "forge": "github"}, "a push")
    with open(actions["GITHUB_EVENT_PATH"], "w") as file:
        file.write("{")
    has(tap, ask("detect", **actions), {"code": "spec"}, "an event that cannot be read")
    has(tap, ask("detect", **{**actions, "GITHUB_EVENT_PATH": "/nowhere"}), {"code": "spec"}, "or is not there")
    summary = os.path.join(folder, "summary.md")
    event(folder)
    for _ in range(2):
        ask("detect", **{**actions, "GITHUB_STEP_SUMMARY": summary})
    with open(summary) as file:
        tap.equal(file.read(), "### a summary\n" * 2, "the page of the run")
    gitlab = {"GITLAB_CI": "true", "CI": "true", "CI_API_V4_URL": "https://gitlab.example.org/api/v4", "CI_MERGE_REQUEST_PROJECT_ID": "17", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "17",
              "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": NEW, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": OLD, "CI_JOB_ID": "5",
              "CI_JOB_URL": "https://gitlab.example.org/home/lab/-/jobs/5", "CI_PIPELINE_ID": "99"}
    has(tap, ask("detect", **gitlab), {**pull, "repository": "17", "forge": "gitlab", "api": "https://gitlab.example.org/api/v4", "run": "gitlab-5", "pipeline": 99}, "GitLab CI")
    has(tap, ask("detect", **{**gitlab, "CI_COMMIT_SHA": OTHER, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": NEW}), {"head": NEW, "pipeline": 0}, "a pipeline for merged results")
    has(tap, ask("detect", **{**gitlab, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "18"}), {"fork": True}, "a fork's merge request")
    has(tap, ask("detect", **{**gitlab, "CI_MERGE_REQUEST_IID": "seven"}), {"code": "spec"}, "a number that is none")
    woodpecker = {"CI": "woodpecker", "CI_FORGE_TYPE": "forgejo", "CI_FORGE_URL": "https://git.example.org/", "CI_REPO": REPOSITORY, "CI_COMMIT_PULL_REQUEST": "7",
                  "CI_COMMIT_SHA": NEW, "CI_COMMIT_TARGET_BRANCH": "main", "CI_PIPELINE_NUMBER": "8", "CI_PIPELINE_URL": "https://ci.example.org/repos/7/pipeline/8"}
    has(tap, ask("detect", **woodpecker), {"forge": "forgejo", "api": "https://git.example.org/api/v1", "repository": REPOSITORY, "pull": 7, "head": NEW, "base_ref": "main",
                                           "run": "woodpecker-8"}, "Woodpecker")
    for kind, url, api in (("github", "https://github.com", "https://api.github.com"), ("github", "https://ghe.example.org", "https://ghe.example.org/api/v3"),
                           ("gitlab", "https://gitlab.com", "https://gitlab.com/api/v4"), ("bitbucket", "https://bitbucket.org", None)):
        has(tap, ask("detect", **{**woodpecker, "CI_FORGE_TYPE": kind, "CI_FORGE_URL": url}), {"api": api}, f"Woodpecker of {kind} at {url}")
    has(tap, ask("detect"), {"forge": None, "pull": 0}, "nowhere")
    has(tap, ask("detect", **woodpecker, HLREC_FORGE_URL="http://gitea:3000/api/v1", HLREC_FORGE_REPOSITORY="a/b", HLREC_FORGE_PULL="9", HLREC_FORGE_USER="me", HLREC_FORGE_CA_FILE="/ca.pem"),
        {"api": "http://gitea:3000/api/v1", "repository": "a/b", "pull": 9, "author": "me", "ca_file": "/ca.pem"}, "what we are told comes first")


def token_sources(tap, folder):
    tap.section = "token"
    path = os.path.join(folder, "token")
    with open(path, "w") as file:
        file.write("from-the-file\r\n")
    rows = [("github", {"HLREC_FORGE_TOKEN": "mine-mine", "GITHUB_TOKEN": "theirs"}, "mine-mine"), ("github", {"GITHUB_TOKEN": "of-github"}, "of-github"),
            ("gitea", {"GITHUB_TOKEN": "of-github"}, None), ("gitea", {"GITHUB_TOKEN": "of-gitea", "GITEA_ACTIONS": "true"}, "of-gitea"),
            ("forgejo", {"GITHUB_TOKEN": "of-forgejo", "FORGEJO_ACTIONS": "true"}, "of-forgejo"), ("gitlab", {"GITLAB_TOKEN": "of-gitlab", "GITHUB_TOKEN": "x"}, "of-gitlab"),
            ("gitlab", {"CI_JOB_TOKEN": "of-a-job"}, None), ("gitea", {"HLREC_FORGE_TOKEN_FILE": path}, "from-the-file"), ("gitea", {"HLREC_FORGE_TOKEN_FILE": "/nowhere"}, None), ("svn", {}, None)]
    for forge, environment, wanted in rows:
        got = ask("token", forge, **environment)
        tap.equal((got.get("token"), got.get("masked")), (wanted, "(sensitive)" if wanted else None), f"{forge} with {', '.join(environment) or 'nothing'}", got)


# ---- with what belongs to it ----


def rendered(tap, folder):
    """The renderer's marks and the reader's are the same."""
    tap.section = "rendered"
    program = os.path.join(BUILD, "tests", "property", "markdown_plan")

    def render(**members):
        made = dict({"stack": "home", "file": "hlrec.yaml", "head": NEW, "run": "x-1", "steps": [{"address": "network.a", "action": "delete", "reason": "no longer in the spec"}]}, **members)
        done = subprocess.run([program], input=json.dumps(made) + "\n", capture_output=True, text=True, timeout=20)
        return done.stdout.split("\n", 1)[1]

    with World(folder, "gitea") as world:
        answers = [world.post(render(order=NOW + order, **more))["comment"]
                   for order, more in ((0, {}), (1, {}), (-1, {}), (2, {"failed": True}), (3, {"target": "nas"}), (4, {"stack": "media"}))]
        tap.equal(answers, ["created", "updated", "outdated", "updated", "created", "created"], "comments of the renderer are found again")
        tap.equal(len(world.comments()), 3, "one for each stack and target")


SPEC = """\
hlrec: 1
stack: home
providers:
  docker: {host: "${env.HLREC_LAB_DOCKER}"}
networks: {net: {}}
"""


class Program:
    """hlrec itself, outside of CI, with a world to plan for."""

    def __init__(self, folder, world, spec=SPEC):
        self.world = world
        environment = dict(world.lab.environment, HLREC_FORGE_URL=world.url + APIS[world.forge], HLREC_FORGE_REPOSITORY=REPOSITORY, HLREC_FORGE_PULL="7", HLREC_FORGE_TOKEN="lab-user")
        for name in ("GITHUB_ACTIONS", "GITEA_ACTIONS", "FORGEJO_ACTIONS", "GITLAB_CI", "CI", "GITHUB_STEP_SUMMARY"):
            environment[name] = ""
        self.stack = Stack(folder, "program", spec, environment=environment)

    def plan(self, *more, **keywords):
        return self.stack.run("plan", "--comment", self.world.forge, *more, **keywords)

    def bodies(self):
        return [entry["body"] for entry in self.world.comments()]


def program(tap, folder):
    tap.section = "hlrec plan --comment"
    with World(folder, "gitea") as world:
        program = Program(folder, world)
        stack, plan, bodies = program.stack, program.plan, program.bodies
        first = plan()
        tap.equal((first.status, len(bodies())), (0, 1), "a comment", first.text)
        tap.point(bodies() and bodies()[0].startswith(MARKER + "\n") and "| CREATE | `network.net` |" in bodies()[0], "with the plan", bodies())
        stack.write(SPEC.replace("{net: {}}", "{net: {}, other: {}}"))
        second = plan("--format", "json")
        tap.equal((second.status, len(bodies()), "`network.other`" in bodies()[0]), (0, 1, True), "is edited by the next run", second.text)
        tap.equal(json.loads(second.out)["summary"]["create"], 2, "whatever is printed")
        stack.write(SPEC + "nonsense: 1\n")
        wrong = plan()
        tap.equal((wrong.status, len(bodies()), "There is no plan:" in bodies()[0] and "nonsense" in bodies()[0]), (3, 1, True), "a spec with a mistake: the same comment says which", bodies())
        stack.write(SPEC)
        for name, change in (("a wrong token", {"HLREC_FORGE_TOKEN": "lab-secret-of-nobody"}), ("no token", {"HLREC_FORGE_TOKEN": ""}), ("no forge", {"HLREC_FORGE_URL": "http://127.0.0.1:1"})):
            failed = plan("--format", "json", environment=change)
            said = [line for line in failed.err.splitlines() if line.startswith("warning: the pull request does not show the plan: ")]
            tap.equal((failed.status, len(said), "lab-secret" in failed.text), (0, 1, False), f"{name}: a warning, and the plan's exit code", failed.text)
            tap.equal(json.loads(failed.out)["summary"]["create"], 1, f"{name}: what is printed is the plan alone")
        page = stack.path("page.md")
        failed = plan(environment={"HLREC_FORGE_TOKEN": "", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": page})
        with open(page) as file:
            tap.equal((failed.status, "| CREATE | `network.net` |" in file.read()), (0, True), "a job that has no token shows the plan on the page of its run", failed.text)
        token = stack.path("token")
        with open(token, "w") as file:
            file.write("lab-user\n")
        os.chmod(token, 0o600)
        before = len(world.calls())
        plan(environment={"HLREC_FORGE_TOKEN": "", "HLREC_FORGE_TOKEN_FILE": token})
        tap.point(len(world.calls()) > before and "| CREATE | `network.net` |" in bodies()[0], "a token in a file", bodies())
        os.remove(token)
        tap.equal(stack.leaks(["lab-user"]), [], "the token is nowhere")


def with_status(tap, folder):
    """A preview of a repository: whatever comes out, the status of the proposal's head says it."""
    tap.section = "the status"
    repository = Repository(os.path.join(folder, "status.git"))
    base = repository.commit({"hlrec.yaml": SPEC, "nas/hlrec.yaml": SPEC})
    repository.set("refs/heads/main", base)
    with World(folder, "gitea") as world:
        program = Program(os.path.join(folder, "status"), world)
        program.stack.run("apply", "--yes", "--git", repository.path, "--ref", "main")

        def preview(spec, *more, path="hlrec.yaml"):
            head = repository.commit({"hlrec.yaml": SPEC, "nas/hlrec.yaml": SPEC, path: spec}, [base])
            repository.set("refs/pull/7/head", head)
            world.set(pull={"repository": REPOSITORY, "number": 7, "head": head})
            done = program.plan("--preview", "--git", repository.path, "--ref", "pull/7", "--base", "main", "--path", path, *more)
            return done, {status["context"]: (status["state"], status["description"]) for status in world.state()["statuses"] if status["head"] == head}

        done, statuses = preview(SPEC)
        tap.equal((done.status, program.bodies(), statuses), (0, [], {"hlrec/home": ("success", "1 unchanged")}), "nothing to tell: no comment, and a status", done.text)
        done, statuses = preview(SPEC.replace("{net: {}}", "{net: {}, other: {}}"))
        tap.equal((done.status, len(program.bodies()), statuses), (0, 1, {"hlrec/home": ("success", "1 to create, 1 unchanged")}), "changes are a success", done.text)
        done, statuses = preview(SPEC + "settings: {max_destroy: 0}\n")
        tap.point(done.status == 0 and "- **not used** `settings" in program.bodies()[0] and "is added here, the base's counts" in program.bodies()[0], "what the preview does not use is told", program.bodies())
        done, statuses = preview(SPEC.replace("{net: {}}", "{}"), "--max-destroy", "0")
        tap.equal((done.status, statuses), (8, {"hlrec/home": ("failure", "apply would refuse: 1 to delete, 0 unchanged")}), "what apply would refuse is a failure", done.text)
        tap.point("> **apply stops here:** " in program.bodies()[0] and "| **DELETE** | `network.net` |" in program.bodies()[0], "and the comment says why", program.bodies())
        done, statuses = preview(SPEC + "nonsense: 1\n")
        tap.equal((done.status, statuses), (3, {"hlrec/home": ("failure", "no plan could be made: the spec has 1 error")}), "a mistake is a failure", done.text)
        done, statuses = preview("a: [\n")
        tap.equal((done.status, statuses["hlrec/home"][0], "- **error** `hlrec.yaml:" in program.bodies()[0]), (3, "failure", True), "also in what is no YAML, with its line", program.bodies())
        state = program.stack.path(".hlrec", "home.db.key")
        os.rename(state, state + ".away")
        done, statuses = preview(SPEC)
        os.rename(state + ".away", state)
        tap.equal((done.status, statuses), (1, {"hlrec/home": ("error", "no plan could be made: the run failed")}), "a run that fails is an error", done.text)
        tap.point("**There is no plan:** the run failed." in program.bodies()[0] and "- **error** opening the state: " in program.bodies()[0], "and the comment says why", program.bodies())
        done, _ = preview(SPEC)
        tap.equal(["**No changes:** 1 unchanged." in body for body in program.bodies()], [True], "nothing to tell any more: the comment that is there says so", program.bodies())
        done, statuses = preview(SPEC.replace("{net: {}}", "{net: {}, nas: {}}"), path="nas/hlrec.yaml")
        tap.equal((len(program.bodies()), list(statuses)), (2, ["hlrec/home/nas/hlrec.yaml"]), "another spec of the repository has a comment and a status of its own", done.text)
        done, statuses = preview(SPEC.replace("{net: {}}", "{net: {}, vps: {}}"), "--comment-id", "vps")
        tap.equal((len(program.bodies()), list(statuses)), (3, ["hlrec/home/vps"]), "and so has one with a name", done.text)
        named = program.bodies()[2]
        tap.point(named.startswith("<!-- hlrec:v1 stack=home target=vps -->\n") and "### hlrec plan: `home` for `vps`\n" in named, "which its marker and its title tell", named)


SCENES = (kept_up_to_date, found_again, never_over_a_newer, tokens, patience, accidents, texts, at_once)


def scenes_of(folder, forge):
    points = Points()
    for scene in SCENES:
        points.section = f"{forge}, {scene.__name__.replace('_', ' ')}"
        try:
            scene(points, folder, forge)
        except Exception as problem:  # one broken scene must not hide the others
            points.point(False, "the scene runs to its end", repr(problem))
    return points


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    try:
        for scene in (detection, token_sources, rendered, program, with_status):
            try:
                scene(tap, folder)
            except Exception as problem:
                tap.point(False, "the scene runs to its end", repr(problem))
        tap.section = ""
        # They wait most of the time.
        with concurrent.futures.ThreadPoolExecutor(len(APIS)) as pool:
            for points in pool.map(lambda forge: scenes_of(folder, forge), APIS):
                for good, name, detail in points.kept:
                    tap.point(good, name, detail)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
