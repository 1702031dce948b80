"""What a Python program does with a lake through psycopg 3. Usage: psycopg_check.py PORT"""

import datetime
import sys
from decimal import Decimal

import psycopg

UTC = datetime.timezone.utc


def values(connection):
    """Every common type, in text and in binary."""
    query = (
        "SELECT true, 7::int, 9000000000::bigint, 0.5::float8, 12.50::numeric(10,2), 'ä', "
        "DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00', "
        "TIMESTAMPTZ '2024-02-29 12:00:00+00', ARRAY['a', NULL], NULL"
    )
    expected = (
        True, 7, 9000000000, 0.5, Decimal("12.50"), "ä",
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12),
        datetime.datetime(2024, 2, 29, 12, tzinfo=UTC), ["a", None], None,
    )
    for binary in (False, True):
        found = connection.execute(query, binary=binary).fetchone()
        assert found == expected, (binary, found)


def parameters(connection):
    """Parameters of Python's own types, in text and in binary."""
    for mark in ("%s", "%b"):
        row = connection.execute(
            f"SELECT {mark}::text, {mark}::bigint, {mark}::float8, {mark}::timestamptz, {mark}::bool",
            ("x'y", 2**40, 0.25, datetime.datetime(2024, 1, 1, tzinfo=UTC), False),
        ).fetchone()
        expected = ("x'y", 2**40, 0.25, datetime.datetime(2024, 1, 1, tzinfo=UTC), False)
        assert row == expected, (mark, row)
    row = connection.execute("SELECT 3 = ANY(%s::bigint[])", ([1, 3],)).fetchone()
    assert row == (True,), row


def writes(connection):
    """INSERT, executemany and COPY."""
    insert = (
        "INSERT INTO messages (conversation_id, message_id, sent_at, role, text) "
        "VALUES (%s, %s, %s, %s, %s)"
    )
    at = datetime.datetime(2024, 3, 1, 10, tzinfo=UTC)
    cursor = connection.execute(insert, ("py-1", "m-1", at, "customer", "Hello?"))
    assert cursor.rowcount == 1
    with connection.cursor() as cursor:
        cursor.executemany(
            insert, [("py-1", f"m-{n}", at, "agent", f"Answer {n}") for n in range(2, 5)]
        )
        with cursor.copy(
            "COPY messages (conversation_id, message_id, sent_at, role, text) FROM STDIN"
        ) as copy:
            copy.write_row(("py-1", "m-5", at, "customer", "Tabs\tand\nlines"))
    found = connection.execute(
        "SELECT count(*), max(text) FROM messages WHERE conversation_id = %s", ("py-1",)
    ).fetchone()
    assert found == (5, "Tabs\tand\nlines"), found
    with connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT message_id FROM messages ORDER BY 1) TO STDOUT") as copy:
            rows = list(copy.rows())
    assert rows == [(f"m-{n}",) for n in range(1, 6)], rows


def errors(connection):
    """Errors are of the class that their SQLSTATE says."""
    for query, error in [
        ("SELECT * FROM nowhere", psycopg.errors.UndefinedTable),
        ("SELECT 1/0", psycopg.errors.DivisionByZero),
        ("SELEC", psycopg.errors.SyntaxError),
    ]:
        try:
            connection.execute(query)
        except error:
            continue
        raise AssertionError(f"{query} did not fail")


def server_cursor(port):
    """A cursor that reads in portions, within a transaction."""
    with psycopg.connect(f"host=127.0.0.1 port={port} user=python dbname=verbatim") as connection:
        with connection.cursor(name="portions") as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT value FROM generate_series(1, 1000) ORDER BY value")
            assert [row[0] for row in cursor] == list(range(1, 1001))
        with connection.cursor(name="with_parameters") as cursor:
            cursor.execute("SELECT %s::text || 'b'", ("a",))
            assert cursor.fetchall() == [("ab",)]


def main():
    port = sys.argv[1]
    with psycopg.connect(
        f"host=127.0.0.1 port={port} user=python dbname=verbatim", autocommit=True
    ) as connection:
        assert connection.info.server_version // 10000 == 15
        values(connection)
        parameters(connection)
        writes(connection)
        errors(connection)
    server_cursor(port)


main()
