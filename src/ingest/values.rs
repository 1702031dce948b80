//! The values that enumerated columns allow, and which columns are scores.

use verbatim_udfs::model::ScoreColumn;

/// Who can have written a message.
pub(crate) const ROLES: [&str; 6] = ["customer", "agent", "bot", "tool", "system", "supervisor"];

/// What a conversation can have been held over.
pub(crate) const CHANNELS: [&str; 7] = [
    "chat", "email", "ticket", "voice", "sms", "social", "review",
];

/// Where a conversation can stand.
pub(crate) const STATUSES: [&str; 5] = ["open", "pending", "hold", "resolved", "closed"];

/// What can have ended a conversation.
pub(crate) const RESOLVERS: [&str; 4] = ["bot", "agent", "customer", "timeout"];

/// Whether the engine alone writes this column of `messages`.
pub(crate) fn is_score(column: &str) -> bool {
    column == "scored_by" || ScoreColumn::ALL.iter().any(|score| score.name() == column)
}
