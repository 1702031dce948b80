//! What the table of functions promises: types, NULL, blank texts, texts without a signal.

use datafusion::arrow::datatypes::DataType;

use crate::support::{OF_ONE_TEXT, call, session, shown, value};

/// Says nothing that any function listens for.
const NO_SIGNAL: &str = "'the sky is blue'";

#[tokio::test]
async fn null_and_blank_texts_give_null() {
    for function in OF_ONE_TEXT {
        for text in [
            "NULL",
            "CAST(NULL AS VARCHAR)",
            "''",
            "' '",
            "E'\\n \\t'",
            "'\u{3000}\u{a0}'",
        ] {
            let sql = format!("SELECT {}", call(function, text));
            let answer = value(&sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert!(answer.is_null(), "{sql} gave {answer}");
        }
    }
}

#[tokio::test]
async fn types_are_those_of_the_contract() {
    let expected = [
        ("sentiment", DataType::Float64),
        ("sentiment_label", DataType::Utf8),
        ("emotion_intensity", DataType::Int16),
        ("intent", DataType::Utf8),
        ("intent_score", DataType::Float64),
        ("topic", DataType::Utf8),
        ("effort_score", DataType::Float64),
        ("effort_level", DataType::Utf8),
        ("churn_risk", DataType::Float64),
        ("churn_risk_level", DataType::Utf8),
        ("escalation_request", DataType::Boolean),
        ("detect_language", DataType::Utf8),
        ("redact", DataType::Utf8),
        ("phrase_match", DataType::Boolean),
    ];
    for (function, data_type) in expected {
        let sql = format!("SELECT {}", call(function, NO_SIGNAL));
        let frame = session().sql(&sql).await.unwrap();
        assert_eq!(
            frame.schema().field(0).data_type(),
            &data_type,
            "{function}"
        );
    }
    for (function, wanted) in [
        ("effort_features", "List(Float32"),
        ("risk_signals", "List(Utf8"),
        ("emotion", "List(Utf8"),
        ("topics", "List(Utf8"),
        ("sentiment_aspects", "List(Struct("),
        ("sentiment_detail", "Struct("),
        ("pii_entities", "List(Struct("),
        ("intent_detail", "Struct("),
        ("churn_risk_detail", "Struct("),
    ] {
        let sql = format!("SELECT {}", call(function, NO_SIGNAL));
        let frame = session().sql(&sql).await.unwrap();
        let found = frame.schema().field(0).data_type().to_string();
        assert!(found.starts_with(wanted), "{function} gives {found}");
    }
}

#[tokio::test]
async fn a_text_without_a_signal_gives_the_agreed_values() {
    let expected = [
        ("sentiment_label", "neutral"),
        ("emotion", "[]"),
        ("emotion_intensity", "NULL"),
        ("intent", "unclassified"),
        ("topic", "unclassified"),
        ("topics", "[]"),
        ("churn_risk", "0.0"),
        ("churn_risk_level", "low"),
        ("escalation_request", "false"),
        ("risk_signals", "[]"),
        ("detect_language", "NULL"),
        ("pii_entities", "[]"),
        ("redact", "the sky is blue"),
    ];
    for (function, answer) in expected {
        let sql = format!("SELECT {}", call(function, NO_SIGNAL));
        assert_eq!(shown(&sql).await, answer, "{function}");
    }
    assert_eq!(
        shown(&format!("SELECT abs(sentiment({NO_SIGNAL})) < 0.5")).await,
        "true"
    );
    assert_eq!(
        shown(&format!("SELECT phrase_match({NO_SIGNAL}, 'chair')")).await,
        "false"
    );
    let detail = shown(&format!("SELECT churn_risk_detail({NO_SIGNAL})")).await;
    assert_eq!(
        detail,
        "{level: low, score: 0.0, cue: NULL, start: NULL, end: NULL}"
    );
}

#[tokio::test]
async fn scores_stay_in_their_scale() {
    let texts = [
        "I hate this, worst service ever!",
        "Thank you, that was great",
        "cancel my account",
    ];
    for text in texts {
        for (function, low, high) in [
            ("sentiment", -1.0, 1.0),
            ("intent_score", 0.0, 1.0),
            ("churn_risk", 0.0, 1.0),
        ] {
            let sql = format!("SELECT {function}('{text}') BETWEEN {low} AND {high}");
            assert_eq!(shown(&sql).await, "true", "{function} of {text}");
        }
    }
}

#[tokio::test]
async fn a_topic_is_the_label_of_its_number() {
    // The stored number reads as the computed label, also where there is none.
    let ids = verbatim_udfs::model::ModelSet::shipped().topic_labels();
    for (id, label) in ids.iter().enumerate() {
        assert_eq!(&shown(&format!("SELECT topic_label({id})")).await, label);
    }
    assert_eq!(shown("SELECT topic_label(-1)").await, "NULL");
    assert_eq!(shown("SELECT topic_label(1000000)").await, "NULL");
    assert_eq!(shown("SELECT topic_label(NULL)").await, "NULL");
}

#[tokio::test]
async fn levels_take_a_text_or_its_score() {
    let text = "'I have called three times and nobody helps me'";
    let of_text = shown(&format!("SELECT effort_level({text})")).await;
    let of_score = shown(&format!("SELECT effort_level(effort_score({text}))")).await;
    assert_eq!(of_text, of_score);
    assert_eq!(shown("SELECT effort_level(-5)").await, "very_hard");
    assert_eq!(shown("SELECT effort_level(5.0)").await, "very_easy");
    assert_eq!(
        shown("SELECT effort_level(CAST(NULL AS DOUBLE))").await,
        "NULL"
    );
    assert_eq!(shown("SELECT effort_level('NaN'::double)").await, "NULL");
    assert_eq!(shown("SELECT churn_risk_level(1)").await, "high");
    assert_eq!(shown("SELECT churn_risk_level(0)").await, "low");
}

#[tokio::test]
async fn details_agree_with_their_scalars() {
    let text = "'Please cancel my subscription, I want my money back'";
    let label = format!("SELECT get_field(intent_detail({text}), 'label') = intent({text})");
    assert_eq!(shown(&label).await, "true");
    let difference = format!("get_field(intent_detail({text}), 'score') - intent_score({text})");
    assert_eq!(
        shown(&format!("SELECT abs({difference}) < 1e-9")).await,
        "true"
    );
    let feeling = "'The app is fine. Your support is terrible!'";
    let sentiment = format!(
        "SELECT get_field(sentiment_detail({feeling}), 'score') = sentiment({feeling})
            AND get_field(sentiment_detail({feeling}), 'label') = sentiment_label({feeling})
            AND get_field(sentiment_detail({feeling}), 'evidence') = 'Your support is terrible!'
            AND get_field(sentiment_detail({feeling}), 'start') = 17"
    );
    assert_eq!(shown(&sentiment).await, "true");
    let risk = format!(
        "SELECT get_field(churn_risk_detail({text}), 'score') = churn_risk({text})
            AND get_field(churn_risk_detail({text}), 'level') = churn_risk_level({text})"
    );
    assert_eq!(shown(&risk).await, "true");
}

#[tokio::test]
async fn a_model_that_is_null_gives_null() {
    for function in ["intent", "intent_score", "intent_detail", "topic", "topics"] {
        let sql = format!("SELECT {function}({NO_SIGNAL}, NULL)");
        assert_eq!(shown(&sql).await, "NULL", "{function}");
    }
}

#[tokio::test]
async fn numbers_are_the_decimals_that_users_compare_with() {
    let text = "'Never again'";
    assert_eq!(
        shown(&format!("SELECT churn_risk({text}) >= 0.7")).await,
        "true"
    );
    assert_eq!(
        shown("SELECT sentiment('Never again\nThank you') = sentiment('Never again\r\nThank you')")
            .await,
        "true"
    );
}

#[tokio::test]
async fn aspects_come_after_the_whole() {
    let answer =
        shown("SELECT sentiment_aspects('Deliveries are fast and great', aspects())").await;
    assert!(
        answer.starts_with("[{name: overall, sentiment: positive, score: 0."),
        "{answer}"
    );
    assert!(
        answer.contains("{name: delivery, sentiment: positive, score: 0."),
        "{answer}"
    );
    assert!(
        answer.ends_with("{name: customer service, sentiment: unknown, score: NULL}]"),
        "{answer}"
    );
    assert_eq!(
        shown("SELECT sentiment_aspects('good', NULL)").await,
        "NULL"
    );
}

#[tokio::test]
async fn an_emotion_has_an_intensity_and_none_has_none() {
    for text in [
        "'I am so frustrated with this!!!'",
        "'Thank you so much'",
        "'I paid by card'",
    ] {
        let sql = format!(
            "SELECT (emotion_intensity({text}) BETWEEN 1 AND 5) IS NOT DISTINCT FROM
                CASE WHEN CAST(emotion({text}) AS VARCHAR) = '[]' THEN NULL ELSE true END"
        );
        assert_eq!(shown(&sql).await, "true", "{text}");
    }
}
