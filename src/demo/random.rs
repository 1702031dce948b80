//! Small draws from a seeded generator.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator of its own for item `number` of `kind`: what is drawn for one item never depends on
/// how much was drawn for another.
pub(super) fn stream(seed: u64, kind: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((kind << 40) | number);
    random
}

/// True with `probability`, which may lie outside of 0..1.
pub(super) fn chance(probability: f64, random: &mut ChaCha8Rng) -> bool {
    random.random_bool(probability.clamp(0.0, 1.0))
}

/// One of `items`, which is not empty.
pub(super) fn pick<'a, T: ?Sized>(items: &[&'a T], random: &mut ChaCha8Rng) -> &'a T {
    items[random.random_range(0..items.len())]
}

/// A position, with the probability that its weight has among all.
pub(super) fn pick_weighted(
    weights: impl Iterator<Item = f64> + Clone,
    random: &mut ChaCha8Rng,
) -> usize {
    let total: f64 = weights.clone().sum();
    let mut left = random.random_range(0.0..1.0) * total;
    let mut last = 0;
    for (at, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = at;
            if left < weight {
                return at;
            }
        }
        left -= weight;
    }
    last
}
