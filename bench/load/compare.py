#!/usr/bin/env python3
"""What a step costs the generator, beside other generators: processor time of the client.

    make bench-load [ROUNDS=5] [SECONDS=3] [ONLY=floor,wrk,...] [JSON=FILE]
    bench/load/compare.py --show FILE      # the table of a JSON=FILE once more

A step is a list of ten films asked for and a rating sent. The server, nginx, is pinned to the first
core, the client to the second; each client has 64 kept connections and is always busy. A client is
measured in the middle of its run, after a warm-up: user and system time of its process by the
kernel's account, divided by half of the requests that the server counted in the same time. So
nothing depends on what a tool says about itself, and its start does not count. Two requests are a
step in every row: of driftdrill's people a few like nothing and rate nothing, which must not make
its steps cheaper (`rated` tells how many of the lists were rated; more lists than ratings, the
cheaper requests, leave its row a little too dear). The rows take turns, round by round; ratios are
made within a round, and their median and range are shown, with the goals they are held to. Tools
that are not installed are missing from the table, which says so.

docs/load.md tells what each row does with an answer.
"""

import argparse
import csv
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LISTS = 10
LIST_LENGTH = 10
PATIENCE_S = 60
REQUESTS_A_STEP = 2
RATIOS_TO = ("wrk", "floor")
# What a step of the first costs, in steps of the second.
GOALS = (
    ("driftdrill", "wrk", "at most", 1.0),
    ("driftdrill", "floor", "at most", 1.25),
    ("k6", "driftdrill", "at least", 7.0),
    ("locust", "driftdrill", "at least", 14.0),
)


