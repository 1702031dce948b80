//! Sentences that the cues and the sentiment must and must not react to: the ordinary ones beside the
//! telling ones, so that a cue that is widened or narrowed shows what it costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::tests::{escalates, label, number, risks};
use super::{ScoreColumn, churn_risk_level};

fn wrong(texts: &[&str], is_right: impl Fn(&str) -> bool) -> Vec<String> {
    texts
        .iter()
        .filter(|text| !is_right(text))
        .map(|text| {
            let churn = number(text, ScoreColumn::ChurnRisk);
            let feeling = number(text, ScoreColumn::Sentiment);
            format!(
                "{text}: churn {churn}, sentiment {feeling}, {:?}",
                risks(text)
            )
        })
        .collect()
}

fn assert_all(texts: &[&str], is_right: impl Fn(&str) -> bool) {
    let wrong = wrong(texts, is_right);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn churn_level(text: &str) -> &'static str {
    churn_risk_level(number(text, ScoreColumn::ChurnRisk))
}

#[test]
fn ordinary_sentences_are_no_churn() {
    let texts = [
        "I will buy again, great shop",
        "Would definitely order again!",
        "I will be back tomorrow",
        "My last order from you was perfect",
        "Last month I paid 20 euros",
        "Where can I leave a review?",
        "We are leaving at 5, can we check in",
        "I cannot continue to checkout",
        "I can't keep up with all the notifications",
        "Can you find someone who can help me",
        "Bye for now, thank you",
        "I'll go with the blue one instead",
        "We are moving to a new office, please update our address",
        "at the end of my contract can I keep the phone?",
        "I am losing customers because your site is down",
        "I can't use the app since the update",
        "I'm out of town",
        "it was out of stock and out for delivery",
        "I am done with the form",
        "I have enough data left",
        "Please read the notice",
        "what are your retention policies",
        "I was looking at shipping options",
        "I need a replacement for my broken charger",
        "the port number is 443",
        "can I book a demo on another day",
        "the site works better with Chrome",
        "the export no longer works",
        "when I close the app it crashes",
        "I want to transfer money to another bank",
        "please do not cancel my plan",
        "we are switching to annual billing",
        "I was thinking about leaving a comment",
        "my flight leaves at nine",
        "this is the last step of the setup",
        "it never happened again",
        "please unsubscribe me from your newsletter",
        "I have a question about the contract",
        "let it run over night",
        "I found another option in the menu",
    ];
    assert_all(&texts, |text| churn_level(text) == "low");
}

#[test]
fn wishes_to_leave_are_churn() {
    let texts = [
        "I have decided to go with another provider",
        "why can't I cancel my subscription",
        "Never again",
        "Never again!",
        "I want to cancel my subscription",
        "no i want to cancel my subscription",
        "No. I want to cancel my subscription",
        "please cancel my account",
        "we are switching to a competitor in May",
        "we are migrating to Zendesk next month",
        "we will not be renewing our contract",
        "I won't be renewing",
        "I will never order from you again",
        "I won't buy from you again",
        "this was my last order with you",
        "you are about to lose a customer",
        "you just lost me as a customer",
        "we found a cheaper provider",
        "I am done with you",
        "I'm taking my business elsewhere",
        "we are leaving you",
        "I am thinking about leaving",
        "I am considering cancelling my membership",
        "I want to end my contract",
        "we are looking for a different vendor",
        "consider this my notice",
        "I stopped using your app",
        "I no longer need the subscription",
        "Last time I order here",
    ];
    assert_all(&texts, |text| churn_level(text) == "high");
}

#[test]
fn ordinary_sentences_are_no_escalation() {
    let texts = [
        "How do I transfer money to someone?",
        "Can I transfer my licence to a colleague?",
        "forward the invoice to my manager",
        "I need my manager to approve",
        "I need a password manager",
        "my manager asked me to check the export",
        "which manager role do I need in the app?",
        "I will talk to my manager about the offer",
        "stop the washing machine",
        "how do I share a photo on facebook?",
        "thanks, Sue was great",
    ];
    assert_all(&texts, |text| !escalates(text));
}

#[test]
fn wishes_for_somebody_else_are_escalations() {
    let texts = [
        "You will hear from my lawyer",
        "let me speak to your supervisor now",
        "Can I please talk to a real person?",
        "I want a manager",
        "transfer me to an agent",
        "connect me to somebody who can help",
        "I need a human",
        "forward this to your manager",
        "get me your supervisor",
        "I will escalate this",
        "I don't want to talk to a bot",
    ];
    assert_all(&texts, escalates);
}

