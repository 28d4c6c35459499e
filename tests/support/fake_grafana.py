#!/usr/bin/env python3
"""Stands for a Grafana where none can be had: answers the HTTP API calls that a drill makes, in the
formats of Grafana's documentation, from a live Prometheus. Steps, windows and variables are worked
out here a second time, from the documentation of its Prometheus data source, on purpose without a
look at the C code that they are compared with.

    fake_grafana.py --prometheus URL --dashboards DIR [--rules FILE.json] [--interval 250ms]
                    [--wrong step|value|panel|rules]... [--anonymous]

Prints its address, then serves until it is killed. --wrong makes one thing differ; --anonymous
refuses what only an administrator may read.
"""
import argparse
import glob
import http.server
import json
import math
import os
import re
import urllib.error
import urllib.parse
import urllib.request

# What the server rounds an interval to: (bound that still belongs to it, interval), milliseconds.
ROUNDED = [
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000),
    (3500, 2000), (7500, 5000), (12500, 10000), (17500, 15000), (25000, 20000), (45000, 30000),
    (90000, 60000), (210000, 120000), (450000, 300000), (750000, 600000), (1050000, 900000),
    (1500000, 1200000), (2700000, 1800000), (5400000, 3600000), (9000000, 7200000),
    (16200000, 10800000), (32400000, 21600000), (86400000, 43200000), (604800000, 86400000),
    (1814400000, 604800000), (3628800000, 2592000000),
]
POINTS_OF_PROMETHEUS = 11000


def rounded(ms):
    for bound, interval in ROUNDED:
        if ms <= bound:
            return interval
    return 31536000000


def duration_ms(text):
    match = re.fullmatch(r"(\d+)(ms|[smhdwy])", text.strip())
    if not match:
        raise ValueError("invalid duration " + repr(text))
    units = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000, "w": 604800000,
             "y": 31536000000}
    return int(match[1]) * units[match[2]]


def interval_text(ms):
    """The largest whole unit."""
    for unit, size in (("y", 31536000000), ("d", 86400000), ("h", 3600000), ("m", 60000),
                       ("s", 1000)):
        if ms >= size:
            return f"{ms // size}{unit}"
    return f"{max(ms, 1)}ms"


def go_text(ms):
    """As Go's time.Duration spells itself."""
    if ms < 1000:
        return f"{ms}ms"
    hours, rest = divmod(ms, 3600000)
    minutes, rest = divmod(rest, 60000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


class Plan:
    """Step and variables of one query."""

    def __init__(self, query, start_ms, end_ms, source_ms):
        self.range_ms = end_ms - start_ms
        points = query.get("maxDataPoints") or 1500
        asked = query.get("intervalMs") or 0
        min_step = query.get("interval") or ""
        is_rate = min_step in ("$__rate_interval", "${__rate_interval}")
        known = min_step and "$" not in min_step
        scrape = duration_ms(min_step) if known else source_ms
        least = scrape if known else asked or source_ms
        wanted = self.range_ms / points
        step = least if wanted < least else rounded(wanted)
        step = max(step, rounded(self.range_ms / POINTS_OF_PROMETHEUS))
        # Min step $__rate_interval: the window is worked out from the step, and is then the step.
        before = step if is_rate else asked or step
        self.rate_ms = max(before + scrape, 4 * scrape)
        self.step_ms = self.rate_ms if is_rate else step
        self.start_ms = start_ms // self.step_ms * self.step_ms
        self.end_ms = end_ms // self.step_ms * self.step_ms

    def put_in(self, expr):
        values = {
            "__interval_ms": str(self.step_ms),
            "__interval": interval_text(self.step_ms),
            "__range_ms": str(self.range_ms),
            "__range_s": str(int(self.range_ms / 1000 + 0.5)),
            "__range": f"{int(self.range_ms / 1000 + 0.5)}s",
            "__rate_interval_ms": str(self.rate_ms),
            "__rate_interval": go_text(self.rate_ms),
        }
        for name in sorted(values, key=len, reverse=True):
            expr = expr.replace("${" + name + "}", values[name])
            expr = expr.replace("$" + name, values[name])
        return expr


def column(values):
    """A column of numbers, and what JSON cannot hold listed by index."""
    odd = {}
    out = []
    for index, text in enumerate(values):
        value = float(text)
        if math.isfinite(value):
            out.append(value)
        else:
            name = "NaN" if math.isnan(value) else "Inf" if value > 0 else "NegInf"
            odd.setdefault(name, []).append(index)
            out.append(None)
    return out, odd


def display_name(labels, legend):
    if legend and legend != "__auto":
        return re.sub(r"\{\{\s*([^}\s]+)\s*\}\}", lambda m: labels.get(m[1], ""), legend)
    rest = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != "__name__")
    return labels.get("__name__", "") + ("{" + rest + "}" if rest else "")


