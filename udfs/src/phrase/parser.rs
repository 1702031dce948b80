//! Reads a phrase expression; the grammar is in the documentation of [`super`].

use super::error::{PhraseError, PhraseProblem};
use super::expression::{Expression, Phrase};
use super::lexer::{Token, tokens};

/// How deep parentheses and NOT may be nested: parsing and matching recurse so far at most.
const DEEPEST: usize = 64;

/// How long an expression may be, in bytes.
const LONGEST: usize = 65_536;

impl Expression {
    /// Parses a phrase expression.
    ///
    /// # Errors
    /// The first problem with its position, see [`PhraseProblem`].
    pub fn parse(input: &str) -> Result<Expression, PhraseError> {
        if input.len() > LONGEST {
            let problem = PhraseProblem::TooLong { limit: LONGEST };
            return Err(PhraseError {
                position: LONGEST,
                problem,
            });
        }
        let tokens = tokens(input)?;
        if tokens.is_empty() {
            return Err(PhraseError {
                position: 1,
                problem: PhraseProblem::Empty,
            });
        }
        let end = input.chars().count() + 1;
        let mut parser = Parser {
            tokens,
            next: 0,
            end,
            depth: 0,
        };
        let expression = parser.expression()?;
        match parser.peek() {
            None => Ok(expression),
            // Everything else is taken by the rules.
            Some(_) => Err(parser.error(PhraseProblem::UnopenedParenthesis)),
        }
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// Position behind the last character.
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let is_wanted = self.peek() == Some(wanted);
        self.next += usize::from(is_wanted);
        is_wanted
    }

    fn position(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |(position, _)| *position)
    }

    fn error(&self, problem: PhraseProblem) -> PhraseError {
        PhraseError {
            position: self.position(),
            problem,
        }
    }

    fn expression(&mut self) -> Result<Expression, PhraseError> {
        let mut any = vec![self.conjunction()?];
        while self.take(&Token::Or) {
            any.push(self.conjunction()?);
        }
        Ok(single_or(any, Expression::Or))
    }

    fn conjunction(&mut self) -> Result<Expression, PhraseError> {
        let mut all = vec![self.operand()?];
        loop {
            let is_joined = self.take(&Token::And);
            let is_beside = matches!(
                self.peek(),
                Some(Token::Open | Token::Not | Token::Phrase(_))
            );
            if !is_joined && !is_beside {
                return Ok(single_or(all, Expression::And));
            }
            all.push(self.operand()?);
        }
    }

    fn operand(&mut self) -> Result<Expression, PhraseError> {
        if self.peek() != Some(&Token::Not) {
            return self.proximity();
        }
        self.enter()?;
        self.next += 1;
        let inner = self.operand()?;
        self.depth -= 1;
        Ok(Expression::Not(Box::new(inner)))
    }

    fn proximity(&mut self) -> Result<Expression, PhraseError> {
        let start = self.position();
        let first = self.primary()?;
        if !matches!(self.peek(), Some(Token::Near(_))) {
            return Ok(first);
        }
        let first = phrases(first, start)?;
        let mut links = Vec::new();
        while let Some(Token::Near(distance)) = self.peek() {
            let distance = *distance;
            self.next += 1;
            let start = self.position();
            links.push((distance, phrases(self.primary()?, start)?));
        }
        Ok(Expression::Near { first, links })
    }

    fn primary(&mut self) -> Result<Expression, PhraseError> {
        match self.peek() {
            Some(Token::Phrase(phrase)) => {
                let phrase = phrase.clone();
                self.next += 1;
                Ok(Expression::Phrase(phrase))
            }
            Some(Token::Open) => {
                let opened = self.position();
                self.enter()?;
                self.next += 1;
                let inner = self.expression()?;
                self.depth -= 1;
                if self.take(&Token::Close) {
                    return Ok(inner);
                }
                let problem = PhraseProblem::UnclosedParenthesis;
                Err(PhraseError {
                    position: opened,
                    problem,
                })
            }
            Some(Token::Close) if self.depth == 0 => {
                Err(self.error(PhraseProblem::UnopenedParenthesis))
            }
            _ => Err(self.error(PhraseProblem::MissingOperand {
                operator: self.operator_before(),
            })),
        }
    }

    fn operator_before(&self) -> Option<String> {
        match self.tokens.get(self.next.checked_sub(1)?) {
            Some((_, Token::And)) => Some("AND".to_owned()),
            Some((_, Token::Or)) => Some("OR".to_owned()),
            Some((_, Token::Not)) => Some("NOT".to_owned()),
            Some((_, Token::Near(distance))) => Some(format!("NEAR/{distance}")),
            _ => None,
        }
    }

    fn enter(&mut self) -> Result<(), PhraseError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(PhraseProblem::TooDeep { limit: DEEPEST }));
        }
        Ok(())
    }
}

fn single_or(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// The phrases that an operand of NEAR, which starts at `position`, stands for.
fn phrases(operand: Expression, position: usize) -> Result<Vec<Phrase>, PhraseError> {
    let mut found = Vec::new();
    let parts = match operand {
        Expression::Or(any) => any,
        other => vec![other],
    };
    for part in parts {
        match part {
            Expression::Phrase(phrase) => found.push(phrase),
            Expression::Or(_) => found.extend(phrases(part, position)?),
            _ => {
                return Err(PhraseError {
                    position,
                    problem: PhraseProblem::NearOperand,
                });
            }
        }
    }
    Ok(found)
}
