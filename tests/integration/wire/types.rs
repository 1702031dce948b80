//! Values of every type, text and binary, as PostgreSQL 15 shows them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use tokio_postgres::types::{FromSql, Kind, Type};

use super::server::{TestServer, run, value};

/// Any value, as the bytes in which it came.
struct Bytes(Vec<u8>);

impl<'a> FromSql<'a> for Bytes {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Bytes(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[test]
fn text_results_read_as_in_postgresql() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        for (expression, shown) in [
            ("true", "t"),
            ("1::smallint", "1"),
            ("-5", "-5"),
            ("9223372036854775807", "9223372036854775807"),
            ("0.1::float8", "0.1"),
            ("'NaN'::float8", "NaN"),
            ("'-infinity'::float8", "-Infinity"),
            ("1e20::float8", "1e+20"),
            ("1.5::real", "1.5"),
            ("12.340::numeric(10,3)", "12.340"),
            ("'text'", "text"),
            ("DATE '2024-02-29'", "2024-02-29"),
            ("TIMESTAMP '2024-02-29 12:34:56.5'", "2024-02-29 12:34:56.5"),
            (
                "TIMESTAMPTZ '2024-02-29 12:34:56+02'",
                "2024-02-29 10:34:56+00",
            ),
            ("INTERVAL '1 day 02:03:04'", "1 day 02:03:04"),
            ("ARRAY[1,2,NULL]", "{1,2,NULL}"),
            ("ARRAY['a','b c']", "{a,\"b c\"}"),
            ("NULL", "∅"),
        ] {
            assert_eq!(
                value(&client, &format!("SELECT {expression}")).await,
                shown,
                "{expression}"
            );
        }
    });
}

#[test]
fn binary_results_are_what_drivers_decode() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let row = client
            .query_one(
                "SELECT true AS b, 300::smallint AS i2, 70000::int AS i4, 5000000000::bigint AS i8, \
                 0.25::real AS f4, 'NaN'::float8 AS f8, 'ä€' AS t, ARRAY['x', NULL] AS ta, \
                 ARRAY[1.5, -2.5]::real[] AS fa, DATE '1999-12-31' AS d, \
                 TIMESTAMP '2024-02-29 12:34:56.789' AS ts, \
                 TIMESTAMPTZ '1969-07-20 20:17:40+00' AS tz, count(*) AS n",
                &[],
            )
            .await
            .unwrap();
        assert!(row.get::<_, bool>("b"));
        assert_eq!(row.get::<_, i16>("i2"), 300);
        assert_eq!(row.get::<_, i32>("i4"), 70_000);
        assert_eq!(row.get::<_, i64>("i8"), 5_000_000_000);
        assert!((row.get::<_, f32>("f4") - 0.25).abs() < f32::EPSILON);
        assert!(row.get::<_, f64>("f8").is_nan());
        assert_eq!(row.get::<_, &str>("t"), "ä€");
        assert_eq!(row.get::<_, Vec<Option<&str>>>("ta"), [Some("x"), None]);
        assert_eq!(row.get::<_, Vec<f32>>("fa"), [1.5, -2.5]);
        assert_eq!(raw(&row, "d"), (-1_i32).to_be_bytes());
        assert_eq!(row.get::<_, i64>("n"), 1);
        let micros = |text: &str| {
            let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
            (at - epoch())
                .num_microseconds()
                .unwrap()
                .to_be_bytes()
                .to_vec()
        };
        assert_eq!(raw(&row, "ts"), micros("2024-02-29 12:34:56.789"));
        assert_eq!(raw(&row, "tz"), micros("1969-07-20 20:17:40"));
        assert_eq!(row.columns()[10].type_(), &Type::TIMESTAMP);
        assert_eq!(row.columns()[11].type_(), &Type::TIMESTAMPTZ);
        assert!(matches!(row.columns()[7].type_().kind(), Kind::Array(_)));
    });
}

fn epoch() -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    DateTime::<Utc>::from_naive_utc_and_offset(day.and_time(NaiveTime::MIN), Utc).naive_utc()
}

fn raw(row: &tokio_postgres::Row, column: &str) -> Vec<u8> {
    row.get::<_, Bytes>(column).0
}

#[test]
fn structs_and_maps_arrive_as_jsonb() {
    run(async {
        let server = TestServer::start().await;
        let client = server.client().await;
        let sql = "SELECT named_struct('a', 1, 'b', ARRAY['x']) AS s";
        let row = client.query_one(sql, &[]).await.unwrap();
        assert_eq!(row.columns()[0].type_(), &Type::JSONB);
        assert_eq!(raw(&row, "s"), b"\x01{\"a\": 1, \"b\": [\"x\"]}");
        assert_eq!(value(&client, sql).await, r#"{"a": 1, "b": ["x"]}"#);
    });
}
