//! From margins to probabilities: a slope for all classes and an offset for each, fitted on held
//! out rows by gradient descent on the log loss, and the threshold below which a head is silent.

/// A fitted calibration.
#[derive(Debug, Clone)]
pub(crate) struct Calibration {
    pub(crate) slope: f32,
    pub(crate) offsets: Vec<f32>,
}

const STEPS: usize = 400;
const RATE: f64 = 0.05;
/// Pulls the offsets to zero: rare classes have few held-out rows.
const SHRINK: f64 = 0.02;

/// Fits; `rows` are margins with the true class and the importance of the row.
pub(crate) fn fit(rows: &[(Vec<f32>, u16, f32)], classes: usize) -> Calibration {
    let mut parameters = vec![0.0f64; classes + 1];
    parameters[0] = 2.0;
    let mut mean = vec![0.0f64; classes + 1];
    let mut square = vec![0.0f64; classes + 1];
    let total: f64 = rows
        .iter()
        .map(|(_, _, weight)| f64::from(*weight))
        .sum::<f64>()
        .max(1e-9);
    let mut gradient = vec![0.0f64; classes + 1];
    let mut probabilities = vec![0.0f64; classes];
    for step in 1..=STEPS {
        gradient.fill(0.0);
        for (margins, label, weight) in rows {
            soft(margins, &parameters, &mut probabilities);
            for class in 0..classes {
                let truth = f64::from(u8::from(class == *label as usize));
                let error = (probabilities[class] - truth) * f64::from(*weight) / total;
                gradient[0] += error * f64::from(margins[class]);
                gradient[class + 1] += error;
            }
        }
        for class in 1..=classes {
            gradient[class] += SHRINK * parameters[class] / classes as f64;
        }
        // Adam.
        let (first, second) = (
            1.0 - 0.9f64.powi(step as i32),
            1.0 - 0.99f64.powi(step as i32),
        );
        for index in 0..=classes {
            mean[index] = 0.9 * mean[index] + 0.1 * gradient[index];
            square[index] = 0.99 * square[index] + 0.01 * gradient[index] * gradient[index];
            parameters[index] -=
                RATE * (mean[index] / first) / ((square[index] / second).sqrt() + 1e-8);
        }
    }
    Calibration {
        slope: parameters[0] as f32,
        offsets: parameters[1..]
            .iter()
            .map(|offset| *offset as f32)
            .collect(),
    }
}

fn soft(margins: &[f32], parameters: &[f64], probabilities: &mut [f64]) {
    for (class, probability) in probabilities.iter_mut().enumerate() {
        *probability = f64::from(margins[class]) * parameters[0] + parameters[class + 1];
    }
    let most = probabilities
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for probability in probabilities.iter_mut() {
        *probability = (*probability - most).exp();
        total += *probability;
    }
    probabilities
        .iter_mut()
        .for_each(|probability| *probability /= total);
}

impl Calibration {
    /// The calibrated probabilities of a row.
    pub(crate) fn probabilities(&self, margins: &[f32]) -> Vec<f64> {
        let mut parameters = vec![f64::from(self.slope)];
        parameters.extend(self.offsets.iter().map(|offset| f64::from(*offset)));
        let mut probabilities = vec![0.0; margins.len()];
        soft(margins, &parameters, &mut probabilities);
        probabilities
    }
}

/// What silence on a foreign row is worth against the right label of a known one: conversations of
/// support hold fewer foreign rows than the held-out sets do.
const OTHER_WEIGHT: f64 = 0.6;

/// The share of the known rows that may lose a right label to the threshold of a model of one's own.
const MOST_LOST: f64 = 0.004;

/// The highest threshold that takes next to no right label away; the lowest where no row is foreign,
/// as there is nothing to be silent about.
pub(crate) fn careful_threshold(rows: &[(Vec<f32>, u16, f32)], calibration: &Calibration) -> f32 {
    let scored = scored(rows, calibration);
    let known = scored.iter().filter(|(_, _, label)| *label != 0).count();
    if known == scored.len() {
        return percent(LOWEST) as f32;
    }
    let mut right: Vec<f64> = scored
        .iter()
        .filter(|(_, right, _)| *right)
        .map(|(probability, _, _)| *probability)
        .collect();
    right.sort_by(f64::total_cmp);
    let lost = (known as f64 * MOST_LOST) as usize;
    let threshold = right.get(lost).copied().unwrap_or(0.0);
    // Two decimals, downwards: what is told is what counts.
    let threshold = (threshold * 100.0).floor() / 100.0;
    threshold.clamp(percent(LOWEST), percent(HIGHEST)) as f32
}

/// Thresholds that are tried, in percent.
const LOWEST: u32 = 20;
const HIGHEST: u32 = 80;

fn percent(value: u32) -> f64 {
    f64::from(value) / 100.0
}

/// Probability of the best label, whether it is right, the true class.
fn scored(rows: &[(Vec<f32>, u16, f32)], calibration: &Calibration) -> Vec<(f64, bool, u16)> {
    rows.iter()
        .map(|(margins, label, _)| {
            let probabilities = calibration.probabilities(margins);
            let (best, probability) =
                probabilities
                    .iter()
                    .enumerate()
                    .skip(1)
                    .fold(
                        (0, 0.0),
                        |best, (i, p)| if *p > best.1 { (i, *p) } else { best },
                    );
            (probability, best == *label as usize, *label)
        })
        .collect()
}

/// The threshold with the best balance of right decisions, where class 0 is "none of them" and a row below
/// the threshold is given to it.
pub(crate) fn threshold(rows: &[(Vec<f32>, u16, f32)], calibration: &Calibration) -> f32 {
    let scored = scored(rows, calibration);
    let mut best = (0.5, -1.0);
    for value in LOWEST..=HIGHEST {
        let threshold = percent(value);
        let (mut known, mut known_right, mut other, mut other_right) = (0.0, 0.0, 0.0, 0.0);
        for (probability, right, label) in &scored {
            let said = *probability >= threshold;
            if *label == 0 {
                other += 1.0;
                other_right += f64::from(u8::from(!said));
            } else {
                known += 1.0;
                known_right += f64::from(u8::from(said && *right));
            }
        }
        let quality =
            known_right / f64::max(known, 1.0) + OTHER_WEIGHT * other_right / f64::max(other, 1.0);
        if quality > best.1 {
            best = (threshold, quality);
        }
    }
    best.0 as f32
}
