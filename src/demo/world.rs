//! The company of the demo: its accounts, customers, agents, bots and releases.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::calendar::{Calendar, DAY};
use super::random::{chance, pick, pick_weighted, stream};
use super::style::Style;

const FIRST_NAMES: [&str; 40] = [
    "Ana", "Bilal", "Carla", "Dmitri", "Esi", "Fatima", "Greg", "Hana", "Ines", "Jorge", "Kofi",
    "Lena", "Mats", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tomas", "Uma",
    "Viktor", "Wanda", "Yusuf", "Zoe", "Aiko", "Bruno", "Celine", "Dario", "Elif", "Finn", "Grace",
    "Hugo", "Iris", "Jonas", "Kira", "Liam", "Mina", "Noor", "Otto",
];
const COMPANY_FIRST: [&str; 20] = [
    "Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Inlet", "Juniper",
    "Kestrel", "Larch", "Meadow", "North", "Ostrava", "Pine", "Quill", "Ridge", "Summit", "Tarn",
];
const COMPANY_LAST: [&str; 10] = [
    "Labs",
    "Foods",
    "Logistics",
    "Studio",
    "Partners",
    "Media",
    "Works",
    "Health",
    "Travel",
    "Analytics",
];

/// A time or a span: microseconds, times since 1970 in UTC.
pub(super) type Micros = i64;

/// A company that pays.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) segment: &'static str,
    pub(super) plan: &'static str,
    pub(super) mrr: f64,
    pub(super) created_at: Micros,
    pub(super) renewal_at: Micros,
    pub(super) churned_at: Option<Micros>,
    /// How long after a release the account moves to it.
    pub(super) release_lag: Micros,
}

/// Somebody at an account who writes or calls.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) account: usize,
    pub(super) name: &'static str,
    pub(super) style: Style,
    /// Relative frequency of the person's contacts.
    pub(super) weight: f64,
    /// Weights of chat, email, ticket, voice and social.
    pub(super) channels: [f64; 5],
    /// The sources' ids of the person are known to belong together.
    pub(super) identified: bool,
}

/// Somebody who answers.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) team: &'static str,
    /// How often the agent does what: see [`Habits`].
    pub(super) habits: Habits,
    /// Relative share of the work.
    pub(super) weight: f64,
}

/// How often an agent acknowledges, apologises, tells the next step, confirms and sends a link, 0..1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) acknowledges: f64,
    pub(super) apologises: f64,
    pub(super) tells_next_step: f64,
    pub(super) confirms: f64,
    pub(super) links: f64,
}

/// A version of the product.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) name: &'static str,
    pub(super) released_at: Micros,
    pub(super) notes: &'static str,
}

/// Everything that is there before the first conversation.
#[derive(Debug)]
pub(super) struct World {
    pub(super) accounts: Vec<Account>,
    pub(super) people: Vec<Person>,
    pub(super) agents: Vec<Agent>,
    /// The one who takes escalated cases.
    pub(super) lead: Agent,
    pub(super) releases: Vec<Release>,
}

/// Team of those who take escalated cases.
pub(super) const LEADS: &str = "Leads";

/// The release that breaks the first steps of new customers; the one after it mends them.
pub(super) const BROKEN_RELEASE: &str = "4.2.0";

impl World {
    /// A world in which `conversations` conversations are likely to happen.
    pub(super) fn new(seed: u64, conversations: usize, calendar: &Calendar) -> World {
        let random = &mut stream(seed, 1, 0);
        let accounts: Vec<Account> = (0..(conversations / 12).max(120))
            .map(|number| account(number, calendar, random))
            .collect();
        let mut people = Vec::new();
        for (at, account) in accounts.iter().enumerate() {
            let contacts = match account.segment {
                "enterprise" => random.random_range(6..14),
                "mid-market" => random.random_range(4..9),
                _ => random.random_range(2..5),
            };
            for _ in 0..contacts {
                people.push(person(people.len(), at, random));
            }
        }
        let agents = agents((conversations / 600).clamp(12, 60), random);
        World {
            accounts,
            people,
            agents,
            lead: lead(),
            releases: releases(calendar),
        }
    }

    /// Position of the agent whose behaviour goes with better outcomes.
    pub(super) fn star(&self) -> usize {
        self.agents.len() / 2
    }

