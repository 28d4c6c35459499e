"""The same as loading_rows.c with a data-frame library; prints one line of JSON.

    loading_frames.py pandas|pandas-pyarrow|polars columns|build FOLDER

columns reads ratings.csv with the narrowest types that hold it. build then does what dataset_load
does: films to dense indexes, of repeated pairs the last row, order by user and time.
"""
import json
import os
import resource
import sys
import time


def read_pandas(path, engine):
    return pandas.read_csv(path, engine=engine, dtype={
        "userId": "int32", "movieId": "int32", "rating": "float32", "timestamp": "int64"})


def build_pandas(ratings, films_path):
    films = pandas.read_csv(films_path)["movieId"].sort_values().to_numpy()
    ratings["movieId"] = films.searchsorted(ratings["movieId"]).astype("int32")
    ratings = ratings.drop_duplicates(["userId", "movieId"], keep="last")
    return ratings.sort_values(["userId", "timestamp"], kind="stable")


def read_polars(path):
    return polars.read_csv(path, schema={
        "userId": polars.Int32, "movieId": polars.Int32, "rating": polars.Float32,
        "timestamp": polars.Int64})


def build_polars(ratings, films_path):
    films = polars.read_csv(films_path, columns=["movieId"]).get_column("movieId").sort()
    index = films.search_sorted(ratings.get_column("movieId")).cast(polars.Int32)
    return (ratings.with_columns(index.alias("movieId"))
            .unique(["userId", "movieId"], keep="last", maintain_order=True)
            .sort(["userId", "timestamp"], maintain_order=True))


who, what, folder = sys.argv[1:]
path = os.path.join(folder, "ratings.csv")
films_path = os.path.join(folder, "movies.csv")
if who == "polars":
    import polars
    version = polars.__version__
else:
    import pandas
    version = pandas.__version__
    if who == "pandas-pyarrow":
        import pyarrow
        pyarrow.set_cpu_count(1)


def cpu_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


imported_s, since = cpu_s(), time.monotonic()
if who == "polars":
    frame = read_polars(path)
    rows = len(frame)
    if what == "build":
        frame = build_polars(frame, films_path)
else:
    frame = read_pandas(path, "pyarrow" if who == "pandas-pyarrow" else "c")
    rows = len(frame)
    if what == "build":
        frame = build_pandas(frame, films_path)
print(json.dumps({
    "who": f"{who} {version}", "what": what, "rows": rows, "bytes": os.path.getsize(path),
    "cpu_s": round(cpu_s() - imported_s, 3), "wall_s": round(time.monotonic() - since, 3),
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
