//! A linear one-against-rest solver: dual coordinate descent for the L2-regularised squared hinge
//! loss (Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM").
//!
//! All classes of an example are updated together, so that one visit of its features serves them.
//! One head is trained by one thread; the same seed gives the same weights.

use crate::model::bytes::mix;

/// Sparse rows: the features of each training text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Rows {
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Rows {
    /// Adds a row; features of one column are added up.
    pub(crate) fn push(&mut self, features: &mut Vec<(u32, f32)>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        features.sort_unstable_by_key(|(column, _)| *column);
        let start = self.columns.len();
        for (column, value) in features.drain(..) {
            if self.columns.len() > start && self.columns.last() == Some(&column) {
                if let Some(last) = self.values.last_mut() {
                    *last += value;
                }
            } else {
                self.columns.push(column);
                self.values.push(value);
            }
        }
        self.offsets.push(self.columns.len());
    }

    /// Numbers the columns anew, without those that no row has; returns what they were.
    pub(crate) fn renumber(&mut self) -> Vec<u32> {
        let mut columns = self.columns.clone();
        columns.sort_unstable();
        columns.dedup();
        for column in &mut self.columns {
            // Every column is among them: an order keeps its rows' columns ascending.
            *column = columns.partition_point(|known| known < column) as u32;
        }
        columns
    }

    /// Rows that are these with columns of numbers behind them: `numbers` are those of the next row,
    /// the first one of column `first`.
    pub(crate) fn extend_next(&self, to: &mut Rows, first: u32, numbers: &[f32]) {
        if to.offsets.is_empty() {
            to.offsets.push(0);
        }
        let (columns, values) = self.row(to.len());
        to.columns.extend_from_slice(columns);
        to.values.extend_from_slice(values);
        to.columns.extend((first..).take(numbers.len()));
        to.values.extend_from_slice(numbers);
        to.offsets.push(to.columns.len());
    }

    /// The rows of these numbers.
    pub(crate) fn some(&self, indices: &[usize]) -> Rows {
        let mut some = Rows {
            offsets: vec![0],
            ..Rows::default()
        };
        for &index in indices {
            let (columns, values) = self.row(index);
            some.columns.extend_from_slice(columns);
            some.values.extend_from_slice(values);
            some.offsets.push(some.columns.len());
        }
        some
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn row(&self, index: usize) -> (&[u32], &[f32]) {
        let range = self.offsets[index]..self.offsets[index + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// The margins of every class for a row.
    #[inline(always)]
    pub(crate) fn margins(&self, index: usize, weights: &Weights, margins: &mut [f32]) {
        margins.copy_from_slice(&weights.bias);
        let (columns, values) = self.row(index);
        for (column, value) in columns.iter().zip(values) {
            for (margin, weight) in margins.iter_mut().zip(weights.row(*column)) {
                *margin += weight * value;
            }
        }
    }
}

/// One weight per hashed feature and class, and a bias per class.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    pub(crate) classes: usize,
    pub(crate) values: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Weights {
    #[inline(always)]
    pub(crate) fn row(&self, column: u32) -> &[f32] {
        let start = column as usize * self.classes;
        &self.values[start..start + self.classes]
    }
}

/// What the solver is told beside the rows.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Columns of the rows.
    pub(crate) columns: usize,
    pub(crate) classes: usize,
    /// Cost of an error against the norm of the weights.
    pub(crate) cost: f32,
    /// Factor of the cost where the example belongs to the class, one a class.
    pub(crate) positive: Vec<f32>,
    /// Factor of the cost where it does not, one a class.
    pub(crate) negative: Vec<f32>,
    pub(crate) passes: usize,
    pub(crate) seed: u64,
}

/// Asked now and then whether to go on.
pub(crate) type KeepGoing<'a> = &'a (dyn Fn() -> bool + Sync);

/// A smaller step of a class is none.
const LEAST_STEP: f32 = 1e-7;
/// Classes are moved one by one where they are fewer than one in this many.
const FEW: usize = 6;

/// Rows between two questions whether to go on.
const ROWS_AT_ONCE: usize = 1024;

/// Trains; `labels[i]` is the class of row i, `importance[i]` a factor of its cost (empty: all 1).
pub(crate) fn train(
    rows: &Rows,
    labels: &[u16],
    importance: &[f32],
    to: &Settings,
    keep_going: KeepGoing<'_>,
) -> Weights {
    let belongs = |row: usize, class: usize| usize::from(labels[row]) == class;
    train_where(rows, belongs, importance, to, keep_going)
}

/// Trains where a row may belong to several classes, or to none.
pub(crate) fn train_where(
    rows: &Rows,
    belongs: impl Fn(usize, usize) -> bool,
    importance: &[f32],
    to: &Settings,
    keep_going: KeepGoing<'_>,
) -> Weights {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { train_wide(rows, belongs, importance, to, keep_going) };
    }
    train_here(rows, belongs, importance, to, keep_going)
}

/// [`train_here`] compiled for AVX2: the same numbers, sooner.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn train_wide(
    rows: &Rows,
    belongs: impl Fn(usize, usize) -> bool,
    importance: &[f32],
    to: &Settings,
    keep_going: KeepGoing<'_>,
) -> Weights {
    train_here(rows, belongs, importance, to, keep_going)
}

