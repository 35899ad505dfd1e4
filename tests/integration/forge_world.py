"""A lab with a forge, and one pull request on it."""
import itertools
import json
import os
import shutil
import subprocess
import time
import urllib.request

from lib import BUILD, Lab

TOOL = os.path.join(BUILD, "tests", "integration", "forge_tool")
APIS = {"github": "/api/v3", "gitea": "/api/v1", "forgejo": "/api/v1", "gitlab": "/api/v4"}
REPOSITORY = "home/lab"
OLD, NEW, OTHER = "1" * 40, "2" * 40, "3" * 40
MARKER = "<!-- hlrec:v1 stack=home target=default -->"
NOW = int(time.time() * 1000)


def comment(order=NOW, head=NEW, text="### hlrec plan: `home`\n", marker=MARKER):
    return f"{marker}\n<!-- hlrec:run head={head} order={order} run=x -->\n{text}"


class World:
    """A lab with one pull request on the forge."""

    numbers = itertools.count()

    def __init__(self, folder, forge, *options, head=NEW):
        self.folder = os.path.join(folder, f"lab-{next(World.numbers)}")
        self.forge = forge
        self.lab = Lab(self.folder, *options)
        self.url = self.lab.environment["HLREC_LAB_FORGE"]
        self.outputs = []
        self.set(pull={"repository": REPOSITORY, "number": 7, "head": head})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set(self, **switches):
        data = json.dumps(dict(switches, forge=self.forge)).encode()
        urllib.request.urlopen(urllib.request.Request(self.url + "/lab/forge", data=data, method="POST"), timeout=10).read()

    def write(self, user, body, count=1, **more):
        self.set(comment=dict(more, repository=REPOSITORY, number=7, user=user, body=body, count=count))

    def post(self, markdown=None, **members):
        made = {"forge": self.forge, "api": self.url + APIS[self.forge], "repository": REPOSITORY, "pull": 7, "token": "lab-user", "timeout_ms": 20000}
        made.update(members)
        if markdown is not False:
            made["markdown"] = markdown or comment()
        done = subprocess.run([TOOL, "post"], input=json.dumps(made), capture_output=True, text=True, timeout=60)
        self.outputs.append(done.stdout + done.stderr)
        answer = json.loads(done.stdout)
        answer["exit"] = done.returncode
        return answer

    def state(self):
        with urllib.request.urlopen(f"{self.url}/lab/forge?forge={self.forge}", timeout=10) as answer:
            return json.load(answer)

    def comments(self, login="hlrec-bot"):
        return [entry for entry in self.state()["comments"] if entry["login"] == login]

    def calls(self):
        return [call for call in self.lab.calls() if call["api"] == "forge" and not call["path"].startswith("/lab/")]


def event(folder, **pull):
    path = os.path.join(folder, "event.json")
    made = {"number": 7, "pull_request": {"number": 7, "title": "fixes #1 $(id)", "head": {"sha": NEW, "ref": "x", "repo": {"full_name": REPOSITORY}},
                                          "base": {"sha": OLD, "ref": "main", "repo": {"full_name": REPOSITORY}}}}
    made["pull_request"].update(pull)
    with open(path, "w") as file:
        json.dump(made, file)
    return path
