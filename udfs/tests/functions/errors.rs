//! Calls that cannot be answered say why.

use crate::support::error;

#[tokio::test]
async fn wrong_arguments_are_named() {
    for (sql, wanted) in [
        ("SELECT sentiment(1)", "sentiment"),
        ("SELECT sentiment()", "sentiment"),
        ("SELECT sentiment('a', 'b')", "sentiment"),
        (
            "SELECT intent('text', 'mine')",
            "no such model for intent: \"mine\"",
        ),
        (
            "SELECT topic('text', 'mine')",
            "no such model for topic: \"mine\"",
        ),
        (
            "SELECT intent_score('text', 'mine')",
            "no such model for intent: \"mine\"",
        ),
        (
            "SELECT intent_detail('text', 'mine')",
            "no such model for intent: \"mine\"",
        ),
        (
            "SELECT conversation_sentiment(DISTINCT role, 0.5, NULL, 1) FROM (VALUES ('customer'), ('agent')) AS t (role)",
            "conversation_sentiment counts every turn, it has no DISTINCT",
        ),
        (
            "SELECT role, conversation_sentiment(DISTINCT role, 0.5, NULL, 1)
             FROM (VALUES ('customer'), ('agent')) AS t (role) GROUP BY role",
            "it has no DISTINCT",
        ),
        ("SELECT intent(true)", "intent takes texts, not Boolean"),
        (
            "SELECT effort_level(true)",
            "effort_level takes a text or a number, not Boolean",
        ),
        ("SELECT emotion(1)", "emotion"),
        (
            "SELECT sentiment_aspects('a', 'price')",
            "a list of aspects, as in ARRAY['price']",
        ),
        ("SELECT sentiment_aspects('a')", "a list of aspects"),
        ("SELECT topic_label('a')", "topic_label"),
        (
            "SELECT redact('a', 'EMAIL')",
            "the entities of redact are a list",
        ),
        (
            "SELECT redact('a', NULL, 'sha')",
            "no redaction mode \"sha\"",
        ),
        (
            "SELECT phrase_match('a', '(b')",
            "character 1: this parenthesis is never closed",
        ),
        ("SELECT phrase_match('a', '')", "the expression is empty"),
        (
            "SELECT conversation_sentiment('customer', 'good', NULL, 1)",
            "conversation_sentiment",
        ),
        (
            "SELECT conversation_effort('customer', 0.5, NULL, 1)",
            "conversation_effort",
        ),
    ] {
        let message = error(sql).await;
        assert!(message.contains(wanted), "{sql}: {message}");
        assert!(!message.contains("bug in DataFusion"), "{sql}: {message}");
    }
}
