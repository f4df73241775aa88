#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the OpenRPC document of mailraild against what it has to be.

    check.py MAILRAILD

The document is valid against OpenRPC's meta-schema and complete: every method has its role, its
errors and an example that its own schemas take, and so has every field that shows an example."""

import json
import pathlib
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).parent
DRAFT7 = jsonschema.Draft7Validator
# The meta-schema refers to one of JSON Schema draft 7 by an address; no test looks there.
JSON_SCHEMA = "https://meta.json-schema.tools"
# Documents, too long to show.
WITHOUT_RESULT = {"config.get", "config.schema", "rpc.discover", "stats.get"}

failures = 0


def fail(where, what):
    global failures
    failures += 1
    print(f"{where}: {what}")


def validate(schema, value, where, resolver):
    for error in DRAFT7(schema, resolver=resolver).iter_errors(value):
        path = "".join(f"/{step}" for step in error.absolute_path)
        fail(where, f"{path}: {error.message}"[:500])


def check_meta_schema(document):
    meta = json.loads((HERE / "meta-schema.json").read_text())
    json_schema = {**DRAFT7.META_SCHEMA, "definitions": {
        **DRAFT7.META_SCHEMA["definitions"],
        "JSONSchemaObject": DRAFT7.META_SCHEMA}}
    resolver = jsonschema.RefResolver(meta["$id"], meta, store={
        JSON_SCHEMA: json_schema, JSON_SCHEMA + "/": json_schema})
    validate(meta, document, "meta-schema", resolver)


def check_schema(schema, where, resolver):
    """A schema, and the examples and defaults of everything in it."""
    for error in DRAFT7(DRAFT7.META_SCHEMA).iter_errors(schema):
        fail(where, f"no JSON Schema: {error.message}"[:500])
    for example in schema.get("examples", []):
        validate(schema, example, f"{where} example", resolver)
    if "default" in schema:
        validate(schema, schema["default"], f"{where} default", resolver)
    for name, member in schema.get("properties", {}).items():
        check_schema(member, f"{where}/{name}", resolver)
    if "items" in schema:
        check_schema(schema["items"], f"{where}/items", resolver)


def check_example(method, example, resolver):
    name = method["name"]
    schemas = {param["name"]: param["schema"] for param in method["params"]}
    given = {param["name"]: param["value"] for param in example["params"]}
    for param in method["params"]:
        if param["required"] and param["name"] not in given:
            fail(name, f"its example lacks {param['name']}")
    for param, value in given.items():
        if param in schemas:
            validate(schemas[param], value, f"{name} example {param}", resolver)
        else:
            fail(name, f"its example has {param}, which is no parameter")
    if "result" in example:
        validate(method["result"]["schema"], example["result"]["value"], f"{name} example result",
                 resolver)
    elif name not in WITHOUT_RESULT:
        fail(name, "its example has no result")


def check_method(method, document, resolver):
    name = method["name"]
    for param in method["params"]:
        check_schema(param["schema"], f"{name} {param['name']}", resolver)
    check_schema(method["result"]["schema"], f"{name} result", resolver)
    if method.get("x-role") not in ("read", "operate", "admin"):
        fail(name, "has no role")
    if {"name": f"role: {method.get('x-role')}"} not in method["tags"]:
        fail(name, "has no tag with its role")
    for error in method["errors"]:
        if error["$ref"].rpartition("/")[2] not in document["components"]["errors"]:
            fail(name, f"{error['$ref']} leads nowhere")
    for example in method.get("examples", []):
        check_example(method, example, resolver)
    if not method.get("examples"):
        fail(name, "has no example")


def main():
    text = subprocess.run([sys.argv[1], "--openrpc"], check=True, stdout=subprocess.PIPE).stdout
    document = json.loads(text)
    resolver = jsonschema.RefResolver("", document)
    check_meta_schema(document)
    for name, schema in document["components"]["schemas"].items():
        check_schema(schema, f"components {name}", resolver)
    for method in document["methods"]:
        check_method(method, document, resolver)
    print(f"{len(document['methods'])} methods, {failures} complaints")
    return failures > 0 or not document["methods"]


if __name__ == "__main__":
    sys.exit(main())
