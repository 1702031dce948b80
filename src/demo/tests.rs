#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;

use datafusion::arrow::array::{Array, AsArray};

use super::*;

fn small(seed: u64) -> Generator {
    let first_day = NaiveDate::from_ymd_opt(2025, 9, 1).unwrap();
    let options = DemoOptions {
        conversations: 1500,
        days: 90,
        seed,
        first_day,
    };
    Generator::new(options, 400).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let rows = |seed| small(seed).map(|batch| batch.unwrap()).collect::<Vec<_>>();
    assert_eq!(rows(42), rows(42));
    assert_ne!(rows(42), rows(43));
    assert_eq!(
        small(42).master_data().unwrap(),
        small(42).master_data().unwrap()
    );
}

#[test]
fn it_is_as_large_and_as_varied_as_asked_for() {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut texts: HashMap<String, usize> = HashMap::new();
    for (table, rows) in small(42).flat_map(|batch| batch.unwrap()) {
        *counts.entry(table).or_default() += rows.num_rows();
        if table == "messages" {
            let roles = rows
                .column_by_name("role")
                .unwrap()
                .as_string::<i32>()
                .clone();
            let column = rows
                .column_by_name("text")
                .unwrap()
                .as_string::<i32>()
                .clone();
            for row in 0..rows.num_rows() {
                if roles.value(row) == "customer" {
                    assert!(!column.is_null(row));
                    *texts.entry(column.value(row).to_owned()).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(counts["conversations"], 1500);
    let messages = counts["messages"];
    // About eight a conversation, as the command's help says.
    assert!((10_500..13_500).contains(&messages), "{messages}");
    let turns: usize = texts.values().sum();
    assert!(
        texts.len() * 3 > turns * 2,
        "{} different of {turns} turns",
        texts.len()
    );
}

#[test]
#[ignore = "prints conversations to read"]
fn read_some() {
    for (table, rows) in small(7).take(1).flat_map(|batch| batch.unwrap()) {
        if table == "messages" {
            let column = |name: &str| {
                rows.column_by_name(name)
                    .unwrap()
                    .as_string::<i32>()
                    .clone()
            };
            let (ids, roles, texts) = (column("conversation_id"), column("role"), column("text"));
            let mut shown = String::new();
            for row in 0..rows.num_rows().min(160) {
                shown += &format!(
                    "{} {}: {}\n",
                    ids.value(row),
                    roles.value(row),
                    texts.value(row)
                );
            }
            std::fs::write(std::env::temp_dir().join("demo-conversations.txt"), shown).unwrap();
        }
    }
}

#[test]
#[ignore = "writes the rows as Parquet files to look at with other tools"]
fn write_parquet() {
    use std::fs::File;

    use parquet::arrow::ArrowWriter;

    let count = std::env::var("DEMO_CONVERSATIONS").map_or(1500, |count| count.parse().unwrap());
    let first_day = NaiveDate::from_ymd_opt(2025, 9, 1).unwrap();
    let options = DemoOptions {
        conversations: count,
        days: 90,
        seed: 42,
        first_day,
    };
    let generator = Generator::new(options, 5000).unwrap();
    let folder = std::env::temp_dir().join("verbatim-demo-rows");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("planted.txt"),
        format!("{:?}", generator.planted()),
    )
    .unwrap();
    let mut writers: HashMap<&str, ArrowWriter<File>> = HashMap::new();
    let scored = |rows: &RecordBatch| {
        let texts = rows.column_by_name("text").unwrap();
        let columns = verbatim_udfs::model::ScoreColumn::ALL;
        let scores = verbatim_udfs::model::ModelSet::shipped()
            .score(texts, &columns)
            .unwrap();
        let named = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect::<Vec<_>>();
        let given = named
            .iter()
            .map(String::as_str)
            .zip(rows.columns().iter().cloned());
        let added = columns.iter().map(|column| column.name()).zip(scores);
        RecordBatch::try_from_iter(given.chain(added)).unwrap()
    };
    let mut write = |(table, rows): (&'static str, RecordBatch)| {
        let rows: RecordBatch = rows;
        let writer = writers.entry(table).or_insert_with(|| {
            let file = File::create(folder.join(format!("{table}.parquet"))).unwrap();
            ArrowWriter::try_new(file, rows.schema(), None).unwrap()
        });
        writer.write(&rows).unwrap();
    };
    let mut write = |(table, rows)| match table {
        "messages" => write((table, scored(&rows))),
        _ => write((table, rows)),
    };
    generator
        .master_data()
        .unwrap()
        .into_iter()
        .for_each(&mut write);
    generator
        .flat_map(|batch| batch.unwrap())
        .for_each(&mut write);
    writers
        .into_values()
        .for_each(|writer| drop(writer.close().unwrap()));
}
