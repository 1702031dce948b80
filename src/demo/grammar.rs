//! The grammar that the demo's people speak by.
//!
//! A phrase file holds rules: `[name]` and below it one way to say it a line. In a line,
//! `{a|b}` is a choice, `{?a}` is said half of the time, `{name}` is another rule,
//! `{#money}` a made-up number and `{name_agent}` a name of the conversation. They nest.

use std::collections::HashMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

const FILES: [(&str, &str); 6] = [
    ("billing.txt", include_str!("phrases/billing.txt")),
    ("access.txt", include_str!("phrases/access.txt")),
    ("product.txt", include_str!("phrases/product.txt")),
    ("customer.txt", include_str!("phrases/customer.txt")),
    ("staff.txt", include_str!("phrases/staff.txt")),
    ("slots.txt", include_str!("phrases/slots.txt")),
];

/// Why the phrase files cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct GrammarError {
    file: &'static str,
    line: usize,
    problem: String,
}

/// The names that a conversation fills in.
#[derive(Debug, Clone, Default)]
pub(super) struct Names<'a> {
    pub(super) agent: &'a str,
    pub(super) customer: &'a str,
    pub(super) bot: &'a str,
    pub(super) queue: &'a str,
}

#[derive(Debug, Clone, Copy)]
enum Name {
    Agent,
    Customer,
    Bot,
    Queue,
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Money,
    Day,
    Digits,
    Small,
    Order,
    Case,
    Percent,
    Step,
    Year,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Choice(Vec<Vec<Part>>),
    Optional(Vec<Part>),
    Rule(usize),
    Number(Number),
    Name(Name),
}

/// Every rule of the phrase files.
#[derive(Debug)]
pub(super) struct Grammar {
    names: HashMap<String, usize>,
    rules: Vec<Vec<Vec<Part>>>,
}

impl Grammar {
    /// Reads the phrase files.
    pub(super) fn read() -> Result<Grammar, GrammarError> {
        let lines = || {
            FILES.iter().flat_map(|&(file, text)| {
                text.lines()
                    .enumerate()
                    .map(move |(at, line)| (file, at + 1, line.trim()))
            })
        };
        let heading = |line: &str| {
            line.strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
                .map(str::to_owned)
        };
        let mut names = HashMap::new();
        for (_, _, line) in lines() {
            if let Some(name) = heading(line) {
                let next = names.len();
                names.entry(name).or_insert(next);
            }
        }
        let mut rules: Vec<Vec<Vec<Part>>> = names.iter().map(|_| Vec::new()).collect();
        let mut current = None;
        for (file, at, line) in lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = heading(line) {
                current = names.get(&name).copied();
                continue;
            }
            let error = |problem| GrammarError {
                file,
                line: at,
                problem,
            };
            let mut rest = line;
            let parts = parse(&mut rest, &names, false).map_err(error)?;
            match current {
                Some(rule) if rest.is_empty() => rules[rule].push(parts),
                Some(_) => return Err(error(format!("unexpected `{rest}`"))),
                None => return Err(error("a phrase above the first rule".to_owned())),
            }
        }
        Ok(Grammar { names, rules })
    }

    /// Whether there is a rule called `name`.
    #[cfg(test)]
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Says `rule` in one of its ways; nothing where there is no such rule.
    pub(super) fn say(&self, rule: &str, names: &Names<'_>, random: &mut ChaCha8Rng) -> String {
        let mut said = String::new();
        if let Some(&rule) = self.names.get(rule) {
            self.rule(rule, names, random, &mut said);
        }
        said
    }

    fn rule(&self, rule: usize, names: &Names<'_>, random: &mut ChaCha8Rng, said: &mut String) {
        let ways = &self.rules[rule];
        if !ways.is_empty() {
            self.parts(
                &ways[random.random_range(0..ways.len())],
                names,
                random,
                said,
            );
        }
    }

    fn parts(&self, parts: &[Part], names: &Names<'_>, random: &mut ChaCha8Rng, said: &mut String) {
        for part in parts {
            match part {
                Part::Text(text) => said.push_str(text),
                Part::Choice(ways) => {
                    let way = random.random_range(0..ways.len());
                    self.parts(&ways[way], names, random, said);
                }
                Part::Optional(parts) => {
                    if random.random_bool(0.5) {
                        self.parts(parts, names, random, said);
                    }
                }
                Part::Rule(rule) => self.rule(*rule, names, random, said),
                Part::Number(number) => number.write(random, said),
                Part::Name(name) => said.push_str(match name {
                    Name::Agent => names.agent,
                    Name::Customer => names.customer,
                    Name::Bot => names.bot,
                    Name::Queue => names.queue,
                }),
            }
        }
    }
}

