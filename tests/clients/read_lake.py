"""Reads a table of a lake with DuckDB: the files that the Delta log lists, nothing of Verbatim.

usage: read_lake.py FOLDER_OF_THE_TABLE
Prints the number of rows, of distinct keys, of characters of text and the last time in seconds.
"""

import json
import pathlib
import sys

import duckdb

table = pathlib.Path(sys.argv[1])
live = {}
for entry in sorted((table / "_delta_log").glob("*.json")):
    for line in entry.read_text().splitlines():
        action = json.loads(line)
        if "add" in action:
            live[action["add"]["path"]] = json.loads(action["add"]["stats"])["numRecords"]
        elif "remove" in action:
            live.pop(action["remove"]["path"], None)

files = [str(table / path) for path in live]
rows, keys, characters, last = duckdb.execute(
    """
    SELECT count(*), count(DISTINCT (conversation_id, message_id)), sum(length(text)),
           epoch(max(sent_at))::BIGINT
    FROM read_parquet(?)
    """,
    [files],
).fetchone()
assert rows == sum(live.values()), (rows, live)
print(rows, keys, characters, last)
