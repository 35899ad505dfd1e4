#!/usr/bin/env python3
"""git over https: answers that are none, redirects, tokens, certificates, the user's configuration, proxies, silence."""
import json
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import git_server as gs  # noqa: E402
from git_world import Run, listing, noisy, plain, refused, run_scenes, session_members, silent, wait_for_client  # noqa: E402
from lib import wait_for  # noqa: E402

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"


def say(status, type="text/plain", body=b"", headers=()):
    def behave(handler, _):
        handler.send(status, [("Content-Type", type), *headers], body)
        return True
    return behave


def answers(tap, world):
    tap.section = "an answer of"
    server, cache, url = world.https, world.cache(), world.url("https", "plain.git")
    cases = (
        ("403", say(403, body=b"no \x1b[31m entry\n"), "auth", "forbids reading it: no \\x1b[31m entry"),
        ("404", say(404), "auth", "does not exist, or is not shown"), ("410", say(410), "auth", "does not exist"), ("418", say(418), "rejected", "status 418"),
        ("500", say(500, "text/html", b"<h1>oops</h1>"), "unreachable", "status 500"),
        ("429 for an hour", say(429, headers=[("Retry-After", "3600")]), "unreachable", "3600 s"),
        ("a web page", say(200, "text/html; charset=utf-8", b"<html>" + b"x" * 100000), "unreachable", "a web page, not with git"),
        ("plain text", say(200, body=b"0123 refs/heads/main\n"), "unreachable", "not with git's smart protocol"),
        ("an odd type", say(200, "\x1b]odd"), "unreachable", "content type \\x1b]odd"),
        ("rubbish of the right type", say(200, ADVERTISEMENT, b"rubbish, and no packets"), "unreachable", "cannot read"),
        ("nothing of the right type", say(200, ADVERTISEMENT), "unreachable", "cannot read"))
    for name, behave, code, words in cases:
        server.behave, server.log = behave, []
        done = world.run(url, cache, ["fetch", "main"])
        refused(tap, done, code, words, f"{name}: {code}")
        tap.point("\x1b" not in done.text and len(server.log) == 1, f"{name}: is asked for once, and shown without escapes", server.log)
    later_answers(tap, world, url)


