"""validate_schema.py SCHEMA DOCUMENTS: one JSON document a line of DOCUMENTS; for each prints one
line, a JSON list of the pointers at which the schema refuses it. With python3-jsonschema of Debian
12 or later."""
import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
with open(sys.argv[2], encoding="utf-8") as documents:
    for document in documents:
        errors = validator.iter_errors(json.loads(document))
        print(json.dumps(["".join(f"/{part}" for part in error.absolute_path) for error in errors]))
