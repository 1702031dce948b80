#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::Mapping;

const GOOD: &str = r#"name = "desk"
source = "desk"
channel = "email"
records = "tickets[*]"
[conversation]
id = "ticket"
[[message]]
each = "posts[*]"
id = "{$.ticket}-{index}"
role = [{ value = "agent", when = { path = "from", equals_path = "$.owner" } }, { value = "customer" }]
sent_at = { path = "at", time = "unix_s" }
text = "body"
"#;

fn mistake(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    Mapping::parse("desk.toml", &GOOD.replace(from, to))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_good_mapping_is_read() {
    let mapping = Mapping::parse("desk.toml", GOOD).unwrap();
    assert_eq!(mapping.messages.len(), 1);
    assert_eq!(mapping.conversation.len(), 2);
}

#[test]
fn every_shipped_mapping_is_good() {
    for name in Mapping::shipped_names() {
        let mapping = Mapping::shipped(name).unwrap().unwrap();
        assert_eq!(mapping.name, name);
        assert!(!mapping.detect.is_empty());
    }
}

#[test]
fn mistakes_name_file_line_key_and_mend() {
    for (from, to, wanted) in [
        ("name = \"desk\"", "name = desk", "desk.toml:1: TOML: "),
        (
            "source = \"desk\"\n",
            "",
            "desk.toml:1: source: is missing; add source",
        ),
        (
            "\"email\"",
            "\"post\"",
            "desk.toml:3: channel: \"post\" is none of chat, email",
        ),
        (
            "\"tickets[*]\"",
            "\"tickets\"",
            "desk.toml:4: records: wants \"lines\"",
        ),
        (
            "id = \"ticket\"",
            "ids = \"ticket\"",
            "desk.toml:6: conversation.ids: is no column of conversations",
        ),
        (
            "id = \"ticket\"",
            "subject = \"ticket\"",
            "desk.toml:5: conversation: id is missing",
        ),
        (
            "text = \"body\"",
            "body = \"body\"",
            "desk.toml:12: message[0].body: is no column of",
        ),
        (
            "text = \"body\"",
            "sentiment = \"body\"",
            "desk.toml:12: message[0].sentiment: is set by the engine",
        ),
        (
            "\"unix_s\"",
            "\"unix\"",
            "desk.toml:11: message[0].sent_at.time: wants iso, unix_s",
        ),
        (
            "value = \"agent\"",
            "value = \"clerk\"",
            "desk.toml:10: message[0].role.value: \"clerk\" is none of customer, agent",
        ),
        (
            "path = \"from\"",
            "pfad = \"from\"",
            "desk.toml:10: message[0].role.when: path is missing",
        ),
        ("{index}", "{index", "desk.toml:9: message[0].id: "),
        (
            "[[message]]",
            "[[messages]]",
            "message: is missing; add at least one [[message]]",
        ),
        (
            "each = \"posts[*]\"",
            "each = \"posts[*\"",
            "desk.toml:8: message[0].each: ",
        ),
        (
            "time = \"unix_s\"",
            "time = \"unix_s\", foo = 1",
            "desk.toml:11: message[0].sent_at.foo: unknown key; known here: path",
        ),
    ] {
        let found = mistake(from, to);
        assert!(
            found.contains(wanted),
            "{to}\n wanted {wanted}\n found  {found}"
        );
    }
}
