"""The problem that bench/als wrote, solved by the Python package `implicit`.

usage: python als_implicit.py FILE [THREADS]     (in an environment with implicit)
"""
import sys
import time

import numpy
import scipy.sparse
from implicit.cpu.als import AlternatingLeastSquares


def read_problem(path):
    with open(path, "rb") as file:
        rows, cols, count = numpy.fromfile(file, numpy.int64, 3)
        start = numpy.fromfile(file, numpy.int64, rows + 1)
        col = numpy.fromfile(file, numpy.int32, count)
    values = numpy.ones(count, numpy.float32)
    return scipy.sparse.csr_matrix((values, col, start.astype(numpy.int32)), shape=(rows, cols))


def objective(model, weights, regularisation=1.0):
    x = model.user_factors.astype(numpy.float64)
    y = model.item_factors.astype(numpy.float64)
    pairs = weights.tocoo()
    score = numpy.einsum("ij,ij->i", x[pairs.row], y[pairs.col])
    everywhere = numpy.sum((x.T @ x) * (y.T @ y))
    observed = numpy.sum(2 * (1 - score) ** 2 - score**2)
    return everywhere + observed + regularisation * (numpy.sum(x * x) + numpy.sum(y * y))


def main():
    weights = read_problem(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    # implicit takes alpha itself as the confidence of an observed pair; ours is 1 + alpha.
    model = AlternatingLeastSquares(factors=32, regularization=1.0, alpha=2.0, iterations=8,
                                    use_cg=True, num_threads=threads, random_state=1)
    begin = time.monotonic()
    model.fit(weights, show_progress=False)
    print(f"implicit: {time.monotonic() - begin:.3f} s, objective {objective(model, weights):.0f}")


if __name__ == "__main__":
    main()
