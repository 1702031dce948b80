//! How far a negating word reaches over the words behind it.

use super::text::{Kind, TokenBuffer};

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
                let spelling = self.spelling(&token);
                if spelling == b"no" {
                    reach = self.reach_of_no(index);
                } else if is_negation(spelling) {
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
        let word_after = |at: usize| match self.tokens.get(at..) {
            Some([last, token, ..]) if !last.ends_line && token.kind == Kind::Word => {
                self.spelling(token)
            }
            _ => b"",
        };
        let next = word_after(index);
        match next {
            b"" => 0,
            _ if BEGINS_CLAUSE.contains(&next) => 0,
            b"longer" | b"one" | b"way" => NEGATION_REACH,
            _ if QUALIFIES.contains(&next) => 2,
            // "no cancel my plan": an object follows, so that this is a verb.
            _ if REQUESTS.contains(&next) && OBJECTS.contains(&word_after(index + 1)) => 0,
            _ => 1,
        }
    }
}

/// Words with which a clause of its own goes on after an answer "no".
const BEGINS_CLAUSE: [&[u8]; 44] = [
    b"i", b"i'm", b"im", b"i'll", b"i've", b"i'd", b"we", b"we're", b"we'll", b"we've", b"we'd",
    b"you", b"you're", b"he", b"she", b"it", b"it's", b"they", b"this", b"that", b"that's",
    b"there", b"these", b"the", b"a", b"an", b"my", b"our", b"your", b"please", b"just", b"and",
    b"so", b"because", b"can", b"could", b"what", b"how", b"why", b"where", b"when", b"is", b"are",
    b"do",
];
/// Words that stand between "no" and its noun.
const QUALIFIES: [&[u8]; 17] = [
    b"more",
    b"real",
    b"other",
    b"further",
    b"such",
    b"good",
    b"great",
    b"big",
    b"major",
    b"clear",
    b"proper",
    b"useful",
    b"actual",
    b"single",
    b"new",
    b"additional",
    b"particular",
];
/// Verbs of requests that are nouns as well.
const REQUESTS: [&[u8]; 18] = [
    b"cancel",
    b"stop",
    b"close",
    b"delete",
    b"end",
    b"give",
    b"send",
    b"tell",
    b"let",
    b"get",
    b"refund",
    b"return",
    b"call",
    b"connect",
    b"transfer",
    b"leave",
    b"change",
    b"help",
];
/// Words with which an object begins.
const OBJECTS: [&[u8]; 12] = [
    b"my", b"our", b"the", b"this", b"that", b"it", b"me", b"us", b"your", b"these", b"a", b"them",
];

/// Whether a normalised word turns what follows into its opposite.
pub(crate) fn is_negation(word: &[u8]) -> bool {
    if word.ends_with(b"n't") {
        return true;
    }
    matches!(
        word,
        b"not"
            | b"no"
            | b"never"
            | b"cannot"
            | b"cant"
            | b"dont"
            | b"wont"
            | b"didnt"
            | b"doesnt"
            | b"isnt"
            | b"wasnt"
            | b"arent"
            | b"couldnt"
            | b"shouldnt"
            | b"wouldnt"
            | b"havent"
            | b"hasnt"
            | b"hadnt"
            | b"aint"
            | b"without"
            | b"nothing"
            | b"neither"
            | b"nor"
            | b"hardly"
            | b"barely"
            | b"nobody"
            | b"none"
            | b"nowhere"
            | b"never've"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a text, negated ones with a "!".
    fn read(text: &str) -> Vec<String> {
        let mut buffer = TokenBuffer::default();
        buffer.read(text);
        let spelt = buffer.tokens.iter().map(|token| {
            let word = String::from_utf8_lossy(buffer.spelling(token)).into_owned();
            format!("{}{word}", if token.negated { "!" } else { "" })
        });
        spelt.collect()
    }

    #[test]
    fn a_line_break_ends_a_negation_behind_the_word_before_it() {
        assert_eq!(
            read("this is not good\nthank you"),
            ["this", "is", "not", "!good", "thank", "you"]
        );
        assert_eq!(
            read("I did not\nthank you"),
            ["i", "did", "not", "thank", "you"]
        );
        assert_eq!(read("not\r\ngood"), ["not", "good"]);
    }

    #[test]
    fn no_negates_its_noun_only() {
        assert_eq!(read("no problem at all"), ["no", "!problem", "at", "all"]);
        assert_eq!(
            read("no more problems here"),
            ["no", "!more", "!problems", "here"]
        );
        assert_eq!(
            read("no i want to cancel"),
            ["no", "i", "want", "to", "cancel"]
        );
        assert_eq!(read("no cancel my plan"), ["no", "cancel", "my", "plan"]);
        assert_eq!(read("no\nproblem"), ["no", "problem"]);
        assert_eq!(read("no"), ["no"]);
    }
}
