"""What a board must be, whatever its queries mean. Each check takes all boards and yields faults."""

import re

from boards import (BUILT_IN, BUILT_IN_LINKS, NAMES, defaults, fill_in, promtools, read_text,
                    recorded_constants, run_promtool, targets)

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
REDUCED = ("stat", "gauge", "bargauge")
COLOURS = ("blue", "yellow", "red")
WORSE = {"Lower is worse.": "lower", "Higher is worse.": "higher"}


def worse(panel):
    return [way for words, way in WORSE.items() if words in panel["description"]]


def steps(panel):
    return panel["fieldConfig"]["defaults"]["thresholds"]["steps"]


def red_limit(panel):
    """(the way red lies, the limit), or None."""
    colours = [step["color"] for step in steps(panel)]
    if "red" not in colours:
        return None
    at = colours.index("red")
    return ("lower", steps(panel)[1]["value"]) if at == 0 else ("higher", steps(panel)[at]["value"])


def identity(boards):
    seen = set()
    for name, board in boards.items():
        if board["uid"] != f"driftdrill-{name}":
            yield f"{name}: uid is {board['uid']}"
        if not 36 <= board["schemaVersion"] <= 42:
            yield f"{name}: schemaVersion {board['schemaVersion']}"
        for key in ("id", "title"):
            values = [panel[key] for panel in board["panels"]]
            for value in {value for value in values if values.count(value) > 1}:
                yield f"{name}: {key} {value} twice"
        if board["title"] in seen:
            yield f"{name}: title {board['title']} twice"
        seen.add(board["title"])


def layout(boards):
    for name, board in boards.items():
        taken = {}
        for panel in board["panels"]:
            grid = panel["gridPos"]
            if grid["x"] < 0 or grid["x"] + grid["w"] > 24 or grid["w"] < 4 or grid["h"] < 4:
                yield f"{name}/{panel['title']}: does not fit 24 columns, or is too small to read"
            for x in range(grid["x"], grid["x"] + grid["w"]):
                for y in range(grid["y"], grid["y"] + grid["h"]):
                    if taken.setdefault((x, y), panel["title"]) != panel["title"]:
                        yield f"{name}/{panel['title']}: lies over {taken[x, y]}"
                        return


def said(boards):
    for name, board in boards.items():
        for panel in board["panels"]:
            where = f"{name}/{panel['title']}"
            field = panel["fieldConfig"]["defaults"]
            if not field.get("unit"):
                yield f"{where}: no unit"
            if not field.get("noValue"):
                yield f"{where}: no noValue"
            if len(panel.get("description", "")) < 30 or not panel["description"].endswith("."):
                yield f"{where}: no description"
            elif len(worse(panel)) > 1:
                yield f"{where}: both ways are worse"


def colours(boards):
    for name, board in boards.items():
        for panel in board["panels"]:
            where, values = f"{name}/{panel['title']}", [step["value"] for step in steps(panel)]
            if any(step["color"] not in COLOURS for step in steps(panel)):
                yield f"{where}: a colour that means nothing"
            if values[0] is not None or values[1:] != sorted(set(values[1:])):
                yield f"{where}: steps do not rise"
            if red_limit(panel) and worse(panel) != [red_limit(panel)[0]]:
                yield f"{where}: red is not where the description says that worse is"


def same_everywhere(boards):
    """The limit is the objective where one is drawn, and the same query has the same colours."""
    constants, known = recorded_constants(), {}
    for name, board in boards.items():
        for panel in board["panels"]:
            where = f"{name}/{panel['title']}"
            for target in panel["targets"]:
                if target["refId"] == "limit" and target["expr"] in constants and red_limit(panel):
                    if red_limit(panel)[1] != constants[target["expr"]]:
                        yield f"{where}: red begins at {red_limit(panel)[1]}, not {target['expr']}"
            expr = panel["targets"][0]["expr"]
            # Without a limit there is one colour, which says nothing.
            if len(steps(panel)) < 2:
                continue
            if known.setdefault(expr, (where, steps(panel)))[1] != steps(panel):
                yield f"{where}: other colours than {known[expr][0]}"


