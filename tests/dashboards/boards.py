"""Dashboards as data, promtool as a process: what the tests of the boards stand on."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMES = ("main", "system", "model", "drill")
RULES = sorted(glob.glob(os.path.join(HOME, "prometheus/rules/*.yml")))

# What Grafana puts in place of its own variables, on a board looked at over an hour.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "3600s"}
BUILT_IN_LINKS = {"__url_time_range", "__all_variables"}


def read_board(path):
    with open(os.path.join(HOME, path), encoding="utf-8") as file:
        return json.load(file)


def read_text(path):
    with open(os.path.join(HOME, path), encoding="utf-8") as file:
        return file.read()


def shipped():
    return {name: read_board(f"grafana/dashboards/{name}.json") for name in NAMES}


def targets(board):
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel, target


def find_panel(board, panel_id):
    return next(panel for panel in board["panels"] if panel["id"] == panel_id)


def expression(board, panel_id, ref="A"):
    return next(t["expr"] for t in find_panel(board, panel_id)["targets"] if t["refId"] == ref)


def defaults(board):
    """The variables' values when the board is opened; several as Grafana writes them."""
    values = dict(BUILT_IN)
    for variable in board["templating"]["list"]:
        value = variable["current"]["value"]
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else "(" + "|".join(value) + ")"
        values[variable["name"]] = value
    return values


def fill_in(expr, values):
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values[match[1]], expr)


def promtools():
    """The one in PATH, and Debian's beside it if that is another."""
    found = []
    for path in (shutil.which("promtool"), "/usr/bin/promtool"):
        if path and os.path.exists(path) and os.path.realpath(path) not in found:
            found.append(os.path.realpath(path))
    return found


def run_promtool(tool, arguments, document):
    """JSON is YAML enough for promtool. Returns what it said, "" if it was content."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml", delete=False) as file:
        json.dump(document, file)
    try:
        done = subprocess.run([tool, *arguments, file.name], capture_output=True, text=True)
    finally:
        os.unlink(file.name)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def recorded_constants():
    """objective:... -> number, of the records that are one constant without labels."""
    text = read_text("prometheus/rules/objectives.yml")
    pairs = re.findall(r"record: (\S+)\n\s+expr: vector\(([-0-9.e]+)\)", text)
    return {name: float(value) for name, value in pairs}
