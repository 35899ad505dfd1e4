"""What the integration tests share: TAP, the program under test, a private Docker engine, a real Traefik.

Servers listen on loopback or a unix socket in a private folder and are ended by pid. A machine that cannot have a real server skips loudly."""
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("HLREC_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("HLREC_BUILD", os.path.join(SOURCE, "build", "plain"))
VENV = os.environ.get("HLREC_VENV", os.path.join(SOURCE, "build", "venv"))
HLREC = os.path.join(BUILD, "hlrec")


class Tap:
    """Counts and prints test points; `section` names what they are about."""

    def __init__(self):
        self.count = self.failed = 0
        self.section = ""

    def point(self, good, name, detail=""):
        self.count += 1
        if not good:
            self.failed += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {self.section}{': ' if self.section else ''}{name}")
        if not good and detail:
            for line in str(detail).splitlines():
                print(f"# {line}")
        sys.stdout.flush()
        return good

    def equal(self, got, wanted, name, detail=""):
        return self.point(got == wanted, name, f"got {got!r}, wanted {wanted!r}\n{detail}")

    def skip_all(self, reason):
        print(f"ok 1 - everything # SKIP {reason}")
        print(f"SKIPPED: {reason}", file=sys.stderr)
        print("1..1")
        sys.exit(0)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.text = out + err


class Stack:
    """A folder with a spec, and hlrec run in it. Keeps all that hlrec ever printed, for the search for secrets."""

    def __init__(self, parent, name, spec, variables=(), environment=None):
        self.folder = os.path.join(parent, name)
        os.makedirs(self.folder, exist_ok=True)
        self.variables = [word for pair in variables for word in ("--var", pair)]
        self.environment = dict(os.environ, NO_COLOR="1", **(environment or {}))
        self.printed = []
        self.write(spec)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, spec, name="hlrec.yaml"):
        with open(self.path(name), "w") as file:
            file.write(spec)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def run(self, *arguments, environment=None, timeout=180):
        command = [HLREC, *arguments]
        if arguments[0] in ("plan", "apply", "drift", "validate", "destroy", "import", "output", "secret", "state", "graph", "doctor", "unmanaged"):
            command += self.variables
        done = subprocess.run(command, cwd=self.folder, env=dict(self.environment, **(environment or {})), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)
        self.printed.append(done.stdout + done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    def apply(self, *more):
        return self.run("apply", "--yes", *more)

    def plan_status(self):
        return self.run("plan", "--detailed-exitcode")

    def leaks(self, values, allowed=()):
        """Where one of `values` stands in the clear: in what was printed, or in a file that is not `allowed` to have it."""
        found = []
        for value in values:
            if any(value in text for text in self.printed):
                found.append("printed")
            for folder, _, names in os.walk(self.folder):
                for name in names:
                    path = os.path.join(folder, name)
                    if os.path.relpath(path, self.folder) in allowed or not os.path.isfile(path):
                        continue
                    with open(path, "rb") as file:
                        if value.encode() in file.read():
                            found.append(os.path.relpath(path, self.folder))
        return found


class Docker:
    """A private engine. `run` is the docker command; `api` a raw call."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "docker.sock")
        self.host = "unix://" + self.socket
        self.port = free_port()
        self.process = None

    def certificates(self):
        """A CA with a server's and a client's certificate; the same daemon then listens on TCP with TLS, for clients that it knows."""
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=test-ca", "-days", "2")
        for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
            with open(os.path.join(self.folder, name + ".ext"), "w") as file:
                file.write(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + "-key.pem", "-out", name + ".csr", "-subj", "/CN=" + name)
            openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-out", name + ".pem", "-days", "2",
                    "-extfile", name + ".ext")

    @staticmethod
    def missing():
        if os.geteuid() != 0:
            return "a private Docker engine needs root"
        for tool in ("dockerd", "docker"):
            if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None:
                return f"{tool} is not installed"
        return None if os.path.exists("/bin/busybox") else "busybox-static is not installed"

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        self.certificates()
        log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(
            ["dockerd", "--host", self.host, "--host", f"tcp://127.0.0.1:{self.port}", "--tlsverify", "--tlscacert", self.folder + "/ca.pem",
             "--tlscert", self.folder + "/server.pem", "--tlskey", self.folder + "/server-key.pem", "--data-root", self.folder + "/data", "--exec-root", self.folder + "/exec",
             "--pidfile", self.folder + "/pid"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            if os.path.exists(self.socket) and self.run("version", check=False).status == 0:
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("dockerd did not start: " + open(self.folder + "/log").read()[-2000:])

    def run(self, *arguments, check=True, input=None):
        done = subprocess.run(["docker", "-H", self.host, *arguments], capture_output=True, text=True, input=input)
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr}")
        return Result(done.returncode, done.stdout.strip(), done.stderr)

    def image(self, reference, *changes):
        """A stand-in image of busybox that serves a page; extra Dockerfile instructions in `changes`."""
        root = self.root()
        tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
        command = ["docker", "-H", self.host, "import"]
        for change in ("ENV PATH=/bin", 'CMD ["/bin/stand-in"]', *changes):
            command += ["--change", change]
        subprocess.run([*command, "-", reference], stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True)
        tar.wait()

    def root(self):
        root = os.path.join(self.folder, "root")
        if os.path.isdir(root):
            return root
        for name in ("bin", "www", "tmp", "etc"):
            os.makedirs(os.path.join(root, name))
        shutil.copy("/bin/busybox", root + "/bin/busybox")
        for tool in ("sh", "httpd", "sleep", "cat", "hostname", "env", "wget", "nc", "false", "true", "ls", "stat"):
            os.symlink("busybox", f"{root}/bin/{tool}")
        with open(root + "/bin/stand-in", "w") as file:
            file.write("#!/bin/sh\nhostname >/www/index.html\nhttpd -f -p 80 -h /www &\ntrap 'kill $!; exit 0' TERM\nwait\n")
        os.chmod(root + "/bin/stand-in", 0o755)
        return root

    def inspect(self, name):
        return json.loads(self.run("inspect", name).out)[0]

    def exists(self, name):
        return self.run("inspect", name, check=False).status == 0

    def stop(self):
        if self.process is None:
            return
        ids = self.run("ps", "-aq", check=False).out.split()
        if ids:
            self.run("rm", "-f", *ids, check=False)
        networks = self.run("network", "ls", "-q", "--filter", "type=custom", check=False).out.split()
        if networks:
            self.run("network", "rm", *networks, check=False)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        subprocess.run(f"umount {self.folder}/data/overlay2/*/merged 2>/dev/null", shell=True)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Lab:
    """The simulated Docker Engine, with its faults; `calls` is its log."""

    def __init__(self, folder, *options):
        os.makedirs(folder)
        self.log = os.path.join(folder, "log")
        self.known, self.read, self.lock = [], 0, threading.Lock()
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "lab", "hlrec-lab"), "--dir", folder, "--log", self.log, *options], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the lab did not start")
        with open(os.path.join(folder, "lab.env")) as file:
            self.environment = dict(line.strip().split("=", 1) for line in file if "=" in line)
        self.socket = self.environment["HLREC_LAB_DOCKER"].removeprefix("unix://")

    def calls(self):
        with self.lock, open(self.log, "rb") as file:
            file.seek(self.read)
            whole = b"".join(file.read().rpartition(b"\n")[:2])
            self.read += len(whole)
            self.known += [json.loads(line) for line in whole.splitlines()]
            return list(self.known)

    def send(self, method, path, body=None):
        """The status, and what is answered."""
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path):
        return json.loads(self.send("GET", "/v1.41" + path)[1])

    def fault(self, text=""):
        """Takes all faults away, and puts this one in their place."""
        if self.send("POST", "/lab/fault", text)[0] != 200:
            raise RuntimeError("the lab knows no fault " + text)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def traefik_program():
    for folder, _, names in os.walk(VENV):
        if "traefik" in names and os.path.basename(folder) == "bin":
            return os.path.join(folder, "traefik")
    return None


class Traefik:
    """A real Traefik on loopback: `web`, `secure` and `api` are its ports."""

    def __init__(self, folder, *flags):
        self.folder = folder
        self.dynamic = os.path.join(folder, "dynamic")
        os.makedirs(self.dynamic, exist_ok=True)
        self.web, self.secure, self.api = free_port(), free_port(), free_port()
        self.flags = flags
        self.process = None

    def start(self):
        log = open(os.path.join(self.folder, "traefik.log"), "w")
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "XDG_CONFIG_HOME": self.folder}
        self.process = subprocess.Popen(
            [traefik_program(), "--global.checknewversion=false", "--global.sendanonymoususage=false", "--api.insecure=true", "--ping=true",
             f"--entrypoints.traefik.address=127.0.0.1:{self.api}", f"--entrypoints.web.address=127.0.0.1:{self.web}",
             f"--entrypoints.websecure.address=127.0.0.1:{self.secure}", f"--providers.file.directory={self.dynamic}",
             "--providers.providersthrottleduration=100ms", *self.flags],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(200):
            if subprocess.run(["curl", "-sf", f"http://127.0.0.1:{self.api}/api/version"], capture_output=True).returncode == 0:
                return self
            time.sleep(0.05)
        raise RuntimeError("traefik did not start: " + open(self.folder + "/traefik.log").read()[-2000:])

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


class World:
    """A lab and a stack for one scene; both are gone afterwards."""

    def __init__(self, folder, name, spec, *options, environment=None):
        self.folder = os.path.join(folder, name)
        self.lab = Lab(self.folder + "-lab", *options)
        self.stack = Stack(folder, name, spec, environment=dict(self.lab.environment, **(environment or {})))

    def __enter__(self):
        return self.lab, self.stack

    def __exit__(self, *_):
        self.lab.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.folder + "-lab", ignore_errors=True)


def free_port():
    """For a server that must be told its port. Below those that the system gives to whoever connects (32768 and up): one of these may be taken until it is used."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def private_folder():
    return tempfile.mkdtemp(prefix="hlrec-test-")


def wait_for(check, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.1)
    return False


def stop_on_signals():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