class Answerer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def unknown(self):
        token = self.server.options.token
        return token is not None and self.headers.get("Authorization") != f"Bearer {token}"

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        options = self.server.options
        if path == "/api/health":
            self.answer(200, {"commit": "0", "database": "ok", "version": "13.2.0"})
        elif self.unknown():
            self.answer(401, {"message": "Unauthorized"})
        elif path.startswith("/api/dashboards/uid/"):
            self.dashboard(urllib.parse.unquote(path.rsplit("/", 1)[1]))
        elif path == "/api/v1/provisioning/alert-rules":
            if options.anonymous:
                self.answer(403, {"accessErrorId": "ACE1", "message":
                                  "You'll need additional permissions to perform this action."})
            else:
                self.answer(200, self.server.rules)
        else:
            self.answer(404, {"message": "Not found"})

    def dashboard(self, uid):
        for number, (name, dashboard) in enumerate(self.server.dashboards.items()):
            if dashboard.get("uid") == uid:
                stored = dict(dashboard, id=number + 1, version=1)
                self.answer(200, {"dashboard": stored, "meta": {
                    "type": "db", "canSave": False, "slug": uid, "url": f"/d/{uid}/{uid}",
                    "provisioned": True, "provisionedExternalId": name, "folderUid": "f"}})
                return
        self.answer(404, {"message": "Dashboard not found"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if urllib.parse.urlsplit(self.path).path != "/api/ds/query":
            self.answer(404, {"message": "Not found"})
            return
        if self.unknown():
            self.answer(401, {"message": "Unauthorized"})
            return
        results = {}
        for query in body["queries"]:
            results[query["refId"]] = self.query(query, int(body["from"]), int(body["to"]))
        bad = [r["status"] for r in results.values() if r["status"] != 200]
        self.answer(bad[0] if bad else 200, {"results": results})

    def query(self, query, start_ms, end_ms):
        options = self.server.options
        if query["datasource"].get("uid") != options.uid:
            return {"error": "data source not found", "status": 404, "frames": []}
        plan = Plan(query, start_ms, end_ms, duration_ms(options.interval))
        if "step" in options.wrong:
            plan.step_ms *= 2
        expr = plan.put_in(query["expr"])
        instant = query.get("instant") and not query.get("range")
        form = {"query": expr}
        if instant:
            form["time"] = f"{end_ms / 1000:.3f}"
        else:
            form.update(start=f"{plan.start_ms / 1000:.3f}", end=f"{plan.end_ms / 1000:.3f}",
                        step=f"{plan.step_ms / 1000:.3f}")
        url = options.prometheus + ("/api/v1/query" if instant else "/api/v1/query_range")
        try:
            with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as reply:
                data = json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            told = json.load(error)
            return {"error": f"{told['errorType']}: {told['error']}", "errorSource": "downstream",
                    "status": 400, "frames": []}
        meta = {"type": "timeseries-multi", "typeVersion": [0, 1],
                "custom": {"resultType": data["resultType"]},
                "executedQueryString": f"Expr: {expr}\nStep: {go_text(plan.step_ms)}"}
        frames = [self.frame(query, meta, series) for series in self.series(data)]
        if not frames:
            frames = [{"schema": {"refId": query["refId"], "meta": meta, "fields": []},
                       "data": {"values": []}}]
        return {"status": 200, "frames": frames}

    @staticmethod
    def series(data):
        if data["resultType"] == "scalar":
            return [{"metric": {}, "values": [data["result"]]}]
        return [dict(metric=s["metric"], values=s.get("values") or [s["value"]])
                for s in data["result"]]

    def frame(self, query, meta, series):
        labels = series["metric"]
        factor = 1.01 if "value" in self.server.options.wrong else 1
        times = [int(round(t * 1000)) for t, _ in series["values"]]
        values, odd = column([v for _, v in series["values"]])
        values = [v if v is None else v * factor for v in values]
        data = {"values": [times, values]}
        if odd:
            data["entities"] = [None, odd]
        name = display_name(labels, query.get("legendFormat"))
        return {"schema": {"refId": query["refId"], "meta": meta, "fields": [
            {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}, "config": {}},
            {"name": "Value", "type": "number", "typeInfo": {"frame": "float64"},
             "labels": labels, "config": {"displayNameFromDS": name}}]}, "data": data}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--dashboards", required=True)
    parser.add_argument("--rules")
    parser.add_argument("--uid", default="prometheus")
    parser.add_argument("--interval", default="15s")
    parser.add_argument("--wrong", action="append", default=[],
                        choices=["step", "value", "panel", "rules"])
    parser.add_argument("--anonymous", action="store_true")
    parser.add_argument("--token", help="who asks must have it, but for /api/health")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
    server.options = options
    server.dashboards = {}
    for path in sorted(glob.glob(os.path.join(options.dashboards, "*.json"))):
        with open(path, encoding="utf-8") as file:
            server.dashboards[os.path.basename(path)] = json.load(file)
    if "panel" in options.wrong:
        for dashboard in server.dashboards.values():
            for panel in dashboard["panels"]:
                for target in panel.get("targets", []):
                    target["expr"] = target["expr"].replace("$__rate_interval", "$__interval")
    server.rules = []
    if options.rules:
        with open(options.rules, encoding="utf-8") as file:
            server.rules = json.load(file)
    if "rules" in options.wrong:
        server.rules.append({"uid": "driftdrill-conversion-low", "title": "of another scale"})
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