def later_answers(tap, world, url):
    server, count = world.https, []

    def twice(handler, body):
        count.append(1)
        return len(count) < 3 and say(503)(handler, body)

    server.behave = twice
    tap.equal(world.run(url, world.cache(), ["fetch", "main"]).status, 0, "503, twice: is waited for")
    server.behave = lambda handler, body: handler.command == "POST" and say(500, body=b"late\n")(handler, body)
    done = world.run(url, world.cache(), ["fetch", "main"])
    refused(tap, done, "unreachable", "status 500: late", "500 to the second request")
    tap.point(done.last["http"].startswith("POST "), "which is told", done.text)
    line = b"ERR access denied \x1b[2J or repository not exported\n"
    server.behave = say(200, ADVERTISEMENT, b"001e# service=git-upload-pack\n0000" + b"%04x" % (len(line) + 4) + line)
    done = world.run(url, world.cache(), ["fetch", "main"])
    tap.point("access denied" in done.text and "\x1b" not in done.text, "an error of git's own: its words, without its escapes", done.text)

    def cut(handler, body):
        if handler.command != "POST":
            return False
        out = handler.backend(body)[2]
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-git-upload-pack-result")
        handler.send_header("Content-Length", str(len(out)))
        handler.end_headers()
        handler.wfile.write(out[:len(out) // 2])
        handler.close_connection = True
        return True

    server.behave, cache = cut, world.cache()
    tap.equal(world.run(url, cache, ["fetch", "main"]).told()[0], "unreachable", "half a pack, then the end: unreachable")
    server.behave = None
    tap.equal(world.run(url, cache, ["fetch", "main"]).status, 0, "and the next run works")


def redirects(tap, world):
    tap.section = "a redirect"
    other, server, token = gs.Server(world.folder, world.certificate), world.https, "tok-en-1234567890"
    url = world.url("https", "plain.git")
    away = say(301, headers=[("Location", f"https://bob:sesame@localhost:{other.port}/plain.git/info/refs?service=git-upload-pack&key=hidden-thing")])
    server.behave = away
    done = world.run(url, world.cache(), ["fetch", "main"], env={"HLREC_GIT_TOKEN": token})
    refused(tap, done, "unreachable", f"'https://localhost:{other.port}/plain.git'", "is told, with host and path")
    tap.point("sesame" not in done.text and "hidden-thing" not in done.text and token not in done.text, "without what is secret in it", done.text)
    tap.equal(other.log, [], "and nothing is sent there")
    server.behave = lambda handler, body: handler.command == "POST" and away(handler, body)
    done = world.run(url, world.cache(), ["fetch", "main"], env={"HLREC_GIT_TOKEN": token})
    tap.equal([done.told()[0], other.log], ["unreachable", []], "the same with the second request", done.text)
    server.behave = say(302, headers=[("Location", "/login?return=x")])
    refused(tap, world.run(url, world.cache(), ["fetch", "main"]), "unreachable", "/login'", "on the same host is not followed either")
    server.behave = None
    other.shutdown()


def tokens(tap, world):
    tap.section = "a token"
    server, url, cache, token = world.https, world.url("https", "plain.git"), world.cache(), "tok-en-0987654321"
    path = os.path.join(world.folder, "token")
    with open(path, "w") as file:
        file.write(token + "\r\n")
    server.token = "x-access-token:" + token
    server.take_log()
    refused(tap, world.run(url, cache, ["fetch", "main"]), "auth", "wants credentials", "is asked for")
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_TOKEN": "wrong-" + token})
    refused(tap, done, "auth", "refuses the token: go away", "a wrong one is refused")
    tap.equal(len(server.take_log()), 2, "after one try each")
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_TOKEN_FILE": path})
    log = server.take_log()
    tap.equal(done.status, 0, "the right one is taken, from a file with a line end", done.text)
    tap.point(len(log) == 2 and all(entry["authorization"] for entry in log), "and goes with each request, without being asked for", log)
    server.token = "alice:" + token
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_TOKEN": token, "HLREC_GIT_USER": "alice"})
    tap.equal(done.status, 0, "with another user", done.text)
    server.token = None
    for name, env in (("given twice", {"HLREC_GIT_TOKEN": token, "HLREC_GIT_TOKEN_FILE": path}), ("of two lines", {"HLREC_GIT_TOKEN": "a\nb"}),
                      ("of a user with a colon", {"HLREC_GIT_TOKEN": token, "HLREC_GIT_USER": "a:b"})):
        tap.equal(world.run(url, cache, ["fetch", "main"], env=env).told()[0], "spec", f"{name}: refused")
    done = world.run(url, cache, ["fetch", "main"], env={"HLREC_GIT_TOKEN_FILE": "/absent/token"})
    refused(tap, done, "not_found", "/absent/token", "in a file that is not there: told")
    tap.point(not any(token.encode() in open(os.path.join(cache, name), "rb").read() for name in listing(cache)), "is nowhere in the cache")
    for bad in (f"https://user:{token}@localhost/x.git", f"https://{token}@localhost/x.git", f"ssh://git:{token}@localhost/x.git"):
        done = world.run(bad, cache, ["fetch", "main"])
        tap.point(done.told()[0] == "spec" and token not in done.text, "in a URL it is refused, and not repeated", done.text)


def certificates(tap, world):
    tap.section = "a certificate"
    authority, other, url = world.authority, gs.Authority(world.folder, "other"), world.url("https", "plain.git")
    pairs = (("of another host", authority.certificate("elsewhere", "DNS:elsewhere.example")), ("that expired", authority.certificate("old", expired=True)),
             ("of another authority", other.certificate("foreign")))
    for name, pair in pairs:
        server = gs.Server(world.folder, pair)
        done = world.run(server.url("plain.git"), world.cache(), ["fetch", "main"], env={"HLREC_GIT_TOKEN": "some-token-1"})
        refused(tap, done, "auth", "no TLS connection", f"{name}: refused")
        tap.equal(server.log, [], "before anything is asked")
        server.shutdown()
    for name, file in (("the system's", None), ("those of the file that is named", "/etc/ssl/certs/ca-certificates.crt")):
        done = world.run(url, world.cache(), ["fetch", "main"], env={"HLREC_GIT_CA_FILE": file})
        tap.equal(done.told()[0], "auth", f"of an authority that is none of {name}: refused", done.text)
    done = world.run(url, world.cache(), ["fetch", "main"], env={"HLREC_GIT_CA_FILE": "/absent.pem"})
    tap.point(done.status == 1 and "/absent.pem" in done.told()[2], "a file of authorities that is not there: told", done.text)
    folder = os.path.join(world.folder, "authorities")
    os.mkdir(folder)
    shutil.copy(authority.file, folder)
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
    done = world.run(url, world.cache(), ["fetch", "main"], env={"HLREC_GIT_CA_FILE": folder})
    tap.equal(done.status, 0, "of an authority in the folder that is named: taken", done.text)
    tap.equal(world.run(world.https.url("plain.git", "127.0.0.1"), world.cache(), ["fetch", "main"]).status, 0, "for an IP address: taken")
    modern, bare = gs.Server(world.folder, world.certificate, ssl.TLSVersion.TLSv1_3), gs.Server(world.folder)
    tap.equal(world.run(modern.url("plain.git"), world.cache(), ["fetch", "main"]).status, 0, "with TLS 1.3 alone: taken")
    tap.equal(world.run(bare.url("plain.git"), world.cache(), ["fetch", "main"]).status, 0, "none is needed for http:// on loopback")
    done = world.run(bare.url("plain.git").replace("http", "https"), world.cache(), ["fetch", "main"])
    tap.equal(done.told()[0], "unreachable", "no TLS where TLS is wanted: told", done.text)
    done = world.run(bare.url("plain.git").replace("localhost", "git.example.org"), world.cache(), ["fetch", "main"])
    refused(tap, done, "spec", "unprotected", "http:// to anywhere else: refused")
    modern.shutdown()
    bare.shutdown()


def surroundings(tap, world):
    tap.section = "the user's git configuration"
    plain(world, "trap.git")
    home = os.path.join(world.folder, "hostile")
    os.makedirs(home + "/.config/git")
    text = (f'[url "{world.folder}/trap.git"]\n\tinsteadOf = {world.url("https", "plain.git")}\n\tinsteadOf = {world.folder}/plain.git\n'
            f"[http]\n\tproxy = http://127.0.0.1:1\n\tsslVerify = false\n[credential]\n\thelper = !touch {home}/helped\n[safe]\n\tdirectory = /nowhere\n")
    for path in (home + "/.gitconfig", home + "/.config/git/config"):
        with open(path, "w") as file:
            file.write(text)
    for transport in ("https", "file"):
        done = world.run(world.url(transport, "plain.git"), world.cache(), ["fetch", "main"], env={"HOME": home, "XDG_CONFIG_HOME": home + "/.config"})
        tap.equal(done.ids(), [world.plain], f"changes nothing over {transport}", done.text)
    url = world.url("https", "plain.git")
    done = world.run(url, world.cache(), ["fetch", "main"], env={"HOME": home, "HLREC_GIT_CA_FILE": None, "GIT_SSL_NO_VERIFY": "1"})
    tap.equal(done.told()[0], "auth", "nor whether certificates count", done.text)
    world.https.token = "a:b"
    tap.equal(world.run(url, world.cache(), ["fetch", "main"], env={"HOME": home}).told()[0], "auth", "nor which credentials are used")
    world.https.token = None
    tap.point(not os.path.exists(home + "/helped"), "no helper ran")


class Proxy(socketserver.StreamRequestHandler):
    """Leads every CONNECT to server.target."""

    def handle(self):
        self.server.seen.append(self.rfile.readline().decode().strip())
        while self.rfile.readline().strip():
            pass
        with socket.create_connection(("127.0.0.1", self.server.target)) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=self.pump, args=(far, self.connection), daemon=True).start()
            self.pump(self.connection, far)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass


def proxies(tap, world):
    tap.section = "a proxy"
    named = gs.Server(world.folder, world.authority.certificate("named", "DNS:git.example.test"))
    proxy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads, proxy.seen, proxy.target = True, [], named.port
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    done = world.run(f"https://git.example.test:{named.port}/plain.git", world.cache(), ["fetch", "main"], env={"HTTPS_PROXY": address})
    tap.equal([done.status, proxy.seen], [0, [f"CONNECT git.example.test:{named.port} HTTP/1.1"]], "of HTTPS_PROXY is used, and resolves the name", done.text)
    proxy.seen.clear()
    done = world.run(world.url("https", "plain.git"), world.cache(), ["fetch", "main"], env={"https_proxy": address, "NO_PROXY": "localhost"})
    tap.equal([done.status, proxy.seen], [0, []], "NO_PROXY is heeded", done.text)
    done = world.run(world.url("https", "plain.git"), world.cache(), ["fetch", "main"], env={"HTTPS_PROXY": "http://127.0.0.1:1"})
    tap.equal(done.told()[0], "unreachable", "one that is not there is told", done.text)
    named.shutdown()
    proxy.shutdown()
    proxy.server_close()


def silence(tap, world):
    noisy(world, "noisy.git")
    mute, url = gs.Mute(), world.url("https", "noisy.git")

    def part(command, share):
        def behave(handler, body):
            if handler.command != command:
                return False
            status, headers, out = handler.backend(body)
            return gs.stall(handler, status, headers, out[:int(len(out) * share)], len(out))
        return behave

    silent(tap, world, (
        ("after the connection", f"https://localhost:{mute.port}/noisy.git", None, {}, ("unreachable",), True),
        ("after the request", url, wait_for_client, {}, ("timeout",), False), ("after the headers", url, part("GET", 0), {}, ("timeout",), False),
        ("among the refs", url, part("GET", 0.5), {}, ("timeout",), False), ("before the pack", url, part("POST", 0), {}, ("timeout",), False),
        ("within the pack", url, part("POST", 0.5), {}, ("timeout",), False)))
    mute.stop()
    tap.section = "an interrupt"
    world.https.behave = wait_for_client
    process = world.start(url, world.cache(), ["fetch", "main"])
    wait_for(lambda: len(session_members(process.pid)) == 2)
    time.sleep(0.3)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    world.https.behave = None
    done = Run(process.returncode, out, err, time.monotonic() - started)
    tap.point(done.told()[0] == "interrupted" and done.seconds < 1.5, "ends a fetch at once", json.dumps(done.last))


if __name__ == "__main__":
    run_scenes(answers, redirects, tokens, certificates, surroundings, proxies, silence)