def fail(text):
    sys.exit(f"bench-load: {text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def popular_films(folder):
    """The most rated films of a folder in MovieLens layout, as many as the lists hold."""
    with open(folder / "ratings.csv", encoding="utf-8") as file:
        count = Counter(row["movieId"] for row in csv.DictReader(file))
    films = [int(film) for film, _ in count.most_common(LISTS * LIST_LENGTH)]
    if len(films) < LISTS * LIST_LENGTH:
        fail(f"{folder} has fewer than {LISTS * LIST_LENGTH} films")
    return films


def list_answers(films):
    """Ten lists of the bundled recommender's form; each mixes well and less well known films.
    Blanks at the end make them equally long, because the floor knows no other answers."""
    answers = []
    for number in range(LISTS):
        places = [
            {
                "movie_id": films[number + LISTS * rank],
                "rank": rank + 1,
                "score": round(0.95 - 0.0731 * rank, 4),
                "recommender": ("base", "similar", "popular")[rank * 3 // LIST_LENGTH % 3],
            }
            for rank in range(LIST_LENGTH)
        ]
        answer = {"user_id": 0, "request_id": f"0123456789abcdef{number:08d}"}
        answers.append(json.dumps(answer | {"recommendations": places}, separators=(",", ":")))
    length = max(map(len, answers))
    return [answer.ljust(length) for answer in answers]


class Server:
    """nginx on one core; knows how many requests it has read."""

    def __init__(self, work, films, core):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.outcome = work / "run.json"
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *self._nginx(work, films)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._wait()
        self.worker = worker_of(self.process.pid)

    @staticmethod
    def _lists(films):
        answers = list_answers(films)
        rows = [f"        10% '{answer}';" for answer in answers[:-1]]
        return "\n".join([*rows, f"        * '{answers[-1]}';"])

    def _nginx(self, work, films):
        text = (HERE / "nginx.conf.in").read_text(encoding="utf-8")
        text = text.replace("@WORK@", str(work)).replace("@PORT@", str(self.port))
        path = work / "nginx.conf"
        path.write_text(text.replace("@LISTS@", self._lists(films)), encoding="utf-8")
        return ["nginx", "-p", str(work), "-c", str(path)]

    def _wait(self):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if self.process.poll() is not None:
                fail("the server does not start")
            try:
                self.requests()
                return
            except OSError:
                time.sleep(0.05)
        fail("the server does not answer")

    def requests(self):
        """Requests read so far, this one included."""
        with urllib.request.urlopen(f"{self.url}/requests", timeout=5) as answer:
            numbers = re.findall(r"\d+", answer.read().decode())
        return int(numbers[3])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def worker_of(pid):
    """nginx's worker, a child of its master."""
    for _ in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    return pid


def cpu_s(pid):
    """User and system time of all threads of a process, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def driftdrill(program, data, *options):
    def command(server, connections, seconds):
        return [
            program, "run", "--target", server.url, "--data", str(data),
            "--scenario", str(HERE / "everybody-rates.yml"), "--connections", str(connections),
            "--duration", f"{seconds}s", "--json", str(server.outcome), *options,
        ]  # fmt: skip

    return command


def vegeta(server, connections, seconds):
    return [
        "vegeta", "attack", "-rate", "0", "-workers", str(connections), "-max-workers",
        str(connections), "-connections", str(connections), "-duration", f"{seconds}s",
        "-targets", str(server.targets), "-output", "/dev/null",
    ]  # fmt: skip


def write_vegeta_targets(server, work):
    body = work / "rating.json"
    body.write_text('{"user_id":4711,"movie_id":318,"rating":4.5}', encoding="ascii")
    server.targets = work / "targets.txt"
    server.targets.write_text(
        f"GET {server.url}/recommendations/?user_id=4711&n=10\n\n"
        f"POST {server.url}/ratings/\nContent-Type: application/json\n@{body}\n",
        encoding="ascii",
    )


def rows(args, data):
    """name: (program that must be there, command)."""
    floor = ROOT / "build/release/bench/load/floor"
    rate = f"{args.rate}"
    return {
        "floor": (
            str(floor),
            lambda server, n, s: [str(floor), server.address, str(n), str(s)],
        ),
        "wrk": (
            "wrk",
            lambda server, n, s: [
                "wrk", "-t1", f"-c{n}", f"-d{s}s", "-s", str(HERE / "two_requests.lua"), server.url,
            ],
        ),
        "driftdrill": (
            args.program,
            driftdrill(args.program, data, "--closed", str(args.connections)),
        ),
        "driftdrill-open": (args.program, driftdrill(args.program, data, "--rate", rate)),
        "driftdrill-libcurl": (
            args.program,
            driftdrill(
                args.program, data, "--closed", str(args.connections), "--transport", "libcurl"
            ),
        ),
        "vegeta": ("vegeta", vegeta),
        "k6": (
            "k6",
            lambda server, n, s: [
                "k6", "run", "--quiet", "--no-summary", "--no-usage-report", "-e",
                f"CONNECTIONS={n}", "-e", f"DURATION={s}s", "-e", f"TARGET={server.url}",
                str(HERE / "steps.js"),
            ],
        ),
        "locust": (
            "locust",
            lambda server, n, s: [
                "locust", "--headless", "--only-summary", "-f", str(HERE / "locustfile.py"),
                "--host", server.url, "-u", str(n), "-r", str(n), "-t", f"{s}s",
            ],
        ),
    }  # fmt: skip


def rated_share(outcome):
    """Ratings sent for each list asked for: what driftdrill wrote, 1 of any other client."""
    if not outcome.exists():
        return 1
    counts = json.loads(outcome.read_text(encoding="utf-8"))["total"]
    outcome.unlink()
    return counts["post_sent"] / counts["get_sent"]


def measure(server, command, core, args):
    """One run of a client; what a step cost it, in the middle of the run."""
    length = PATIENCE_S + int(args.seconds + args.warm_up) + 1
    log = args.work / "client.log"
    with open(log, "wb") as out:
        client = subprocess.Popen(
            ["taskset", "-c", str(core), *command(server, args.connections, length)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env=os.environ | {"GOMAXPROCS": "1"},
        )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE_S
        begun = server.requests()
        while server.requests() < begun + 1000:
            if client.poll() is not None or time.monotonic() > until:
                text = log.read_text(encoding="utf-8", errors="replace")[-800:]
                fail(f"{command(server, args.connections, length)[0]} does not play:\n{text}")
            time.sleep(0.05)
        time.sleep(args.warm_up)
        before = (time.monotonic(), cpu_s(client.pid), cpu_s(server.worker), server.requests())
        time.sleep(args.seconds)
        after = (time.monotonic(), cpu_s(client.pid), cpu_s(server.worker), server.requests())
    finally:
        client.send_signal(signal.SIGINT)
        try:
            client.wait(10)
        except subprocess.TimeoutExpired:
            client.kill()
            client.wait()
    wall_s, client_s, server_s = (b - a for a, b in zip(before[:3], after[:3]))
    return {
        "requests": after[3] - before[3] - 1,  # without the question how many
        "wall_s": wall_s,
        "client_s": client_s,
        "server_s": server_s,
        "rated": rated_share(server.outcome),
    }


def steps(measured):
    return measured["requests"] / REQUESTS_A_STEP


def client_us(measured):
    return 1e6 * measured["client_s"] / steps(measured)


def ratios(results, row, other):
    """What a step of one costs in steps of the other, round by round."""
    if row not in results or other not in results:
        return []
    return [client_us(a) / client_us(b) for a, b in zip(results[row], results[other])]


def middle_and_range(values, digits):
    if not values:
        return f"{'-':>10}{'-':>14}"
    spread = f"{min(values):.{digits}f}-{max(values):.{digits}f}"
    return f"{statistics.median(values):>10.{digits}f}{spread:>14}"


def table(results):
    titles = "".join(f"{'to ' + other:>10}{'range':>14}" for other in RATIOS_TO)
    lines = [
        f"{'client':<19}{'us/step':>10}{'range':>14}{titles}"
        f"{'steps/s':>9}{'rated':>7}{'client':>8}{'server us':>10}"
    ]
    for name, rounds in results.items():
        cells = [f"{name:<19}", middle_and_range([client_us(r) for r in rounds], 1)]
        cells += [middle_and_range(ratios(results, name, other), 2) for other in RATIOS_TO]
        per_s = statistics.median(steps(r) / r["wall_s"] for r in rounds)
        busy = statistics.median(r["client_s"] / r["wall_s"] for r in rounds)
        server_us = statistics.median(1e6 * r["server_s"] / steps(r) for r in rounds)
        cells.append(f"{per_s:>9.0f}{statistics.median(r['rated'] for r in rounds):>7.2f}")
        cells.append(f"{100 * busy:>7.0f}%{server_us:>10.1f}")
        lines.append("".join(cells))
    return "\n".join(lines)


def goals(results):
    """Each goal, what was measured, and whether the median keeps it."""
    lines = []
    for row, other, bound, limit in GOALS:
        values = ratios(results, row, other)
        text = f"{row + ' to ' + other:<21} {bound} {limit:g}"
        if not values:
            absent = row if row not in results else other
            lines.append(f"{text:<36}not measured: no row {absent}")
            continue

        def kept(ratio):
            return ratio <= limit if bound == "at most" else ratio >= limit

        outcome = "met" if kept(statistics.median(values)) else "not met"
        rounds = sum(map(kept, values))
        lines.append(
            f"{text:<36}{outcome:<8}{middle_and_range(values, 2)}  "
            f"in {rounds} of {len(values)} rounds"
        )
    return "goals: what a step costs\n" + "\n".join(f"  {line}" for line in lines)


def settings():
    parser = argparse.ArgumentParser(description="what a step costs the generator")
    parser.add_argument("--program", default=str(ROOT / "build/driftdrill"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warm-up", type=float, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=int, default=10000, help="steps/s of driftdrill-open")
    parser.add_argument("--only", help="names of rows, separated by commas")
    parser.add_argument("--json", type=Path, help="write every round here")
    parser.add_argument("--show", type=Path, help="measure nothing, show what --json wrote")
    return parser.parse_args()


def main():
    args = settings()
    if args.show:
        written = json.loads(args.show.read_text(encoding="utf-8"))
        print(f"{table(written)}\n{goals(written)}")
        return
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        fail("needs two cores, one for the server and one for the client")
    os.environ["PATH"] += ":/usr/sbin"
    if shutil.which("nginx") is None:
        fail("nginx is not installed (Debian: nginx-light)")
    with tempfile.TemporaryDirectory() as work:
        args.work = Path(work)
        data = args.data or Path(os.environ.get("MOVIELENS_DIR", ROOT / "data/ml-latest-small"))
        if not (data / "ratings.csv").exists():
            data = args.work / "synthetic"
            subprocess.run([args.program, "data", "synth", str(data)], check=True)
        wanted = rows(args, data)
        if args.only:
            unknown = set(args.only.split(",")) - set(wanted)
            if unknown:
                fail(f"no row {', '.join(sorted(unknown))}; there are {', '.join(wanted)}")
            wanted = {name: wanted[name] for name in args.only.split(",")}
        missing = [name for name, row in wanted.items() if shutil.which(row[0]) is None]
        wanted = {name: row for name, row in wanted.items() if name not in missing}
        server = Server(args.work, popular_films(data), cores[0])
        write_vegeta_targets(server, args.work)
        results = {name: [] for name in wanted}
        try:
            for number in range(args.rounds):
                names = list(wanted)
                turn = number % len(names)
                for name in names[turn:] + names[:turn]:
                    results[name].append(measure(server, wanted[name][1], cores[1], args))
                    cost_us = client_us(results[name][-1])
                    print(f"round {number + 1}/{args.rounds} {name}: {cost_us:.1f} us", file=sys.stderr)
        finally:
            server.stop()
    print(f"{table(results)}\n{goals(results)}")
    print(
        f"nginx on core {cores[0]}, client on core {cores[1]}, "
        f"{args.connections} connections, {args.rounds} rounds of {args.seconds:g} s"
    )
    if missing:
        print(f"not installed: {', '.join(missing)}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