impl Number {
    fn write(self, random: &mut ChaCha8Rng, said: &mut String) {
        let written = match self {
            Number::Money => {
                let whole = random.random_range(9..480);
                let cents = [0, 0, 50, 90, 99][random.random_range(0..5)];
                match random.random_range(0..5) {
                    0 => format!("${whole}"),
                    1 => format!("{whole}.{cents:02} dollars"),
                    2 => format!("€{whole}.{cents:02}"),
                    3 => format!("{whole} euros"),
                    _ => format!("${whole}.{cents:02}"),
                }
            }
            Number::Day => random.random_range(4..21).to_string(),
            Number::Digits => random.random_range(1000..10_000).to_string(),
            Number::Small => random.random_range(2..40).to_string(),
            Number::Order => random.random_range(100_000..1_000_000).to_string(),
            Number::Case => format!("#{}", random.random_range(10_000..100_000)),
            Number::Percent => (random.random_range(1..20) * 5).to_string(),
            Number::Step => random.random_range(2..7).to_string(),
            Number::Year => random.random_range(2017..2025).to_string(),
        };
        said.push_str(&written);
    }
}

/// Parses up to the end, or inside of braces up to `|` or `}`.
fn parse(
    rest: &mut &str,
    names: &HashMap<String, usize>,
    inside: bool,
) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while let Some(first) = rest.chars().next() {
        if first == '{' {
            *rest = &rest[1..];
            parts.push(braces(rest, names)?);
        } else if inside && (first == '|' || first == '}') {
            break;
        } else {
            let special = |c| c == '{' || (inside && (c == '|' || c == '}'));
            let (text, after) = rest.split_at(rest.find(special).unwrap_or(rest.len()));
            parts.push(Part::Text(text.to_owned()));
            *rest = after;
        }
    }
    Ok(parts)
}

/// Parses what stands in braces, the opening one already taken.
fn braces(rest: &mut &str, names: &HashMap<String, usize>) -> Result<Part, String> {
    if let Some(after) = rest.strip_prefix('?') {
        *rest = after;
        let mut ways = choice(rest, names)?;
        let only = if ways.len() == 1 { ways.pop() } else { None };
        return Ok(Part::Optional(
            only.unwrap_or_else(|| vec![Part::Choice(ways)]),
        ));
    }
    let ways = choice(rest, names)?;
    if let [way] = ways.as_slice()
        && let [Part::Text(name)] = way.as_slice()
    {
        return single(name, names);
    }
    Ok(Part::Choice(ways))
}

fn choice(rest: &mut &str, names: &HashMap<String, usize>) -> Result<Vec<Vec<Part>>, String> {
    let mut ways = Vec::new();
    loop {
        ways.push(parse(rest, names, true)?);
        let end = rest.chars().next().ok_or("a `{` without its `}`")?;
        *rest = &rest[1..];
        if end == '}' {
            return Ok(ways);
        }
    }
}

/// What a single word in braces stands for.
fn single(name: &str, names: &HashMap<String, usize>) -> Result<Part, String> {
    Ok(match name {
        "name_agent" => Part::Name(Name::Agent),
        "name_customer" => Part::Name(Name::Customer),
        "bot_name" => Part::Name(Name::Bot),
        "queue" => Part::Name(Name::Queue),
        "#money" => Part::Number(Number::Money),
        "#day" => Part::Number(Number::Day),
        "#digits" => Part::Number(Number::Digits),
        "#number" => Part::Number(Number::Small),
        "#order" => Part::Number(Number::Order),
        "#case" => Part::Number(Number::Case),
        "#percent" => Part::Number(Number::Percent),
        "#step" => Part::Number(Number::Step),
        "#year" => Part::Number(Number::Year),
        rule => match names.get(rule) {
            Some(rule) => Part::Rule(*rule),
            None => return Err(format!("`{{{rule}}}` is no rule")),
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::super::scenario::SCENARIOS;
    use super::*;

    #[test]
    fn every_scenario_has_its_rules() {
        let grammar = Grammar::read().unwrap();
        for scenario in SCENARIOS {
            for part in ["issue", "ask", "detail", "bot", "solve", "stuck"] {
                let rule = format!("{}.{part}", scenario.name);
                assert!(grammar.has(&rule), "{rule}");
            }
        }
    }

    #[test]
    fn what_is_said_varies_and_leaves_no_braces() {
        let grammar = Grammar::read().unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let names = Names {
            agent: "Ana",
            customer: "Bilal",
            bot: "Pip",
            queue: "billing",
        };
        let said: HashSet<String> = (0..1000)
            .map(|_| grammar.say("double_charge.issue", &names, &mut random))
            .collect();
        assert!(said.len() > 500, "{}", said.len());
        for name in grammar.names.keys() {
            let text = grammar.say(name, &names, &mut random);
            assert!(
                !text.is_empty() && !text.contains(['{', '}', '|']),
                "{name}: {text}"
            );
        }
    }
}
