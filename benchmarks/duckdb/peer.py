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
    "topic": "CASE {0}topic_id WHEN 0 THEN 'unclassified' ELSE {0}topic_id::varchar END",
    "effort_score": "{0}effort_score",
    "effort_features": "{0}effort_features",
    "churn_risk": "{0}churn_risk",
    "escalation_request": "{0}escalation_request",
}
SCHEMA = pathlib.Path(__file__).parents[2] / "sql" / "schema"
RUNS = 5

MACROS = [
    "CREATE MACRO head(scores) AS list_avg(scores[1:len(scores) // 3])",
    "CREATE MACRO tail(scores) AS list_avg(scores[len(scores) - len(scores) // 3 + 1:])",
    """CREATE MACRO course(scores) AS struct_pack(
         start_score := CASE WHEN len(scores) >= 6 THEN head(scores) END,
         end_score := CASE WHEN len(scores) >= 6 THEN tail(scores) END,
         overall := list_avg(scores),
         trend := CASE WHEN len(scores) >= 6 THEN (tail(scores) - head(scores)) / 2 END)""",
    # The mean of the first, the last and all thirds of a customer's turns.
    """CREATE MACRO conversation_sentiment_detail(speaker, score, sent, turn) AS
         course(list(score ORDER BY turn NULLS LAST, sent NULLS LAST)
                FILTER (WHERE speaker = 'customer' AND score IS NOT NULL))""",
    "CREATE MACRO btrim(words) AS trim(words)",
    """CREATE MACRO churn_risk_level(score) AS
         CASE WHEN score >= 0.65 THEN 'high' WHEN score >= 0.35 THEN 'medium'
              WHEN score IS NOT NULL THEN 'low' END""",
    "CREATE MACRO churn_risk_detail(words) AS struct_pack(level := NULL, score := NULL, cue := NULL)",
]


def quoted(sql):
    """The column `at` of events, a word that DuckDB keeps for itself."""
    return re.sub(r"(?<![\w'])at(?![\w'])(?! time zone)", '"at"', sql, flags=re.IGNORECASE)


def translate(sql):
    """The same query in DuckDB's words."""
    sql = quoted(re.sub(r"--.*", "", sql))
    for function, column in STORED.items():
        call = rf"\b{function}\((\w+\.)?text\)"
        sql = re.sub(call, lambda found: column.format(found.group(1) or ""), sql)
    # A regular expression that finds, rather than one that has to match all of the text.
    sql = re.sub(r"((?:\w+\.)?\w+)\s+~\*\s+('(?:[^']|'')*')", r"regexp_matches(\1, \2, 'i')", sql)
    sql = re.sub(r"\bfirst_value\(((?:[^()]|\([^()]*\))*?\bORDER BY)", r"first(\1", sql)
    sql = re.sub(r"\blast_value\(((?:[^()]|\([^()]*\))*?\bORDER BY)", r"last(\1", sql)
    return sql


def empty_table(name):
    """A table without rows, from the definition that the lake is made with."""
    sql = (SCHEMA / f"{name}.sql").read_text()
    sql = re.sub(r"\)\s*WITH \(.*", ")", sql, flags=re.DOTALL)
    sql = re.sub(r"--.*", "", sql)
    return quoted(re.sub(r"\bjsonb\b", "json", sql))


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