    /// The release that `account` uses at `time`.
    pub(super) fn release(&self, account: &Account, time: Micros) -> &Release {
        let used = |release: &&Release| release.released_at + account.release_lag <= time;
        self.releases
            .iter()
            .rev()
            .find(used)
            .unwrap_or(&self.releases[0])
    }
}

fn account(number: usize, calendar: &Calendar, random: &mut ChaCha8Rng) -> Account {
    let segment =
        ["small", "mid-market", "enterprise"][pick_weighted([6.0, 3.0, 1.0].into_iter(), random)];
    let plan = match (segment, random.random_range(0..10)) {
        ("enterprise", _) | ("mid-market", 0..3) => "enterprise",
        (_, 0..2) => "trial",
        ("small", 2..7) => "starter",
        _ => "pro",
    };
    let seats = match segment {
        "small" => random.random_range(2..20),
        "mid-market" => random.random_range(20..150),
        _ => random.random_range(150..900),
    };
    let price = match plan {
        "trial" => 0.0,
        "starter" => 6.0,
        "pro" => 11.0,
        _ => 17.0,
    };
    let first = pick(&COMPANY_FIRST, random);
    Account {
        id: format!("acct-{number:05}"),
        name: format!("{first} {}", pick(&COMPANY_LAST, random)),
        segment,
        plan,
        mrr: price * f64::from(seats),
        created_at: calendar.start - random.random_range(20..1200) * DAY,
        renewal_at: calendar.start + random.random_range(10..400) * DAY,
        churned_at: None,
        release_lag: random.random_range(0..60) * DAY / 24,
    }
}

fn person(number: usize, account: usize, random: &mut ChaCha8Rng) -> Person {
    let mut channels = [5.0, 2.5, 1.5, 1.0, 0.5];
    let favourite = random.random_range(0..channels.len());
    channels[favourite] += 3.0;
    Person {
        number,
        account,
        name: pick(&FIRST_NAMES, random),
        style: Style::any(random),
        weight: random.random_range(0.2..1.0_f64).powi(2) + 0.05,
        channels,
        identified: chance(0.8, random),
    }
}

fn agents(count: usize, random: &mut ChaCha8Rng) -> Vec<Agent> {
    let teams = ["Amber", "Cobalt", "Jade", "Slate"];
    let mut agents: Vec<Agent> = (0..count)
        .map(|number| Agent {
            id: format!("agent-{number:02}"),
            name: FIRST_NAMES[(number * 7 + 3) % FIRST_NAMES.len()],
            team: teams[number % teams.len()],
            habits: Habits {
                acknowledges: random.random_range(0.1..0.7),
                apologises: random.random_range(0.2..0.8),
                tells_next_step: random.random_range(0.05..0.35),
                confirms: random.random_range(0.05..0.35),
                links: random.random_range(0.05..0.4),
            },
            weight: random.random_range(0.6..1.4),
        })
        .collect();
    // The planted one does two things more than the others do, and is like them in all else.
    let star = &mut agents[count / 2];
    star.habits.tells_next_step = 0.95;
    star.habits.confirms = 0.9;
    star.weight = 1.5;
    agents
}

fn lead() -> Agent {
    Agent {
        id: "lead-00".to_owned(),
        name: "Marlene",
        team: LEADS,
        habits: Habits {
            acknowledges: 0.8,
            apologises: 0.8,
            tells_next_step: 0.3,
            confirms: 0.3,
            links: 0.1,
        },
        weight: 0.0,
    }
}

fn releases(calendar: &Calendar) -> Vec<Release> {
    let at = |share: f64| calendar.start + ((calendar.days as f64 * share) as i64) * DAY + DAY / 3;
    vec![
        Release {
            name: "4.0.0",
            released_at: calendar.start - 40 * DAY,
            notes: "Calendar view",
        },
        Release {
            name: "4.1.0",
            released_at: at(0.17),
            notes: "Faster search",
        },
        Release {
            name: BROKEN_RELEASE,
            released_at: at(0.40),
            notes: "New setup wizard",
        },
        Release {
            name: "4.2.1",
            released_at: at(0.56),
            notes: "Repairs of the setup wizard",
        },
        Release {
            name: "4.3.0",
            released_at: at(0.80),
            notes: "Room displays",
        },
    ]
}