#[test]
fn ordinary_sentences_carry_no_risk() {
    let texts = [
        "The save button is disabled",
        "My account was disabled",
        "my phone battery is dying",
        "information on the benefits of premium",
        "do you have server redundancy",
        "Do you offer medical insurance?",
        "I booked a non-smoking room",
        "my Fire TV stick",
        "do you sell smoke detectors",
        "the ice cream melted",
        "can I book the tennis court",
        "I am anxious to see the result",
        "what a bill shock",
        "this is a glass bottle",
        "I would kill for a coffee",
        "thanks, Sue was great",
        "I cannot afford the premium plan this month, is there a smaller one",
    ];
    let hard = ["distrust", "escalation", "legal", "safety", "vulnerability"];
    assert_all(&texts, |text| {
        !risks(text).iter().any(|risk| hard.contains(&risk.as_str()))
    });
}

#[test]
fn risks_that_are_told_are_named() {
    for (text, risk) in [
        ("I will kill someone", "safety"),
        ("I found glass in my food", "safety"),
        ("the charger caught fire", "safety"),
        ("there was smoke coming out of it", "safety"),
        ("I got an electric shock", "safety"),
        ("the cable melted", "safety"),
        ("I am afraid of self-harm", "safety"),
        ("I will report you to the BBB", "legal"),
        ("see you in court", "legal"),
        ("I will sue you", "legal"),
        ("that is just lip-service", "distrust"),
        ("I am disabled", "vulnerability"),
        ("my mother is dying", "vulnerability"),
        ("my father passed away", "vulnerability"),
        ("I live on benefits", "vulnerability"),
        ("I was made redundant", "vulnerability"),
        ("she needs her medication", "vulnerability"),
        ("I can't afford food this month", "vulnerability"),
    ] {
        let found = risks(text);
        assert!(found.iter().any(|found| found == risk), "{text}: {found:?}");
    }
}

#[test]
fn neutral_sentences_are_near_zero() {
    let texts = [
        "hello",
        "Hello!",
        "hi",
        "hey",
        "good morning",
        "agent",
        "yes",
        "no",
        "ok",
        "k",
        "no thanks",
        "no problem",
        "my email is jo@example.org",
        "my order number is 40012",
        "Could you please tell me how to reset my password?",
        "what is the status of my refund",
        "where is my order",
        "How do I renew my plan?",
        "can I change the delivery address",
    ];
    assert_all(&texts, |text| {
        number(text, ScoreColumn::Sentiment).abs() < 0.2
    });
}

#[test]
fn feelings_are_still_told() {
    let bad = [
        "I can't wait any longer",
        "This is not good\nThank you",
        "This is not good. Thank you",
        "this is the worst service ever",
        "nobody answers and I am fed up",
    ];
    assert_all(&bad, |text| number(text, ScoreColumn::Sentiment) < -0.2);
    let good = [
        "great",
        "thank you so much, that was quick",
        "I love the new design",
    ];
    assert_all(&good, |text| number(text, ScoreColumn::Sentiment) > 0.3);
}

#[test]
fn requests_are_not_taken_for_their_opposite() {
    for (text, intents) in [
        ("k", &["unclassified"][..]),
        ("Please don't cancel my order", &["unclassified"]),
        ("How do I renew my plan?", &["change_plan"]),
        ("The coupon code doesn't work", &["payment_problem"]),
        ("please cancel my order", &["cancel_order"]),
    ] {
        let found = label(text, ScoreColumn::Intent);
        assert!(intents.contains(&found.as_str()), "{text}: {found}");
    }
}

#[test]
fn a_line_break_ends_a_sentence() {
    // The words of the two lines do not make one pattern.
    assert_eq!(
        churn_level("the plan is not to cancel\nmy subscription is fine"),
        "low"
    );
    assert_eq!(
        number(
            "I want to cancel my subscription\nwhy",
            ScoreColumn::ChurnRisk
        ),
        number(
            "I want to cancel my subscription. why",
            ScoreColumn::ChurnRisk
        )
    );
}

#[test]
fn an_address_at_the_end_of_a_sentence_leaves_its_full_stop() {
    for address in ["https://example.org/a", "jo@example.org"] {
        let text = format!("see {address}. How do I cancel my subscription?");
        let alone = "How do I cancel my subscription?";
        assert_eq!(
            number(&text, ScoreColumn::ChurnRisk),
            number(alone, ScoreColumn::ChurnRisk),
            "{text}"
        );
    }
}

#[test]
fn scores_are_the_decimals_that_they_look_like() {
    assert_eq!(number("Never again", ScoreColumn::ChurnRisk), 0.7);
    let feeling = number("what a nice day", ScoreColumn::Sentiment);
    assert_eq!(feeling, (feeling * 1e4).round() / 1e4);
}

#[test]
fn a_long_text_without_marks_takes_no_longer_a_word() {
    let fastest = |text: &str| {
        let time = |_| {
            let start = std::time::Instant::now();
            number(text, ScoreColumn::ChurnRisk);
            start.elapsed()
        };
        (0..3).map(time).min().unwrap()
    };
    let marked = fastest(&" cancel my plan.".repeat(4_000));
    let bare = fastest(&" cancel my plan".repeat(4_000));
    // Looking for the end of the sentence from each of its words took a hundred times as long.
    assert!(bare < marked * 10, "{bare:?} against {marked:?}");
}
