"""What panels show of synthetic traffic: promtool plays it through the shipped rules and queries.

Expressions are taken from the boards, never repeated here. A world is a dictionary of series, each
given by how it begins and what it gains every 15 seconds, before and after a change at 30 minutes;
panels are looked at just before it and 25 minutes later.
"""

import re

from boards import (RULES, defaults, expression, fill_in, read_board, read_text, run_promtool,
                    shipped, targets)

CHANGE, END = 120, 240  # samples
BEFORE, AFTER = "29m50s", "54m50s"  # between two scrapes, as most moments are
LAST = "59m"  # promtool leaves out samples near the last moment that it is asked about

SOURCES = ("base", "similar", "popular")
STARS = ("1.0", "2.0", "3.0", "4.0", "5.0")


def rising(before, after):
    return f"0+{before}x{CHANGE} {before * CHANGE}+{after}x{END - CHANGE}"


def level(value):
    return f"{value}x{END}"


def traffic(lists, converted, ratings, job="recommender", spelling=lambda bound: bound):
    """Counters of one recommender. Each argument is a pair, before and after: lists and converted
    lists a scrape, and ratings of 1 to 5 stars a scrape. All films are from the source base, in
    service as in training."""
    me = f'job="{job}", instance="{job}:8000"'
    world = {
        f'recommendation_lists_total{{{me}}}': rising(*lists),
        f'recommendation_lists_converted_total{{{me}}}': rising(*converted),
        f'recommendation_lists_rated_total{{{me}}}': rising(*(sum(stars) for stars in ratings)),
        f'recommendation_lists_without_history_total{{{me}}}': rising(0, 0),
        f'recommendation_ratings_unattributed_total{{{me}}}': rising(0, 0),
        f'recommendation_ratings_late_total{{{me}}}': rising(0, 0),
        f'recommendation_reciprocal_rank_total{{{me}}}':
            rising(*(sum(stars) * 0.5 for stars in ratings)),
        f'http_requests_total{{{me}, handler="/recommendations/", method="GET", status="2xx"}}':
            rising(*lists),
        f'http_requests_total{{{me}, handler="/recommendations/", method="GET", status="5xx"}}':
            rising(0, 0),
        f'http_requests_total{{{me}, handler="/ratings/", method="POST", status="2xx"}}':
            rising(*(sum(stars) for stars in ratings)),
        f'http_requests_total{{{me}, handler="/ratings/", method="POST", status="4xx"}}':
            rising(0, 0),
        f'http_requests_total{{{me}, handler="none", method="GET", status="4xx"}}': rising(0, 0),
    }
    for bound in ("0.01", "0.1", "0.5", "1.0", "+Inf"):
        few = [n * (0.9 if bound == "0.01" else 1) for n in lists]
        world[f'http_request_duration_highr_seconds_bucket{{{me}, le="{bound}"}}'] = rising(*few)
        if bound != "0.01":
            world[f'http_request_duration_seconds_bucket{{{me}, handler="/recommendations/", '
                  f'method="GET", le="{bound}"}}'] = rising(*few)
    world[f'http_request_duration_seconds_count{{{me}, handler="/recommendations/", '
          'method="GET"}'] = rising(*lists)
    for source in SOURCES:
        its = ratings if source == "base" else ((0,) * 5, (0,) * 5)
        label = f'{me}, recommender="{source}"'
        for i, bound in enumerate(STARS):
            world[f'user_rating_bucket{{{label}, le="{spelling(bound)}"}}'] = rising(
                *(sum(stars[:i + 1]) for stars in its))
        for bound in ("0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0"):
            world[f'recommendation_rating_stars_bucket{{{label}, le="{bound}"}}'] = rising(
                *(sum(stars[:int(float(bound))]) for stars in its))
        count = [sum(stars) for stars in its]
        total = [sum(n * (i + 1) for i, n in enumerate(stars)) for stars in its]
        world[f'user_rating_bucket{{{label}, le="+Inf"}}'] = rising(*count)
        world[f'user_rating_count{{{label}}}'] = rising(*count)
        world[f'user_rating_sum{{{label}}}'] = rising(*total)
        world[f'recommendation_rating_stars_count{{{label}}}'] = rising(*count)
        world[f'predicted_rating_sum{{{label}}}'] = rising(*(3.5 * n for n in count))
        world[f'predicted_rating_count{{{label}}}'] = rising(*count)
        world[f'item_rank_sum{{{label}}}'] = rising(*(2 * n for n in count))
        world[f'item_rank_count{{{label}}}'] = rising(*count)
        items = [n * (10 if source == "base" else 0) for n in lists]
        world[f'recommendation_items_total{{{label}}}'] = rising(*items)
        world[f'count_in_top5_total{{{label}}}'] = rising(*(n // 2 for n in items))
        world[f'model_source_share{{{label}}}'] = level(int(source == "base"))
    for stage in SOURCES + ("ranking",):
        for bound in ("0.0001", "0.001", "+Inf"):
            world[f'recommendation_stage_duration_seconds_bucket{{{me}, stage="{stage}", '
                  f'le="{bound}"}}'] = rising(*lists)
    return world


def process(job="recommender"):
    """What stands still, or moves whether people come or not."""
    me = f'job="{job}", instance="{job}:8000"'
    world = {f'up{{{me}}}': level(1), f'scrape_duration_seconds{{{me}}}': level(0.01),
             f'scrape_samples_scraped{{{me}}}': level(900),
             f'process_cpu_seconds_total{{{me}}}': rising(1, 1),
             f'process_start_time_seconds{{{me}}}': level(1),
             f'process_open_fds{{{me}}}': level(20), f'process_max_fds{{{me}}}': level(1024),
             f'process_threads{{{me}}}': level(7),
             f'process_resident_memory_bytes{{{me}}}': level(1000000),
             f'process_virtual_memory_bytes{{{me}}}': level(9000000),
             f'model_trained_timestamp_seconds{{{me}}}': level(1),
             f'ratings_since_training{{{me}}}': level(10),
             f'fault_active{{{me}, kind="latency"}}': level(0),
             f'trainings_total{{{me}, result="ok"}}': level(1),
             f'retrain_failures_total{{{me}}}': level(0)}
    for name in ("process_network_receive_bytes_total", "process_network_transmit_bytes_total",
                 "ratings_kept_total", "ratings_repeated_total", "ratings_lost_total",
                 "ratings_turned_away_total"):
        world[f'{name}{{{me}}}'] = rising(3, 3)
    return world


def simulator(lists, converted):
    me = 'job="driftdrill", instance="simulator:9100"'
    world = {f'driftdrill_info{{{me}}}': level(1), f'up{{{me}}}': level(1),
             f'process_cpu_seconds_total{{{me}}}': rising(1, 1),
             f'driftdrill_requested_steps_per_second{{{me}}}': level(20),
             f'driftdrill_generator_fit{{{me}}}': level(1),
             f'driftdrill_loops_total{{{me}}}': level(0),
             f'driftdrill_schedule_lag_max_seconds{{{me}}}': level(0.01),
             f'driftdrill_lists_total{{{me}}}': rising(*lists),
             f'driftdrill_lists_converted_total{{{me}}}': rising(*converted),
             f'driftdrill_steps_total{{{me}}}': rising(*lists),
             f'driftdrill_injection_intensity{{{me}, injection="0", kind="choice-rotation"}}':
                 f"0x{CHANGE} 1x{END - CHANGE}"}
    for phase in ("control", "drift"):
        world[f'driftdrill_phase{{{me}, phase="{phase}"}}'] = level(int(phase == "drift"))
    for cause in ("schedule", "alert"):
        world[f'driftdrill_retrains_total{{{me}, cause="{cause}"}}'] = level(0)
    for endpoint in ("list", "rating"):
        label = f'{me}, endpoint="{endpoint}"'
        world[f'driftdrill_requests_total{{{label}}}'] = rising(*lists)
        for kind in ("failed", "unanswered"):
            world[f'driftdrill_errors_total{{{label}, kind="{kind}"}}'] = rising(0, 0)
        for clock in ("intended", "send"):
            for bound in ("0.01", "+Inf"):
                world[f'driftdrill_request_seconds_bucket{{{label}, from="{clock}", '
                      f'le="{bound}"}}'] = rising(*lists)
    for bound in ("0.01", "+Inf"):
        world[f'driftdrill_schedule_lag_seconds_bucket{{{me}, le="{bound}"}}'] = rising(*lists)
    return world


def play(tool, world, asked):
    """asked: (expression, moment, expected samples). Returns promtool's objections."""
    return run_promtool(tool, ["test", "rules"], {
        "rule_files": RULES, "evaluation_interval": "30s",
        "tests": [{"interval": "15s",
                   "input_series": [{"series": name, "values": values}
                                    for name, values in world.items()],
                   "promql_expr_test": [
                       {"expr": expr, "eval_time": moment, "exp_samples": [
                           {"labels": labels, "value": value} for labels, value in samples]}
                       for expr, moment, samples in asked + [("vector(1)", LAST, [("{}", 1)])]]}]})


REST = (10, 40, 100, 150, 100)      # ratings of 1 to 5 stars of 1000 lists a scrape
HARSH = (110, 40, 100, 150, 0)      # every 5 became a 1
FEWER = (5, 20, 50, 75, 50)         # half as many, as they were


def busy(jobs=("recommender",)):
    world = {}
    for job in jobs:
        world |= traffic((1000, 1000), (300, 150), (REST, FEWER), job) | process(job)
    return world | simulator((1000, 1000), (300, 150))


def idle():
    """Everything exposed, and nobody there: counters stand at what they are."""
    return (traffic((0, 0), (0, 0), ((0,) * 5, (0,) * 5)) | process()
            | simulator((0, 0), (0, 0)))


def filled(board, several=False):
    values = defaults(board)
    if several:
        values["job"] = "(recommender|second)"
    for panel, target in targets(board):
        yield panel, target, fill_in(target["expr"], values)


# No alert is near in a busy world at rest, so its timeline is empty.
EMPTY_AT_REST = {("Drill", 2)}


def numbers():
    """Never NaN or infinite, whoever comes."""
    return [asked for board in shipped().values() for _, _, expr in filled(board)
            for asked in ((f"({expr}) != ({expr})", AFTER, []), (f"abs({expr}) == Inf", AFTER, []))]


def data(several=False):
    """Every query answers while there is traffic."""
    return [(f"count({expr}) > bool 0", BEFORE, [("{}", 1)])
            for board in shipped().values() for panel, _, expr in filled(board, several)
            if (board["title"], panel["id"]) not in EMPTY_AT_REST]


def values():
    """What important panels show before and after people find half as much."""
    boards, asked = shipped(), []
    for name, panel, ref, labels, before, after in (
            ("main", 1, "A", '{job="recommender"}', 0.3, 0.15),
            ("main", 10, "A", '{job="recommender"}', 0.3, 0.15),
            ("main", 11, "A", '{job="recommender"}', 3.725, 3.725),
            ("main", 2, "A", '{recommender="base"}', 3.725, 3.725),
            ("main", 4, "A", "{}", 0, 0),
            ("main", 13, "B", "{}", 26.667, 13.333),
            ("model", 1, "A", '{job="recommender"}', 0.2, 0.1),
            ("drill", 5, "A", "{}", 0.3, 0.15),
            ("drill", 1, "inject", '{kind="choice-rotation"}', 0, 1),
            ("drill", 1, "D", "{}", 0, 1),
            ("drill", 4, "A", '{job="driftdrill"}', 1, 1)):
        expr = fill_in(expression(boards[name], panel, ref), defaults(boards[name]))
        asked += [(f"round({expr}, 0.001)", BEFORE, [(labels, before)]),
                  (f"round({expr}, 0.001)", AFTER, [(labels, after)])]
    shares = fill_in(expression(boards["model"], 5), defaults(boards["model"]))
    asked.append((f"round({shares}, 0.001)", BEFORE, [
        (f'{{job="recommender", stars="{i + 1}"}}', n / sum(REST))
        for i, n in enumerate(REST)]))
    return asked


def twin():
    """Grafana's twin is above 0 when the alert's expression holds, and says nothing otherwise."""
    text = read_text("grafana/provisioning/alerting/recommender.yml")
    exprs = [" ".join(block.split())
             for block in re.findall(r"expr: >-\n((?:\s{16}.*\n)+)", text)]
    assert len(exprs) == 2
    return [asked for expr in exprs for asked in (
        (f"({expr}) > 0", BEFORE, []), (f"count(({expr}) > 0)", AFTER, [("{}", 1)]))]


def at_rest_and_after(tool):
    yield play(tool, busy(), numbers() + data() + values() + twin())


def nobody_there(tool):
    yield play(tool, idle(), numbers())


def two_recommenders(tool):
    yield play(tool, busy(("recommender", "second")), data(True))


def article(name):
    board = read_board(f"tests/dashboards/article/{name}.json")
    return board["panels"][0]["targets"][0]["expr"]


def as_at(expr, step):
    return fill_in(expr, {"__interval": step, "__rate_interval": "1m"})


def article_is_wrong(tool):
    """The figures of article/README.md."""
    harsh = traffic((1000, 1000), (300, 200), (REST, HARSH))
    ours = fill_in(expression(shipped()["main"], 1), defaults(shipped()["main"]))
    printed = article("conversion")
    cumulative = as_at(article("conversion-cumulative"), "15s")
    window = article("conversion-interval")
    spelling = as_at(article("conversion-le"), "15s")
    mean = article("mean-rating")
    inverse = as_at(article("reciprocal-rank"), "15s")
    share = shipped()["model"]
    rank = fill_in(expression(share, 1), defaults(share))
    bare = traffic((1000, 1000), (300, 200), (REST, HARSH), spelling=lambda le: le.split(".")[0])
    fewer = traffic((1000, 1000), (300, 150), (REST, FEWER))
    two = dict(fewer)
    two.update({series.replace('instance="recommender:8000"', 'instance="recommender:8001"'): n
                for series, n in fewer.items()})
    none = traffic((0, 0), (0, 0), ((0,) * 5, (0,) * 5))
    for world, asked in (
            # Adds up cumulative buckets: every 5 that becomes a 1 raises it.
            (harsh, [(f"round({expr}, 0.001)", moment, [("{}", value)])
                     for expr in (as_at(printed, "2m"), cumulative)
                     for moment, value in ((BEFORE, 0.85), (AFTER, 1.05))]),
            (harsh, [(f"round({ours}, 0.001)", moment, [('{job="recommender"}', value)])
                     for moment, value in ((BEFORE, 0.3), (AFTER, 0.2))]),
            # One scrape in the window is no rate.
            (harsh, [(as_at(window, "15s"), BEFORE, []), (as_at(printed, "15s"), BEFORE, []),
                     (f'round({as_at(window, "2m")}, 0.001)', BEFORE, [("{}", 0.35)])]),
            # Bounds as an exposer in C writes them, and Prometheus 2 keeps them.
            (bare, [(spelling, BEFORE, []), (as_at(printed, "2m"), BEFORE, [])]),
            # Nobody rates: 0 / 0 in each series. Two instances: every source twice.
            (none, [(f'count({as_at(mean, "2m")} != {as_at(mean, "2m")})', BEFORE, [("{}", 3)])]),
            (two, [(f'count({as_at(mean, "2m")}) by (recommender) > 1', BEFORE,
                    [(f'{{recommender="{source}"}}', 2) for source in SOURCES])]),
            # Half as many people find something: the places of what they find are the same.
            (fewer, [(f"round({inverse}, 0.001)", moment, [("{}", 0.5)])
                     for moment in (BEFORE, AFTER)]),
            (fewer, [(f"round({rank}, 0.001)", moment, [('{job="recommender"}', value)])
                     for moment, value in ((BEFORE, 0.2), (AFTER, 0.1))])):
        yield play(tool, world, asked)


CHECKS = (at_rest_and_after, nobody_there, two_recommenders, article_is_wrong)
