"""DuckDB's side of the benchmarks: times the queries of a job over Parquet files."""

import json
import pathlib
import re
import sys
import time

import duckdb

# Verbatim's functions and the columns of `messages` that hold their values.
STORED = {
    "sentiment": "{0}sentiment",
    "sentiment_label": "{0}sentiment_label",
    "intent": "{0}intent",
    "intent_score": "{0}intent_score",
    "topic": "coalesce({0}topic_id::varchar, 'unclassified')",
    "effort_score": "{0}effort_score",
    "churn_risk": "{0}churn_risk",
    "escalation_request": "{0}escalation_request",
}
SCHEMA = pathlib.Path(__file__).parents[2] / "sql" / "schema"
RUNS = 5

MACROS = [
    # The course of a conversation: means of its first, last and all turns, and the difference.
    """CREATE MACRO conversation_sentiment_detail(role, score, at, turn) AS
       CASE WHEN count(score) >= 6 THEN
         struct_pack(
           start_score := list_avg(list(score ORDER BY at, turn)[1:3]),
           end_score := list_avg(list(score ORDER BY at, turn)[-3:]),
           overall := avg(score),
           trend := list_avg(list(score ORDER BY at, turn)[-3:])
                    - list_avg(list(score ORDER BY at, turn)[1:3]))
       END""",
    "CREATE MACRO churn_risk_detail(words) AS struct_pack(level := NULL, score := NULL, cue := NULL)",
]


def translate(sql):
    """The same query in DuckDB's words."""
    for function, column in STORED.items():
        call = rf"\b{function}\((\w+\.)?text\)"
        sql = re.sub(call, lambda found: column.format(found.group(1) or ""), sql)
    # A regular expression that finds, rather than one that has to match all of the text.
    sql = re.sub(r"(\S+)\s+~\*\s+('(?:[^']|'')*')", r"regexp_matches(\1, \2, 'i')", sql)
    sql = re.sub(r"\bfirst_value\(((?:[^()]|\([^()]*\))*?\bORDER BY)", r"first(\1", sql)
    sql = re.sub(r"\blast_value\(((?:[^()]|\([^()]*\))*?\bORDER BY)", r"last(\1", sql)
    return sql


def empty_table(name):
    """A table without rows, from the definition that the lake is made with."""
    sql = (SCHEMA / f"{name}.sql").read_text()
    sql = re.sub(r"\)\s*WITH \(.*", ")", sql, flags=re.DOTALL)
    return re.sub(r"\bjsonb\b", "json", sql)


def best(connection, sql):
    """The shortest of several runs, the result being made in memory each time."""
    times = []
    for _ in range(RUNS + 2):
        start = time.perf_counter()
        connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {sql}")
        times.append(time.perf_counter() - start)
    return min(times[2:])


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    answer = {"version": duckdb.__version__, "queries": [], "rows": [], "import": None}
    for name, files in job["tables"]:
        if files:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files!r})")
        else:
            connection.execute(empty_table(name))
    if job["queries"]:
        for macro in MACROS:
            connection.execute(macro)
    # Views need not come in the order in which they use each other.
    waiting, failures = list(job["views"]), {}
    while waiting:
        rest = []
        for name, sql in waiting:
            try:
                connection.execute(f"CREATE VIEW {name} AS {translate(sql)}")
            except duckdb.Error as error:
                failures[name] = str(error).splitlines()[0]
                rest.append((name, sql))
        if len(rest) == len(waiting):
            break
        waiting = rest
    for name, sql in job["queries"]:
        try:
            seconds = best(connection, translate(sql))
            rows = connection.execute("SELECT count(*) FROM answer").fetchone()[0]
            answer["queries"].append([name, {"Ok": seconds}])
            answer["rows"].append([name, rows])
        except duckdb.Error as error:
            reason = failures.get(name, str(error).splitlines()[0])
            answer["queries"].append([name, {"Err": reason}])
    if job["import"]:
        source, target = job["import"]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            connection.execute(
                f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited')) "
                f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )
            times.append(time.perf_counter() - start)
        answer["import"] = min(times)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
