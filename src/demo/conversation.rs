//! A conversation of the demo, before it becomes rows.

use super::world::Micros;

/// Channels, in the order of a person's habits.
pub(super) const CHANNELS: [&str; 5] = ["chat", "email", "ticket", "voice", "social"];
/// The system behind each channel.
pub(super) const SOURCES: [&str; 5] = ["webchat", "mail", "portal", "phone", "social"];

/// A turn.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) author: String,
    pub(super) at: Micros,
    pub(super) text: Option<String>,
    pub(super) content_type: &'static str,
    pub(super) is_private: bool,
    pub(super) attributes: Option<String>,
}

/// Something that happened beside the turns.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: Micros,
    pub(super) kind: &'static str,
    pub(super) actor_type: &'static str,
    pub(super) actor: Option<String>,
    pub(super) cause: Option<&'static str>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) turn: usize,
}

/// A conversation with all that belongs to it.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) source: &'static str,
    pub(super) channel: &'static str,
    pub(super) previous: Option<String>,
    pub(super) customer: String,
    pub(super) account: String,
    pub(super) segment: &'static str,
    pub(super) plan: &'static str,
    pub(super) release: &'static str,
    /// Why the customer got in touch: the truth.
    pub(super) scenario: &'static str,
    /// The customer said that they will leave: the truth.
    pub(super) leaving: bool,
    pub(super) subject: Option<String>,
    pub(super) started_at: Micros,
    pub(super) first_human_at: Option<Micros>,
    pub(super) ended_at: Option<Micros>,
    pub(super) last_activity_at: Micros,
    pub(super) status: &'static str,
    pub(super) resolved_by: Option<&'static str>,
    pub(super) queue: &'static str,
    pub(super) team: Option<&'static str>,
    pub(super) agent: Option<String>,
    pub(super) bot: Option<&'static str>,
    pub(super) csat: Option<f64>,
    pub(super) nps: Option<f64>,
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Event>,
}

/// A contact that a badly ended conversation leads to.
#[derive(Debug, Clone)]
pub(super) struct FollowUp {
    pub(super) due: Micros,
    pub(super) person: usize,
    pub(super) scenario: usize,
    pub(super) channel: usize,
    pub(super) previous: String,
}
