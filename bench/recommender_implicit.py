"""The Python package `implicit` on the file that recommender_als --split wrote: one line of JSON.

usage: python recommender_implicit.py FILE [THREADS]     (in an environment with implicit)
"""
import json
import resource
import sys
import time

import numpy
import scipy.sparse
from implicit.cpu.als import AlternatingLeastSquares

FACTORS, SWEEPS, SEEDS, LENGTH = 32, 8, 5, 10


def read_problem(path):
    with open(path, "rb") as file:
        rows, cols, count, people = numpy.fromfile(file, numpy.int64, 4)
        start = numpy.fromfile(file, numpy.int64, rows + 1)
        col = numpy.fromfile(file, numpy.int32, count)
        user = numpy.fromfile(file, numpy.int32, people)
        item = numpy.fromfile(file, numpy.int32, people)
    values = numpy.ones(count, numpy.float32)
    matrix = scipy.sparse.csr_matrix((values, col, start.astype(numpy.int32)), shape=(rows, cols))
    matrix.sort_indices()
    return matrix, user, item


def quality(model, matrix, users, items):
    """HR@10 and MRR@10 over all films not rated, ties counting half."""
    hits = reciprocals = 0.0
    for user, item in zip(users, items):
        scores = model.item_factors @ model.user_factors[user]
        rated = matrix.indices[matrix.indptr[user]:matrix.indptr[user + 1]]
        own = scores[item]
        scores[rated] = -numpy.inf
        scores[item] = own
        better = int((scores > own).sum())
        ties = int((scores == own).sum()) - 1
        ranks = range(better + 1, min(LENGTH, better + ties + 1) + 1)
        hits += min(max(LENGTH - better, 0), ties + 1) / (ties + 1)
        reciprocals += sum(1 / rank for rank in ranks) / (ties + 1)
    return hits / len(users), reciprocals / len(users)


def main():
    matrix, users, items = read_problem(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seconds, hr10, mrr10, peak = [], 0.0, 0.0, 0
    for seed in range(1, SEEDS + 1):
        # implicit takes alpha itself as the confidence of an observed pair; ours is 1 + alpha.
        model = AlternatingLeastSquares(factors=FACTORS, regularization=1.0, alpha=2.0,
                                        iterations=SWEEPS, use_cg=True, num_threads=threads,
                                        random_state=seed)
        begin = time.monotonic()
        model.fit(matrix, show_progress=False)
        seconds.append(time.monotonic() - begin)
        if seed == 1:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        hit, reciprocal = quality(model, matrix, users, items)
        hr10 += hit / SEEDS
        mrr10 += reciprocal / SEEDS
    print(json.dumps({"who": "implicit", "threads": threads, "train_s": round(min(seconds), 3),
                      "peak_mib": round(peak), "hr10": round(hr10, 4), "mrr10": round(mrr10, 4)}))


if __name__ == "__main__":
    main()
