//! Personal data: where it is found, and that redaction takes it away.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::lit;
use proptest::prelude::*;
use verbatim_udfs::pii::{EntityKind, EntityKinds, RedactionMode, character_ranges, find, redact};

use crate::support::{session, show, shown};

/// Invented examples, one or more of each kind.
const EXAMPLES: [(EntityKind, &str); 14] = [
    (EntityKind::Email, "jo.doe@example.org"),
    (EntityKind::Phone, "+44 20 7946 0958"),
    (EntityKind::Phone, "(212) 555-0123"),
    (EntityKind::Card, "4111 1111 1111 1111"),
    (EntityKind::Card, "5555-5555-5555-4444"),
    (EntityKind::Iban, "DE89 3704 0044 0532 0130 00"),
    (EntityKind::Iban, "GB82WEST12345698765432"),
    (EntityKind::Ssn, "123-45-6789"),
    (EntityKind::NationalId, "12345678Z"),
    (EntityKind::NationalId, "529.982.247-25"),
    (EntityKind::Ip, "192.168.10.4"),
    (EntityKind::Ip, "2001:db8::ff00:42:8329"),
    (EntityKind::Url, "https://example.org/a?b=c"),
    (EntityKind::Address, "12 Main Street"),
];

const CHECKED: [EntityKind; 3] = [EntityKind::Card, EntityKind::Iban, EntityKind::NationalId];

const MODES: [RedactionMode; 4] = [
    RedactionMode::Entity,
    RedactionMode::Numbered,
    RedactionMode::Hash,
    RedactionMode::Remove,
];

/// Texts in which digits and the signs around them are frequent, with whole examples among them.
fn risky_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[0-9 .\\-]{1,24}",
        1 => "[A-Z0-9]{1,8}",
        1 => "[a-zé ]{1,8}",
        1 => ".{0,6}",
        3 => prop::sample::select(EXAMPLES.to_vec()).prop_map(|(_, example)| example.to_owned()),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn offsets_cut_out_the_entity(
        before in "[a-zé漢\u{1f600} ]{0,12}",
        (kind, example) in prop::sample::select(EXAMPLES.to_vec()),
        after in "[a-zé漢\u{1f600} ]{0,12}",
    ) {
        let text = format!("{before} {example} , {after}");
        let found = find(&text, EntityKinds::NONE.with(kind));
        let ranges = character_ranges(&text, &found);
        let cut: Vec<String> = ranges
            .into_iter()
            .map(|range| text.chars().skip(range.start).take(range.len()).collect())
            .collect();
        prop_assert!(cut.iter().any(|cut| cut == example), "{:?} in {:?}", cut, text);
    }

    #[test]
    fn entities_are_apart_and_in_order(text in risky_text()) {
        let found = find(&text, EntityKinds::ALL);
        for entity in &found {
            prop_assert!(text.get(entity.bytes.clone()).is_some_and(|piece| !piece.is_empty()));
            prop_assert!(entity.score > 0.0 && entity.score <= 1.0);
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].bytes.end <= pair[1].bytes.start));
    }

    #[test]
    fn redaction_leaves_nothing_with_a_checksum(text in risky_text()) {
        for mode in MODES {
            let left = redact(&text, EntityKinds::ALL, mode);
            let found = find(&left, EntityKinds::ALL);
            prop_assert!(
                !found.iter().any(|entity| CHECKED.contains(&entity.kind)),
                "{:?} became {:?} with {:?}", text, left, found
            );
        }
    }

    #[test]
    fn redaction_of_chosen_kinds_leaves_none_of_them(
        text in risky_text(),
        kind in prop::sample::select(EntityKind::ALL.to_vec()),
    ) {
        let kinds = EntityKinds::NONE.with(kind);
        let left = redact(&text, kinds, RedactionMode::Entity);
        prop_assert!(find(&left, kinds).is_empty(), "{:?} became {:?}", text, left);
    }
}

#[tokio::test]
async fn entities_come_with_type_place_and_score() {
    assert_eq!(
        shown("SELECT pii_entities('Größe: jo@example.org')").await,
        "[{type: EMAIL, start: 7, end: 21, score: 1.0}]"
    );
}

#[tokio::test]
async fn redact_takes_types_and_a_mode() {
    let text = "'jo@example.org or (212) 555-0123'";
    assert_eq!(
        shown(&format!("SELECT redact({text})")).await,
        "[EMAIL] or [PHONE]"
    );
    assert_eq!(
        shown(&format!("SELECT redact({text}, NULL, 'numbered')")).await,
        "[EMAIL_1] or [PHONE_1]"
    );
    assert_eq!(
        shown(&format!("SELECT redact({text}, NULL, 'Remove')")).await,
        " or "
    );
    assert_eq!(
        shown(&format!("SELECT redact({text}, NULL, NULL)")).await,
        "NULL"
    );
}

/// ARRAY['EMAIL'] needs the array functions of the session; a column of lists does not.
#[tokio::test]
async fn chosen_types_come_as_a_list() {
    let session = session();
    let types = ScalarValue::List(ScalarValue::new_list_nullable(
        &[ScalarValue::Utf8(Some("phone".to_owned()))],
        &DataType::Utf8,
    ));
    let text = lit("jo@example.org or (212) 555-0123");
    let redact = session.udf("redact").unwrap().call(vec![text, lit(types)]);
    let frame = session.read_empty().unwrap().select(vec![redact]).unwrap();
    let batches = frame.collect().await.unwrap();
    assert_eq!(show(batches[0].column(0), 0), "jo@example.org or [PHONE]");
}
