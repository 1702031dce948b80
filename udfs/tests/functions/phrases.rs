//! Phrase expressions: reading, writing, matching.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;
use verbatim_udfs::phrase::{Expression, Matcher, Phrase, PhraseProblem, Word};

use crate::support::{batch, rows, session, show, with_table};

fn word() -> impl Strategy<Value = Word> {
    let letters = prop_oneof![
        4 => "[a-z]{1,6}",
        1 => Just("and".to_owned()),
        1 => Just("near".to_owned()),
        1 => "[a-zé]{1,3}'[a-z]{1,3}",
        1 => "[0-9]{1,4}",
    ];
    (letters, any::<bool>()).prop_map(|(letters, is_prefix)| Word { letters, is_prefix })
}

fn phrase() -> impl Strategy<Value = Phrase> {
    prop::collection::vec(word(), 1..4).prop_map(|words| Phrase { words })
}

fn expression() -> impl Strategy<Value = Expression> {
    let phrases = || prop::collection::vec(phrase(), 1..3);
    let near = (
        phrases(),
        prop::collection::vec((1_usize..1000, phrases()), 1..3),
    )
        .prop_map(|(first, links)| Expression::Near { first, links });
    let leaf = prop_oneof![phrase().prop_map(Expression::Phrase), near];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Expression::Not(Box::new(inner))),
            several().prop_map(Expression::And),
            several().prop_map(Expression::Or),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(expression in expression()) {
        let written = expression.to_string();
        prop_assert_eq!(Expression::parse(&written), Ok(expression), "{}", written);
    }

    #[test]
    fn reading_and_matching_never_panic(
        input in prop_oneof![".{0,40}", "[ab()\"*/ NEAROTD13’'-]{0,40}"],
        text in ".{0,60}",
    ) {
        match Expression::parse(&input) {
            Ok(expression) => {
                let mut matcher = Matcher::new(expression.clone());
                let found = matcher.is_match(&text);
                let negated = Expression::Not(Box::new(expression));
                prop_assert_eq!(Matcher::new(negated).is_match(&text), !found);
            }
            Err(error) => {
                prop_assert!(error.position >= 1 && error.position <= input.chars().count() + 1);
            }
        }
    }

    #[test]
    fn near_is_what_counting_says(
        text in prop::collection::vec(0_u8..4, 0..12),
        distance in 1_usize..5,
    ) {
        let words: Vec<String> = text.iter().map(|word| format!("w{word}")).collect();
        let expression = Expression::parse(&format!("w0 NEAR/{distance} w1")).unwrap();
        let near = |(a, first): (usize, &u8)| {
            let seconds = text.iter().enumerate().filter(|(_, second)| **second == 1);
            *first == 0 && seconds.map(|(b, _)| a.abs_diff(b)).any(|apart| apart <= distance)
        };
        let expected = text.iter().enumerate().any(near);
        prop_assert_eq!(Matcher::new(expression).is_match(&words.join(" ")), expected);
    }
}

#[test]
fn problems_are_named_with_their_place() {
    let problem = |input: &str| {
        let error = Expression::parse(input).unwrap_err();
        (error.position, error.problem)
    };
    let missing = |operator: Option<&str>| PhraseProblem::MissingOperand {
        operator: operator.map(str::to_owned),
    };
    assert_eq!(problem("   "), (1, PhraseProblem::Empty));
    assert_eq!(problem("é AND"), (6, missing(Some("AND"))));
    assert_eq!(problem("OR a"), (1, missing(None)));
    assert_eq!(problem("a (b"), (3, PhraseProblem::UnclosedParenthesis));
    assert_eq!(problem("a ) b"), (3, PhraseProblem::UnopenedParenthesis));
    assert_eq!(problem("a ()"), (4, missing(None)));
    assert_eq!(problem("say \"hello"), (5, PhraseProblem::UnclosedQuote));
    assert_eq!(problem("a NEAR b"), (3, PhraseProblem::NearDistance));
    assert_eq!(problem("a NEAR/0 b"), (3, PhraseProblem::NearDistance));
    assert_eq!(
        problem("(a AND b) NEAR/2 c"),
        (1, PhraseProblem::NearOperand)
    );
    assert_eq!(problem("re*fund"), (1, PhraseProblem::MisplacedStar));
    assert_eq!(
        problem("a &"),
        (
            3,
            PhraseProblem::NoWords {
                found: "&".to_owned()
            }
        )
    );
    let deep = format!("{}a", "(".repeat(100));
    assert_eq!(problem(&deep), (65, PhraseProblem::TooDeep { limit: 64 }));
}

#[tokio::test]
async fn an_expression_may_come_from_a_column() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a b", "a c", "a", "", "x"]));
    let expressions = vec![Some("b"), Some("b"), Some("\"a b\" OR a"), Some("a"), None];
    let expressions: ArrayRef = Arc::new(StringArray::from(expressions));
    let session = session();
    with_table(
        &session,
        vec![vec![batch(vec![
            ("text", texts),
            ("expression", expressions),
        ])]],
    );
    let found = rows(&session, "SELECT phrase_match(text, expression) FROM t")
        .await
        .unwrap();
    let found: Vec<String> = (0..5).map(|row| show(found.column(0), row)).collect();
    assert_eq!(found, ["true", "false", "true", "NULL", "NULL"]);
    let constant = rows(&session, "SELECT phrase_match('a b', expression) FROM t")
        .await
        .unwrap();
    assert_eq!(show(constant.column(0), 0), "true");
}
