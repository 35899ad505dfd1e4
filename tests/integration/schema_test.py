#!/usr/bin/env python3
"""The JSON Schema before an independent validator: it takes every example and refuses what is wrong by form."""
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, SOURCE, VENV, Tap  # noqa: E402

# Runs in the virtual environment, once, for reading the schema takes longer than using it: gives the first problems of each text, "" when there is none.
VALIDATE = """
import json, sys, jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
def problems(text):
    errors = list(validator.iter_errors(yaml.safe_load(text)))[:5]
    return ", ".join("/".join(map(str, error.absolute_path)) + ": " + error.message[:200] for error in errors)
json.dump([problems(text) for text in json.load(sys.stdin)], sys.stdout)
"""

HEAD = "hlrec: 1\nstack: s\n"

WRONG = {
    "an unknown key of a container": HEAD + "containers: {a: {image: b, imagee: c}}",
    "an unknown section": HEAD + "contaners: {}",
    "a stack's name in capitals": "hlrec: 1\nstack: Big\n",
    "no stack": "hlrec: 1\n",
    "a list where a mapping belongs": HEAD + "containers: [a]",
    "a value that is not allowed": HEAD + "routers: {a: {protocol: sctp, rule: x, service: {url: 'http://a'}}}",
}

RIGHT = {
    "compose's short forms": HEAD + "containers: {a: {image: b, command: sleep 1, ports: ['80:80', 90], environment: [A=1], volumes: ['d:/d'], depends_on: [c]}}",
    "references instead of values": HEAD + "containers: {a: {image: '${var.i}', privileged: '${var.p}', mem_limit: '${var.m}'}}",
    "Traefik's names in any case": HEAD + "routers: {a: {rule: x, entryPoints: [web], service: {url: 'http://a'}}}",
}


def problems(schema, texts):
    done = subprocess.run([os.path.join(VENV, "bin", "python3"), "-c", VALIDATE, schema], input=json.dumps(texts), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def read(path):
    with open(path) as file:
        return file.read()


def main():
    tap = Tap()
    for package in ("jsonschema", "yaml"):
        if not glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", package)):
            tap.skip_all(f"the Python package {package} is not installed")
    file = tempfile.NamedTemporaryFile(suffix=".json")
    subprocess.run([HLREC, "schema"], stdout=file, check=True)
    schema = file.name
    right = {os.path.relpath(path, SOURCE): read(path) for path in sorted(glob.glob(os.path.join(SOURCE, "examples", "*", "hlrec.yaml")))} | RIGHT
    found = problems(schema, [*right.values(), *WRONG.values()])
    for name, told in zip(right, found):
        tap.equal(told, "", f"valid: {name}")
    for name, told in zip(WRONG, found[len(right):]):
        tap.point(told != "", f"refused: {name}")
    pages = subprocess.run([HLREC, "schema", "--format", "markdown"], capture_output=True, text=True, check=True).stdout
    tap.point(read(os.path.join(SOURCE, "docs", "reference.md")) == pages, "docs/reference.md is what the tables say (hlrec schema --format markdown > docs/reference.md)")
    tap.end()


if __name__ == "__main__":
    main()
