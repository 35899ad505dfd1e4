#!/usr/bin/env python3
"""git over ssh, from a real sshd: the host's key, our keys, agents, silence."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from git_world import noisy, refused, run_scenes, silent  # noqa: E402
from lib import wait_for  # noqa: E402


def make_home(world, name, known=None, key=None):
    home = os.path.join(world.folder, name)
    os.makedirs(home + "/.ssh")
    if known:
        shutil.copy(known, home + "/.ssh/known_hosts")
    if key:
        shutil.copy(key, home + "/.ssh/id_ed25519")
    return home


def hosts(tap, world):
    tap.section = "the host's key"
    sshd, cache, url = world.sshd, world.cache(), world.url("ssh", "plain.git")
    home = make_home(world, "stranger", sshd.known_hosts("other", host="other.example"))
    before = open(home + "/.ssh/known_hosts").read()
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_HOST_KEY": None, "HOME": home})
    refused(tap, done, "auth", "is not known", "unknown: refused")
    tap.point(sshd.fingerprint("ed25519") in done.told()[1] and "HLREC_GIT_HOST_KEY" in done.told()[2], "with its fingerprint, and how to pin it", done.text)
    tap.equal(open(home + "/.ssh/known_hosts").read(), before, "and not remembered")
    for kind in ("ed25519", "ecdsa"):
        done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_HOST_KEY": "SHA256:" + "A" * 43 + " " + sshd.fingerprint(kind)})
        tap.equal(done.status, 0, f"pinned ({kind}), among others: taken", done.text)
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_HOST_KEY": "SHA256:" + "A" * 43})
    refused(tap, done, "auth", "IS NOT THE PINNED ONE", "another one than pinned: refused loudly")
    home = make_home(world, "usual", sshd.known_hosts("known"), world.key)
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_HOST_KEY": None, "HLREC_GIT_SSH_KEY": None, "HOME": home})
    tap.equal(done.status, 0, "in ~/.ssh/known_hosts, with ~/.ssh/id_ed25519: taken", done.text)
    known_hosts(tap, world, url, cache)


def known_hosts(tap, world, url, cache):
    sshd = world.sshd

    def fetch(path):
        return world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_HOST_KEY": None, "HLREC_GIT_KNOWN_HOSTS": path})

    for name, kinds, more in (("plain", ("ed25519",), {}), ("ecdsa alone", ("ecdsa",), {}), ("all kinds", ("rsa", "ecdsa", "ed25519"), {}),
                              ("hashed", ("ed25519",), {"hashed": True}), ("by a wildcard", ("ed25519",), {"host": f"[127.0.*]:{sshd.port}"}),
                              ("without its port", ("ed25519",), {"host": "127.0.0.1"})):
        done = fetch(sshd.known_hosts("known", *kinds, **more))
        tap.equal(done.status, 0, f"known ({name}): taken", done.text)
    path = sshd.known_hosts("known")
    with open(path, "a") as file:
        file.write("\n# words\nthis line is broken\nhost sk-ssh-ed25519@openssh.com AAAA\n@cert-authority * ssh-ed25519 AAAA\n")
    tap.equal(fetch(path).status, 0, "known, among lines that are not understood: taken")
    sshd.keygen("host_wrong", "ed25519")
    for hashed in (False, True):
        done = fetch(sshd.known_hosts("changed", "wrong", hashed=hashed))
        refused(tap, done, "auth", "HAS CHANGED", f"changed ({'hashed' if hashed else 'plain'}): refused loudly")
        tap.point("line 1" in done.told()[2], "and the line is named", done.text)
    path = sshd.known_hosts("revoked")
    with open(path, "a") as file:
        file.write(f"@revoked * {sshd.public('ed25519')}\n")
    refused(tap, fetch(path), "auth", "IS REVOKED", "revoked: refused")
    done = fetch(sshd.known_hosts("rsa", "rsa"))
    refused(tap, done, "auth", "of a kind that is not known", "only its RSA key known: refused")
    tap.point("ssh-rsa" in done.told()[2], "and explained", done.text)
    refused(tap, fetch("/absent"), "not_found", "/absent", "a file of known hosts that is not there: told")


def keys(tap, world):
    tap.section = "our key"
    sshd, cache, url = world.sshd, world.cache(), world.url("ssh", "plain.git")
    stranger, locked = sshd.keygen("stranger"), sshd.keygen("locked", passphrase="sesame-1")
    rsa, ecdsa = sshd.keygen("rsa_user", "rsa"), sshd.keygen("ecdsa_user", "ecdsa")
    for key in (locked, rsa, ecdsa):
        sshd.allow(key)

    def fetch(key, **more):
        return world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_SSH_KEY": key, **more})

    before = open(sshd.log).read().count("Failed publickey")
    refused(tap, fetch(stranger), "auth", f"accepts none of our keys: '{stranger}' was tried", "a stranger's: refused, and named")
    tap.equal(open(sshd.log).read().count("Failed publickey") - before, 1, "after one try")
    tap.equal(fetch(ecdsa).status, 0, "ecdsa: taken")
    done = fetch(rsa)
    tap.point(done.status == 0 or "RSA" in done.told()[2] and "ed25519" in done.told()[2], "RSA: taken, or explained", done.text)
    refused(tap, fetch(locked), "spec", "is encrypted", "encrypted, without a passphrase: told before anything is sent")
    path = os.path.join(world.folder, "passphrase")
    for word, code in (("sesame-1", None), ("wrong-word", "auth")):
        with open(path, "w") as file:
            file.write(word + "\n")
        done = fetch(locked, HLREC_GIT_SSH_PASSPHRASE_FILE=path)
        tap.point(done.told()[0] == code and word not in done.text, f"with {'the right' if code is None else 'a wrong'} one: {code or 'taken'}", done.text)
    for name, key in (("that is absent", "/absent/key"), ("of which it is the public half", world.key + ".pub"), ("that is a folder", world.folder)):
        done = fetch(key)
        tap.point(done.status == 1 and key in done.told()[1], f"{name}: told", done.text)
    refused(tap, fetch(None), "auth", "no ssh key", "none at all: told")


def agents(tap, world):
    tap.section = "an agent"
    path, stranger, cache, url = os.path.join(world.folder, "agent"), world.sshd.keygen("not_allowed"), world.cache(), world.url("ssh", "plain.git")
    home = make_home(world, "with_key", key=world.key)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fetch(**more):
        return world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_SSH_KEY": None, "SSH_AUTH_SOCK": path, **more})

    def add(key):
        subprocess.run(["ssh-add", "-q", key], env=dict(os.environ, SSH_AUTH_SOCK=path), check=True)

    try:
        wait_for(lambda: os.path.exists(path))
        tap.equal(fetch().told()[0], "auth", "without keys: told")
        add(stranger)
        refused(tap, fetch(), "auth", "the agent's keys was tried", "with a stranger's key: refused")
        done = fetch(HOME=home)
        tap.equal(done.status, 0, "but ~/.ssh/id_ed25519 is tried behind it", done.text)
        add(world.key)
        tap.equal(fetch().status, 0, "with ours as well: taken")
    finally:
        agent.terminate()
        agent.wait()
    done = fetch(HOME=home)
    tap.equal(done.status, 0, "that is gone: passed over", done.text)


def repositories(tap, world):
    tap.section = "an ssh repository"
    cache = world.cache()
    for name, path in (("that is absent", "/absent.git"), ("that is none", world.folder)):
        refused(tap, world.run(world.sshd.url(path, world.user), cache, ["fetch", "main"]), "auth", "gives us no repository", f"{name}: told")
    for name, url in (("on a port where nobody listens", "ssh://127.0.0.1:1/x.git"), ("on a host that is not known", "ssh://git@no-such-host.invalid/x.git")):
        tap.equal(world.run(url, cache, ["fetch", "main"]).told()[0], "unreachable", f"{name}: unreachable")


def silence(tap, world):
    noisy(world, "noisy.git")
    mute, banner = gs.Mute(), gs.Mute(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    asleep, half, url = world.sshd.keygen("asleep"), world.sshd.keygen("half"), world.url("ssh", "noisy.git")
    # cat ends with the connection.
    world.sshd.allow(asleep, "cat >/dev/null")
    world.sshd.allow(half, f"git-upload-pack {os.path.join(world.folder, 'noisy.git')} | head -c 500000; cat >/dev/null")
    unconnected = ("unreachable", "timeout")
    silent(tap, world, (
        ("after the connection", f"ssh://git@127.0.0.1:{mute.port}/x.git", None, {}, unconnected, True),
        ("after the banner", f"ssh://git@127.0.0.1:{banner.port}/x.git", None, {}, unconnected, True),
        ("after the login", url, None, {"HLREC_GIT_SSH_KEY": asleep}, ("timeout",), False),
        ("within the pack", url, None, {"HLREC_GIT_SSH_KEY": half}, ("timeout",), False)))
    mute.stop()
    banner.stop()


if __name__ == "__main__":
    run_scenes(hosts, keys, agents, repositories, silence)
