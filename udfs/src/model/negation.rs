//! How far a negating word reaches over the words behind it.

use super::text::{Kind, TokenBuffer};
use super::word_class::{
    BEGINS_CLAUSE, BEGINS_OBJECT, NEGATES, NO, QUALIFIES, REQUESTS, WordClass,
};

/// Words that a negation reaches over; beyond them or a clause boundary it ends.
const NEGATION_REACH: u32 = 4;

impl TokenBuffer {
    /// Marks the words that a negation reaches: "not really good at all" negates "good".
    pub(super) fn mark_negations(&mut self) {
        let mut reach = 0u32;
        for index in 0..self.tokens.len() {
            let token = self.tokens[index];
            if token.boundary {
                reach = 0;
            }
            if token.kind == Kind::Word {
                if token.class & NO != 0 {
                    reach = self.reach_of_no(index);
                } else if token.class & NEGATES != 0 {
                    reach = NEGATION_REACH;
                } else {
                    self.tokens[index].negated = reach > 0;
                    reach = reach.saturating_sub(1);
                }
            }
            if token.ends_line {
                reach = 0;
            }
        }
    }

    /// How many words the "no" at `index` negates. It is a determiner ("no problem", "no real
    /// answer") or stands for a whole answer ("no i want to cancel"), which negates nothing.
    fn reach_of_no(&self, index: usize) -> u32 {
        // Nothing where a line ends before the word or something else stands there.
        let after = |at: usize| -> Option<(WordClass, &[u8])> {
            match self.tokens.get(at..)? {
                [last, token, ..] if !last.ends_line && token.kind == Kind::Word => {
                    Some((token.class, self.spelling(token)))
                }
                _ => None,
            }
        };
        let Some((class, word)) = after(index) else {
            return 0;
        };
        if class & BEGINS_CLAUSE != 0 {
            return 0;
        }
        if matches!(word, b"longer" | b"one" | b"way") {
            return NEGATION_REACH;
        }
        if class & QUALIFIES != 0 {
            return 2;
        }
        // "no cancel my plan": an object follows, so that this is a verb.
        let has_object = after(index + 1).is_some_and(|(class, _)| class & BEGINS_OBJECT != 0);
        match class & REQUESTS != 0 && has_object {
            true => 0,
            false => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::text::tests::spelt;

    #[test]
    fn a_line_break_ends_a_negation_behind_the_word_before_it() {
        assert_eq!(
            spelt("this is not good\nthank you"),
            ["this", "is", "not", "!good", "thank", "you"]
        );
        assert_eq!(
            spelt("I did not\nthank you"),
            ["i", "did", "not", "thank", "you"]
        );
        assert_eq!(spelt("not\r\ngood"), ["not", "good"]);
    }

    #[test]
    fn no_negates_its_noun_only() {
        assert_eq!(spelt("no problem at all"), ["no", "!problem", "at", "all"]);
        assert_eq!(
            spelt("no more problems here"),
            ["no", "!more", "!problems", "here"]
        );
        assert_eq!(
            spelt("no i want to cancel"),
            ["no", "i", "want", "to", "cancel"]
        );
        assert_eq!(spelt("no cancel my plan"), ["no", "cancel", "my", "plan"]);
        assert_eq!(spelt("no\nproblem"), ["no", "problem"]);
        assert_eq!(spelt("no"), ["no"]);
    }
}
