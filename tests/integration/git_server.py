"""What the git tests talk to: repositories with anything in them, `git http-backend` behind HTTPS with a CA of its own, a real sshd, servers that fall silent."""
import base64
import hashlib
import http.server
import os
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import zlib

from lib import free_port

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.org", "GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.org",
}


def missing():
    for tool in ("git", "openssl", "ssh-keygen", "ssh-agent", "sshd"):
        if find(tool) is None:
            return f"{tool} is not installed"
    return None if os.path.exists(backend()) else "git http-backend is not installed"


def find(tool):
    return shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def backend():
    folder = subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip()
    return os.path.join(folder, "git-http-backend")


# ---- repositories ----


class Repository:
    """A bare repository, written to with plumbing: no work tree, so that any name, mode and content can be made."""

    def __init__(self, path):
        self.path = path
        self.git("init", "-q", "--bare", "-b", "main", path, cwd="/")
        self.time = 1700000000

    def git(self, *arguments, input=None, cwd=None, text=True):
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, input=input, capture_output=True, text=text, env=GIT_ENVIRONMENT)
        if done.returncode != 0:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip() if text else done.stdout

    def place(self, path, content):
        """As a whole: others may be reading there."""
        with tempfile.NamedTemporaryFile(dir=self.path, delete=False) as file:
            file.write(content)
        os.rename(file.name, path)

    def store(self, kind, content):
        """A loose object, written as git does it: a process for each would take most of a test's time."""
        oid = object_id(kind, content)
        path = os.path.join(self.path, "objects", oid[:2], oid[2:])
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.place(path, zlib.compress(f"{kind} {len(content)}".encode() + b"\0" + content, 1))
        return oid

    def blob(self, content):
        return self.store("blob", content.encode() if isinstance(content, str) else content)

    def raw_tree(self, entries):
        """Of (mode, name, id), in the order that is given and with any name."""
        data = b"".join(mode.encode() + b" " + (name.encode() if isinstance(name, str) else name) + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return self.store("tree", data)

    def tree(self, files):
        """Of path -> content, or path -> (mode, content or id); a dict is a folder."""
        entries = []
        folders = {}
        for path, value in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = value
            elif isinstance(value, tuple):
                entries.append((value[0], first, value[1] if value[0] in ("160000", "40000") else self.blob(value[1])))
            else:
                entries.append(("100644", first, self.blob(value)))
        for name, inner in folders.items():
            entries.append(("40000", name, self.tree(inner)))
        entries.sort(key=lambda entry: entry[1].encode() + (b"/" if entry[0] == "40000" else b""))
        return self.raw_tree(entries)

    def commit(self, tree, parents=(), message="a commit"):
        tree = tree if isinstance(tree, str) else self.tree(tree)
        self.time += 60
        by = f"Test <test@example.org> {self.time} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {by}", f"committer {by}", "", message, ""]
        return self.store("commit", "\n".join(lines).encode())

    def set(self, ref, oid):
        path = os.path.join(self.path, ref)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.place(path, oid.encode() + b"\n")
        return oid

    def delete(self, ref):
        os.unlink(os.path.join(self.path, ref))

    def tag(self, name, oid, message="a tag"):
        self.git("tag", "-f", "-a", "-m", message, name, oid)
        return self.git("rev-parse", f"refs/tags/{name}")

    def pack(self, objects):
        """Objects as a pack: of (type, content) or ("delta", base index, result size, instructions). Gives their ids but for deltas, which git tells."""
        kinds = {"commit": 1, "tree": 2, "blob": 3}
        out = bytearray(b"PACK" + struct.pack(">II", 2, len(objects)))
        places = []
        for each in objects:
            places.append(len(out))
            if each[0] == "delta":
                _, base, content = each
                out += head(6, len(content)) + offset(len(out) - places[base]) + zlib.compress(content, 1)
            else:
                out += head(kinds[each[0]], len(each[1])) + zlib.compress(each[1], 1)
        out += hashlib.sha1(out).digest()
        path = os.path.join(self.path, "objects/pack", "pack-" + hashlib.sha1(out).hexdigest() + ".pack")
        with open(path, "wb") as file:
            file.write(out)
        self.git("index-pack", path)


def head(kind, size):
    first = kind << 4 | size & 15
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 128)
        first, size = size & 127, size >> 7
    return bytes(out + bytes([first]))


def offset(distance):
    out = [distance & 127]
    while distance := distance >> 7:
        distance -= 1
        out.insert(0, distance & 127 | 128)
    return bytes(out)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def copy_delta(size, tail):
    """A delta that copies a base of `size` bytes and appends `tail`."""
    out = bytearray(varint(size) + varint(size + len(tail)))
    at = 0
    while at < size:
        part = min(0xffffff, size - at)
        out += bytes([0xff]) + struct.pack("<I", at) + struct.pack("<I", part)[:3]
        at += part
    return bytes(out + bytes([len(tail)]) + tail)


def object_id(kind, content):
    return hashlib.sha1(f"{kind} {len(content)}".encode() + b"\0" + content).hexdigest()


# ---- https ----


