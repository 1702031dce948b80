//! From the margins of a head to probabilities.

use super::bank::Lanes;
use super::format::HeadHeader;

/// Logits that are worked on side by side.
const SIDE_BY_SIDE: usize = 8;
/// Margins that must follow those of the last head: its last logits are read eight at once.
pub(super) const SLACK: usize = SIDE_BY_SIDE - 1;
/// Adding it to a small number leaves the nearest whole number in the lowest bits: 1.5 · 2^23.
const ROUNDING: f32 = 12_582_912.0;

/// A head and its place among the margins.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) header: HeadHeader,
    pub(crate) lanes: Lanes,
    /// Of all classes.
    offsets: Offsets,
    /// Of all but the first.
    but_first: Offsets,
}

impl Placed {
    pub(crate) fn new(header: HeadHeader, lanes: Lanes) -> Placed {
        Placed {
            offsets: Offsets::new(header.offsets.iter().copied()),
            but_first: Offsets::new(
                std::iter::once(f32::NEG_INFINITY).chain(header.offsets.iter().copied().skip(1)),
            ),
            header,
            lanes,
        }
    }
}

/// Offsets of the classes of a head, −∞ for those that are not in question; filled up with −∞ to
/// whole groups of eight, so that what stands behind the head's margins has no say.
#[derive(Debug)]
pub(super) struct Offsets(Vec<Eight>);

type Eight = [f32; SIDE_BY_SIDE];

impl Offsets {
    pub(super) fn new(offsets: impl Iterator<Item = f32>) -> Offsets {
        let mut all: Vec<f32> = offsets.collect();
        all.resize(all.len().next_multiple_of(SIDE_BY_SIDE), f32::NEG_INFINITY);
        Offsets(all.as_chunks().0.to_vec())
    }

    /// Eight margins and eight offsets at a time. (No closure computes on them: one would not be
    /// compiled for the processor's wider instructions.)
    #[inline(always)]
    fn eights<'a>(&'a self, margins: &'a [f32]) -> impl Iterator<Item = (&'a Eight, &'a Eight)> {
        margins.as_chunks::<SIDE_BY_SIDE>().0.iter().zip(&self.0)
    }

    /// The class with the largest logit, of equal ones the first, and its logit. `margins` are those
    /// of the head and [`SLACK`] behind them.
    #[inline(always)]
    pub(super) fn largest(&self, slope: f32, margins: &[f32]) -> (usize, f32) {
        let mut most = [f32::NEG_INFINITY; SIDE_BY_SIDE];
        for (margins, offsets) in self.eights(margins) {
            let logits = logits(slope, margins, offsets);
            for lane in 0..SIDE_BY_SIDE {
                let logit = logits[lane];
                most[lane] = if logit > most[lane] {
                    logit
                } else {
                    most[lane]
                };
            }
        }
        let most = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
        for (eight, (margins, offsets)) in self.eights(margins).enumerate() {
            let logits = logits(slope, margins, offsets);
            let mut found = 0u32;
            for (lane, logit) in logits.iter().enumerate() {
                found |= u32::from(*logit == most) << lane;
            }
            if found != 0 {
                return (eight * SIDE_BY_SIDE + found.trailing_zeros() as usize, most);
            }
        }
        (0, most)
    }

    /// The sum of e to the power of each logit above `most`.
    #[inline(always)]
    pub(super) fn total_power(&self, slope: f32, margins: &[f32], most: f32) -> f32 {
        let mut sums = [0.0f32; SIDE_BY_SIDE];
        for (margins, offsets) in self.eights(margins) {
            let logits = logits(slope, margins, offsets);
            for lane in 0..SIDE_BY_SIDE {
                sums[lane] += power(logits[lane] - most);
            }
        }
        sums.iter().sum()
    }
}

/// A logit is a margin times `slope` and its offset.
#[inline(always)]
fn logits(slope: f32, margins: &Eight, offsets: &Eight) -> Eight {
    let mut logits = [0.0; SIDE_BY_SIDE];
    for lane in 0..SIDE_BY_SIDE {
        logits[lane] = margins[lane] * slope + offsets[lane];
    }
    logits
}

/// e to the power of a value that is not above 0, to 2e-7: 2^whole · 2^rest with a polynomial for
/// the rest. Plain arithmetic in a fixed order gives the same bits on every machine, and no
/// conversion keeps many from being computed at once.
#[inline(always)]
pub(super) fn power(value: f32) -> f32 {
    let scaled = value.max(-87.0) * std::f32::consts::LOG2_E;
    let rounded = scaled + ROUNDING;
    let rest = (scaled - (rounded - ROUNDING)) * std::f32::consts::LN_2;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (1.0 / 6.0
                                + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest / 720.0)))));
    series * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

/// The probabilities of all labels of a head.
#[inline(always)]
pub(super) fn softmax(head: &Placed, margins: &[f32], probabilities: &mut [f32]) {
    let header = &head.header;
    let mut most = f32::NEG_INFINITY;
    for ((probability, margin), offset) in
        probabilities.iter_mut().zip(margins).zip(&header.offsets)
    {
        *probability = margin * header.slope + offset;
        most = most.max(*probability);
    }
    let mut total = 0.0;
    for probability in probabilities.iter_mut() {
        *probability = power(*probability - most);
        total += *probability;
    }
    probabilities
        .iter_mut()
        .for_each(|probability| *probability /= total);
}

/// The best label but the first ("none of them"), without it in the count, and its probability.
#[inline(always)]
pub(super) fn best_label(head: &Placed, margins: &[f32]) -> (usize, f32) {
    let slope = head.header.slope;
    let margins = &margins[head.lanes.start..];
    let (best, of_best) = head.but_first.largest(slope, margins);
    let none = margins[0] * slope + head.header.offsets[0];
    let most = none.max(of_best);
    let total = head.offsets.total_power(slope, margins, most);
    (best.saturating_sub(1), power(of_best - most) / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn powers_are_near_to_those_of_the_library(value in -100.0f32..=0.0) {
            let exact = f64::from(value).exp();
            prop_assert!((f64::from(power(value)) - exact).abs() <= 3e-7);
        }

        #[test]
        fn many_at_once_are_like_one_after_the_other(
            margins in prop::collection::vec(-4.0f32..4.0, 1..150),
            slope in 0.1f32..3.0,
        ) {
            let offsets: Vec<f32> = margins.iter().map(|margin| margin.sin()).collect();
            let logits: Vec<f32> = margins.iter().zip(&offsets).map(|(m, o)| m * slope + o).collect();
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let place = logits.iter().position(|logit| *logit == most).unwrap_or_default();
            let padded = Offsets::new(offsets.iter().copied());
            // What stands behind the margins has no say, were it ever so large.
            let margins = [&margins[..], &[1e9; SLACK]].concat();
            prop_assert_eq!(padded.largest(slope, &margins), (place, most));
            let exact: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
            let total = padded.total_power(slope, &margins, most);
            prop_assert!((total - exact).abs() <= 1e-5 * exact);
        }
    }
}
