//! How a conversation goes: the customer, the bot, the agents, turn by turn.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::calendar::{HOUR, MINUTE, SECOND};
use super::conversation::{Conversation, Event, FollowUp, Message};
use super::grammar::{Grammar, Names};
use super::plan::{FAILING_BOT, FAILING_SCENARIO};
use super::random::{chance, pick};
use super::scenario::{SCENARIOS, Scenario};
use super::style::Style;
use super::world::{Agent, BROKEN_RELEASE, LEADS, Micros, Person, World};

/// A conversation in the making.
pub(super) struct Dialogue<'a> {
    pub(super) grammar: &'a Grammar,
    pub(super) world: &'a World,
    pub(super) person: &'a Person,
    pub(super) scenario: usize,
    pub(super) channel: usize,
    pub(super) random: ChaCha8Rng,
    /// The time of the next turn.
    pub(super) clock: Micros,
    /// −2 angry … 2 glad.
    pub(super) mood: i32,
    pub(super) made: Conversation,
}

/// How a conversation ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Solved,
    Unsolved,
    Abandoned,
}

impl<'a> Dialogue<'a> {
    /// Lets the conversation happen; also the contact that it leads to, if any.
    pub(super) fn run(mut self) -> (Conversation, Option<FollowUp>) {
        self.event("created", "customer", None, None);
        self.opening();
        let bot = match self.made.channel {
            // Who is about to leave gets through to a human, who hears it.
            _ if self.made.leaving => None,
            "chat" => chance(0.85, &mut self.random).then_some(FAILING_BOT),
            "ticket" => chance(0.4, &mut self.random).then_some("bot-juno"),
            _ => None,
        };
        let ending = match bot {
            Some(bot) => self.with_bot(bot),
            None => self.with_agent(),
        };
        self.finish(ending)
    }

