//! Who gets in touch when and why: the background traffic and what is planted in it.

use std::collections::HashMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::calendar::{Calendar, DAY, time_of_day};
use super::random::{pick_weighted, stream};
use super::scenario::{any_scenario, scenario_named};
use super::world::{BROKEN_RELEASE, Micros, World};

/// A contact that is to happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) at: Micros,
    /// The person, where it matters who it is.
    pub(super) person: Option<usize>,
    /// The scenario, where it matters.
    pub(super) scenario: Option<usize>,
    /// The customer says that they will leave.
    pub(super) leaving: bool,
}

/// What is planted, for the report and the tests to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The day of the billing spike, `YYYY-MM-DD`.
    pub spike_day: String,
    /// Contacts about double charges that the spike adds.
    pub spike_contacts: usize,
    /// The release that breaks onboarding.
    pub broken_release: String,
    /// Contacts about onboarding that it adds.
    pub broken_contacts: usize,
    /// The bot that fails.
    pub failing_bot: String,
    /// The scenario on which it fails.
    pub failing_scenario: String,
    /// The agent whose behaviour goes with better outcomes.
    pub star_agent: String,
    /// Accounts that say that they will leave, and do.
    pub churned_vocal: usize,
    /// Accounts that leave without a word.
    pub churned_silent: usize,
    /// Accounts that say so and stay.
    pub stayed_vocal: usize,
}

/// The bot of the chat, which fails on refunds.
pub(super) const FAILING_BOT: &str = "bot-pip";
/// What it fails on.
pub(super) const FAILING_SCENARIO: &str = "refund";

/// Plans `conversations` contacts in the order of time, and writes into `world` who leaves.
pub(super) fn plan(
    world: &mut World,
    calendar: &Calendar,
    conversations: usize,
    seed: u64,
) -> (Vec<Slot>, Planted) {
    let random = &mut stream(seed, 2, 0);
    let a_day = conversations / (calendar.days.max(1) as usize);
    let spike_contacts = a_day.clamp(30, 600).min(conversations / 10);
    let broken_contacts = conversations / 25;

    let mut slots = spike(calendar, spike_contacts, random);
    slots.extend(broken_onboarding(world, calendar, broken_contacts, random));
    let (leavers, churn) = leaving(world, calendar, random);
    slots.extend(leavers);
    let background = conversations.saturating_sub(slots.len());
    slots.extend(
        calendar
            .moments(background, random)
            .into_iter()
            .map(|at| Slot {
                at,
                person: None,
                scenario: None,
                leaving: false,
            }),
    );
    slots.sort_by_key(|slot| slot.at);
    let planted = Planted {
        spike_day: calendar.date(calendar.spike_day()).to_string(),
        spike_contacts,
        broken_release: BROKEN_RELEASE.to_owned(),
        broken_contacts,
        failing_bot: FAILING_BOT.to_owned(),
        failing_scenario: FAILING_SCENARIO.to_owned(),
        star_agent: world.agents[world.star()].id.clone(),
        churned_vocal: churn.vocal,
        churned_silent: churn.silent,
        stayed_vocal: churn.stayed,
    };
    (slots, planted)
}

/// Double charges all over one day.
fn spike(calendar: &Calendar, count: usize, random: &mut ChaCha8Rng) -> Vec<Slot> {
    let midnight = calendar.start + Micros::from(calendar.spike_day()) * DAY;
    let double_charge = Some(scenario_named("double_charge"));
    (0..count)
        .map(|_| Slot {
            at: midnight + time_of_day(random),
            person: None,
            scenario: double_charge,
            leaving: false,
        })
        .collect()
}

