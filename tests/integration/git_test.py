#!/usr/bin/env python3
"""The spec from git, over https, ssh and from a folder: commits, names, files, merges, signatures."""
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from git_world import SPEC, git_folder, listing, run_scenes  # noqa: E402

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4" * 64 + "\nsize 12345\n"


# ---- what each transport must do ----


def each_transport(tap, world, transport):
    tap.section = transport
    name = transport + ".git"
    repository = world.repository(name)
    first = repository.set("refs/heads/main", repository.commit({"hlrec.yaml": SPEC, "sub/x.conf": "x\n"}))
    url, cache = world.url(transport, name), world.cache()

    done = world.run(url, cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"], ["files", "@", "sub/spec.yaml", "../hlrec.yaml"], ["read", "@", "sub/x.conf"])
    tap.equal([done.status, done.ids()], [0, [first]], "the first fetch gives the commit", done.text)
    tap.equal([line.get("text") for line in done.lines[1:]], [SPEC, SPEC, "x\n"], "and its files")

    world.https.take_log()
    before = listing(cache)
    done = world.run(url, cache, ["fetch", "main"], ["fetch"], ["read", "@", "hlrec.yaml"])
    tap.equal([done.status, done.ids()], [0, [first, first]], "with nothing new it is the same, by name and by HEAD", done.text)
    log = world.https.take_log()
    if transport == "https":
        tap.equal([(entry["method"], entry["received"]) for entry in log], [("GET", 0)] * 2, "that is one small request each")
        tap.point(all(entry["sent"] < 1000 for entry in log), "of less than a kilobyte", log)
    world.run(url, cache, ["fetch", "main"])
    changed = {path for path, when in listing(cache).items() if before.get(path) != when and not path.endswith("known_hosts")}
    tap.point(all("refs/hlrec" in path for path in changed) and len(changed) <= 1, "and nothing is written but the new ref for HEAD", changed)

    second = repository.set("refs/heads/main", repository.commit({"hlrec.yaml": SPEC + "# 2\n"}, [first]))
    done = world.run(url, cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"], ["descends", "@", first], ["descends", first, "@"], ["distance", first, "@"])
    tap.equal([done.ids(), done.lines[1].get("text")], [[second], SPEC + "# 2\n"], "a new commit comes", done.text)
    tap.equal([line.get("descends") for line in done.lines[2:4]], [True, False], "it descends from the first, and not the other way round")
    tap.equal((done.last.get("ahead"), done.last.get("behind")), (1, 0), "one ahead")

    forced = repository.set("refs/heads/main", repository.commit({"hlrec.yaml": SPEC + "# forced\n"}, [first]))
    done = world.run(url, cache, ["fetch", "main"], ["descends", "@", second], ["distance", second, "@"])
    tap.equal([done.ids(), done.lines[1].get("descends")], [[forced], False], "a forced push is followed, and is no descendant", done.text)
    tap.equal((done.last.get("ahead"), done.last.get("behind")), (1, 1), "one ahead and one behind")

    names(tap, world, repository, url, cache, first, second, forced)

    repository.delete("refs/heads/main")
    done = world.run(url, cache, ["fetch", "main"])
    tap.equal(done.told()[0], "not_found", "a deleted branch is not found, though its commit is in the cache", done.text)
    tap.point("has no branch or tag 'main'" in done.told()[1], "and that is said", done.text)


def names(tap, world, repository, url, cache, first, second, forced):
    pull = repository.set("refs/pull/7/head", repository.commit({"hlrec.yaml": "hlrec: 7\n"}, [first]))
    merge = repository.set("refs/merge-requests/8/head", repository.commit({"hlrec.yaml": "hlrec: 8\n"}, [first]))
    tag = repository.tag("v1", first)
    done = world.run(url, cache, *(["fetch", name] for name in ("pull/7", "refs/pull/7/head", "merge-requests/8", "v1", "refs/tags/v1", tag)))
    tap.equal(done.ids(), [pull, pull, merge, first, first, first], "pull/7, merge-requests/8, an annotated tag (peeled) by name and by its own id", done.text)
    repository.tag("v1", second)
    done = world.run(url, cache, ["fetch", "v1"])
    tap.equal(done.ids(), [second], "a tag that moved is followed", done.text)
    done = world.run(url, cache, ["fetch", "pull/9"])
    tap.equal(done.told()[0], "not_found", "a pull request that is not there is not found", done.text)
    tap.point("refs/pull/9/head" in done.told()[1] and "pull request" in done.told()[2], "and that is said", done.text)
    done = world.run(url, cache, ["fetch", "mian"])
    tap.point("did you mean 'main'?" in done.told()[2], "a mistyped branch is suggested", done.text)
    repository.set("refs/heads/v1", first)
    done = world.run(url, cache, ["fetch", "v1"], ["fetch", "refs/heads/v1"])
    tap.equal([done.lines[0].get("code"), done.ids()[1]], ["spec", first], "a name of both a branch and a tag is refused until it is said which", done.text)
    done = world.run(url, cache, ["fetch", "a..b"])
    tap.equal(done.told()[0], "spec", "what cannot be a name is refused", done.text)
    blob = repository.blob("just text")
    repository.set("refs/tags/blob", blob)
    done = world.run(url, cache, ["fetch", "blob"])
    tap.equal(done.told()[0], "spec", "a tag of a file is refused", done.text)
    ids(tap, world, repository, url, first, forced)


def ids(tap, world, repository, url, first, forced):
    done = world.run(url, world.cache(), ["fetch", forced], ["fetch", first.upper()])
    tap.equal(done.ids(), [forced, first], "a full id: of a branch's tip, and of a commit below it", done.text)
    cache = world.cache()
    done = world.run(url, cache, ["fetch", first])
    tap.equal(done.ids(), [first], "a commit below the tips into an empty cache", done.text)
    world.https.take_log()
    done = world.run(url, cache, ["fetch", first])
    tap.equal([done.ids(), world.https.take_log()], [[first], []], "once it is there, nobody is asked", done.text)
    lost = repository.commit({"hlrec.yaml": "lost\n"})
    done = world.run(url, cache, ["fetch", lost])
    tap.equal(done.told()[0], "not_found", "a commit that no branch leads to is not found", done.text)
    if not url.startswith("file"):
        repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
        done = world.run(url, cache, ["fetch", lost])
        tap.equal(done.ids(), [lost], "but where the server gives any commit, by its id", done.text)
        repository.git("config", "--unset", "uploadpack.allowAnySHA1InWant")
    done = world.run(url, cache, ["fetch", first[:12]])
    tap.point(done.told()[0] == "not_found" and "40 digits" in done.told()[2], "an abbreviated id is not guessed at", done.text)


# ---- trees ----


def trees(tap, world):
    tap.section = "a tree"
    repository = world.repository("trees.git")
    other = repository.commit({"a": "a\n"})
    repository.raw = repository.raw_tree([("100644", "..", repository.blob("up\n")), ("100644", ".git", repository.blob("git\n"))])
    tree = repository.tree({
        "hlrec.yaml": SPEC, "link": ("120000", "/etc/shadow"), "up": ("120000", "../../../../etc/shadow"), "dirlink": ("120000", "sub"), "sub/file": "in sub\n",
        "module": ("160000", other), "large.bin": LFS, "script": ("100755", "#!/bin/sh\n"), "odd": ("40000", repository.raw), "empty": "", "fünf": "5\n",
        "nul": b"a\0b", "much": b"x" * (4 * 1024 * 1024 + 1)})
    repository.set("refs/heads/main", repository.commit(tree))
    url, cache = world.url("file", "trees.git"), world.cache()
    world.run(url, cache, ["fetch"])
    refused = (("link", "symbolic link"), ("up", "symbolic link"), ("dirlink/file", "symbolic link"), ("module", "submodule"), ("module/a", "submodule"),
               ("large.bin", "git LFS"), ("sub", "a folder"), ("odd/..", "'..'"), ("../x", "'..'"), ("sub/../hlrec.yaml", "'..'"), ("/etc/shadow", "absolute"),
               ("sub//file", "empty part"), ("sub/", "empty part"), ("./sub", "'.'"), ("a\\b", "backslash"), ("a\nb", "control"), ("", "empty"),
               ("hlrec.yaml/x", "leads through a file"), ("much", "4194305 bytes"))
    for path, words in refused:
        done = world.run(url, cache, ["fetch"], ["read", "@", path])
        tap.point(done.told()[0] == "spec" and words in done.told()[1], f"{path!r} is refused: {words}", done.text)
    for path, content in (("script", "#!/bin/sh\n"), ("empty", ""), ("fünf", "5\n"), ("nul", "a\0b"), ("sub/file", "in sub\n")):
        done = world.run(url, cache, ["fetch"], ["read", "@", path])
        tap.equal(done.last.get("text"), content, f"{path!r} is read", done.text)
    done = world.run(url, cache, ["fetch"], ["read", "@", "hlrec.yml"])
    tap.point(done.told()[0] == "not_found" and "'hlrec.yaml'" in done.told()[2], "a file that is not there: close names are told", done.text)
    for path, code in (("/etc/shadow", "spec"), ("../../etc/shadow", "spec"), ("../link", "spec"), ("..", "spec"), ("../absent", "not_found")):
        done = world.run(url, cache, ["fetch"], ["files", "@", "sub/hlrec.yaml", path])
        tap.equal(done.told()[0], code, f"a spec in sub/ that names {path!r}", done.text)
    with open("/etc/passwd") as file:
        tap.point(file.readline().strip() not in done.text, "nothing of this host is shown")


# ---- merges ----


def merges(tap, world):
    tap.section = "a merge"
    repository = world.repository("merges.git")
    lines = [f"line {i}\n" for i in range(30)]
    base = repository.commit({"hlrec.yaml": "".join(lines), "kept": "k\n", "gone": "g\n"})
    ours = repository.commit({"hlrec.yaml": "ours\n" + "".join(lines), "kept": "k\n", "gone": "g\n", "ours": "o\n"}, [base])
    theirs = repository.commit({"hlrec.yaml": "".join(lines) + "theirs\n", "kept": "k\n", "theirs": "t\n"}, [base])
    clash = repository.commit({"hlrec.yaml": "clash\n" + "".join(lines), "kept": "k\n"}, [base])
    alone = repository.commit({"hlrec.yaml": "alone\n"})
    for name, oid in (("main", ours), ("theirs", theirs), ("clash", clash), ("base", base), ("alone", alone)):
        repository.set("refs/heads/" + name, oid)
    url, cache = world.url("file", "merges.git"), world.cache()
    paths = ("hlrec.yaml", "kept", "gone", "ours", "theirs")
    done = world.run(url, cache, ["fetch", "main"], ["fetch", "theirs"], *(["merge", "@1", "@2", path] for path in paths))
    texts = [line.get("text") for line in done.lines[2:]]
    tap.equal(texts, ["ours\n" + "".join(lines) + "theirs\n", "k\n", None, "o\n", "t\n"], "of both sides", done.text)
    tap.equal([line.get("conflicts") for line in done.lines[2:]], [False] * 5, "without conflicts")
    done = world.run(url, cache, ["fetch", "main"], ["fetch", "clash"], ["merge", "@1", "@2", "hlrec.yaml"], ["merge", "@1", "@2", "ours"])
    tap.equal([done.lines[2].get("conflicts"), done.lines[2].get("text")], [True, "clash\n" + "".join(lines)], "that conflicts gives the head alone", done.text)
    tap.equal(done.last.get("code"), "not_found", "and nothing of the base")
    done = world.run(url, cache, ["fetch", "main"], ["fetch", "base"], ["merge", "@1", "@2", "ours"], ["merge", "@2", "@1", "ours"])
    tap.equal([line.get("text") for line in done.lines[2:]], ["o\n"] * 2, "with one side that is an ancestor is the other one", done.text)
    done = world.run(url, cache, ["fetch", "main"], ["fetch", "alone"], ["merge", "@1", "@2", "hlrec.yaml"])
    tap.equal([done.last.get("conflicts"), done.last.get("text")], [True, "alone\n"], "of unrelated histories is a conflict", done.text)
    tap.equal([path for path in listing(git_folder(cache)) if path.startswith("objects/") and "/pack/" not in path], [], "nothing of it is written")
    random_merges(tap, world)


def random_files(rng, files):
    files = dict(files)
    for _ in range(rng.randint(2, 7)):
        name = rng.choice([*files, "a/new" + str(rng.randint(0, 5)), "b/c/new" + str(rng.randint(0, 5)), "top" + str(rng.randint(0, 5))])
        choice = rng.random()
        if choice < 0.3:
            files.pop(name, None)
        elif choice < 0.3 or name not in files:
            files[name] = "".join(f"{rng.randint(0, 9)}\n" for _ in range(rng.randint(1, 4)))
        else:
            lines = files[name].splitlines(True)
            at = rng.randrange(len(lines) + 1)
            lines[at:at + rng.randint(0, 1)] = [f"changed {rng.randint(0, 99)}\n"]
            files[name] = "".join(lines)
    taken = {path.rpartition("/")[0] for path in files}
    return {path: text for path, text in files.items() if path not in taken} or {"top": "t\n"}


def git(repository, *words):
    return subprocess.run(["git", "-C", repository.path, *words], capture_output=True, text=True, env=gs.GIT_ENVIRONMENT)


def random_merges(tap, world):
    """Where git merges cleanly without renames and we do, each file is the same; where git finds a conflict, so do we."""
    rng = random.Random(20260101)
    repository = world.repository("random.git")
    pairs = []
    for number in range(16):
        start = {f"{folder}f{i}": "".join(f"{folder}{i} {line}\n" for line in range(rng.randint(3, 30))) for folder in ("", "a/", "b/c/") for i in range(3)}
        base = repository.commit(start)
        sides = [random_files(rng, start) for _ in range(2)]
        commits = [repository.commit(side, [base]) for side in sides]
        repository.set(f"refs/heads/o{number}", commits[0])
        repository.set(f"refs/heads/t{number}", commits[1])
        pairs.append((commits, sorted({*sides[0], *sides[1]})))
    url, cache, wrong, clean = world.url("file", "random.git"), world.cache(), [], 0
    world.run(url, cache, ["fetch", "o0"])
    for (ours, theirs), paths in pairs:
        merged = git(repository, "-c", "merge.renames=false", "merge-tree", "--write-tree", ours, theirs)
        done = world.run(url, cache, ["fetch", ours], ["fetch", theirs], *(["merge", ours, theirs, path] for path in paths))
        conflicts = done.lines[2].get("conflicts", done.lines[3].get("conflicts"))
        if conflicts != (merged.returncode == 1):
            wrong.append(f"{ours} {theirs}: git {merged.stdout} and we {conflicts}")
        if merged.returncode != 0:
            continue
        clean += 1
        for path, line in zip(paths, done.lines[2:]):
            shown = git(repository, "cat-file", "blob", merged.stdout.strip() + ":" + path)
            if (shown.stdout if shown.returncode == 0 else None) != line.get("text"):
                wrong.append(f"{path} of {ours} {theirs}: {line}")
    tap.point(not wrong, "of 16 random pairs is what git makes of them", "\n".join(wrong))
    tap.point(3 <= clean <= 13, "some of them clean, some not", clean)


# ---- signatures ----


def signatures(tap, world):
    tap.section = "a signature"
    repository = world.repository("signed.git")
    key = world.sshd.keygen("signer")
    plain = repository.commit({"hlrec.yaml": SPEC})
    tree = repository.tree({"hlrec.yaml": SPEC})
    signed = repository.git("-c", "gpg.format=ssh", "-c", "user.signingkey=" + key, "commit-tree", "-S", "-p", plain, "-m", "signed", tree)
    repository.set("refs/heads/main", signed)
    done = world.run(world.url("https", "signed.git"), world.cache(), ["fetch"], ["signature", "@"], ["signature", plain])
    tap.point(done.lines[1].get("signature", "").startswith("-----BEGIN SSH SIGNATURE-----"), "of ssh is read", done.text)
    tap.equal([done.last["ok"], done.last.get("signature")], [True, None], "none is none")
    allowed = os.path.join(world.folder, "allowed")
    with open(key + ".pub") as file, open(allowed, "w") as out:
        out.write("me@example.org " + file.read())
    with open(os.path.join(world.folder, "sig"), "w") as file:
        file.write(done.lines[1]["signature"])
    check = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "me@example.org", "-n", "git", "-s", os.path.join(world.folder, "sig")],
                           input=done.lines[1]["data"], capture_output=True, text=True)
    tap.equal(check.returncode, 0, "and the bytes that it signs are exactly those", check.stdout + check.stderr)


def https(tap, world):
    each_transport(tap, world, "https")


def ssh(tap, world):
    each_transport(tap, world, "ssh")


def file(tap, world):
    each_transport(tap, world, "file")


if __name__ == "__main__":
    run_scenes(https, ssh, file, trees, merges, signatures)
