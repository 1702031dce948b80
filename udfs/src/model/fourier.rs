//! Random Fourier features of a vector: a linear head over them is a kernel machine over the vector,
//! so that it can tell apart what no plane divides (Rahimi and Recht 2007, "Random Features for
//! Large-Scale Kernel Machines").
//!
//! The directions are those of three turns of signs and Hadamard's matrix (Yu et al. 2016,
//! "Orthogonal Random Features"): they need no table and n log n additions. For vectors of unit
//! length the inner product of the features approaches exp(-|a - b|²).

use crate::model::bytes::mix;

/// Turns of signs and Hadamard's matrix.
const TURNS: usize = 3;
/// Where the signs come from: a head's weights fit these directions alone.
const SEED: u64 = 0x0f0a_7c15_9e37_79b9;
/// Waves a unit of length, times the root of the numbers of a block: exp(-|a - b|²) has directions of
/// variance 2, and a wave is 2π long.
const FREQUENCY: f32 = std::f32::consts::SQRT_2 / std::f32::consts::TAU;

/// The features of vectors of one length.
#[derive(Debug, Clone)]
pub(crate) struct Fourier {
    /// Numbers of a block: the vector's, made up to a power of two.
    block: usize,
    /// Block by block and turn by turn, 1 or -1 a number.
    signs: Vec<f32>,
}

impl Fourier {
    /// About `features` features of vectors of `width` numbers: whole blocks of cosines and sines, at
    /// least one.
    pub(crate) fn new(width: usize, features: usize) -> Fourier {
        let block = width.max(2).next_power_of_two();
        let blocks = (features / (2 * block)).max(1);
        let sign = |place: u64| match mix(SEED.wrapping_add(place)) >> 63 {
            0 => 1.0,
            _ => -1.0,
        };
        Fourier {
            block,
            signs: (0..(blocks * TURNS * block) as u64).map(sign).collect(),
        }
    }

    /// Features of a vector.
    pub(crate) fn features(&self) -> usize {
        self.signs.len() / TURNS * 2
    }

    /// The features of `vector`, each block's cosines before its sines; `features` is memory.
    pub(crate) fn read(&self, vector: &[f32], features: &mut Vec<f32>) {
        features.clear();
        features.resize(self.features(), 0.0);
        let norm = (2.0 / self.features() as f32).sqrt();
        // Each turn multiplies lengths by the root of the block; one of them is wanted.
        let frequency = FREQUENCY / self.block as f32;
        let blocks = features.chunks_exact_mut(2 * self.block);
        for (features, signs) in blocks.zip(self.signs.chunks_exact(TURNS * self.block)) {
            let (numbers, sines) = features.split_at_mut(self.block);
            numbers[..vector.len()].copy_from_slice(vector);
            for signs in signs.chunks_exact(self.block) {
                for (number, sign) in numbers.iter_mut().zip(signs) {
                    *number *= sign;
                }
                hadamard(numbers);
            }
            for (number, sine) in numbers.iter_mut().zip(sines) {
                let turns = *number * frequency;
                *number = norm * wave(turns + 0.25);
                *sine = norm * wave(turns);
            }
        }
    }
}

/// Hadamard's matrix times the numbers, a power of two of them, in place.
fn hadamard(numbers: &mut [f32]) {
    let mut half = 1;
    while half < numbers.len() {
        for pair in numbers.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (left, right) in left.iter_mut().zip(right) {
                (*left, *right) = (*left + *right, *left - *right);
            }
        }
        half *= 2;
    }
}

/// The sine of so many turns, to 0.0011: by additions and products alone, so that every machine has
/// the same one.
#[inline(always)]
fn wave(turns: f32) -> f32 {
    // Adding and taking away 1.5 × 2^23 rounds.
    const WHOLE: f32 = 12_582_912.0;
    let turn = turns - ((turns + WHOLE) - WHOLE);
    let arc = 8.0 * turn - 16.0 * turn * turn.abs();
    arc + 0.225 * (arc * arc.abs() - arc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_a_sine() {
        for step in -4000..4000 {
            let turns = step as f32 / 997.0;
            let sine = (turns * std::f32::consts::TAU).sin();
            assert!((wave(turns) - sine).abs() < 0.0015, "{turns}");
        }
    }

    fn unit(seed: u64, width: u64) -> Vec<f32> {
        let number = |place| (mix(seed * 1000 + place) >> 40) as f32 / (1 << 23) as f32 - 1.0;
        let vector: Vec<f32> = (0..width).map(number).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter().map(|x| x / length).collect()
    }

    #[test]
    fn inner_products_approach_the_kernel() {
        for width in [256u64, 100] {
            let fourier = Fourier::new(width as usize, 4096);
            assert_eq!(fourier.features(), 4096);
            let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
            for seed in 0..20 {
                let a = unit(seed, width);
                // From the same direction to one at a right angle.
                let mix = seed as f32 / 20.0;
                let between = a.iter().zip(unit(seed + 100, width));
                let b: Vec<f32> = between.map(|(a, b)| a * (1.0 - mix) + b * mix).collect();
                let length = b.iter().map(|x| x * x).sum::<f32>().sqrt();
                let b: Vec<f32> = b.iter().map(|x| x / length).collect();
                fourier.read(&a, &mut of_a);
                fourier.read(&b, &mut of_b);
                let product: f32 = of_a.iter().zip(&of_b).map(|(a, b)| a * b).sum();
                let distance: f32 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
                assert!(
                    (product - (-distance).exp()).abs() < 0.06,
                    "{seed}: {product}"
                );
            }
        }
    }
}