def queries(boards):
    for name, board in boards.items():
        for panel in board["panels"]:
            refs = [target["refId"] for target in panel["targets"]]
            where = f"{name}/{panel['title']}"
            if refs[0] != "A" or len(set(refs)) != len(refs) or any(len(ref) > 7 for ref in refs):
                yield f"{where}: queries are called {refs}"
            if panel["datasource"] != SOURCE:
                yield f"{where}: not of the chosen data source"
        for panel, target in targets(board):
            where = f"{name}/{panel['title']}/{target['refId']}"
            if target["datasource"] != SOURCE:
                yield f"{where}: not of the chosen data source"
            if not target["expr"].strip() or not target["legendFormat"]:
                yield f"{where}: no expression or no legend"
            if target["instant"] == target["range"]:
                yield f"{where}: neither instant nor range, or both"
            if target["instant"] != (panel["type"] in REDUCED):
                yield f"{where}: one number is an instant query over a fixed window, a graph is not"
            if target["instant"] and "$__" in target["expr"]:
                yield f"{where}: the number depends on the zoom"
            if re.search(r"\$\{?__interval\b", target["expr"]):
                yield f"{where}: $__interval holds too few scrapes"
            if (target["format"] == "heatmap") != (panel["type"] == "heatmap"):
                yield f"{where}: format {target['format']}"
            for match in re.findall(r'le=~?"([^"]*)"', target["expr"]):
                if "([.]0)?" not in match:
                    yield f"{where}: le is matched as {match}, one of two spellings"


def variables(boards):
    for name, board in boards.items():
        listed = board["templating"]["list"]
        names = [variable["name"] for variable in listed]
        if names[:2] != ["datasource", "job"] or listed[0]["query"] != "prometheus":
            yield f"{name}: variables are {names}"
        for variable in listed[1:]:
            if variable["refresh"] != 2 or not variable["multi"] or not variable["includeAll"]:
                yield f"{name}: ${variable['name']} is not refreshed, or not for several"
            if variable["datasource"] != SOURCE:
                yield f"{name}: ${variable['name']} is not of the chosen data source"
        texts = [target["expr"] for _, target in targets(board)]
        texts += [entry.get("expr", "") for entry in board["annotations"]["list"]]
        used = {match for text in texts for match in re.findall(r"\$\{?(\w+)", text)}
        for unknown in sorted(used - set(names) - set(BUILT_IN)):
            yield f"{name}: nobody defines ${unknown}"
        for idle in sorted(set(names[1:]) - used):
            yield f"{name}: nobody uses ${idle}"


def links(boards):
    uids = {board["uid"]: board for board in boards.values()}
    for name, board in boards.items():
        there = {link["url"] for link in board["links"]}
        for uid in sorted(set(uids) - {board["uid"]} - {url.split("/")[-1] for url in there}):
            yield f"{name}: no link to {uid}"
        for link in board["links"]:
            if not link["keepTime"] or not link["includeVars"]:
                yield f"{name}: the link {link['title']} loses time or variables"
        urls = [(name, url) for url in there]
        for panel in board["panels"]:
            for link in panel.get("links", []):
                urls.append((f"{name}/{panel['title']}", link["url"]))
                if not BUILT_IN_LINKS <= set(re.findall(r"\w+", link["url"])):
                    yield f"{name}/{panel['title']}: the link loses time or variables"
        for where, url in urls:
            match = re.match(r"/d/([\w-]+)(?:\?viewPanel=(\d+).*)?$", url)
            if not match or match[1] not in uids:
                yield f"{where}: {url} leads nowhere"
            elif match[2] and int(match[2]) not in [p["id"] for p in uids[match[1]]["panels"]]:
                yield f"{where}: {url} names no panel"


def annotations(boards):
    for name, board in boards.items():
        exprs = " ".join(entry.get("expr", "") for entry in board["annotations"]["list"])
        for series in ('ALERTS{alertstate="firing"', "driftdrill_injection_intensity"):
            if series not in exprs:
                yield f"{name}: no annotation of {series}"


def parses(boards):
    """promtool reads every expression, as a record of its own name."""
    for tool in promtools():
        for name, board in boards.items():
            values, rules = defaults(board), []
            exprs = [(f"{panel['id']}_{target['refId']}", target["expr"])
                     for panel, target in targets(board)]
            exprs += [(f"annotation_{i}", entry["expr"])
                      for i, entry in enumerate(board["annotations"]["list"]) if "expr" in entry]
            for label, expr in exprs:
                unknown = re.search(r"\$\{?(\w+)", fill_in_known(expr, values))
                if unknown:
                    continue
                rules.append({"record": f"{name}:{label}", "expr": fill_in(expr, values)})
            answer = run_promtool(tool, ["check", "rules"],
                                  {"groups": [{"name": name, "rules": rules}]})
            if answer:
                yield f"{name}: {tool}: {answer}"


def fill_in_known(expr, values):
    return re.sub(r"\$\{?(\w+)\}?", lambda m: values.get(m[1], m[0]), expr)


WORDS = {"by", "on", "without", "ignoring", "group_left", "group_right", "and", "or", "unless",
         "bool", "offset"}


def series_of(expr):
    """Names of series in an expression: what is neither a label, a function nor a word."""
    expr = re.sub(r'"[^"]*"', "", fill_in_known(expr, BUILT_IN))
    expr = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)",
                  " ", expr)
    names = re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", expr)
    return {name for name in names if name not in WORDS}