#[inline(always)]
fn train_here(
    rows: &Rows,
    belongs: impl Fn(usize, usize) -> bool,
    importance: &[f32],
    to: &Settings,
    keep_going: KeepGoing<'_>,
) -> Weights {
    let classes = to.classes;
    let mut weights = Weights {
        classes,
        values: vec![0.0; classes * to.columns],
        bias: vec![0.0; classes],
    };
    let mut duals = vec![0.0f32; rows.len() * classes];
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    let mut margins = vec![0.0f32; classes];
    let mut steps = vec![0.0f32; classes];
    let mut moved: Vec<(usize, f32)> = Vec::with_capacity(classes);
    let mut random = to.seed;
    for _ in 0..to.passes {
        shuffle(&mut order, &mut random);
        for (nth, &index) in order.iter().enumerate() {
            if nth % ROWS_AT_ONCE == 0 && !keep_going() {
                return weights;
            }
            let index = index as usize;
            rows.margins(index, &weights, &mut margins);
            let (columns, values) = rows.row(index);
            let norm = 1.0 + values.iter().map(|v| v * v).sum::<f32>();
            let factor = importance.get(index).copied().unwrap_or(1.0) * to.cost;
            let duals = &mut duals[index * classes..(index + 1) * classes];
            for class in 0..classes {
                let is_of_class = belongs(index, class);
                let sign = if is_of_class { 1.0 } else { -1.0 };
                let side = if is_of_class {
                    &to.positive
                } else {
                    &to.negative
                };
                let diagonal = 0.5 / (factor * side[class]);
                let gradient = sign * margins[class] - 1.0 + duals[class] * diagonal;
                let next = (duals[class] - gradient / (norm + diagonal)).max(0.0);
                steps[class] = (next - duals[class]) * sign;
                duals[class] = next;
            }
            moved.clear();
            moved.extend(
                steps
                    .iter()
                    .copied()
                    .enumerate()
                    .filter(|(_, step)| step.abs() >= LEAST_STEP),
            );
            for (class, step) in &moved {
                weights.bias[*class] += step;
            }
            // After a few passes most classes stand still.
            let few = moved.len() * FEW < classes;
            for (column, value) in columns.iter().zip(values) {
                let start = *column as usize * classes;
                let of_column = &mut weights.values[start..start + classes];
                if few {
                    for (class, step) in &moved {
                        of_column[*class] += step * value;
                    }
                } else {
                    for (weight, step) in of_column.iter_mut().zip(&steps) {
                        *weight += step * value;
                    }
                }
            }
        }
    }
    weights
}

/// Fisher–Yates with a generator of our own: the order must be the same on every machine.
pub(crate) fn shuffle<T>(items: &mut [T], state: &mut u64) {
    for last in (1..items.len()).rev() {
        let pick = (random(state) % (last as u64 + 1)) as usize;
        items.swap(last, pick);
    }
}

/// The next number of a SplitMix64 sequence.
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mix(*state)
}
