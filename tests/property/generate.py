"""Random valid specs, as data, and as YAML in any order with any comments.

A spec is a nest of dicts, lists and scalars. `spec(random)` makes one; `change(random, spec)` changes one resource in it, as a person would; `to_yaml(spec, random)`
writes it down, with a `random` in another order of keys, with comments, and with other spellings of the same values.
"""
import copy

IMAGES = ["docker.io/library/nginx:1.27", "nginx:1.26", "redis:7", "ghcr.io/example/app:v2", "postgres:16"]
CAPABILITIES = ["NET_ADMIN", "SYS_TIME", "NET_RAW", "SYS_NICE"]
ADDRESS_KINDS = {"networks": "network", "volumes": "volume", "secrets": "secret", "containers": "container", "middlewares": "middleware", "routers": "router"}
TEXTS = ["plain", "with blanks  in it", "quote\" and 'quote'", "trailing ", "tab\there", "ünïcode ✓", "yes", "null", "1.10", "0x1F", "# not a comment", "a: b",
         "$${not.a.reference}", "line one\nline two\n", "", "-", "{}", "*star", "100%", "\\backslash\\n"]


def some(random, items, most=None):
    return random.sample(items, random.randint(0, min(len(items), most if most is not None else len(items))))


def text(random):
    return random.choice(TEXTS)


# ---- resources ----


def network(random, number):
    body = {}
    if random.random() < 0.5:
        body["subnet"] = f"172.{20 + number}.0.0/24"
    if random.random() < 0.3:
        body["labels"] = {"purpose": text(random)}
    if random.random() < 0.2:
        body["internal"] = True
    return body


def volume(random):
    body = {"protect": False}
    if random.random() < 0.4:
        body["labels"] = {f"label.{i}": text(random) for i in range(random.randint(1, 3))}
    return body


def secret(random):
    body = {"generate": random.choice([{"bytes": 32, "encoding": "base64"}, {"bytes": 16, "encoding": "hex"}])}
    if random.random() < 0.3:
        body["rotate"] = random.choice(["180d", "on-request"])
    return body


def environment(random, spec):
    names = [f"NAME_{i}" for i in range(random.randint(0, 5))]
    values = {name: text(random) for name in names}
    for name in some(random, list(spec["secrets"]), 2):
        values[f"KEY_{name}"] = "${secret." + name + "}"
    if random.random() < 0.4:
        values["URL"] = "https://app.${var.domain}/"
    return {name: value for name, value in values.items() if "\n" not in value}


def mounts(random, spec):
    return [f"{name}:/data/{name}" + random.choice(["", ":ro"]) for name in some(random, list(spec["volumes"]), 2)]


def ports(random, number):
    return [f"{10000 + 20 * number + i}:{80 + i}" + random.choice(["", "/udp"]) for i in range(random.randint(0, 2))]


def files(random, spec):
    made = {}
    for i in range(random.randint(0, 2)):
        content = "a = 1\n" + text(random) + "\n"
        if spec["secrets"] and random.random() < 0.3:
            content += "key = ${secret." + random.choice(list(spec["secrets"])) + "}\n"
        made[f"/etc/app/{i}.conf"] = {"content": content, "mode": random.choice(["0644", "0400"])}
    return made


def container(random, spec, number, earlier):
    body = {"image": random.choice(IMAGES)}
    optional = {
        "environment": environment(random, spec),
        "volumes": mounts(random, spec),
        "ports": ports(random, number),
        "networks": some(random, list(spec["networks"]), 2),
        "depends_on": some(random, earlier, 2),
        "labels": {f"com.example.{i}": text(random) for i in range(random.randint(0, 3))},
        "restart": random.choice(["", "no", "always", "unless-stopped", "on-failure:3"]),
        "command": random.choice(["", "sleep 1000", ["sh", "-c", "exit 0"]]),
        "cap_add": some(random, CAPABILITIES, 3),
        "files": files(random, spec),
        "mem_limit": random.choice(["", "512m", "1g"]),
        "cpus": random.choice([None, 0.5, 2]),
        "user": random.choice(["", "1000:1000"]),
        "hostname": random.choice(["", f"host-{number}"]),
        "stop_grace_period": random.choice(["", "30s", "1m"]),
        "init": random.choice([None, True]),
        "extra_hosts": random.choice([{}, {"nas.lan": "192.168.1.10"}]),
    }
    for key, value in optional.items():
        if value not in ("", None, [], {}) and random.random() < 0.5:
            body[key] = value
    return body


