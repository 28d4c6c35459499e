"""openapi.py DRIFTDRILL SCRATCH DATA: holds /openapi.json against the answers of the program.

Every documented (path, method, status) is provoked, and each answer must have the documented status,
content type and form; an answer that is not documented is a failure, and so is a documented one
that never came. Request bodies must be valid by the schema exactly when the service takes them.
Prints lines "ok NAME" and "not ok NAME: why".
"""
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time

from jsonschema import Draft202012Validator

INVALID = pathlib.Path(__file__).parent.parent / "data" / "invalid"
JSON = "application/json"
TOKEN = "t0k3n"
failures = 0
seen = set()
document = {}


def check(name, good, why=""):
    global failures
    failures += not good
    print(f"ok {name}" if good else f"not ok {name}: {why}"[:400], flush=True)


class Server:
    """A recommender of its own; `wait` = until its model is in service."""

    def __init__(self, program, scratch, name, *options, wait=True):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        log = open(scratch / f"{name}.out", "w")
        self.process = subprocess.Popen(
            [program, "serve", "--listen", f"127.0.0.1:{self.port}", *options],
            stdout=subprocess.PIPE, stderr=log, text=True)
        if wait:
            self.process.stdout.readline()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def send(self, method, path, body=None, headers=None, kind=JSON):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = kind
        connection.request(method, path, body, sent)
        reply = connection.getresponse()
        answer = reply.status, reply.getheader("Content-Type"), reply.read()
        connection.close()
        return answer


def validator(schema):
    return Draft202012Validator({**schema, "components": document["components"]})


def operation(template, method):
    return document["paths"][template][method.lower()]


def body_schema(template, method):
    return operation(template, method)["requestBody"]["content"][JSON]["schema"]


def what_is_wrong(template, method, status, kind, body):
    """None if the answer is a documented one, which is then marked as seen."""
    responses = operation(template, method)["responses"]
    key = str(status) if str(status) in responses else f"{status // 100}XX"
    if key not in responses:
        return f"status {status} is not documented: {body[:100]}"
    content = responses[key].get("content", {})
    if not content:
        if body:
            return f"a body where none is documented: {body[:100]}"
    elif kind not in content:
        return f"content type {kind}, documented {list(content)}"
    else:
        value = json.loads(body) if kind == JSON else body.decode()
        error = next(validator(content[kind]["schema"]).iter_errors(value), None)
        if error is not None:
            return f"{status}: {error.message}, in {error.json_path}"
    seen.add((template, method.lower(), key))
    return None


def see(server, wanted, method, template, path=None, **request):
    """One request, whose answer must have the status `wanted` and be as documented."""
    status, kind, body = server.send(method, path or template, **request)
    why = what_is_wrong(template, method, status, kind, body)
    if why is None and status != wanted:
        why = f"status {status}, wanted {wanted}: {body[:100]}"
    if why is not None:
        check(f"{method} {template} {wanted}", False, why)
    return json.loads(body) if why is None and kind == JSON and body else None


def well_formed():
    check("the version is 3.1.0", document["openapi"] == "3.1.0")
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        closed = next(validator({"$ref": f"#/components/schemas/{name}"}).iter_errors(object()), None)
        check(f"schema {name} takes not just anything", closed is not None)


def lists(server):
    path = "/recommendations/"
    n = next(p for p in operation(path, "GET")["parameters"] if p["name"] == "n")["schema"]
    for wanted, query in [(200, "user_id=1"), (200, "user_id=2147483647"),
                          (200, f"user_id=1&n={n['minimum']}"), (200, f"user_id=1&n={n['maximum']}"),
                          (422, ""), (422, "user_id=x"), (422, f"user_id=1&n={n['maximum'] + 1}"),
                          (422, f"user_id=1&n={n['minimum'] - 1}")]:
        answer = see(server, wanted, "GET", path, f"{path}?{query}")
        if answer and "recommendations" in answer:
            length = int(query.split("n=")[1]) if "n=" in query else n["default"]
            check(f"a list for {query} has {length} films",
                  len(answer["recommendations"]) == length)
    see(server, 307, "GET", "/recommendations", "/recommendations?user_id=1")


def ratings(server):
    path = "/ratings/"
    served = server.send("GET", "/recommendations/?user_id=7")[2]
    first = json.loads(served)
    good = {"user_id": 7, "movie_id": first["recommendations"][0]["movie_id"], "rating": 4.5}
    named = {**good, "request_id": first["request_id"], "rating": 5}
    for wanted, body in [(201, good), (201, named), (201, {**good, "request_id": None}),
                         (201, {**good, "more": 1}), (404, {**good, "movie_id": 2147483647})]:
        check(f"the schema takes {body}", validator(body_schema(path, "POST")).is_valid(body))
        see(server, wanted, "POST", path, body=body)
    see(server, 307, "POST", "/ratings", body=good)
    return good


def refused_bodies(server, template, folder):
    """What the service refuses the schema refuses, too, unless it is no JSON at all."""
    count = 0
    for file in sorted((INVALID / folder).glob("*.json")):
        see(server, 422, "POST", template, body=file.read_bytes())
        try:
            value = json.loads(file.read_bytes(), object_pairs_hook=once)
        except ValueError:
            continue
        count += 1
        check(f"the schema refuses {folder}/{file.name}",
              not validator(body_schema(template, "POST")).is_valid(value), json.dumps(value))
    check(f"bodies of {folder} were tried", count > 3)


