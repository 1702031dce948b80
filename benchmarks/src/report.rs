//! Figures, their table and their JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::BenchmarkError;

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// What was measured: `scoring/sentiment`, `metrics/aht`.
    pub(crate) name: String,
    /// The measured value.
    pub(crate) value: f64,
    /// Its unit: `messages/s`, `ms`, `s`.
    pub(crate) unit: String,
    /// What it is held against, in the same unit: a peer on the same data in the same run.
    pub(crate) peer: Option<Peer>,
    /// The highest ratio (or the lowest value where there is no peer) that meets the target.
    pub(crate) target: Option<f64>,
}

/// The other side of a ratio.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// `duckdb`, `column`.
    pub(crate) name: String,
    /// The peer's value.
    pub(crate) value: f64,
}

impl Figure {
    /// A value with no peer, met when it is at least `target`.
    pub(crate) fn rate(
        name: impl Into<String>,
        value: f64,
        unit: &str,
        target: Option<f64>,
    ) -> Figure {
        Figure {
            name: name.into(),
            value,
            unit: unit.to_string(),
            peer: None,
            target,
        }
    }

    /// A time against a peer's, met when the ratio is at most `target`.
    pub(crate) fn time(
        name: impl Into<String>,
        seconds: f64,
        peer: Option<(&str, f64)>,
        target: Option<f64>,
    ) -> Figure {
        let peer = peer.map(|(name, value)| Peer {
            name: name.to_string(),
            value: value * 1e3,
        });
        Figure {
            name: name.into(),
            value: seconds * 1e3,
            unit: "ms".into(),
            peer,
            target,
        }
    }

    /// The value over the peer's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.value / peer.value)
    }

    fn verdict(&self) -> &'static str {
        let met = match (self.ratio(), self.target) {
            (_, None) => return "",
            (Some(ratio), Some(target)) => ratio <= target,
            (None, Some(target)) => self.value >= target,
        };
        if met { "met" } else { "missed" }
    }
}

/// All figures of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Where and on what the run was made.
    pub(crate) about: BTreeMap<String, String>,
    /// The figures in the order in which they were made.
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure and shows it at once: a long run is watched.
    pub(crate) fn add(&mut self, figure: Figure) {
        crate::print(&row(&figure));
        self.figures.push(figure);
    }

    /// Writes the report as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), BenchmarkError> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").map_err(|e| BenchmarkError::file(path, e))
    }

    /// Reads a report that was written.
    pub(crate) fn read(path: &Path) -> Result<Report, BenchmarkError> {
        let text = std::fs::read_to_string(path).map_err(|e| BenchmarkError::file(path, e))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The geometric mean of the ratios of the figures whose name starts with `prefix`.
    pub(crate) fn mean_ratio(&self, prefix: &str) -> Option<f64> {
        let named = self
            .figures
            .iter()
            .filter(|figure| figure.name.starts_with(prefix));
        let logs: Vec<f64> = named.filter_map(Figure::ratio).map(f64::ln).collect();
        (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    }
}

fn row(figure: &Figure) -> String {
    let mut row = format!(
        "{:<44} {:>16} {:<11}",
        figure.name,
        number(figure.value),
        figure.unit
    );
    if let (Some(peer), Some(ratio)) = (&figure.peer, figure.ratio()) {
        // Writing to a String cannot fail.
        let _ = write!(
            row,
            " {:<8} {:>12}  ratio {ratio:>6.2}",
            peer.name,
            number(peer.value)
        );
    }
    if let Some(target) = figure.target {
        let _ = write!(row, "  target {} {}", number(target), figure.verdict());
    }
    row
}

/// Thousands apart, and decimals only where they matter.
pub(crate) fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Two reports side by side; a ratio above 1 is what the newer run has more of.
pub(crate) fn compare(old: &Report, new: &Report) -> String {
    let mut table = String::new();
    for figure in &new.figures {
        let before = old.figures.iter().find(|known| known.name == figure.name);
        let line = match before {
            Some(before) => format!(
                "{:<44} {:>16} {:>16} {:<11} {:>6.2}\n",
                figure.name,
                number(before.value),
                number(figure.value),
                figure.unit,
                figure.value / before.value
            ),
            None => format!(
                "{:<44} {:>16} {:>16} {:<11}\n",
                figure.name,
                "-",
                number(figure.value),
                figure.unit
            ),
        };
        table.push_str(&line);
    }
    for figure in &old.figures {
        if !new.figures.iter().any(|known| known.name == figure.name) {
            table.push_str(&format!(
                "{:<44} {:>16} {:>16}\n",
                figure.name,
                number(figure.value),
                "-"
            ));
        }
    }
    table
}