/// Trouble with the first steps, by people whose account uses the broken release.
fn broken_onboarding(
    world: &World,
    calendar: &Calendar,
    count: usize,
    random: &mut ChaCha8Rng,
) -> Vec<Slot> {
    let begin = world
        .releases
        .iter()
        .find(|release| release.name == BROKEN_RELEASE);
    let after = world
        .releases
        .iter()
        .rev()
        .take_while(|release| release.name != BROKEN_RELEASE);
    let (Some(begin), Some(end)) = (begin, after.last()) else {
        return Vec::new();
    };
    let span = (end.released_at - begin.released_at).max(1);
    let onboarding = Some(scenario_named("onboarding"));
    let mut slots = Vec::with_capacity(count);
    while slots.len() < count {
        let at = begin.released_at + random.random_range(0..span);
        let person = &world.people[random.random_range(0..world.people.len())];
        let uses_it = world.release(&world.accounts[person.account], at).name == BROKEN_RELEASE;
        if uses_it && at < calendar.end() {
            slots.push(Slot {
                at,
                person: Some(person.number),
                scenario: onboarding,
                leaving: false,
            });
        }
    }
    slots
}

struct Churn {
    vocal: usize,
    silent: usize,
    stayed: usize,
}

/// Accounts that leave after saying so, that leave without a word, and that say so and stay.
fn leaving(world: &mut World, calendar: &Calendar, random: &mut ChaCha8Rng) -> (Vec<Slot>, Churn) {
    let accounts = world.accounts.len();
    let vocal = (accounts / 20).max(8);
    let (silent, stayed) = (vocal / 4, vocal / 4);
    let mut people: HashMap<usize, usize> = HashMap::new();
    for person in &world.people {
        people.entry(person.account).or_insert(person.number);
    }
    // Distinct accounts, spread by a step that shares no factor with their number.
    let step = (accounts / 3..)
        .find(|step| gcd(*step, accounts) == 1)
        .unwrap_or(1);
    let first = random.random_range(0..accounts);
    let (start, days) = (calendar.start, Micros::from(calendar.days));
    let mut slots = Vec::new();
    for number in 0..vocal + silent + stayed {
        let account = (first + number * step) % accounts;
        // Said early enough that the month after it lies within the demo.
        let said_at = start + random.random_range(days / 9..(days * 5 / 8).max(days / 9 + 1)) * DAY;
        let says = number < vocal || number >= vocal + silent;
        if number < vocal + silent {
            let left_at = said_at + random.random_range(6..26) * DAY + DAY / 2;
            world.accounts[account].churned_at = Some(left_at.min(calendar.end() - DAY));
        }
        let Some(person) = people.get(&account).filter(|_| says) else {
            continue;
        };
        // Some say it once, some over and over.
        for _ in 0..random.random_range(1..3) {
            let scenario = match random.random_range(0..5) {
                0..2 => scenario_named("cancel"),
                _ => any_scenario(random),
            };
            let later = random.random_range(0..5) * DAY;
            slots.push(Slot {
                at: said_at + later + time_of_day(random),
                person: Some(*person),
                scenario: Some(scenario),
                leaving: true,
            });
        }
    }
    (
        slots,
        Churn {
            vocal,
            silent,
            stayed,
        },
    )
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A customer of the background traffic at `at`: anybody whose account has not left.
pub(super) fn any_person(
    world: &World,
    weights: &[f64],
    at: Micros,
    random: &mut ChaCha8Rng,
) -> usize {
    // Accounts that left are few, so that a handful of draws is enough.
    for _ in 0..20 {
        let drawn = weights.partition_point({
            let total = weights.last().copied().unwrap_or(0.0);
            let mark = random.random_range(0.0..1.0) * total;
            move |sum| *sum <= mark
        });
        let person = &world.people[drawn.min(world.people.len() - 1)];
        let left_at = world.accounts[person.account].churned_at;
        if left_at.is_none_or(|left_at| at < left_at) {
            return person.number;
        }
    }
    0
}

/// A channel, by the person's habits: position in `CHANNELS`.
pub(super) fn any_channel(channels: &[f64; 5], random: &mut ChaCha8Rng) -> usize {
    pick_weighted(channels.iter().copied(), random)
}
