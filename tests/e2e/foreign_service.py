"""A film service that has nothing in common with the bundled recommender but films and people: other
paths, ids, names and metrics. It learns from a MovieLens folder, serves what is popular in the genres
a person likes, and prints its address when it is ready.

    foreign_service.py FOLDER [PORT]

GET  /v1/people/p-7/feed?limit=10   {"trace": "...", "feed": {"cards": [{"ref": "m-31", ...}]}}
POST /v1/events                     {"who": "p-7", "what": "m-31", "stars": 4.5, "trace": "..."}
POST /internal/learn                a folder to learn from as well, as the body
GET  /internal/metrics              for Prometheus
Everything under /v1 wants the header X-Api-Key: open-sesame.
"""

import collections
import csv
import http.server
import json
import math
import os
import sys
import threading
import time
import urllib.parse

CANDIDATES = 400
KEY = "open-sesame"
BOUNDS = [1.0, 2.0, 3.0, 4.0, 5.0]


class Shop:
    """What it knows and counts. One lock for all of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.genres = {}  # film -> its genres
        self.ratings = collections.Counter()  # film -> how many
        self.seen = collections.defaultdict(set)  # person -> films
        self.likes = collections.defaultdict(collections.Counter)  # person -> genre -> ratings
        self.candidates = []
        self.generation = 0
        self.began = time.time()
        self.answers = collections.Counter()  # status -> feeds
        self.stars = collections.Counter()  # stars -> ratings
        self.converted = 0
        self.traces = {}  # trace -> whether a good rating has come
        self.orders = {}  # person -> films, best first

    def learn(self, folder):
        with self.lock:
            with open(os.path.join(folder, "movies.csv"), newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    self.genres[int(row["movieId"])] = row["genres"].split("|")
            with open(os.path.join(folder, "ratings.csv"), encoding="utf-8") as file:
                next(file)
                for line in file:
                    person, film, _ = line.split(",", 2)
                    self.remember(int(person), int(film))
            self.candidates = [film for film, _ in self.ratings.most_common(CANDIDATES)]
            self.orders.clear()
            self.generation += 1

    def remember(self, person, film):
        self.seen[person].add(film)
        self.ratings[film] += 1
        for genre in self.genres.get(film, ()):
            self.likes[person][genre] += 1

    def order(self, person):
        likes = self.likes.get(person, {})
        whole = sum(likes.values()) or 1
        return sorted(
            self.candidates,
            key=lambda film: -math.log(self.ratings[film])
            - 4 * sum(likes.get(genre, 0) for genre in self.genres.get(film, ())) / whole,
        )

    def feed(self, person, limit):
        with self.lock:
            if person not in self.orders:
                self.orders[person] = self.order(person)
            seen = self.seen.get(person, ())
            films = [film for film in self.orders[person] if film not in seen][:limit]
            self.answers[200] += 1
            trace = f"t{self.answers[200]:x}"
            self.traces[trace] = False
            return trace, films

    def rate(self, event):
        with self.lock:
            person, film = int(event["who"][2:]), int(event["what"][2:])
            self.seen[person].add(film)
            self.stars[event["stars"]] += 1
            good = event["stars"] >= 3
            if good and self.traces.get(event.get("trace")) is False:
                self.traces[event["trace"]] = True
                self.converted += 1

    def metrics(self):
        with self.lock:
            lines = ["# TYPE feed_requests_total counter"]
            lines += [
                f'feed_requests_total{{page="home",code="{code}"}} {self.answers[code]}'
                for code in (200, 404)
            ]
            lines += ["# TYPE feed_good_total counter", f"feed_good_total {self.converted}"]
            lines += ["# TYPE feed_stars histogram"]
            lines += [
                f'feed_stars_bucket{{app="films",le="{bound}"}} '
                f"{sum(n for stars, n in self.stars.items() if stars <= bound)}"
                for bound in BOUNDS
            ]
            count = sum(self.stars.values())
            whole = sum(stars * n for stars, n in self.stars.items())
            lines += [f'feed_stars_bucket{{app="films",le="+Inf"}} {count}']
            lines += [f'feed_stars_sum{{app="films"}} {whole}']
            lines += [f'feed_stars_count{{app="films"}} {count}']
            # A name of the bundled recommender's that means something else here.
            lines += ["# TYPE item_rank_sum counter", "item_rank_sum 17"]
            lines += ["# TYPE learned_generation gauge", f"learned_generation {self.generation}"]
            lines += [f"process_start_time_seconds {self.began}"]
            return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def answer(self, status, body, kind="application/json"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refused(self):
        if self.path.startswith("/v1/") and self.headers.get("X-Api-Key") != KEY:
            self.answer(401, '{"error": "no key"}')
            return True
        return False

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        words = parts.path.split("/")
        if self.refused():
            return
        if parts.path == "/internal/metrics":
            self.answer(200, self.server.shop.metrics(), "text/plain; version=0.0.4")
        elif len(words) == 5 and words[2] == "people" and words[4] == "feed":
            limit = int(urllib.parse.parse_qs(parts.query)["limit"][0])
            trace, films = self.server.shop.feed(int(words[3][2:]), limit)
            cards = [{"ref": f"m-{film}", "why": "genre"} for film in films]
            self.answer(200, json.dumps({"trace": trace, "feed": {"cards": cards}}))
        else:
            self.answer(404, '{"error": "not here"}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.refused():
            return
        if self.path == "/v1/events":
            self.server.shop.rate(json.loads(body))
            self.answer(202, '{"taken": 1}')
        elif self.path == "/internal/learn":
            self.server.shop.learn(body.decode())
            self.answer(200, "{}")
        else:
            self.answer(404, '{"error": "not here"}')

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def main():
    shop = Shop()
    shop.learn(sys.argv[1])
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    server.shop = shop
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