def known_series():
    names = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "ALERTS"}
    for family in re.findall(r"`([a-z_0-9]+)`", read_text("docs/METRICS.md")):
        names |= {family, family + "_bucket", family + "_sum", family + "_count"}
    for family in re.findall(r'"(driftdrill_[a-z_]+|process_[a-z_]+)"',
                             read_text("src/drill/own_metrics.c")):
        names |= {family, family + "_bucket", family + "_sum", family + "_count"}
    for path in ("drift", "cusum", "infrastructure", "objectives"):
        names |= set(re.findall(r"record: (\S+)", read_text(f"prometheus/rules/{path}.yml")))
    return names


def known(boards):
    names = known_series()
    for name, board in boards.items():
        for panel, target in targets(board):
            for series in sorted(series_of(target["expr"]) - names):
                yield f"{name}/{panel['title']}: nobody exposes or records {series}"


def documented(boards):
    """docs/dashboards.md lists each panel as it is."""
    text = read_text("docs/dashboards.md")
    for name, board in boards.items():
        part = text.partition(f"\n### {board['title']}\n")[2].partition("\n##")[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in part.splitlines() if re.match(r"\| \d", line)]
        expected = []
        for panel in sorted(board["panels"], key=lambda panel: panel["id"]):
            limit, way = red_limit(panel), worse(panel)
            red = "" if not limit else f"{'below' if limit[0] == 'lower' else 'from'} {limit[1]:g}"
            unit = panel["fieldConfig"]["defaults"].get("unit", "")
            expected.append([str(panel["id"]), panel["title"], panel["type"], unit,
                             way[0] if way else "", red])
        for row in expected:
            if row not in rows:
                yield f"{name}: docs/dashboards.md lacks | {' | '.join(row)} |"
        for row in rows:
            if row not in expected:
                yield f"{name}: docs/dashboards.md has | {' | '.join(row)} |"


def named_by_alerts(boards):
    """The rules' links to panels lead to panels."""
    uids = {board["uid"]: board for board in boards.values()}
    for path in ("drift", "cusum", "infrastructure"):
        text = read_text(f"prometheus/rules/{path}.yml")
        for uid, panel in re.findall(r"/d/([\w-]+)\?viewPanel=(\d+)", text):
            if uid not in uids or int(panel) not in [p["id"] for p in uids[uid]["panels"]]:
                yield f"{path}.yml: no panel {panel} on {uid}"


def drift_alerts(boards):
    """The line that says when a drift alert fires counts those alerts, and all of them."""
    expr = next(target["expr"] for panel, target in targets(boards["drill"])
                if panel["id"] == 1 and target["refId"] == "D")
    rules = read_text("prometheus/rules/drift.yml") + read_text("prometheus/rules/cusum.yml")
    counted = re.search(r'alertname=~"([^"]*)"', expr)
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    if not counted or set(counted[1].split("|")) != alerts:
        yield f"drill/Injected against detected: does not count {sorted(alerts)}"


def provisioning(boards):
    folder = "grafana/provisioning/"
    text = {name: re.sub(r"(?m)^\s*#.*$", "", read_text(folder + name)) for name in
            ("datasources/datasources.yml", "dashboards/dashboards.yml", "alerting/recommender.yml")}
    for name, content in text.items():
        if re.search(r"(?<!\$)(\$\$)*\$(?!\$)", content):
            yield f"{name}: a single $ is a variable of the environment"
    uids = set(re.findall(r"(?m)^    uid: (\S+)$", text["datasources/datasources.yml"]))
    if uids != {"prometheus", "alertmanager"}:
        yield f"datasources: uids are {sorted(uids)}"
    for board in boards.values():
        if board["templating"]["list"][0]["current"]["value"] not in uids:
            yield f"{board['uid']}: its data source is not provisioned"
    alerts = text["alerting/recommender.yml"]
    for seconds in re.findall(r"interval: (\d+)s", alerts) or ["1"]:
        if int(seconds) % 10:
            yield f"alerting: Grafana has ticks of 10 s, {seconds} s is no multiple"
    if alerts.count("- refId:") != alerts.count("relativeTimeRange:"):
        yield "alerting: a query without relativeTimeRange"
    for source in set(re.findall(r"datasourceUid: (\S+)", alerts)) - uids - {"__expr__"}:
        yield f"alerting: no data source {source}"
    pairs = re.findall(r"dashboardUid: (\S+)\s+panelId: (\d+)", alerts)
    for uid, panel in pairs:
        board = next((b for b in boards.values() if b["uid"] == uid), None)
        if not board or int(panel) not in [p["id"] for p in board["panels"]]:
            yield f"alerting: no panel {panel} on {uid}"
    if len(pairs) != 2:
        yield f"alerting: {len(pairs)} rules with a panel, not 2"


CHECKS = (identity, layout, said, colours, same_everywhere, queries, variables, links, annotations,
          parses, known, documented, named_by_alerts, drift_alerts, provisioning)
assert NAMES
