//! Function words that the rules ask about: what a word is, found by its hash.
//!
//! A token's class is looked up once, when it is read; comparing spellings again and again cost more
//! than the heads.

use std::sync::LazyLock;

use super::bytes::hash_bytes;

/// What a word is, as bits.
pub(crate) type WordClass = u8;

/// Turns what follows into its opposite.
pub(crate) const NEGATES: WordClass = 1;
/// "no": a determiner, or an answer of its own.
pub(crate) const NO: WordClass = 1 << 1;
/// Ends a clause before it: "but" and its like.
pub(crate) const TURNS: WordClass = 1 << 2;
/// A clause of its own goes on with it after an answer "no".
pub(crate) const BEGINS_CLAUSE: WordClass = 1 << 3;
/// Stands between "no" and its noun.
pub(crate) const QUALIFIES: WordClass = 1 << 4;
/// A verb of requests that is a noun as well.
pub(crate) const REQUESTS: WordClass = 1 << 5;
/// An object begins with it.
pub(crate) const BEGINS_OBJECT: WordClass = 1 << 6;
/// A sentence that begins with it is a question, with or without its mark.
pub(crate) const ASKS: WordClass = 1 << 7;

const CLASSES: [(WordClass, &str); 8] = [
    (
        NEGATES,
        "not no never cannot cant dont wont didnt doesnt isnt wasnt arent couldnt shouldnt \
         wouldnt havent hasnt hadnt aint without nothing neither nor hardly barely nobody none \
         nowhere never've",
    ),
    (NO, "no"),
    (TURNS, "but however although though"),
    (
        BEGINS_CLAUSE,
        "i i'm im i'll i've i'd we we're we'll we've we'd you you're he she it it's they this \
         that that's there these the a an my our your please just and so because can could what \
         how why where when is are do",
    ),
    (
        QUALIFIES,
        "more real other further such good great big major clear proper useful actual single new \
         additional particular",
    ),
    (
        REQUESTS,
        "cancel stop close delete end give send tell let get refund return call connect transfer \
         leave change help",
    ),
    (
        BEGINS_OBJECT,
        "my our the this that it me us your these a them",
    ),
    (ASKS, "how what where which who when is are do does"),
];

/// Places of the table: a power of two, so many times the number of words that most are found or
/// missed at the first look.
const PLACES: usize = 2048;

/// The class of each word below the upper 56 bits of its hash, at the place that the low bits of
/// the hash say; 0 is a free place. Small, so that it stays next to the processor.
static TABLE: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut table = vec![0; PLACES];
    for (class, words) in CLASSES {
        for word in words.split_whitespace() {
            let hash = hash_bytes(word.as_bytes());
            let mut at = hash as usize % PLACES;
            while table[at] != 0 && !is_of(table[at], hash) {
                at = (at + 1) % PLACES;
            }
            table[at] = (hash & !CLASS_BITS) | (table[at] & CLASS_BITS) | u64::from(class);
        }
    }
    table
});

/// The bits of a place that hold the class.
const CLASS_BITS: u64 = 0xff;

#[inline(always)]
fn is_of(place: u64, hash: u64) -> bool {
    (place ^ hash) & !CLASS_BITS == 0
}

/// The class of a normalised word with this hash and no apostrophe.
#[inline(always)]
pub(crate) fn word_class(hash: u64) -> WordClass {
    let table = TABLE.as_slice();
    let mut at = hash as usize % PLACES;
    let mut place = table.get(at).copied().unwrap_or_default();
    // Another word is rarely met; whether a word is one of the table's is not branched on.
    while place != 0 && !is_of(place, hash) {
        at = (at + 1) % PLACES;
        place = table.get(at).copied().unwrap_or_default();
    }
    place as WordClass * WordClass::from(is_of(place, hash))
}

/// The class of a normalised word with this hash and spelling.
pub(crate) fn word_class_of(hash: u64, spelling: &[u8]) -> WordClass {
    let negates = spelling.ends_with(b"n't");
    word_class(hash) | (NEGATES * WordClass::from(negates))
}

/// Whether a normalised word turns what follows into its opposite.
pub(crate) fn is_negation(word: &[u8]) -> bool {
    word_class_of(hash_bytes(word), word) & NEGATES != 0
}
