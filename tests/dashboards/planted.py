"""Faults put into copies of the shipped boards: each must be found, by the check that is for it."""

import structure


def first(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def set_in(where, key, value):
    where[key] = value


def drop_link(boards):
    boards["main"]["links"].pop()


# name, what is done to the boards, the check that must object, a part of what it must say
FAULTS = (
    ("an id twice", lambda b: set_in(b["main"]["panels"][1], "id", 1),
     structure.identity, "id 1 twice"),
    ("another uid", lambda b: set_in(b["drill"], "uid", "drill"),
     structure.identity, "uid is drill"),
    ("a panel over another", lambda b: set_in(b["model"]["panels"][1]["gridPos"], "x", 2),
     structure.layout, "lies over"),
    ("a panel off the grid", lambda b: set_in(b["system"]["panels"][0]["gridPos"], "w", 25),
     structure.layout, "does not fit"),
    ("no unit", lambda b: b["main"]["panels"][0]["fieldConfig"]["defaults"].pop("unit"),
     structure.said, "main/Conversion: no unit"),
    ("no description", lambda b: set_in(b["main"]["panels"][0], "description", ""),
     structure.said, "no description"),
    ("both ways worse", lambda b: set_in(
        b["main"]["panels"][0], "description",
        b["main"]["panels"][0]["description"] + " Higher is worse."),
     structure.said, "both ways"),
    ("green", lambda b: set_in(structure.steps(b["main"]["panels"][0])[2], "color", "green"),
     structure.colours, "means nothing"),
    ("the wrong way worse", lambda b: set_in(
        b["main"]["panels"][0], "description",
        b["main"]["panels"][0]["description"].replace("Lower is", "Higher is")),
     structure.colours, "where the description says"),
    ("a limit of its own", lambda b: set_in(
        structure.steps(b["model"]["panels"][1])[1], "value", 0.12),
     structure.same_everywhere, "not objective:recommendation_reciprocal_rank:min"),
    ("other colours for the same", lambda b: set_in(
        structure.steps(b["main"]["panels"][0])[2], "value", 0.3),
     lambda b: structure.same_everywhere(dict(b, twin=dict(b["main"], panels=[
         dict(b["main"]["panels"][0], fieldConfig={"defaults": {"thresholds": {"steps": []}}})]))),
     "other colours than"),
    ("the article's window", lambda b: set_in(
        first(b["main"], "timeseries")["targets"][0], "expr", "rate(up[$__interval])"),
     structure.queries, "too few scrapes"),
    ("a number that depends on the zoom", lambda b: set_in(
        first(b["main"], "stat")["targets"][0], "expr", "rate(up[$__rate_interval])"),
     structure.queries, "depends on the zoom"),
    ("a fixed data source", lambda b: set_in(
        b["main"]["panels"][0]["targets"][0], "datasource", {"type": "prometheus", "uid": "x"}),
     structure.queries, "chosen data source"),
    ("one spelling of le", lambda b: set_in(
        b["main"]["panels"][0]["targets"][0], "expr", 'sum(user_rating_bucket{le="2"})'),
     structure.queries, "one of two spellings"),
    ("an unknown variable", lambda b: set_in(
        b["main"]["panels"][0]["targets"][0], "expr", 'up{job="$jobs"}'),
     structure.variables, "nobody defines $jobs"),
    ("a variable read once", lambda b: set_in(b["main"]["templating"]["list"][1], "refresh", 1),
     structure.variables, "not refreshed"),
    ("a link less", drop_link, structure.links, "no link to"),
    ("a link to no panel", lambda b: set_in(
        b["main"]["panels"][0]["links"][0], "url",
        b["main"]["panels"][0]["links"][0]["url"].replace("=10", "=99")),
     structure.links, "names no panel"),
    ("a link that forgets the time", lambda b: set_in(b["main"]["links"][0], "keepTime", False),
     structure.links, "loses time"),
    ("no annotations", lambda b: set_in(b["model"]["annotations"], "list", []),
     structure.annotations, "no annotation"),
    ("no PromQL", lambda b: set_in(
        b["main"]["panels"][0]["targets"][0], "expr", "sum(rate(up[5m])"),
     structure.parses, "main"),
    ("a drift alert left out", lambda b: set_in(
        b["drill"]["panels"][0]["targets"][3], "expr",
        b["drill"]["panels"][0]["targets"][3]["expr"].replace("|MeanRatingLow|", "|")),
     structure.drift_alerts, "does not count"),
    ("a renamed metric", lambda b: set_in(
        b["main"]["panels"][0]["targets"][0], "expr", "sum(rate(ratings_total[5m]))"),
     structure.known, "nobody exposes or records ratings_total"),
    ("a panel nobody wrote down", lambda b: set_in(b["main"]["panels"][0], "title", "Convert"),
     structure.documented, "Convert"),
    ("an alert's panel gone", lambda b: set_in(structure_panel(b, "main", 10), "id", 110),
     structure.named_by_alerts, "no panel 10 on driftdrill-main"),
    ("the twin's panel gone", lambda b: set_in(structure_panel(b, "model", 3), "id", 103),
     structure.provisioning, "no panel 3 on driftdrill-model"),
)


def structure_panel(boards, name, panel_id):
    return next(panel for panel in boards[name]["panels"] if panel["id"] == panel_id)
