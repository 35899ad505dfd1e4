#!/usr/bin/env python3
"""The spec from git, by the program itself: validate, plan, apply and drift; what is recorded, what one more run costs, and that signed commits alone are used where
that is asked for. What can go wrong on the way is in the other git tests."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from git_world import listing, run_scenes, wait_for_client  # noqa: E402
from lib import HLREC, Lab, Result  # noqa: E402

SPEC = """\
hlrec: 1
stack: home
providers: {docker: {host: "${env.HLREC_LAB_DOCKER}"}}
containers:
  web:
    image: nginx:1.27
    files: {/etc/web.conf: {template: web.conf, vars: {NAME: web}}}
"""
OTHER = 'hlrec: 1\nstack: other\nproviders: {docker: {host: "${env.HLREC_LAB_DOCKER}"}}\nnetworks: {aside: {}}\n'
FILES = {"home/hlrec.yaml": SPEC, "home/web.conf": "name = ${NAME}\n", "other.yaml": OTHER}


class Site:
    """Where hlrec runs: an empty folder, a lab's Docker, and what a run needs to read the repository."""

    def __init__(self, world, name):
        self.world, self.folder = world, os.path.join(world.folder, name)
        os.mkdir(self.folder)
        self.lab = Lab(self.folder + "-lab")
        self.repository = world.repository(name + ".git")
        self.url = world.url("https", name + ".git")
        self.environment = dict(world.variables(self.lab.environment), NO_COLOR="1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.stop()

    def push(self, files, *parents):
        return self.repository.set("refs/heads/main", self.repository.commit(files, parents))

    def run(self, command, *more, url=None, ref="main", path="home/hlrec.yaml"):
        words = [command, "--git", url or self.url, "--path", path, *(["--ref", ref] if ref else []), *(["--yes"] if command == "apply" else []), *more]
        return self.plainly(*words)

    def plainly(self, *words):
        done = subprocess.run([HLREC, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return Result(done.returncode, done.stdout, done.stderr)

    def history(self, stack="home"):
        """The runs, newest first."""
        return json.loads(self.plainly("state", "history", "--state", f".hlrec/{stack}.db", "--format", "json").out)["runs"]


def everyday(tap, world):
    tap.section = "every day"
    with Site(world, "site") as site:
        first = site.push(FILES)
        done = site.run("validate")
        tap.equal((done.status, site.lab.calls()), (0, []), "validate reads spec and template from the commit, and asks no system", done.text)
        done = site.run("plan", "--format", "json")
        tap.equal((done.status, json.loads(done.out)["source"]), (0, {"git": site.url + " main", "commit": first}), "a plan's JSON has address, ref and commit", done.text)
        done = site.run("plan")
        tap.point(f"@ {first[:7]}" in done.out and "CREATE   container.web" in done.out and "home/hlrec.yaml:5" in done.out, "the plan shows the commit, and places in its files", done.text)
        done = site.run("plan", "--out", "saved.plan")
        with open(os.path.join(site.folder, "saved.plan")) as file:
            tap.point(first in file.read(), "a saved plan holds the commit")
        done = site.run("apply", "saved.plan")
        tap.equal(done.status, 0, "and is applied", done.text)
        with open(site.lab.log) as file:
            tap.point("nginx" in file.read() and len(site.lab.get("/containers/json?all=1")) == 1, "the container is made")
        os.unlink(os.path.join(site.folder, "saved.plan"))
        run = site.history()[0]
        tap.equal((run.get("source"), run.get("commit")), (site.url + " main", first), "the run's history has address and commit", run)
        tap.equal(sorted(os.listdir(site.folder)), [".hlrec"], "no file of the repository is written anywhere")
        one_more_run(tap, world, site)
        second = site.push(dict(FILES, **{"home/web.conf": "name = ${NAME}\nmore = yes\n"}), first)
        done = site.run("apply", "--format", "json")
        tap.point(done.status == 0 and second in done.out, "a new commit is applied, for its template alone", done.text)
        forced = site.push(FILES, first)
        done = site.run("plan")
        tap.point(done.status == 0 and f"@ {forced[:7]}" in done.out, "a forced push is followed", done.text)
        refused(tap, world, site, forced)
        for transport in ("ssh", "file"):
            done = site.run("plan", "--format", "json", url=world.url(transport, "site.git"))
            tap.equal((done.status, json.loads(done.out or "{}").get("source", {}).get("commit")), (0, forced), f"over {transport} it is the same commit", done.text)


def one_more_run(tap, world, site):
    """As from cron: nothing new, nothing drifted; then something has."""
    world.https.take_log()
    before, calls = listing(os.path.join(site.folder, ".hlrec", "git")), len(site.lab.calls())
    done = site.run("apply", "--quiet")
    log = world.https.take_log()
    tap.equal((done.status, done.text), (0, ""), "one more apply does and says nothing")
    tap.equal([(entry["method"], entry["received"]) for entry in log], [("GET", 0)], "and asks git once")
    tap.point(all(entry["sent"] < 1000 for entry in log), "for less than a kilobyte", log)
    tap.equal({call["method"] for call in site.lab.calls()[calls:]} - {"GET", "HEAD"}, set(), "and only reads from Docker")
    tap.equal({path for path, when in listing(os.path.join(site.folder, ".hlrec", "git")).items() if before.get(path) != when and not path.endswith("known_hosts")}, set(),
              "and leaves the cache as it was")
    done = site.run("drift")
    tap.equal(done.status, 0, "there is no drift", done.text)
    subprocess.run(["curl", "-sf", "-X", "DELETE", "--unix-socket", site.lab.socket, "http://localhost/v1.41/containers/web?force=1"], check=True, capture_output=True)
    done = site.run("drift", "--format", "json")
    tap.point(done.status == 2 and json.loads(done.out)["source"]["git"] == site.url + " main", "what somebody deleted is drift", done.text)
    done = site.run("apply", "--quiet")
    tap.point(done.status == 0 and len(site.lab.get("/containers/json?all=1")) == 1, "and is made again", done.text)


def refused(tap, world, site, parent):
    secret = os.path.join(world.folder, "secret.txt")
    with open(secret, "w") as file:
        file.write("not-for-anybody\n")
    calls = len(site.lab.calls())
    up = "../" * 20 + secret[1:]
    for name, files, words in (
            ("a template outside", {"home/hlrec.yaml": SPEC.replace("web.conf, vars", f'"{up}", vars')}, "outside the repository"),
            ("a template by its absolute path", {"home/hlrec.yaml": SPEC.replace("web.conf, vars", f'"{secret}", vars')}, "outside the repository"),
            ("a template that is a link out", {"home/web.conf": ("120000", secret)}, "symbolic link"), ("a spec that is a link to /etc/shadow", {"home/hlrec.yaml": ("120000", "/etc/shadow")}, "symbolic link"),
            ("a spec that is a submodule", {"home/hlrec.yaml": ("160000", parent)}, "submodule"), ("a spec in LFS", {"home/hlrec.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}, "LFS"),
            ("a spec of 5 MB", {"home/hlrec.yaml": SPEC + "#" * 5000000}, "bytes, and 4194304 are taken"), ("no spec", {"home/hlrec.yaml": "", "home/hlrec.yml": SPEC}, "")):
        site.push(dict(FILES, **files), parent)
        for command in ("validate", "apply"):
            done = site.run(command)
            tap.point(done.status == 3 and words in done.text and "not-for-anybody" not in done.text, f"{name}: {command} refuses it", f"{done.status} {done.text}")
    site.repository.delete("refs/heads/main")
    done = site.run("apply")
    tap.point(done.status == 3 and "has no branch or tag 'main'" in done.err, "a deleted branch: apply refuses it, though its commit is at hand", f"{done.status} {done.text}")
    tap.equal(len(site.lab.calls()), calls, "and none of them asks Docker for anything")
    site.repository.set("refs/heads/main", parent)
    world.https.behave = wait_for_client
    started = time.monotonic()
    done = site.run("plan", "--timeout", "1s")
    world.https.behave = None
    tap.point(done.status not in (0, 2) and time.monotonic() - started < 10, "a server that hangs is waited for as long as --timeout says", f"{done.status} {done.text}")


# ---- signed commits ----


class Signer:
    """A key, and commits that it signs."""

    def __init__(self, world, site, name):
        self.site, self.key = site, world.sshd.keygen(name)
        with open(self.key + ".pub") as file:
            self.public = " ".join(file.read().split()[:2])

    def commit(self, files, *parents):
        words = [word for parent in parents for word in ("-p", parent)]
        return self.site.repository.git("-c", "gpg.format=ssh", "-c", "user.signingkey=" + self.key, "commit-tree", "-S", *words, "-m", "signed", self.site.repository.tree(files))

    def with_signature(self, commit, signature, changed=lambda text: text):
        """The commit as it stands but for its signature."""
        head, _, message = self.site.repository.git("cat-file", "commit", commit, text=False).partition(b"\n\n")
        lines = [line for line in head.split(b"\n") if not line.startswith((b"gpgsig", b" "))]
        return self.site.repository.store("commit", changed(b"\n".join([*lines, b"gpgsig " + signature.strip().replace(b"\n", b"\n ")]) + b"\n\n" + message))

    def sign(self, commit, namespace):
        head, _, message = self.site.repository.git("cat-file", "commit", commit, text=False).partition(b"\n\n")
        return subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-f", self.key, "-n", namespace], input=head + b"\n\n" + message, capture_output=True, check=True).stdout


def signatures(tap, world):
    tap.section = "signed commits"
    with Site(world, "signed") as site:
        alice, mallory = Signer(world, site, "alice"), Signer(world, site, "mallory")
        allowed = os.path.join(world.folder, "signers")

        def allow(line):
            with open(allowed, "w") as file:
                file.write(line + "\n")
            return allowed

        def run(command, commit, *more, **keywords):
            site.repository.set("refs/heads/main", commit)
            return site.run(command, "--verify-signatures", allowed, *more, **keywords)

        allow(f"alice@example.org {alice.public}")
        first = alice.commit(FILES)
        second = alice.commit(dict(FILES, **{"home/web.conf": "second\n"}), first)
        done = run("apply", second, "--format", "json")
        plan = next((json.loads(line)["plan"] for line in done.out.splitlines() if '"plan"' in line), {})
        tap.equal((done.status, plan.get("source", {}).get("signer")), (0, "alice@example.org"), "one of an allowed key is applied, and who signed it is told", done.text)
        done = run("plan", second)
        tap.point(done.status == 0 and f"@ {second[:7]} signed by alice@example.org" in done.out, "the plan shows it", done.text)
        bad_signatures(tap, site, alice, mallory, second, run, allow)
        rewinds(tap, site, alice, first, second, run)


def bad_signatures(tap, site, alice, mallory, parent, run, allow):
    broken = dict(FILES, **{"home/hlrec.yaml": "{nonsense"})
    plain = site.repository.commit(broken, [parent])
    signed = alice.commit(broken, parent)
    pgp = b"-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----"
    calls, runs = len(site.lab.calls()), site.history()
    line = f"alice@example.org {alice.public}"
    for name, commit, list_of, words in (
            ("none", plain, line, "is not signed"), ("of a key that is not allowed", mallory.commit(broken, parent), line, "a key that is not allowed"),
            ("of other content", alice.with_signature(signed, alice.sign(plain, "git"), lambda text: text.replace(b"signed", b"forged")), line, "not good"),
            ("for another purpose", alice.with_signature(plain, alice.sign(plain, "file")), line, "not good"), ("of PGP", alice.with_signature(plain, pgp), line, "not made with an SSH key"),
            ("of rubbish", alice.with_signature(plain, b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"), line, "not allowed"),
            ("of a key that has ended", signed, f'alice@example.org valid-before="20200101" {alice.public}', "not"),
            ("of a key for other things", signed, f'alice@example.org namespaces="file" {alice.public}', "not"), ("by nobody's list", signed, "", "not allowed")):
        allow(list_of)
        for command in ("apply", "plan", "drift", "validate"):
            done = run(command, commit)
            tap.point(done.status == 8 and words in done.err and "hlrec.yaml:" not in done.text, f"{name}: {command} refuses it before the spec is read", f"{done.status} {done.text}")
    os.unlink(allow(line))
    done = run("apply", signed)
    tap.point(done.status not in (0, 2) and "signers" in done.err, "a list that is not there is told", f"{done.status} {done.text}")
    allow(line)
    site.repository.tag("v1", plain)
    done = run("apply", plain, ref="v1")
    tap.equal(done.status, 8, "a tag is not looked at, only its commit", done.text)
    tap.equal((len(site.lab.calls()), site.history()), (calls, runs), "none of them asked Docker, or left a trace in the state")
    done = run("plan", parent, "--preview", "--base", "main", ref=plain)
    tap.point(done.status != 8, "a preview's proposal need not be signed", done.text)
    site.repository.set("refs/heads/unsigned", site.repository.commit(FILES, [parent]))
    done = run("plan", parent, "--preview", "--base", "unsigned")
    tap.equal(done.status, 8, "but its base must be", done.text)


def rewinds(tap, site, alice, first, second, run):
    aside = alice.commit(dict(FILES, **{"home/web.conf": "aside\n"}), first)
    for name, commit in (("an older one", first), ("one beside it", aside)):
        for command in ("apply", "plan"):
            done = run(command, commit)
            tap.point(done.status == 8 and f"does not come after {second[:12]}" in done.err and "--allow-rewind" in done.err, f"{name}, well signed: {command} refuses it", f"{done.status} {done.text}")
    done = run("apply", aside, path="other.yaml")
    tap.equal(done.status, 0, "another stack has a last commit of its own", done.text)
    done = run("apply", first)
    tap.equal(done.status, 8, "and beside it the older one is refused all the same", done.text)
    done = run("apply", first, "--state", ".hlrec/home.db")
    tap.equal(done.status, 8, "also by a state that is named", done.text)
    done = run("apply", aside, "--allow-rewind")
    tap.equal(done.status, 0, "--allow-rewind lets it pass", done.text)
    tap.equal(run("apply", second).status, 8, "and from then on that one is what counts")
    merge = alice.commit(FILES, aside, second)
    done = run("apply", merge)
    tap.equal(done.status, 0, "a merge of both comes after both", done.text)
    tap.equal(site.history()[0].get("commit"), merge, "and is what the history shows")


if __name__ == "__main__":
    run_scenes(everyday, signatures)
