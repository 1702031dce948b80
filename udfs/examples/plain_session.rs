//! The functions in a plain DataFusion session: no lake, no server.
//!
//! `cargo run -p verbatim-udfs --example plain_session`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

#[tokio::main]
async fn main() -> Result<()> {
    let mut session = SessionContext::new();
    verbatim_udfs::register_all(&mut session)?;

    session
        .sql(
            "CREATE TABLE messages AS SELECT * FROM (VALUES
                ('c1', 'customer', 0, 'I was charged twice for my order, please give me a refund'),
                ('c1', 'agent',    1, 'I am sorry about that. I have sent the money back.'),
                ('c1', 'customer', 2, 'That was quick, thank you so much!'),
                ('c2', 'customer', 0, 'Third time I write. Nobody answers, I will cancel my account'),
                ('c2', 'bot',      1, 'I did not understand that.'),
                ('c2', 'customer', 2, 'Let me talk to a manager! Call me at (212) 555-0123')
             ) AS t (conversation_id, role, turn_index, text)",
        )
        .await?
        .collect()
        .await?;

    let messages = session
        .sql(
            "SELECT text, round(sentiment(text), 2) AS sentiment, intent(text) AS intent,
                    churn_risk_level(text) AS churn_risk, escalation_request(text) AS escalation,
                    redact(text) AS redacted
             FROM messages WHERE role = 'customer' ORDER BY conversation_id, turn_index",
        )
        .await?;
    println!("{}", messages.to_string().await?);

    let conversations = session
        .sql(
            "SELECT conversation_id,
                    conversation_sentiment(role, sentiment(text), NULL, turn_index) AS sentiment,
                    effort_level(conversation_effort(role, effort_features(text), NULL, turn_index))
                        AS effort,
                    bool_or(phrase_match(text, 'cancel* NEAR/3 (account OR contract)'))
                        AS wants_to_cancel
             FROM messages GROUP BY conversation_id ORDER BY conversation_id",
        )
        .await?;
    println!("{}", conversations.to_string().await?);
    Ok(())
}
