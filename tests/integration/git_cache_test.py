#!/usr/bin/env python3
"""The cache of the git source: killed, damaged, shared, of somebody else; and what is too large for it."""
import json
import os
import resource
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from git_world import SPEC, Run, git_folder, listing, noisy, plain, run_scenes, session_members  # noqa: E402
from lib import wait_for  # noqa: E402


def killed(tap, world):
    tap.section = "killed in the middle of a pack"
    commit = noisy(world, "killed.git")
    url, cache = world.url("https", "killed.git"), world.cache()
    # The first run makes the cache, so that one can look into it.
    world.run(url, cache, ["fetch", "absent"])
    half_pack(world)
    process = world.start(url, cache, ["fetch", "main"], timeout=60000)
    packs = os.path.join(git_folder(cache), "objects", "pack")
    arrived = wait_for(lambda: any(name.startswith("pack_git2_") and os.path.getsize(os.path.join(packs, name)) > 100000 for name in os.listdir(packs)))
    tap.point(arrived and len(session_members(process.pid)) == 2, "half of it is there, and a child at work", os.listdir(packs))
    process.kill()
    process.communicate()
    tap.point(wait_for(lambda: not session_members(process.pid), 3), "the child dies with its parent")
    tap.point(any(name.startswith("pack_git2_") for name in os.listdir(packs)), "half a pack is left behind")
    world.https.behave = None
    done = world.run(url, cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"])
    tap.equal([done.ids(), done.last.get("text")], [[commit], SPEC], "the next run just works", done.text)
    tap.point(not any(name.startswith("pack_git2_") for name in os.listdir(packs)), "and has cleaned up", os.listdir(packs))


def half_pack(world):
    """The server now stops after half of each pack."""
    def behave(handler, body):
        if handler.command != "POST":
            return False
        status, headers, out = handler.backend(body)
        return gs.stall(handler, status, headers, out[:len(out) // 2], len(out))

    world.https.behave = behave


class Hurt:
    """Ways to damage a cache."""

    def __init__(self, cache):
        self.folder = git_folder(cache)
        refs = os.path.join(self.folder, "refs", "hlrec")
        self.ref = os.path.join(refs, os.listdir(refs)[0])

    def pack(self, suffix):
        packs = os.path.join(self.folder, "objects", "pack")
        return os.path.join(packs, next(name for name in os.listdir(packs) if name.endswith(suffix)))

    def write(self, path, data=b"", at=0):
        if os.path.exists(path):
            os.chmod(path, 0o600)
        with open(path, "r+b" if at else "wb") as file:
            file.seek(at)
            file.write(data)

    def cut(self, path, length):
        os.chmod(path, 0o600)
        os.truncate(path, length)

    def locks(self):
        for name in (self.ref, self.folder + "/HEAD", self.folder + "/packed-refs", self.folder + "/config"):
            self.write(name + ".lock")

    def replace(self, then):
        shutil.rmtree(self.folder)
        then(self.folder)


def damage(tap, world):
    tap.section = "a damaged cache"
    commit = noisy(world, "damage.git", 50000)
    url, cache = world.url("https", "damage.git"), world.cache()
    world.run(url, cache, ["fetch", "main"])
    hurt = Hurt(cache)
    ways = (
        ("stale locks", hurt.locks), ("an empty ref", lambda: hurt.write(hurt.ref)), ("a ref of rubbish", lambda: hurt.write(hurt.ref, b"rubbish\n")),
        ("a ref to nowhere", lambda: hurt.write(hurt.ref, b"1" * 40 + b"\n")), ("an empty index of a pack", lambda: hurt.write(hurt.pack(".idx"))),
        ("no index", lambda: os.unlink(hurt.pack(".idx"))), ("an empty pack", lambda: hurt.write(hurt.pack(".pack"))),
        ("a pack cut short", lambda: hurt.cut(hurt.pack(".pack"), 200)), ("no HEAD", lambda: os.unlink(hurt.folder + "/HEAD")),
        ("an empty configuration", lambda: hurt.write(hurt.folder + "/config")),
        ("a broken configuration", lambda: hurt.write(hurt.folder + "/config", b"[core\n\0")),
        ("a shallow file", lambda: hurt.write(hurt.folder + "/shallow", commit.encode() + b"\n")), ("an empty folder", lambda: hurt.replace(os.mkdir)),
        ("no folder", lambda: hurt.replace(lambda folder: None)), ("a file in its place", lambda: hurt.replace(hurt.write)))
    for name, way in ways:
        way()
        done = world.run(url, cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"])
        tap.equal([done.ids(), done.last.get("text")], [[commit], SPEC], f"{name}: heals", done.text)
    hurt.cut(hurt.pack(".pack"), 300)
    done = world.run(url, cache, ["fetch", commit], ["read", "@", "hlrec.yaml"])
    tap.equal([done.ids(), done.last.get("text")], [[commit], SPEC], "a pack cut short, and a commit by its id: heals", done.text)
    tap.point(not [path for path in listing(hurt.folder) if path.endswith(".lock")], "no lock is left", listing(hurt.folder))
    within_a_pack(tap, world, url, cache, hurt)
    many_packs(tap, world)


def within_a_pack(tap, world, url, cache, hurt):
    commands = (["fetch", "main"], ["read", "@", "hlrec.yaml"], ["read", "@", "noise"])
    size = os.path.getsize(hurt.pack(".pack"))
    for name, at, length in (("near the beginning", 60, 3000), ("in the middle", size // 2, 10), ("at the end", size - 400, 300)):
        hurt.write(hurt.pack(".pack"), bytes(length), at)
        first, second = world.run(url, cache, *commands), world.run(url, cache, *commands)
        tap.point(first.status == 0 or "anew" in first.text, f"bytes changed {name} of a pack: heals, or says that the next run will", first.text)
        tap.equal([line["ok"] for line in second.lines], [True] * 3, "and the run after that is whole again", first.text + second.text)


def many_packs(tap, world):
    repository, commit, cache = world.repository("many.git"), None, world.cache()
    for number in range(55):
        commit = repository.set("refs/heads/main", repository.commit({"hlrec.yaml": f"{number}\n"}, [commit] if commit else []))
        done = world.run(world.url("file", "many.git"), cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"])
    packs = os.listdir(os.path.join(git_folder(cache), "objects", "pack"))
    tap.equal([done.ids(), done.last.get("text")], [[commit], "54\n"], "after 55 fetches it is still right", done.text)
    tap.point(sum(name.endswith(".pack") for name in packs) < 50, "and has fewer than 50 packs", packs)


def owners(tap, world):
    tap.section = "whose cache"
    plain(world, "mine.git")
    url, cache = world.url("file", "mine.git"), world.cache()
    done = world.run(url, cache, ["fetch"])
    modes = [oct(os.stat(path).st_mode & 0o7777) for path in (cache, os.path.join(cache, os.listdir(cache)[0]))]
    tap.equal(modes, ["0o700"] * 2, "it is made for its owner alone", done.text)
    for mode in (0o770, 0o702):
        os.chmod(cache, mode)
        done = world.run(url, cache, ["fetch"])
        tap.point(done.told()[0] == "refused" and "written by others" in done.told()[1], f"mode {mode:o} is refused", done.text)
    os.chmod(cache, 0o755)
    tap.equal(world.run(url, cache, ["fetch"]).status, 0, "that others may look is fine")
    inner = os.path.join(cache, os.listdir(cache)[0])
    os.chmod(inner, 0o777)
    tap.equal(world.run(url, cache, ["fetch"]).told()[0], "refused", "the same of the folder within")
    os.chmod(inner, 0o700)
    if os.geteuid() == 0:
        os.chown(cache, 54321, 54321)
        done = world.run(url, cache, ["fetch"])
        tap.point(done.told()[0] == "refused" and "user 54321" in done.told()[1], "somebody else's is refused", done.text)
        foreign = world.repository("foreign.git")
        foreign.set("refs/heads/main", foreign.commit({"hlrec.yaml": SPEC}))
        os.chown(foreign.path, 54321, 54321)
        done = world.run(world.url("file", "foreign.git"), world.cache(), ["fetch"])
        tap.point(done.told()[0] == "refused" and "belongs to user 54321" in done.told()[1], "and so is somebody else's repository on this host", done.text)
    for path, code in (("absent.git", "not_found"), ("ca.pem", "spec"), ("home", "not_found")):
        done = world.run(world.url("file", path), world.cache(), ["fetch"])
        tap.equal(done.told()[0], code, f"no repository at {path}", done.text)
    done = world.run(os.path.join(world.folder, "mine.git"), world.cache(), ["fetch"])
    tap.equal(done.status, 0, "a plain path will do", done.text)


def together(tap, world):
    tap.section = "100 runs at once"
    plain(world, "shared.git")
    url, cache = world.url("https", "shared.git"), world.cache()
    processes = [world.start(url, cache, ["fetch", "main"], ["read", "@", "hlrec.yaml"], timeout=90000) for _ in range(100)]
    outputs = [process.communicate(timeout=150) for process in processes]
    runs = [Run(process.returncode, out, err, 0) for process, (out, err) in zip(processes, outputs)]
    failed = [run.text for run in runs if run.status != 0 or run.last.get("text") != SPEC]
    tap.point(not failed, "on one fresh cache all succeed", "\n".join(failed[:3]))
    packs = os.listdir(os.path.join(git_folder(cache), "objects", "pack"))
    tap.equal(sum(name.endswith(".pack") for name in packs), 1, "and fetch it once", packs)

    tap.section = "a reader"
    holder = world.start(url, cache, ["fetch", "main"], ["hold", "2500"], ["read", "@", "hlrec.yaml"])
    holder.stdout.readline()
    with open(os.path.join(git_folder(cache), "damaged"), "w"):
        pass
    done = world.run(url, cache, ["fetch", "main"], timeout=700)
    tap.equal(done.told()[0], "locked", "keeps others from making the cache anew", done.text)
    out, err = holder.communicate(timeout=60)
    tap.equal(json.loads(out.splitlines()[-1]).get("text"), SPEC, "and reads on", out + err)
    tap.equal(world.run(url, cache, ["fetch", "main"]).status, 0, "after it the cache is made anew")


def large(tap, world):
    tap.section = "a file of 300 MB"
    repository = world.repository("large.git")
    size = 300 * 1024 * 1024
    path = os.path.join(world.folder, "zeros")
    with open(path, "wb") as file:
        file.truncate(size)
    repository.git("config", "core.compression", "1")
    oid = repository.git("hash-object", "-w", path)
    os.unlink(path)
    tree = repository.raw_tree([("100644", "hlrec.yaml", repository.blob(SPEC)), ("100644", "zeros", oid)])
    repository.set("refs/heads/main", repository.commit(tree))
    done = world.run(world.url("https", "large.git"), world.cache(), ["fetch"], ["read", "@", "hlrec.yaml"], ["read", "@", "zeros"])
    tap.equal([line["ok"] for line in done.lines], [True, True, False], "is fetched, the spec beside it is read, it is not", done.text)
    tap.point(f"{size} bytes" in done.told()[1], "its size is told from the header", done.text)
    tap.point(done.last["child_rss_kb"] < 100000 and done.last["rss_kb"] < 100000, "and never in memory", done.text)


def bombs(tap, world):
    tap.section = "bombs"
    repository = world.repository("bomb.git")
    zeros = bytes(160 * 1024 * 1024)
    delta = gs.copy_delta(len(zeros), b"hlrec: 1\n")
    blob = repository.blob(SPEC)
    tree = b"100644 hlrec.yaml\0" + bytes.fromhex(blob) + b"100644 zeros\0" + bytes.fromhex(gs.object_id("blob", zeros))
    repository.pack([("blob", zeros), ("delta", 0, delta), ("tree", tree)])
    repository.set("refs/heads/main", repository.commit(gs.object_id("tree", tree)))
    zeros = None

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (300 * 1024 * 1024, resource.RLIM_INFINITY))

    packs = [name for name in os.listdir(os.path.join(repository.path, "objects/pack")) if name.endswith(".pack")]
    shutil.copy(os.path.join(repository.path, "objects/pack", packs[0]), os.path.join(world.folder, "bomb.pack"))

    def send_pack(handler, body):
        # The whole pack as it is: git itself would leave out what no tree names.
        if handler.command != "POST":
            return False
        with open(os.path.join(world.folder, "bomb.pack"), "rb") as file:
            data = file.read()
        out = b"0008NAK\n"
        for at in range(0, len(data), 65515):
            part = data[at:at + 65515]
            out += b"%04x\x01" % (len(part) + 5) + part
        handler.send(200, [("Content-Type", "application/x-git-upload-pack-result")], out + b"0000")
        return True

    if not os.environ.get("ASAN_OPTIONS"):
        world.https.behave = send_pack
        done = world.run(world.url("https", "bomb.git"), world.cache(), ["fetch"], preexec_fn=limited)
        world.https.behave = None
        tap.point(done.told()[0] in ("failed", "unreachable"), "a delta that unfolds to more than the child may have: fails, and is told", done.text)
        tap.point(done.last.get("rss_kb", 1 << 30) < 100000, "in the child", done.text)

    repository = world.repository("nested.git")
    inner = repository.tree({f"f{i}": "boom\n" for i in range(10)})
    for _ in range(10):
        inner = repository.raw_tree([("40000", f"d{i}", inner) for i in range(10)])
    base = repository.commit({"hlrec.yaml": SPEC, "dir/a": "a\n"})
    theirs = repository.commit({"hlrec.yaml": SPEC + "# head\n", "bomb": ("40000", inner), "dir/a": "a\n", "dir/bomb": ("40000", inner)}, [base])
    ours = repository.commit({"hlrec.yaml": SPEC, "dir/a": "a\n", "dir/b": "b\n", "new": "n\n"}, [base])
    repository.set("refs/heads/main", ours)
    repository.set("refs/pull/1/head", theirs)
    paths = ("hlrec.yaml", "dir/b", "bomb/d1/d2/d3/d4/d5/d6/d7/d8/d9/d0/f1")
    done = world.run(world.url("https", "nested.git"), world.cache(), ["fetch", "main"], ["fetch", "pull/1"], *(["merge", "@1", "@2", path] for path in paths))
    texts = [line.get("text") for line in done.lines[2:]]
    tap.equal(texts, [SPEC + "# head\n", "b\n", "boom\n"], "a folder of 10^11 files is merged without being unfolded", done.text)
    tap.point(done.seconds < 5, "in no time", done.seconds)


if __name__ == "__main__":
    run_scenes(killed, damage, owners, together, large, bombs)
