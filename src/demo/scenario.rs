//! What customers of the demo come for.

use super::random::pick_weighted;
use rand_chacha::ChaCha8Rng;

/// A reason to get in touch.
#[derive(Debug)]
pub(super) struct Scenario {
    /// Prefix of its phrase rules, and the truth recorded with a conversation.
    pub(super) name: &'static str,
    /// How often it happens beside the planted facts.
    pub(super) weight: f64,
    /// The queue that serves it.
    pub(super) queue: &'static str,
    /// How often a bot solves it, 0..1.
    pub(super) bot_solves: f64,
    /// How often a plain agent solves it at once, 0..1.
    pub(super) agent_solves: f64,
    /// Mood in which customers arrive, −2 (angry) to 2 (glad).
    pub(super) mood: i32,
}

const fn scenario(
    name: &'static str,
    queue: &'static str,
    weight: f64,
    bot_solves: f64,
    agent_solves: f64,
    mood: i32,
) -> Scenario {
    Scenario {
        name,
        weight,
        queue,
        bot_solves,
        agent_solves,
        mood,
    }
}

/// All scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    scenario("double_charge", "billing", 5.0, 0.45, 0.60, -1),
    scenario("refund", "billing", 11.0, 0.50, 0.55, -1),
    scenario("invoice", "billing", 7.0, 0.55, 0.70, 0),
    scenario("payment_method", "billing", 7.0, 0.50, 0.62, 0),
    scenario("password", "access", 11.0, 0.65, 0.75, 0),
    scenario("locked", "access", 8.0, 0.45, 0.62, -1),
    scenario("account_details", "access", 6.0, 0.60, 0.75, 0),
    scenario("cancel", "billing", 0.0, 0.40, 0.60, -1),
    scenario("privacy", "access", 3.0, 0.45, 0.65, 0),
    scenario("onboarding", "product", 8.0, 0.45, 0.66, 0),
    scenario("crash", "product", 11.0, 0.40, 0.50, -1),
    scenario("outage", "product", 4.0, 0.40, 0.50, -1),
    scenario("how_to", "product", 12.0, 0.65, 0.78, 0),
    scenario("upgrade", "sales", 5.0, 0.50, 0.75, 1),
    scenario("order", "sales", 7.0, 0.50, 0.60, -1),
    scenario("praise", "sales", 3.0, 0.80, 0.95, 2),
];

/// Position of the scenario called `name`.
pub(super) fn scenario_named(name: &str) -> usize {
    SCENARIOS
        .iter()
        .position(|scenario| scenario.name == name)
        .unwrap_or(0)
}

/// A scenario of the background traffic.
pub(super) fn any_scenario(random: &mut ChaCha8Rng) -> usize {
    pick_weighted(SCENARIOS.iter().map(|scenario| scenario.weight), random)
}
