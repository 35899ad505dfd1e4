"""Stacks of any size, as text: mixed kinds for the real thing, single kinds where one thing is to be seen alone.

Of ten resources of the mixed stack five are containers of ten fields, two routers, one a secret, one a group, and the last a setup key or a route, which
refers to the group; in every other ten a container refers to the secret.
"""
import json

HEAD = """\
hlrec: 1
stack: bench
variables: {domain: example.org}
"""
DOCKER = '  docker: {host: "${env.HLREC_LAB_DOCKER}", settle: 0s, settle_replaced: 0s}\n'
TRAEFIK = "  traefik: {directory: dynamic}\n"
NETBIRD = '  netbird: {url: "${env.HLREC_LAB_NETBIRD}", token: "${env.BENCH_TOKEN}"}\n'


def container(number, more=""):
    return f"""\
  app-{number}:
    image: docker.io/library/nginx:1.27
    command: [serve, --listen, "0.0.0.0:8080", --workers, "4"]
    environment:
      TZ: Europe/Berlin
      BASE_URL: https://app-{number}.${{var.domain}}/
      LOG_LEVEL: info
{more}    labels: {{com.example.team: home, com.example.number: "{number}"}}
    restart: unless-stopped
    user: "1000:1000"
    hostname: app-{number}
    mem_limit: 256m
    cap_add: [NET_ADMIN]
    stop_grace_period: 30s
"""


def router(number):
    return f"""\
  web-{number}:
    rule: Host(`app-{number}.${{var.domain}}`) && PathPrefix(`/`)
    entryPoints: [websecure]
    priority: {1 + number % 100}
    tls: {{certResolver: letsencrypt}}
    service: {{url: "http://app-{number}:8080"}}
"""


def secret(number):
    return f"""\
  KEY_{number}:
    generate: {{bytes: 32, encoding: base64}}
    rotate: on-request
    description: what app-{number} signs with
"""


def group(number):
    return f"  team-{number}: {{name: Team {number}}}\n"


def setup_key(number, of_group):
    return f"  join-{number}: {{type: reusable, expires_in: 365d, renew_before: 30d, auto_groups: [team-{of_group}]}}\n"


def route(number, of_group):
    network = f"10.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}/32"
    return f"  lan-{number}: {{network: {network}, peer_groups: [team-{of_group}], groups: [team-{of_group}], metric: {1 + number % 9999}}}\n"


def document(providers, sections):
    """Sections that are empty are left out."""
    text = [HEAD, "providers:\n", *providers]
    for name, resources in sections.items():
        if resources:
            text += [f"{name}:\n", *resources]
    return "".join(text)


def mixed(count):
    """`count` resources of six kinds."""
    sections = {name: [] for name in ("secrets", "containers", "routers", "groups", "setup_keys", "routes")}
    for number in range(count):
        ten, place = number - number % 10, number % 10
        if place == 1:
            sections["secrets"].append(secret(number))
        elif place == 2:
            sections["groups"].append(group(number))
        elif place in (3, 4):
            sections["routers"].append(router(number))
        elif place == 5 and number % 20 == 5:
            sections["setup_keys"].append(setup_key(number, ten + 2))
        elif place == 5:
            sections["routes"].append(route(number, ten + 2))
        else:
            refers = place == 6 and number % 20 == 6
            sections["containers"].append(container(number, f"      KEY: ${{secret.KEY_{ten + 1}}}\n" if refers else ""))
    return document([DOCKER, TRAEFIK, NETBIRD], sections)


def secrets(count):
    """What costs nothing but its record."""
    return document([DOCKER], {"secrets": [secret(number) for number in range(count)]})


def containers(count, chained=False, parallel=None, provider_parallel=None):
    """`chained`: each needs the one before. `parallel`: actions at once, in all and with this provider."""
    def needs(number):
        return f"    needs: [container.app-{number - 1}]\n" if chained and number > 0 else ""
    bodies = [container(number) + needs(number) for number in range(count)]
    provider = DOCKER.replace("}\n", f", parallel: {provider_parallel}}}\n") if provider_parallel else DOCKER
    return document([provider], {"containers": bodies}) + (f"settings: {{parallel: {parallel}}}\n" if parallel else "")


# ---- the same for Terraform ----

FIELDS = ("image", "user", "hostname", "restart", "memory", "zone", "url", "level")


def terraform_input(number):
    return {name: f"{name} of app-{number}" for name in FIELDS}


def terraform(count):
    """Resources of eight fields, one in ten with a reference, and the state in which they are applied: (main.tf, terraform.tfstate)."""
    blocks, resources = [], []
    for number in range(count):
        lines = [f"    {name} = {json.dumps(value)}\n" for name, value in terraform_input(number).items()]
        refers = number % 10 == 9
        if refers:
            lines[0] = f"    image = terraform_data.r{number - 1}.input.image\n"
        blocks.append(f'resource "terraform_data" "r{number}" {{\n  input = {{\n{"".join(lines)}  }}\n}}\n')
        resources.append(terraform_resource(number, refers))
    state = {"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "7c2f7c1e-7b0c-4b53-8b0f-5d9c2f0f0a10", "outputs": {}, "resources": resources}
    return "".join(blocks), json.dumps(state)


def terraform_resource(number, refers):
    value = terraform_input(number)
    if refers:
        value["image"] = f"image of app-{number - 1}"
    typed = {"value": value, "type": ["object", {name: "string" for name in FIELDS}]}
    attributes = {"id": f"00000000-0000-4000-8000-{number:012d}", "input": typed, "output": typed, "triggers_replace": None}
    return {"mode": "managed", "type": "terraform_data", "name": f"r{number}", "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": [],
                           "dependencies": [f"terraform_data.r{number - 1}"] if refers else []}]}
