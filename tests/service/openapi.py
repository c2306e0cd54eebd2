"""Holds answers (SCHEMA-WHAT.json) against a description; everything that an answer has must be described by name or by kind.

    openapi.py openapi.json FOLDER
"""
import json
import pathlib
import sys

import jsonschema

document = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})
count = 0
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.json")):
    schema = {"$ref": f"#/components/schemas/{path.name.split('-')[0]}", "components": document["components"]}
    instance = json.loads(path.read_text())
    for item in instance if path.name.endswith("-list.json") else [instance]:
        for error in jsonschema.Draft202012Validator(schema).iter_errors(item):
            sys.exit(f"{path.name}: {error.json_path}: {error.message}")
        count += 1
print(count)
