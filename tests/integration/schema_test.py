#!/usr/bin/env python3
"""The JSON Schema before an independent validator: it takes every example and refuses what is wrong by form."""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import HLREC, SOURCE, VENV, Tap  # noqa: E402

# Runs in the virtual environment: prints the first problems of a spec, nothing when there is none.
VALIDATE = """
import json, sys, jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for error in list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(sys.stdin)))[:5]:
    print("/".join(map(str, error.absolute_path)) + ": " + error.message[:200])
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


def problems(schema, text):
    done = subprocess.run([os.path.join(VENV, "bin", "python3"), "-c", VALIDATE, schema], input=text, capture_output=True, text=True)
    return done.stdout + done.stderr


def main():
    tap = Tap()
    for package in ("jsonschema", "yaml"):
        if not glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", package)):
            tap.skip_all(f"the Python package {package} is not installed")
    file = tempfile.NamedTemporaryFile(suffix=".json")
    subprocess.run([HLREC, "schema"], stdout=file, check=True)
    schema = file.name
    for path in sorted(glob.glob(os.path.join(SOURCE, "examples", "*", "hlrec.yaml"))):
        with open(path) as spec:
            tap.equal(problems(schema, spec.read()), "", f"{os.path.relpath(path, SOURCE)} is valid")
    for name, text in RIGHT.items():
        tap.equal(problems(schema, text), "", f"{name} are valid")
    for name, text in WRONG.items():
        found = problems(schema, text)
        tap.point(found != "" and "Traceback" not in found, f"{name} is refused", found)
    pages = subprocess.run([HLREC, "schema", "--format", "markdown"], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(SOURCE, "docs", "reference.md")) as page:
        tap.point(page.read() == pages, "docs/reference.md is what the tables say (hlrec schema --format markdown > docs/reference.md)")
    tap.end()


if __name__ == "__main__":
    main()
