//! What every model set has to keep: NULL rules, determinism, no panic; and a few behaviours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int8Array, LargeStringArray, StringArray,
    StringViewArray,
};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{Float64Type, Int8Type};
use proptest::prelude::*;

use super::*;

fn score(texts: &[Option<&str>], column: ScoreColumn) -> ArrayRef {
    let texts = StringArray::from(texts.to_vec());
    ModelSet::shipped()
        .score(&texts, &[column])
        .unwrap()
        .remove(0)
}

pub(super) fn number(text: &str, column: ScoreColumn) -> f64 {
    score(&[Some(text)], column)
        .as_primitive::<Float64Type>()
        .value(0)
}

pub(super) fn label(text: &str, column: ScoreColumn) -> String {
    score(&[Some(text)], column)
        .as_string::<i32>()
        .value(0)
        .to_owned()
}

pub(super) fn risks(text: &str) -> Vec<String> {
    let lists = score(&[Some(text)], ScoreColumn::RiskSignals);
    let list = lists.as_list::<i32>().value(0);
    list.as_string::<i32>()
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

pub(super) fn escalates(text: &str) -> bool {
    score(&[Some(text)], ScoreColumn::EscalationRequest)
        .as_boolean()
        .value(0)
}

#[test]
fn null_and_texts_without_letters_are_null_in_every_column() {
    for column in ScoreColumn::ALL {
        let scores = score(
            &[None, Some(""), Some("  \n"), Some("123 456 !!"), Some("?")],
            column,
        );
        assert_eq!(scores.null_count(), 5, "{column:?}");
        assert_eq!(scores.data_type(), &column.data_type());
    }
}

#[test]
fn a_language_that_no_model_covers_has_a_language_and_no_scores() {
    for (text, language) in [
        (
            "Guten Tag, ich habe meine Bestellung noch nicht erhalten und warte",
            "de",
        ),
        ("Где находится моя посылка, я жду уже неделю", "ru"),
        ("注文した商品がまだ届きません", "ja"),
    ] {
        assert_eq!(label(text, ScoreColumn::DetectedLanguage), language);
        for column in ScoreColumn::ALL {
            let known = column == ScoreColumn::DetectedLanguage;
            assert_eq!(
                score(&[Some(text)], column).is_valid(0),
                known,
                "{column:?}: {text}"
            );
        }
    }
}

#[test]
fn short_text_is_scored_and_its_language_left_open() {
    assert!(score(&[Some("great")], ScoreColumn::DetectedLanguage).is_null(0));
    assert!(number("great", ScoreColumn::Sentiment) > 0.3);
}

#[test]
fn negation_turns_the_sentiment() {
    assert!(number("The new design is good", ScoreColumn::Sentiment) > 0.3);
    assert!(number("The new design is not good", ScoreColumn::Sentiment) < -0.3);
    assert_eq!(
        label("It is not good at all", ScoreColumn::SentimentLabel),
        "negative"
    );
}

#[test]
fn praise_and_blame_in_two_clauses_are_mixed() {
    let text = "I love the product, it is wonderful. But your support was terrible and rude.";
    assert_eq!(label(text, ScoreColumn::SentimentLabel), "mixed");
}

#[test]
fn requests_have_an_intent_and_a_topic() {
    let set = ModelSet::shipped();
    for (text, intent) in [
        (
            "where is my parcel, it should have come on Tuesday",
            "delivery_status",
        ),
        ("we were billed twice for the same month", "wrong_charge"),
        (
            "I cannot log in since this morning, it says wrong password",
            "login_problem",
        ),
        ("please give me my money back", "refund_request"),
        ("good morning", UNCLASSIFIED),
    ] {
        assert_eq!(label(text, ScoreColumn::Intent), intent, "{text}");
        let score = number(text, ScoreColumn::IntentScore);
        assert!((0.0..=1.0).contains(&score));
        let detail = set.intent_detail(text).unwrap().unwrap();
        assert_eq!((detail.label.as_str(), detail.score), (intent, score));
        assert!(
            detail
                .alternatives
                .windows(2)
                .all(|pair| pair[0].1 >= pair[1].1)
        );
    }
    let topics = score(&[Some("where is my parcel")], ScoreColumn::TopicId);
    let topics = topics.as_primitive::<datafusion::arrow::datatypes::Int32Type>();
    assert_eq!(set.topic_label(Some(topics.value(0))), "delivery");
    assert_eq!(set.topic_label(None), UNCLASSIFIED);
    assert_eq!(set.topic_label(Some(-1)), UNCLASSIFIED);
}

#[test]
fn churn_needs_a_wish_to_leave_and_shows_it() {
    let text = "Naïve of us: we are switching to a competitor in May.";
    assert!(number(text, ScoreColumn::ChurnRisk) >= 0.65);
    let detail = ModelSet::shipped().churn_detail(text).unwrap();
    let (words, start, end) = detail.cue.unwrap();
    let cut: String = text.chars().skip(start).take(end - start).collect();
    assert_eq!(cut, words);
    assert!(words.contains("switching"), "{words}");
    assert!(number("I do not want to cancel my plan", ScoreColumn::ChurnRisk) < 0.35);
    assert_eq!(
        number("What a lovely morning it is", ScoreColumn::ChurnRisk),
        0.0
    );
    let asked = number("How do I cancel my subscription?", ScoreColumn::ChurnRisk);
    let said = number("I want to cancel my subscription.", ScoreColumn::ChurnRisk);
    assert!(asked > 0.0 && asked < said);
}

#[test]
fn a_wish_for_a_human_is_told_from_talk_about_one() {
    assert!(escalates("let me speak to your supervisor now"));
    assert!(escalates("Can I please talk to a real person?"));
    assert!(!escalates("my manager asked me to check the export"));
    assert!(!escalates("which manager role do I need in the app?"));
}

#[test]
fn risks_are_named() {
    assert_eq!(
        risks("my lawyer will write to you"),
        ["escalation", "legal"]
    );
    assert_eq!(
        risks("the charger caught fire and there was smoke"),
        ["safety"]
    );
    assert_eq!(risks("you lied to me"), ["distrust"]);
    assert!(risks("what does the blue plan cost").is_empty());
}

#[test]
fn effort_is_never_zero_and_follows_the_words() {
    let hard = "This is the third time I explain the same problem and nobody helps, still broken!";
    let easy = "Thanks, that was quick and easy";
    assert!(number(hard, ScoreColumn::EffortScore) < -2.0);
    assert!(number(easy, ScoreColumn::EffortScore) > 2.0);
    assert!(score(&[Some("hello")], ScoreColumn::EffortScore).is_null(0));
    for text in [
        "I would like to change my address",
        "can you do this for me",
        "a b c d",
    ] {
        let effort = number(text, ScoreColumn::EffortScore);
        assert!(effort != 0.0 && (-5.0..=5.0).contains(&effort));
    }
    let parts = score(&[Some(hard)], ScoreColumn::EffortFeatures);
    assert_eq!(
        parts.as_list::<i32>().value_length(0) as usize,
        EFFORT_FEATURES.len()
    );
}

#[test]
fn the_set_knows_a_model_for_every_function() {
    let set = ModelSet::shipped();
    assert!(set.id().len() <= 32);
    for column in ScoreColumn::ALL {
        assert_eq!(set.models()[column.function()].len(), 16);
    }
    assert!(set.intent_labels().len() >= 25);
    assert!(set.topic_labels().len() >= 10);
}

#[test]
fn languages_of_one_script_are_told_apart() {
    for (text, language) in [
        (
            "سلام، سفارش من هنوز نرسیده است و پول من چه می‌شود",
            Some("fa"),
        ),
        ("میرا آرڈر ابھی تک نہیں آیا ہے", Some("ur")),
        ("لم تصل طلبيتي حتى الآن", Some("ar")),
        ("Де моє замовлення, я чекаю вже тиждень", Some("uk")),
        ("Где мой заказ, вы обещали вчера", Some("ru")),
        ("मेरा ऑर्डर कब आएगा", Some("hi")),
        ("माझी ऑर्डर अजून आली नाही", Some("mr")),
        ("Που είναι η παραγγελία μου", Some("el")),
        ("5 μ", None),
        ("α", None),
    ] {
        let found = score(&[Some(text)], ScoreColumn::DetectedLanguage);
        let found = found.as_string::<i32>();
        let found = found.is_valid(0).then(|| found.value(0));
        assert_eq!(found, language, "{text}");
    }
}

#[test]
fn a_weight_file_without_rows_or_a_first_label_is_refused() {
    let shipped = include_bytes!("../../weights/intent.bin");
    let head = Head::decode(shipped).unwrap();
    let mut header = head.header.clone();
    header.bits = 0;
    let classes = header.labels.len();
    let bytes = Head::new(header, vec![0; classes])
        .unwrap()
        .encode()
        .unwrap();
    assert!(matches!(Head::decode(&bytes), Err(ModelError::Weights(_))));
    let mut header = head.header.clone();
    header.labels[0] = "refund".to_owned();
    let bytes = Head::new(header, head.weights.clone())
        .unwrap()
        .encode()
        .unwrap();
    let weights = Weights {
        sentiment: include_bytes!("../../weights/sentiment.bin"),
        intent: &bytes,
        topic: include_bytes!("../../weights/topic.bin"),
        emotion: include_bytes!("../../weights/emotion.bin"),
        language: include_bytes!("../../weights/detect_language.bin"),
        vocabulary: "",
        pairs: include_bytes!("../../weights/pairs.bin"),
    };
    let error = ModelSet::parse(&weights).unwrap_err().to_string();
    assert!(error.contains("first label of intent"), "{error}");
}

#[test]
fn a_damaged_weight_file_is_refused() {
    let mut bytes = include_bytes!("../../weights/sentiment.bin").to_vec();
    let last = bytes.len() / 2;
    bytes[last] ^= 1;
    assert!(matches!(Head::decode(&bytes), Err(ModelError::Weights(_))));
    assert!(Head::decode(&bytes[..10]).is_err());
}

#[test]
fn conversation_effort_reads_turns_in_any_order() {
    let hard = [
        2.0f32, 1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, -0.8,
    ];
    let sorry = [
        2.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0,
    ];
    let turn = |role, features: &'static [f32], index| Turn {
        role,
        features: Some(features),
        sent_at_micros: None,
        turn_index: Some(index),
    };
    let (hard, sorry): (&'static [f32], &'static [f32]) =
        (hard.to_vec().leak(), sorry.to_vec().leak());
    let turns = [
        turn("customer", hard, 0),
        turn("agent", sorry, 1),
        turn("customer", hard, 2),
    ];
    let mut reversed = turns;
    reversed.reverse();
    let effort = conversation_effort(&turns).unwrap();
    assert_eq!(Some(&effort), conversation_effort(&reversed).as_ref());
    assert!(effort.score < -2.0);
    assert_eq!(conversation_effort(&turns[1..2]), None);
    assert_eq!(conversation_effort(&[]), None);
}

