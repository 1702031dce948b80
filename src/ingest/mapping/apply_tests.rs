#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Applier, Fault, Place};
use crate::ingest::columns::TableBuilder;
use crate::ingest::mapping::Mapping;
use crate::lake::built_in_tables;

fn apply(mapping: &Mapping, records: &[Value]) -> (usize, usize, Vec<Fault>) {
    let tables = built_in_tables().unwrap();
    let builder = |name: &str| {
        let table = tables.iter().find(|table| table.name == name).unwrap();
        TableBuilder::new(&table.columns)
    };
    let mut applier =
        Applier::new(mapping, None, builder("conversations"), builder("messages")).unwrap();
    let mut faults = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let place = Place {
            line: number as u64 + 1,
            number: number as u64,
            file: "test",
        };
        applier.apply(record, place, &mut faults);
    }
    let (conversations, messages) = applier.tables();
    let (conversations, _) = conversations.finish().unwrap();
    let (messages, lines) = messages.finish().unwrap();
    assert_eq!(messages.num_rows(), lines.len());
    (conversations.num_rows(), messages.num_rows(), faults)
}

fn shipped(name: &str) -> Mapping {
    Mapping::shipped(name).unwrap().unwrap()
}

#[test]
fn a_turn_that_holds_the_answer_becomes_two() {
    let record = json!({"id": "x", "turns": [
        {"role": "User", "content": "where?", "agent": "there"}, {"role": "agent", "content": "ok"},
    ]});
    assert_eq!(
        apply(&shipped("complaint-chats"), &[record]),
        (1, 3, Vec::new())
    );
}

#[test]
fn faults_name_the_message_and_the_others_go_in() {
    let record = json!({"task_id": 1, "trial": 0, "reward": 1.0, "info": {}, "traj": [
        {"role": "user", "content": "hi"}, {"role": "robot", "content": "?"}, {"role": "user"},
    ]});
    let (conversations, messages, faults) = apply(&shipped("bot-airline"), &[record]);
    assert_eq!((conversations, messages), (1, 2));
    assert_eq!(
        faults,
        [Fault::new(
            "message 1: role",
            "the mapping does not know the value \"robot\"; add it to the field's map",
        )]
    );
    let (_, _, faults) = apply(&shipped("twitter-care"), &[json!({"dialogHeader": {}})]);
    assert_eq!(faults[0].field, "conversation.id");
}

#[test]
fn messages_that_are_no_array_are_a_fault() {
    for (content, found) in [(json!("oops"), "text"), (json!({"0": {}}), "an object")] {
        let record = json!({
            "dialogHeader": {"sessionID": "s", "company": "c", "conversationDateTime": "2024-01-01T00:00:00Z"},
            "dialogContent": content,
            "agentURL": {"tweet_ID": "1245425308704149506", "url_utterance": "hi"},
        });
        let (conversations, messages, faults) = apply(&shipped("twitter-care"), &[record]);
        assert_eq!((conversations, messages), (1, 1));
        let reason = format!("wants an array, found {found}");
        assert_eq!(faults, [Fault::new("dialogContent", reason)]);
    }
}

/// JSON with the names that the shipped mappings look for.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("id"),
        Just("turns"),
        Just("role"),
        Just("content"),
        Just("agent"),
        Just("traj"),
        Just("task_id"),
        Just("trial"),
        Just("reward"),
        Just("info"),
        Just("dialogHeader"),
        Just("dialogContent"),
        Just("sessionID"),
        Just("tweet_ID"),
        Just("datetime"),
        Just("agentURL"),
        Just("client"),
        Just("message"),
        Just("tool_calls"),
        Just("metadata"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("user")),
        Just(Value::from("2024-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(k, v)| (k.to_string(), v))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a record holds, it becomes rows or faults, never a panic.
    #[test]
    fn any_record_is_rows_or_faults(records in prop::collection::vec(any_json(), 1..4)) {
        for name in Mapping::shipped_names() {
            let (conversations, messages, faults) = apply(&shipped(name), &records);
            prop_assert!(conversations + messages + faults.len() > 0);
        }
    }

    /// Whatever a mapping file holds, it is a mapping or an error.
    #[test]
    fn any_text_is_a_mapping_or_an_error(text in ".{0,200}", at in 0usize..400, cut in 0usize..40) {
        let _ = Mapping::parse("any.toml", &text);
        let good = include_str!("../mappings/twitter-care.toml");
        let chars: Vec<char> = good.chars().collect();
        let start = at.min(chars.len());
        let end = (start + cut).min(chars.len());
        let broken: String = chars[..start].iter().chain(&chars[end..]).collect();
        let _ = Mapping::parse("broken.toml", &broken);
    }
}
