//! Effort of a conversation: what it took the customer, from the parts of its turns.
//!
//! A logistic-like score whose parts are its explanation. The coefficients are set by us (see
//! [`super::effort`]); the choice of parts follows what human ratings of dialogues react to: the
//! other side's failures, the last reply, repetition, length, negations, sentiment.

use super::effort::squash;
use super::score::shown;

/// Who spoke. Rows of any other role (tool calls, system messages, unknown names) are no turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub(crate) enum Role {
    Customer = 0,
    Agent = 1,
    Bot = 2,
    Supervisor = 3,
}

impl Role {
    const ALL: [Role; 4] = [Role::Customer, Role::Agent, Role::Bot, Role::Supervisor];

    /// The role of a name in the column `role`.
    pub(crate) fn of(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role of a number in a partial state.
    pub(crate) fn of_number(number: i8) -> Option<Role> {
        Role::ALL.into_iter().find(|role| *role as i8 == number)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Agent => "agent",
            Role::Bot => "bot",
            Role::Supervisor => "supervisor",
        }
    }
}

/// One message of a conversation as [`conversation_effort`] reads it.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// Role of the author: `customer`, or `agent`, `bot`, `supervisor`, who answer the customer. A
    /// row of another role is no turn and is left out.
    pub role: &'a str,
    /// The `effort_features` of the text, `None` where it has none.
    pub features: Option<&'a [f32]>,
    /// When it was sent, in microseconds since 1970 UTC, which decides where places are equal or
    /// missing.
    pub sent_at_micros: Option<i64>,
    /// Its place in the conversation.
    pub turn_index: Option<i32>,
}

/// Names of the parts of a conversation's effort, in the order of [`ConversationEffort::parts`].
pub const CONVERSATION_EFFORT_PARTS: &[&str] = &[
    "turns",
    "reply_failures",
    "last_reply_failed",
    "questions",
    "negations",
    "failures",
    "repeats",
    "waiting",
    "struggle",
    "ease",
    "sentiment",
    "last_sentiment",
];

/// Effort of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationEffort {
    /// Ease of the conversation, −5 (hard) to 5 (easy), never exactly 0.
    pub score: f64,
    /// What each part added before squashing, in the order of [`CONVERSATION_EFFORT_PARTS`].
    pub parts: [f64; CONVERSATION_EFFORT_PARTS.len()],
}

const COEFFICIENTS: [f32; CONVERSATION_EFFORT_PARTS.len()] = [
    -0.05, -0.15, -0.3, -0.1, -0.2, -0.5, -0.5, -0.4, -0.6, 0.7, 0.5, 0.5,
];
const BASE: f32 = 0.7;

/// Places in `EFFORT_FEATURES`.
mod part {
    pub(super) const QUESTIONS: usize = 1;
    pub(super) const NEGATIONS: usize = 4;
    pub(super) const FAILURES: usize = 5;
    pub(super) const REPEATS: usize = 6;
    pub(super) const WAITING: usize = 7;
    pub(super) const STRUGGLE: usize = 8;
    pub(super) const EASE: usize = 9;
    pub(super) const THANKS: usize = 10;
    pub(super) const APOLOGIES: usize = 11;
    pub(super) const SENTIMENT: usize = 12;
}

/// The effort of one conversation from its turns, given in any order: they are read by their place
/// and then by their time, unknown ones last, as the SQL aggregate reads them.
///
/// The score is 5 · tanh(sum / 2), where the sum is 0.7 and what each part adds: its value times
/// its coefficient. `None` where no customer turn has features. Counts are means per customer turn, but for the
/// number of customer turns beyond the second (at most 10) and the number of replies that
/// apologise or cannot help (at most 4).
pub fn conversation_effort(turns: &[Turn<'_>]) -> Option<ConversationEffort> {
    let mut order: Vec<(Role, &Turn<'_>)> = turns
        .iter()
        .filter_map(|turn| Some((Role::of(turn.role)?, turn)))
        .collect();
    order.sort_by(|(left_role, left), (right_role, right)| {
        let key = |turn: &Turn<'_>| {
            (
                turn.turn_index.unwrap_or(i32::MAX),
                turn.sent_at_micros.unwrap_or(i64::MAX),
            )
        };
        // Equal keys are told apart by what they say, so that the order of the rows never matters.
        key(left)
            .cmp(&key(right))
            .then(left_role.cmp(right_role))
            .then(left.features.is_some().cmp(&right.features.is_some()))
            .then_with(|| {
                let pairs = left.features.into_iter().flatten();
                let mut pairs = pairs.zip(right.features.into_iter().flatten());
                pairs
                    .find_map(|(a, b)| Some(a.total_cmp(b)).filter(|order| order.is_ne()))
                    .unwrap_or(std::cmp::Ordering::Equal)
            })
    });
    let mut totals = [0.0f64; super::EFFORT_FEATURES.len()];
    let mut customer_turns = 0u32;
    let mut failed_replies = 0u32;
    let mut last_reply_failed = false;
    let mut last_sentiment = 0.0;
    for (role, turn) in order {
        let Some(features) = turn.features.filter(|f| f.len() == totals.len()) else {
            continue;
        };
        match role {
            Role::Customer => {
                customer_turns += 1;
                for (total, feature) in totals.iter_mut().zip(features) {
                    *total += f64::from(*feature);
                }
                last_sentiment = features[part::SENTIMENT];
            }
            Role::Agent | Role::Bot | Role::Supervisor => {
                last_reply_failed = features[part::APOLOGIES] > 0.0;
                failed_replies += u32::from(last_reply_failed);
            }
        }
    }
    if customer_turns == 0 {
        return None;
    }
    let mean = |place: usize| (totals[place] / f64::from(customer_turns)) as f32;
    let values = [
        customer_turns.saturating_sub(2).min(10) as f32,
        failed_replies.min(4) as f32,
        f32::from(u8::from(last_reply_failed)),
        mean(part::QUESTIONS),
        mean(part::NEGATIONS),
        mean(part::FAILURES),
        mean(part::REPEATS),
        mean(part::WAITING),
        mean(part::STRUGGLE),
        mean(part::EASE) + 0.5 * mean(part::THANKS),
        mean(part::SENTIMENT),
        last_sentiment,
    ];
    let mut parts = [0.0; CONVERSATION_EFFORT_PARTS.len()];
    let mut sum = BASE;
    for ((part, value), weight) in parts.iter_mut().zip(values).zip(COEFFICIENTS) {
        *part = shown(value * weight);
        sum += value * weight;
    }
    Some(ConversationEffort {
        score: squash(sum),
        parts,
    })
}