class Authority:
    """A CA, and certificates for any name, address and time."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.file = os.path.join(folder, name + ".pem")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + "-key.pem", "-out", name + ".pem", "-subj", f"/CN=test {name}",
                     "-days", "20")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, name, names="DNS:localhost,IP:127.0.0.1", days=2, expired=False):
        with open(os.path.join(self.folder, name + ".ext"), "w") as file:
            file.write(f"extendedKeyUsage=serverAuth\nsubjectAltName={names}\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + "-key.pem", "-out", name + ".csr", "-subj", "/CN=" + name)
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", self.name + ".pem", "-CAkey", self.name + "-key.pem", "-CAcreateserial",
                     "-out", name + ".pem", "-days", str(-1 if expired else days), "-extfile", name + ".ext")
        return os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + "-key.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, body):
        server = self.server
        entry = {"method": self.command, "path": self.path, "authorization": self.headers.get("Authorization"), "sent": 0, "received": len(body),
                 "agent": self.headers.get("User-Agent")}
        server.log.append(entry)
        behave = server.behave
        if behave is not None and behave(self, body):
            return
        if server.token is not None and entry["authorization"] != "Basic " + base64.b64encode(server.token.encode()).decode():
            self.send(401, [("WWW-Authenticate", 'Basic realm="git"'), ("Content-Type", "text/plain")], b"go away\n")
            return
        status, headers, out = self.backend(body)
        entry["sent"] = len(out)
        entry["status"] = status
        self.send(status, headers, out)

    def backend(self, body):
        path, _, query = self.path.partition("?")
        environment = dict(GIT_ENVIRONMENT, GIT_PROJECT_ROOT=self.server.root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                           REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)))
        done = subprocess.run([backend()], input=body, capture_output=True, env=environment)
        top, _, out = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in top.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [(name, value) for name, value in headers if name != "Status"], out

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """`behave(handler, body)` may answer instead, and then gives True. `log` has each request."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, root, certificate=None, minimum=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.log, self.behave, self.token, self.context = root, [], None, None, None
        self.port = self.server_address[1]
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
            if minimum is not None:
                self.context.minimum_version = minimum
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        # In the connection's own thread: a client that is slow to shake hands holds nobody up.
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        try:
            self.RequestHandlerClass(request, client_address, self)
        finally:
            try:
                request.close()
            except OSError:
                pass

    def handle_error(self, request, client_address):
        pass

    def url(self, name, host="localhost"):
        return f"{'http' if self.context is None else 'https'}://{host}:{self.port}/{name}"

    def take_log(self):
        log, self.log = self.log, []
        return log


class Mute:
    """Accepts, sends `first`, and never says anything again."""

    def __init__(self, first=b""):
        self.first, self.held = first, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.held.append(connection)
            if self.first:
                connection.sendall(self.first)

    def stop(self):
        self.listener.close()
        for connection in self.held:
            connection.close()


def stall(handler, status, headers, body, length):
    """Sends a part of an answer of `length` bytes and then nothing, until the client goes."""
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
    handler.connection.settimeout(60)
    try:
        handler.connection.recv(1)
    except OSError:
        pass
    handler.close_connection = True
    return True


# ---- ssh ----


class Sshd:
    """A real one, for the user that runs the test. Keys of ours get in, each with its own forced command or none."""

    def __init__(self, folder, kinds=("ed25519", "ecdsa", "rsa"), options=()):
        self.folder, self.kinds, self.options = folder, kinds, options
        self.port = free_port()
        self.process = None
        os.makedirs(folder, mode=0o700)
        self.authorized = []
        for kind in kinds:
            self.keygen("host_" + kind, kind)

    def keygen(self, name, kind="ed25519", passphrase=""):
        path = os.path.join(self.folder, name)
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", path], check=True, capture_output=True)
        return path

    def allow(self, key, command=None):
        with open(key + ".pub") as file:
            self.authorized.append((f'command="{command}" ' if command else "") + file.read())
        with open(os.path.join(self.folder, "authorized_keys"), "w") as file:
            file.writelines(self.authorized)

    def start(self):
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        lines = ["Port %d" % self.port, "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no",
                 "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "MaxStartups 100", "LogLevel DEBUG1",
                 f"AuthorizedKeysFile {self.folder}/authorized_keys", *self.options]
        lines += [f"HostKey {self.folder}/host_{kind}" for kind in self.kinds]
        with open(os.path.join(self.folder, "config"), "w") as file:
            file.write("\n".join(lines) + "\n")
        self.log = os.path.join(self.folder, "log")
        self.process = subprocess.Popen([find("sshd"), "-D", "-e", "-f", os.path.join(self.folder, "config")], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(self.log, "w"))
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    if probe.recv(4) == b"SSH-":
                        return self
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("sshd did not start: " + open(self.log).read()[-2000:])

    def public(self, kind):
        with open(os.path.join(self.folder, f"host_{kind}.pub")) as file:
            return " ".join(file.read().split()[:2])

    def fingerprint(self, kind):
        out = subprocess.run(["ssh-keygen", "-lf", os.path.join(self.folder, f"host_{kind}.pub")], capture_output=True, text=True, check=True).stdout
        return out.split()[1]

    def known_hosts(self, name, *kinds, hashed=False, host=None):
        path = os.path.join(self.folder, name)
        host = host or f"[127.0.0.1]:{self.port}"
        with open(path, "w") as file:
            file.writelines(f"{host} {self.public(kind)}\n" for kind in kinds or ("ed25519",))
        if hashed:
            subprocess.run(["ssh-keygen", "-H", "-f", path], check=True, capture_output=True)
            os.unlink(path + ".old")
        return path

    def url(self, path, user):
        return f"ssh://{user}@127.0.0.1:{self.port}{path}"

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
