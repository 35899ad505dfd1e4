"""examples/bifrost in a folder of its own: the simulated engine and APIs, a real Traefik, and what there is in them."""
import json
import os
import shutil
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import SOURCE, Lab, Stack, Traefik, free_port  # noqa: E402

CLIENT = {"INFISICAL_CLIENT_ID": "lab-client", "INFISICAL_CLIENT_SECRET": "lab-client-secret"}


def call(method, url, body=None, token=None):
    command = ["curl", "-s", "-X", method, "-H", "Content-Type: application/json", url]
    if body is not None:
        command += ["--data-binary", json.dumps(body)]
    if token is not None:
        command += ["-H", "Authorization: Bearer " + token]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


class World:
    """The lab, a Traefik, and the example in a folder of its own. A Traefik that is given is used, and stays."""

    def __init__(self, folder, traefik=None, options=()):
        os.environ["HLREC_LAB_AUTHENTIK_TOKEN"] = "first"
        self.lab = Lab(os.path.join(folder, "lab"), *options)
        self.netbird, self.infisical = (self.lab.environment["HLREC_LAB_" + name] for name in ("NETBIRD", "INFISICAL"))
        self.own_traefik = traefik is None
        self.traefik = traefik or Traefik(os.path.join(folder, "traefik")).start()
        port = lambda name: self.lab.environment["HLREC_LAB_" + name].rpartition(":")[2]  # noqa: E731
        variables = [f"etc={folder}/etc", f"http_port={free_port()}", f"https_port={self.traefik.secure}", f"api_port={self.traefik.api}",
                     f"netbird_port={port('NETBIRD')}", f"authentik_port={port('AUTHENTIK')}", f"infisical_url={self.infisical}"]
        self.etc = os.path.join(folder, "etc")
        os.makedirs(self.etc + "/traefik")
        os.symlink(self.traefik.dynamic, self.etc + "/traefik/dynamic")
        with open(SOURCE + "/examples/bifrost/hlrec.yaml") as file:
            spec = file.read()
        environment = dict(CLIENT, DOCKER_HOST=self.lab.environment["HLREC_LAB_DOCKER"])
        self.stack = Stack(folder, "bifrost", spec, variables, environment)
        shutil.copytree(SOURCE + "/examples/bifrost/netbird", self.stack.path("netbird"))

    def stop(self):
        if self.own_traefik:
            self.traefik.stop()
        self.lab.stop()

    def in_infisical(self):
        token = call("POST", self.infisical + "/api/v1/auth/universal-auth/login",
                     {"clientId": CLIENT["INFISICAL_CLIENT_ID"], "clientSecret": CLIENT["INFISICAL_CLIENT_SECRET"]})["accessToken"]
        query = urllib.parse.urlencode({"workspaceSlug": "homelab-prod", "environment": "prod", "secretPath": "/netbird", "viewSecretValue": "true",
                                        "expandSecretReferences": "false", "include_imports": "false"})
        return call("GET", f"{self.infisical}/api/v3/secrets/raw/NETBIRD_SETUP_KEY?{query}", token=token)["secret"]["secretValue"]

    def join(self, host, key):
        return call("POST", self.netbird + "/lab/peers", {"setup_key": key, "hostname": host})

    def dotenv(self):
        with open(self.etc + "/.secrets.env") as file:
            return dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))

    def variable(self, container, name):
        inspected = self.lab.get(f"/containers/{container}/json")
        return dict(entry.split("=", 1) for entry in inspected["Config"]["Env"]).get(name)

    def without_variables(self, *arguments):
        """The commands that work on the state alone know no --var."""
        variables, self.stack.variables = self.stack.variables, []
        try:
            return self.stack.run(*arguments)
        finally:
            self.stack.variables = variables

    def recorded_id(self, address):
        return json.loads(self.without_variables("state", "show", address, "--format", "json").out)["id"]
