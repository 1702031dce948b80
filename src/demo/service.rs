//! The part of a conversation in which humans answer, and how it ends.

use rand::Rng;

use super::calendar::{DAY, HOUR, MINUTE, time_of_day};
use super::conversation::{CHANNELS, Conversation, FollowUp, Message};
use super::dialogue::{Dialogue, Ending};
use super::random::{chance, pick_weighted};
use super::world::Agent;

impl<'a> Dialogue<'a> {
    fn any_agent(&mut self) -> &'a Agent {
        let agents = &self.world.agents;
        &agents[pick_weighted(agents.iter().map(|agent| agent.weight), &mut self.random)]
    }

    fn assign(&mut self, agent: &Agent) {
        self.made.agent = Some(agent.id.clone());
        self.made.team = Some(agent.team);
        self.event("assigned", "system", Some(&agent.id), None);
        self.pass_agent_time();
        if self.made.channel == "email" && chance(0.1, &mut self.random) {
            self.clock += DAY;
        }
        if self.is_slow() && chance(0.07, &mut self.random) {
            self.mood -= 1;
            self.customer(&["waiting"]);
        }
        self.event("joined", "agent", Some(&agent.id), None);
    }

    /// Agents from the first greeting to the end.
    pub(super) fn with_agent(&mut self) -> Ending {
        let mut agent = self.any_agent();
        self.assign(agent);
        let mut rules = vec!["agent.hello"];
        if self.mood < 0 && chance(agent.habits.acknowledges, &mut self.random) {
            rules.push("agent.acknowledge");
        }
        if self.mood < 0 && chance(agent.habits.apologises, &mut self.random) {
            rules.push("agent.apologise");
        }
        let mut questions = [0, 0, 1, 1, 2, 3][self.random.random_range(0..6)];
        rules.push(if questions > 0 {
            "agent.ask"
        } else {
            "agent.work"
        });
        self.agent_says(agent, &rules);
        while questions > 0 {
            self.pass_customer_time();
            let short = chance(0.35, &mut self.random);
            self.customer(&[if short { "short_answer" } else { ".detail" }]);
            self.pass_agent_time();
            questions -= 1;
            self.agent_says(
                agent,
                &[if questions > 0 {
                    "agent.ask"
                } else {
                    "agent.work"
                }],
            );
        }
        if chance(0.12, &mut self.random) {
            agent = self.transfer(agent);
        }
        if chance(0.08, &mut self.random) {
            self.note(agent);
        }
        self.answer(agent)
    }

    /// Hands over to another agent, to whom the customer explains it once more.
    fn transfer(&mut self, from: &Agent) -> &'a Agent {
        let to = self.any_agent();
        self.agent_says(from, &["agent.transfer"]);
        self.event("transferred", "agent", Some(&from.id), Some("wrong_queue"));
        if let Some(event) = self.made.events.last_mut() {
            event.from = Some(from.id.clone());
            event.to = Some(to.id.clone());
        }
        self.assign(to);
        self.agent_says(to, &["agent.hello", "agent.ask"]);
        self.mood -= 1;
        self.pass_customer_time();
        self.customer(&["repeat_info", ".issue"]);
        self.pass_agent_time();
        to
    }

    fn note(&mut self, agent: &Agent) {
        let text = self.say("agent.note", agent.name);
        self.made.messages.push(Message {
            role: "agent",
            author: agent.id.clone(),
            at: self.clock,
            text: Some(text),
            content_type: "note",
            is_private: true,
            attributes: None,
        });
        self.pass(MINUTE, 3 * MINUTE);
    }

    /// The agent's answer and what the customer makes of it.
    fn answer(&mut self, agent: &'a Agent) -> Ending {
        let habits = agent.habits;
        let tells = chance(habits.tells_next_step, &mut self.random);
        let confirms = chance(habits.confirms, &mut self.random);
        // Behaviour helps whoever shows it; the star merely shows it nearly always.
        let helped = 0.20 * f64::from(tells) + 0.14 * f64::from(confirms);
        let solves = self.scenario().agent_solves - 0.08 + helped - self.trouble();
        let solved = chance(solves, &mut self.random);
        let mut rules = vec![if solved { ".solve" } else { ".stuck" }];
        if tells {
            rules.push("agent.next_step");
        }
        if confirms {
            rules.push("agent.confirm");
        }
        if chance(habits.links, &mut self.random) {
            rules.push("agent.link");
        }
        if !solved && chance(0.25, &mut self.random) {
            rules.push("agent.curt");
        }
        self.agent_says(agent, &rules);
        self.pass_customer_time();
        if solved {
            return self.satisfied(agent);
        }
        self.mood = (self.mood - 1).max(-3);
        let calm = self.mood > -2 && chance(if tells { 0.7 } else { 0.35 }, &mut self.random);
        self.customer(&[if calm { "lukewarm" } else { "unhappy" }]);
        if self.made.leaving {
            self.customer(&["leaving"]);
        }
        if !calm && chance(0.3, &mut self.random) {
            return self.escalate(agent);
        }
        self.close(agent);
        Ending::Unsolved
    }

    fn satisfied(&mut self, agent: &Agent) -> Ending {
        if self.made.leaving {
            self.customer(&["lukewarm", "leaving"]);
            return Ending::Solved;
        }
        self.mood = 1 + i32::from(chance(0.6, &mut self.random));
        let rule = if self.mood == 2 { "happy" } else { "content" };
        if chance(0.9, &mut self.random) {
            self.customer(&[rule]);
        }
        self.close(agent);
        Ending::Solved
    }

    fn close(&mut self, agent: &Agent) {
        if chance(0.45, &mut self.random) {
            self.pass_agent_time();
            self.agent_says(agent, &["agent.close"]);
        }
    }

    /// The customer asks for more than the agent can give.
    fn escalate(&mut self, agent: &Agent) -> Ending {
        self.mood = -2;
        self.customer(&["want_manager"]);
        self.event(
            "escalation_requested",
            "customer",
            None,
            Some("wants_manager"),
        );
        if chance(0.35, &mut self.random) {
            self.agent_says(agent, &["agent.apologise", "agent.close"]);
            return Ending::Unsolved;
        }
        self.event(
            "escalated",
            "agent",
            Some(&agent.id),
            Some("customer_request"),
        );
        let lead = &self.world.lead;
        if let Some(event) = self.made.events.last_mut() {
            event.from = Some(agent.id.clone());
            event.to = Some(lead.id.clone());
        }
        self.pass_agent_time();
        self.agent_says(lead, &["agent.supervisor", "agent.apologise"]);
        self.pass_customer_time();
        self.customer(&["repeat_info"]);
        self.pass_agent_time();
        let solved = chance(0.5 - self.trouble() * 0.6, &mut self.random);
        self.agent_says(
            lead,
            &[if solved { ".solve" } else { ".stuck" }, "agent.next_step"],
        );
        self.pass_customer_time();
        self.mood = if solved { 1 } else { -2 };
        self.customer(&[if solved { "content" } else { "unhappy" }]);
        if solved {
            Ending::Solved
        } else {
            Ending::Unsolved
        }
    }

    /// Status, survey and what follows.
    pub(super) fn finish(mut self, ending: Ending) -> (Conversation, Option<FollowUp>) {
        let made_up = self.random.random_range(0.0..1.0_f64);
        let human = self.made.agent.clone();
        match ending {
            Ending::Solved => {
                self.made.status = if made_up < 0.3 { "closed" } else { "resolved" };
                if self.made.resolved_by.is_none() {
                    self.made.resolved_by = Some("agent");
                    self.event("resolved", "agent", human.as_deref(), None);
                }
            }
            Ending::Unsolved if made_up < 0.35 => {
                // Closed all the same.
                self.made.status = "closed";
                self.made.resolved_by = Some("agent");
                self.event("resolved", "agent", human.as_deref(), Some("no_answer"));
                if chance(0.25, &mut self.random) {
                    self.pass(HOUR, 20 * HOUR);
                    self.event("reopened", "customer", None, None);
                    self.customer(&["again"]);
                    self.made.status = "open";
                    self.made.resolved_by = None;
                }
            }
            Ending::Unsolved => {
                self.made.status = if made_up < 0.7 { "pending" } else { "open" };
            }
            Ending::Abandoned => {
                self.made.status = "closed";
                self.made.resolved_by = Some("timeout");
            }
        }
        if matches!(self.made.status, "closed" | "resolved") {
            self.made.ended_at = Some(self.clock);
            self.made.last_activity_at = self.clock;
        }
        self.survey(ending);
        let comes_back = match ending {
            Ending::Solved => 0.05,
            Ending::Unsolved => 0.5,
            Ending::Abandoned => 0.6,
        };
        let due = self.clock + self.random.random_range(0..6) * DAY + time_of_day(&mut self.random);
        let elsewhere = chance(0.3, &mut self.random);
        let other = self.random.random_range(0..CHANNELS.len());
        let follow_up = chance(comes_back, &mut self.random).then(|| FollowUp {
            due,
            person: self.person.number,
            scenario: self.scenario,
            channel: if elsewhere { other } else { self.channel },
            previous: self.made.id.clone(),
        });
        (self.made, follow_up)
    }

    fn survey(&mut self, ending: Ending) {
        if self.made.ended_at.is_none() || !chance(0.45, &mut self.random) {
            return;
        }
        self.event("survey_sent", "system", None, None);
        if !chance(0.5, &mut self.random) {
            return;
        }
        let base = match ending {
            Ending::Solved => 4.4 + 0.2 * f64::from(self.mood),
            _ => 2.2 + 0.3 * f64::from(self.mood),
        };
        let answer = (base + self.random.random_range(-1.2..1.2_f64))
            .round()
            .clamp(1.0, 5.0);
        self.made.csat = Some(answer);
        if chance(0.3, &mut self.random) {
            let nps = (answer * 2.3 - 1.5 + self.random.random_range(-1.0..1.0_f64)).round();
            self.made.nps = Some(nps.clamp(0.0, 10.0));
        }
    }
}