def middleware(random):
    return random.choice([
        {"stripPrefix": {"prefixes": ["/api"]}},
        {"redirectScheme": {"scheme": "https", "permanent": True}},
        {"headers": {"customResponseHeaders": {"X-Robots-Tag": "none"}}},
        {"ipAllowList": {"sourceRange": ["10.0.0.0/8", "192.168.0.0/16"]}},
    ])


def router(random, spec, number):
    name = random.choice(list(spec["containers"]) or ["elsewhere"])
    body = {"rule": f"Host(`r{number}.${{var.domain}}`)", "service": {"url": f"http://{name}:80"}}
    if random.random() < 0.6:
        body["entryPoints"] = ["websecure"]
    if random.random() < 0.5:
        body["tls"] = random.choice([{}, {"certResolver": "letsencrypt"}])
    if spec["middlewares"] and random.random() < 0.5:
        body["middlewares"] = some(random, list(spec["middlewares"]), 2)
    if random.random() < 0.3:
        body["priority"] = random.randint(1, 100)
    return {key: value for key, value in body.items() if value != []}


def spec(random, traefik=True):
    made = {
        "hlrec": 1,
        "stack": "law",
        "variables": {"domain": "example.org"},
        "providers": {"traefik": {"directory": "dynamic"}} if traefik else {},
        "networks": {}, "volumes": {}, "secrets": {}, "containers": {}, "middlewares": {}, "routers": {},
    }
    for i in range(random.randint(0, 3)):
        made["networks"][f"net-{i}"] = network(random, i)
    for i in range(random.randint(0, 3)):
        made["volumes"][f"data-{i}"] = volume(random)
    for i in range(random.randint(0, 3)):
        made["secrets"][f"SECRET_{i}"] = secret(random)
    names = [f"app-{i}" for i in range(random.randint(1, 6))]
    random.shuffle(names)
    for i, name in enumerate(names):
        made["containers"][name] = container(random, made, i, names[:i])
    for i in range(random.randint(0, 2) if traefik else 0):
        made["middlewares"][f"mid-{i}"] = middleware(random)
    for i in range(random.randint(0, 3) if traefik else 0):
        made["routers"][f"route-{i}"] = router(random, made, i)
    return made


def addresses(made):
    return [f"{kind}.{name}" for section, kind in ADDRESS_KINDS.items() for name in made.get(section, {})]


# ---- changes ----


def change(random, made):
    """A copy with something changed in one resource, and its address."""
    changed = copy.deepcopy(made)
    name = random.choice(list(changed["containers"]))
    body = changed["containers"][name]
    choices = {
        "image": lambda: body.update(image=random.choice([image for image in IMAGES if image != body["image"]])),
        "environment": lambda: body.setdefault("environment", {}).update({f"NAME_{i}": f"changed {i}" for i in random.sample(range(6), 3)}),
        "restart": lambda: body.update(restart="always" if body.get("restart") != "always" else "unless-stopped"),
        "label": lambda: body.setdefault("labels", {}).update({f"com.example.{i}": f"changed {i}" for i in random.sample(range(4), 2)}),
        "drop": lambda: [body.pop(key) for key in ("cap_add", "user", "hostname", "init") if key in body] or body.update(user="1234"),
    }
    for choice in random.sample(list(choices), random.randint(1, 3)):
        choices[choice]()
    return changed, f"container.{name}"


# ---- YAML ----


def scalar(value, random):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    if random is not None and "\n" not in value and "\t" not in value and random.random() < 0.3:
        return "'" + value.replace("'", "''") + "'"
    return f'"{escaped}"'


def shuffled(items, random):
    items = list(items)
    if random is not None:
        random.shuffle(items)
    return items


def comment(random, indent):
    if random is None or random.random() < 0.7:
        return []
    return [" " * random.choice([0, indent]) + random.choice(["# a comment", "#", "# key: value", "# ${secret.NONE}"])]


def flow(value, random):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key, None)}: {flow(item, random)}" for key, item in shuffled(value.items(), random)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, random) for item in value) + "]"
    return scalar(value, random)


def block(value, indent, random):
    lines = []
    items = [(f"{scalar(key, None)}:", item) for key, item in shuffled(value.items(), random)] if isinstance(value, dict) else [("-", item) for item in value]
    for head, item in items:
        lines += comment(random, indent)
        nested = isinstance(item, (dict, list)) and item and (random is None or random.random() < 0.6)
        if nested:
            lines += [" " * indent + head, *block(item, indent + 2, random)]
        else:
            tail = "  # why" if random is not None and random.random() < 0.1 else ""
            lines.append(" " * indent + f"{head} {flow(item, random)}{tail}")
    return lines


def to_yaml(made, random=None):
    """Without `random` the plain way. Sections that are empty are left out."""
    return "\n".join(block({key: value for key, value in made.items() if value != {}}, 0, random)) + "\n"