#[test]
fn conversation_effort_goes_by_place_then_time_and_knows_its_roles() {
    let mut bad = [0.0f32; EFFORT_FEATURES.len()];
    bad[12] = -0.8;
    let mut good = bad;
    good[12] = 0.5;
    let mut sorry = [0.0f32; EFFORT_FEATURES.len()];
    sorry[11] = 1.0;
    let turn = |role, features, sent_at_micros, turn_index| Turn {
        role,
        features,
        sent_at_micros,
        turn_index,
    };
    let last = |turns: &[Turn<'_>]| conversation_effort(turns).unwrap().parts[11];
    // The place decides against the time; the time where there is no place; unknown ones come last.
    let placed = [
        turn("customer", Some(&bad[..]), Some(20), Some(0)),
        turn("customer", Some(&good[..]), Some(10), Some(1)),
    ];
    assert_eq!(last(&placed), 0.25);
    let timed = [
        turn("customer", Some(&bad[..]), Some(20), None),
        turn("customer", Some(&good[..]), Some(10), None),
    ];
    assert_eq!(last(&timed), -0.4);
    let unknown = [
        turn("customer", Some(&good[..]), None, None),
        turn("customer", Some(&bad[..]), Some(10), Some(3)),
    ];
    assert_eq!(last(&unknown), 0.25);
    // Rows of another role are no turns.
    let with_stranger = [
        placed[0],
        placed[1],
        turn("visitor", Some(&sorry[..]), None, Some(2)),
    ];
    assert_eq!(
        conversation_effort(&placed),
        conversation_effort(&with_stranger)
    );
}

#[test]
fn sets_do_not_share_what_a_thread_remembers() {
    let shipped = Head::decode(include_bytes!("../../weights/sentiment.bin")).unwrap();
    let blank = Head::new(shipped.header.clone(), vec![0; shipped.weights.len()]).unwrap();
    let (shipped, blank) = (shipped.encode().unwrap(), blank.encode().unwrap());
    let set = |sentiment: &[u8]| {
        ModelSet::parse(&Weights {
            sentiment,
            intent: include_bytes!("../../weights/intent.bin"),
            topic: include_bytes!("../../weights/topic.bin"),
            emotion: include_bytes!("../../weights/emotion.bin"),
            language: include_bytes!("../../weights/detect_language.bin"),
            vocabulary: "",
            pairs: include_bytes!("../../weights/pairs.bin"),
        })
        .unwrap()
    };
    let texts = StringArray::from(vec!["wonderful", "terrible"]);
    let feelings = |set: &ModelSet| {
        let scores = set.score(&texts, &[ScoreColumn::Sentiment]).unwrap();
        let scores = scores[0].as_primitive::<Float64Type>().clone();
        (scores.value(0), scores.value(1))
    };
    let (good, bad) = feelings(&set(&shipped));
    assert!(good > 0.2 && bad < -0.2);
    let (good, bad) = feelings(&set(&blank));
    assert_eq!(good, bad);
}

#[test]
fn levels_have_fixed_bands() {
    assert_eq!(
        ["low", "medium", "high"],
        [0.0, 0.5, 0.9].map(churn_risk_level)
    );
    assert_eq!(
        ["very_hard", "hard", "neutral", "easy", "very_easy"],
        [-4.0, -2.0, 0.5, 2.0, 4.0].map(effort_level)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_scored_the_same_alone_and_in_a_batch(
        texts in prop::collection::vec(prop::option::of(".{0,60}|[a-z' .!?@#0-9]{0,80}"), 1..12),
        cut in 0usize..12,
    ) {
        let set = ModelSet::shipped();
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        let all = StringArray::from(texts.clone());
        let whole = set.score(&all, &ScoreColumn::ALL).unwrap();
        let cut = cut.min(all.len());
        let left = set.score(&all.slice(0, cut), &ScoreColumn::ALL).unwrap();
        let right = set.score(&all.slice(cut, all.len() - cut), &ScoreColumn::ALL).unwrap();
        for (index, column) in ScoreColumn::ALL.iter().enumerate() {
            let joined = concat(&[left[index].as_ref(), right[index].as_ref()]).unwrap();
            prop_assert_eq!(&joined, &whole[index]);
            let alone = set.score(&all, &[*column]).unwrap().remove(0);
            if *column != ScoreColumn::EffortFeatures || !alone.is_empty() {
                prop_assert_eq!(&alone, &whole[index]);
            }
        }
        let keys: Int8Array = (0..texts.len() as i8).map(Some).collect();
        let kinds: [ArrayRef; 3] = [
            Arc::new(LargeStringArray::from(texts.clone())),
            Arc::new(StringViewArray::from(texts.clone())),
            Arc::new(DictionaryArray::<Int8Type>::new(keys, Arc::new(all.clone()))),
        ];
        for kind in kinds {
            prop_assert_eq!(&set.score(&kind, &ScoreColumn::ALL).unwrap(), &whole);
        }
    }

    #[test]
    fn any_cue_lies_on_character_boundaries(text in ".{0,40}( we are leaving you .{0,20})?") {
        if let Some(detail) = ModelSet::shipped().churn_detail(&text)
            && let Some((words, start, end)) = detail.cue
        {
            let cut: String = text.chars().skip(start).take(end - start).collect();
            prop_assert_eq!(cut, words);
        }
    }
}