def once(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def any_request(server, good_rating):
    """Whatever may be sent anywhere."""
    most = int(document["info"]["description"].split("at most ")[1].split()[0])
    for template, methods in document["paths"].items():
        for method in methods:
            path = template.replace("{id}", "1")
            see(server, 413, method.upper(), template, path, body="x" * (most + 1))
            if "415" in methods[method]["responses"]:
                see(server, 415, method.upper(), template, path, body="a=1",
                    kind="application/x-www-form-urlencoded")
            if "403" in methods[method]["responses"]:
                see(server, 403, method.upper(), template, path,
                    headers={"Origin": "http://elsewhere.example"})
    see(server, 200, "GET", "/openapi.json")
    see(server, 200, "GET", "/healthz")
    see(server, 200, "GET", "/metrics")


FAULTS = [
    {"kind": "latency", "duration_s": 0.01, "latency_s": 0.001},
    {"kind": "latency", "duration_s": 0.01, "median_s": 0.001, "sigma": 0.5, "share": 0.1},
    {"kind": "errors", "duration_s": 0.01, "status": 599, "handlers": ["/metrics"]},
    {"kind": "stall", "duration_s": 0.01},
    {"kind": "stale-model", "duration_s": 0.01},
    {"kind": "broken-source", "duration_s": 0.01, "source": "base", "items": "random"},
    {"kind": "dropped-ratings", "duration_s": 0.01, "share": 0},
    {"kind": "scrape-delay", "duration_s": 0.01, "delay_s": 0.001},
    {"kind": "scrape-garbage", "duration_s": 0.01, "form": "cut"},
    {"kind": "hidden-series", "duration_s": 0.01},
]


def faults(server, good_rating):
    path = "/admin/fault"
    kinds = {one["title"] for one in document["components"]["schemas"]["Fault"]["oneOf"]}
    check("every kind of fault is tried", kinds == {fault["kind"] for fault in FAULTS})
    for fault in FAULTS:
        check(f"the schema takes {fault}", validator(body_schema(path, "POST")).is_valid(fault))
        see(server, 201, "POST", path, body=fault)
        begun = see(server, 201, "POST", path, body={**fault, "duration_s": 60})
        see(server, 200, "GET", path)
        see(server, 200, "DELETE", path + "/{id}", f"{path}/{begun['id']}")
        see(server, 404, "DELETE", path + "/{id}", f"{path}/{begun['id']}")
    see(server, 404, "DELETE", path + "/{id}", path + "/x")
    everywhere = ["/recommendations/", "/ratings/", "/metrics"]
    see(server, 201, "POST", path, body={"kind": "errors", "duration_s": 60, "status": 599,
                                         "handlers": everywhere})
    see(server, 599, "GET", "/recommendations/", "/recommendations/?user_id=1")
    see(server, 599, "POST", "/ratings/", body=good_rating)
    see(server, 599, "GET", "/metrics")
    see(server, 200, "DELETE", path)
    most = document["components"]["schemas"]["FaultList"]["properties"]["faults"]["maxItems"]
    for _ in range(most):
        see(server, 201, "POST", path, body={"kind": "dropped-ratings", "duration_s": 60})
    see(server, 409, "POST", path, body={"kind": "dropped-ratings", "duration_s": 60})
    see(server, 200, "GET", path)
    see(server, 200, "DELETE", path)


def retrainings(server):
    path = "/admin/retrain"
    see(server, 202, "POST", path, body={"data": "/nonexistent"})
    until = time.monotonic() + 60
    while see(server, 200, "GET", path)["status"] != "failed" and time.monotonic() < until:
        time.sleep(0.02)
    check("a failed training is told", see(server, 200, "GET", path)["error"] is not None)
    see(server, 202, "POST", path, body={})
    see(server, 409, "POST", path)
    see(server, 422, "POST", path, body={"data": 1})
    see(server, 200, "GET", path)


def guarded(server):
    """Every operation of a server that wants a token."""
    for template, methods in document["paths"].items():
        for method in methods:
            if "401" in methods[method]["responses"]:
                path = template.replace("{id}", "1")
                see(server, 401, method.upper(), template, path)
                see(server, 401, method.upper(), template, path,
                    headers={"Authorization": "Bearer other"})
    see(server, 200, "GET", "/admin/retrain", headers={"Authorization": f"Bearer {TOKEN}"})
    see(server, 403, "GET", "/admin/fault", headers={"Authorization": f"Bearer {TOKEN}"})


def loading(server, good_rating):
    """Before the first model."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            status = server.send("GET", "/healthz")[0]
            break
        except ConnectionRefusedError:
            time.sleep(0.005)
    check("a server without a model says so", status == 503, str(status))
    see(server, 503, "GET", "/healthz")
    see(server, 503, "GET", "/recommendations/", "/recommendations/?user_id=1")
    see(server, 503, "POST", "/ratings/", body=good_rating)


def main(program, scratch, data):
    global document
    scratch = pathlib.Path(scratch)
    servers = []

    def start(*arguments, **keywords):
        servers.append(Server(program, scratch, *arguments, **keywords))
        return servers[-1]

    try:
        server = start("whole", "--data", data, "--enable-faults")
        document = json.loads(server.send("GET", "/openapi.json")[2])
        well_formed()
        lists(server)
        good_rating = ratings(server)
        refused_bodies(server, "/ratings/", "rating_body")
        refused_bodies(server, "/admin/fault", "fault_body")
        any_request(server, good_rating)
        faults(server, good_rating)
        retrainings(server)
        guarded(start("guarded", "--data", data, "--admin-token", TOKEN))
        loading(start("loading", wait=False), good_rating)
    finally:
        for one in servers:
            one.stop()
    documented = {(template, method, status) for template, methods in document["paths"].items()
                  for method in methods for status in methods[method]["responses"]}
    check(f"all {len(documented)} documented answers were met", documented <= seen,
          str(sorted(documented - seen)))
    return failures > 0


sys.exit(main(*sys.argv[1:]))
