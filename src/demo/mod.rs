//! The demo: a synthetic lake with known truth planted in it, so that what the metrics say can be
//! checked against what is so.
//!
//! - `grammar` and `phrases/`: how people talk; `style`: how they type.
//! - `world`: accounts, people, agents, releases; `calendar`: days and hours; `scenario`: reasons to
//!   get in touch.
//! - `plan`: who gets in touch when, with the planted facts; `dialogue` and `service`: what is then
//!   said and done; `tables`: the rows.
//!
//! Everything is drawn from one seed: the same options give the same rows. The phrases were written
//! without regard to what the scorers know.

mod calendar;
mod conversation;
mod dialogue;
mod fill;
mod grammar;
mod plan;
mod random;
mod report;
mod scenario;
mod service;
mod style;
mod tables;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use rand::Rng;

use calendar::Calendar;
use conversation::{CHANNELS, Conversation, FollowUp, SOURCES};
use dialogue::Dialogue;
pub use fill::{DemoError, Folder, begin, fill, look, planted};
use grammar::Grammar;
pub use grammar::GrammarError;
pub use plan::Planted;
use plan::{Slot, any_channel, any_person};
use random::{chance, stream};
pub use report::{Finding, findings};
use scenario::{SCENARIOS, any_scenario};
use world::World;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoOptions {
    /// Number of conversations; the planted facts need about a thousand to be visible.
    pub conversations: usize,
    /// Number of days over which they are spread, at least 14.
    pub days: u32,
    /// What everything is drawn from.
    pub seed: u64,
    /// The first day.
    pub first_day: NaiveDate,
}

/// Rows of several tables, each with the table's name.
pub type TableRows = Vec<(&'static str, RecordBatch)>;

/// The synthetic conversations, in the order of time: an iterator of batches.
#[derive(Debug)]
pub struct Generator {
    options: DemoOptions,
    grammar: Grammar,
    world: World,
    planted: Planted,
    slots: Vec<Slot>,
    next: usize,
    /// Sums of the people's weights, for drawing one.
    weights: Vec<f64>,
    /// Contacts that earlier ones led to, by the time from which they are due.
    due: BTreeMap<(i64, usize), FollowUp>,
    batch: usize,
}

impl Generator {
    /// Prepares what `options` ask for; `batch` conversations make a batch.
    ///
    /// # Errors
    /// When a phrase file that is compiled in cannot be read.
    pub fn new(options: DemoOptions, batch: usize) -> Result<Generator, GrammarError> {
        let calendar = Calendar::new(options.first_day, options.days.max(14));
        let mut world = World::new(options.seed, options.conversations, &calendar);
        let (slots, planted) =
            plan::plan(&mut world, &calendar, options.conversations, options.seed);
        let mut sum = 0.0;
        let weights = world.people.iter().map(|person| {
            sum += person.weight;
            sum
        });
        Ok(Generator {
            options,
            grammar: Grammar::read()?,
            planted,
            slots,
            next: 0,
            weights: weights.collect(),
            world,
            due: BTreeMap::new(),
            batch: batch.max(1),
        })
    }

    /// What is planted.
    pub fn planted(&self) -> &Planted {
        &self.planted
    }

    /// Number of conversations that are still to come.
    pub fn remaining(&self) -> usize {
        self.slots.len() - self.next
    }

    /// Accounts, identities, agents and releases.
    ///
    /// # Errors
    /// When the rows do not fit their schema.
    pub fn master_data(&self) -> Result<TableRows, ArrowError> {
        tables::master_data(&self.world)
    }

    fn conversation(&mut self) -> Option<Conversation> {
        let slot = *self.slots.get(self.next)?;
        let number = self.next;
        self.next += 1;
        let random = &mut stream(self.options.seed, 3, number as u64);
        let waiting = self.due.first_key_value().map(|(key, _)| *key);
        let is_background = slot.person.is_none() && slot.scenario.is_none();
        let follow_up = match waiting {
            Some(key) if is_background && key.0 <= slot.at => self.due.remove(&key),
            _ => None,
        };
        let person = match (&follow_up, slot.person) {
            (Some(follow_up), _) => follow_up.person,
            (None, Some(person)) => person,
            (None, None) => any_person(&self.world, &self.weights, slot.at, random),
        };
        let person = &self.world.people[person];
        let channel = match &follow_up {
            Some(follow_up) => follow_up.channel,
            None => any_channel(&person.channels, random),
        };
        let scenario = match (&follow_up, slot.scenario) {
            (Some(follow_up), _) => follow_up.scenario,
            (None, Some(scenario)) => scenario,
            (None, None) => any_scenario(random),
        };
        let account = &self.world.accounts[person.account];
        let release = self.world.release(account, slot.at).name;
        let angry = follow_up.is_some() || slot.leaving;
        let mood = SCENARIOS[scenario].mood - i32::from(angry) - i32::from(chance(0.2, random))
            + i32::from(chance(0.15, random));
        let made = Conversation {
            number,
            id: format!("{}:d{number:06}", SOURCES[channel]),
            source: SOURCES[channel],
            channel: CHANNELS[channel],
            previous: follow_up.map(|follow_up| follow_up.previous),
            customer: tables::customer_at(person, channel),
            account: account.id.clone(),
            segment: account.segment,
            plan: account.plan,
            release,
            scenario: SCENARIOS[scenario].name,
            leaving: slot.leaving,
            subject: None,
            started_at: slot.at,
            first_human_at: None,
            ended_at: None,
            last_activity_at: slot.at,
            status: "open",
            resolved_by: None,
            queue: SCENARIOS[scenario].queue,
            team: None,
            agent: None,
            bot: None,
            csat: None,
            nps: None,
            messages: Vec::with_capacity(10),
            events: Vec::with_capacity(6),
        };
        let dialogue = Dialogue {
            grammar: &self.grammar,
            world: &self.world,
            person,
            scenario,
            channel,
            random: stream(self.options.seed, 4, random.random_range(0..1 << 39)),
            clock: slot.at,
            mood: mood.clamp(-2, 2),
            made,
        };
        let (conversation, follow_up) = dialogue.run();
        if let Some(follow_up) = follow_up {
            self.due.insert((follow_up.due, number), follow_up);
        }
        Some(conversation)
    }
}

impl Iterator for Generator {
    type Item = Result<TableRows, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::with_capacity(self.batch.min(self.remaining()));
        while batch.len() < self.batch {
            match self.conversation() {
                Some(conversation) => batch.push(conversation),
                None => break,
            }
        }
        (!batch.is_empty()).then(|| tables::conversation_rows(&batch))
    }
}