    pub(super) fn scenario(&self) -> &'static Scenario {
        &SCENARIOS[self.scenario]
    }

    pub(super) fn is_slow(&self) -> bool {
        matches!(self.made.channel, "email" | "ticket")
    }

    pub(super) fn say(&mut self, rule: &str, agent: &str) -> String {
        let names = Names {
            agent,
            customer: self.person.name,
            bot: if self.made.bot == Some(FAILING_BOT) {
                "Pip"
            } else {
                "Juno"
            },
            queue: self.made.queue,
        };
        self.grammar.say(rule, &names, &mut self.random)
    }

    /// Says each rule; a name that begins with a dot is one of the scenario's.
    fn sentences(&mut self, rules: &[&str], agent: &str) -> Vec<String> {
        let own = self.scenario().name;
        rules
            .iter()
            .map(|rule| match rule.strip_prefix('.') {
                Some(part) => self.say(&format!("{own}.{part}"), agent),
                None => self.say(rule, agent),
            })
            .collect()
    }

    fn push(&mut self, role: &'static str, author: &str, text: String) {
        self.made.messages.push(Message {
            role,
            author: author.to_owned(),
            at: self.clock,
            text: Some(text),
            content_type: "message",
            is_private: false,
            attributes: None,
        });
        self.made.last_activity_at = self.clock;
    }

    pub(super) fn customer(&mut self, rules: &[&str]) {
        let name = self.made.agent.as_ref().and_then(|id| {
            self.world
                .agents
                .iter()
                .find(|agent| agent.id == *id)
                .map(|agent| agent.name)
        });
        let sentences = self.sentences(rules, name.unwrap_or("team"));
        let text = match self.made.channel {
            "voice" => self.person.style.speak(&sentences, &mut self.random),
            _ => self
                .person
                .style
                .write(&sentences, self.mood, &mut self.random),
        };
        let author = self.made.customer.clone();
        self.push("customer", &author, text);
        self.pass_customer_time();
    }

    fn bot_says(&mut self, bot: &str, rule: &str) {
        let text = self.sentences(&[rule], "").join(" ");
        self.push("bot", bot, text);
        self.pass_customer_time();
    }

    pub(super) fn agent_says(&mut self, agent: &Agent, rules: &[&str]) {
        let sentences = self.sentences(rules, agent.name);
        let text = match self.made.channel {
            "voice" => Style::professional().speak(&sentences, &mut self.random),
            _ => Style::professional().write(&sentences, 0, &mut self.random),
        };
        if self.made.first_human_at.is_none() {
            self.made.first_human_at = Some(self.clock);
        }
        let role = if agent.team == LEADS {
            "supervisor"
        } else {
            "agent"
        };
        self.push(role, &agent.id, text);
    }

    pub(super) fn event(
        &mut self,
        kind: &'static str,
        actor_type: &'static str,
        actor: Option<&str>,
        cause: Option<&'static str>,
    ) {
        self.made.events.push(Event {
            at: self.clock,
            kind,
            actor_type,
            actor: actor.map(str::to_owned),
            cause,
            from: None,
            to: None,
            turn: self.made.messages.len(),
        });
    }

    pub(super) fn pass(&mut self, from: Micros, to: Micros) {
        self.clock += self.random.random_range(from..to);
    }

    pub(super) fn pass_customer_time(&mut self) {
        match self.made.channel {
            "voice" => self.pass(2 * SECOND, 20 * SECOND),
            "chat" | "social" => self.pass(10 * SECOND, 3 * MINUTE),
            _ => self.pass(10 * MINUTE, 9 * HOUR),
        }
    }

    pub(super) fn pass_agent_time(&mut self) {
        match self.made.channel {
            "voice" => self.pass(2 * SECOND, 30 * SECOND),
            "chat" => self.pass(20 * SECOND, 6 * MINUTE),
            "social" => self.pass(5 * MINUTE, 3 * HOUR),
            _ => self.pass(30 * MINUTE, 14 * HOUR),
        }
    }

    fn opening(&mut self) {
        let style = &self.person.style;
        let (terse, polite, formal) = (style.terse, style.polite, self.is_slow());
        let mut rules = Vec::new();
        if polite || formal {
            rules.push("greeting");
        }
        if self.made.previous.is_some() {
            rules.push("again");
        }
        rules.push(".issue");
        let roll = self.random.random_range(0..100);
        if formal || (!terse && roll < 40) {
            rules.push(".detail");
        }
        if formal && roll % 3 == 0 {
            rules.push("context");
        }
        if !terse && roll % 2 == 0 || formal {
            rules.push(".ask");
        }
        if self.mood <= -2 {
            rules.push("unhappy");
        }
        if formal && polite {
            rules.push("signoff");
        }
        if formal {
            let subject = self.sentences(&[".issue"], "").concat();
            self.made.subject = Some(subject.chars().take(60).collect());
        }
        // In a chat some press return after each thought.
        if self.made.channel == "chat" && rules.len() > 1 && roll < 25 {
            let rest = rules.split_off(1);
            self.customer(&rules);
            self.customer(&rest);
        } else {
            self.customer(&rules);
        }
    }

    fn with_bot(&mut self, bot: &'static str) -> Ending {
        self.made.bot = Some(bot);
        self.clock += 2 * SECOND;
        if chance(0.5, &mut self.random) {
            let greets = chance(0.4, &mut self.random);
            self.bot_says(bot, if greets { "bot.hello" } else { "bot.more" });
            let asks = chance(0.4, &mut self.random);
            self.customer(&[if asks { ".ask" } else { ".detail" }]);
        }
        let fails = bot == FAILING_BOT && self.scenario().name == FAILING_SCENARIO;
        let solves = if fails {
            0.05
        } else {
            self.scenario().bot_solves
        };
        if chance(0.15, &mut self.random) {
            self.tool_call(bot);
        }
        self.bot_says(bot, ".bot");
        self.event("article_shown", "bot", Some(bot), None);
        if chance(solves - self.trouble() * 0.5, &mut self.random) {
            self.mood += 2;
            let glad = chance(0.5, &mut self.random);
            self.customer(&[if glad { "happy" } else { "content" }]);
            if chance(0.5, &mut self.random) {
                self.bot_says(bot, "bot.solved");
            }
            self.event("resolved", "bot", Some(bot), None);
            self.made.resolved_by = Some("bot");
            return Ending::Solved;
        }
        for _ in 0..self.random.random_range(1..if fails { 4 } else { 3 }) {
            self.mood -= i32::from(chance(0.5, &mut self.random));
            self.customer(&["bot_annoyed"]);
            self.event("bot_fallback", "bot", Some(bot), Some("not_understood"));
            self.bot_says(bot, "bot.fallback");
        }
        if chance(0.14, &mut self.random) {
            return Ending::Abandoned;
        }
        let asks = chance(0.7, &mut self.random);
        if asks {
            self.customer(&["want_human"]);
            self.event(
                "escalation_requested",
                "customer",
                None,
                Some("wants_human"),
            );
        }
        self.bot_says(bot, "bot.handoff");
        let cause = if asks {
            "customer_request"
        } else {
            "bot_failed"
        };
        self.event("handoff", "bot", Some(bot), Some(cause));
        self.with_agent()
    }

    fn tool_call(&mut self, bot: &str) {
        let tool = pick(
            &["lookup_account", "search_articles", "list_payments"],
            &mut self.random,
        );
        self.made.messages.push(Message {
            role: "tool",
            author: bot.to_owned(),
            at: self.clock,
            text: None,
            content_type: "tool_call",
            is_private: false,
            attributes: Some(format!("{{\"tool\":\"{tool}\",\"status\":\"ok\"}}")),
        });
    }

    /// What the broken release takes away from everybody's chances, 0..1.
    pub(super) fn trouble(&self) -> f64 {
        let broken = self.made.release == BROKEN_RELEASE && self.scenario().name == "onboarding";
        if broken { 0.5 } else { 0.0 }
    }
}
