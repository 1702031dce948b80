//! The model card of a head, in Markdown.

use std::fmt::Write;

use super::report::Report;
use crate::model::Head;

/// What a head is, what it was trained on and how good it is on rows that it never saw.
pub(crate) fn card(head: &Head, report: &Report) -> String {
    let header = &head.header;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# {}\n", header.task);
    let _ = writeln!(
        text,
        "A linear head over hashed words, word pairs and in-word character grams (`{}`, 2^{} rows, \
         8-bit weights{}), trained by dual coordinate descent with seed {}, calibrated on held-out \
         rows. Written by `verbatim train-defaults`; do not edit.\n",
        header.recipe,
        header.bits,
        if header.pairs { "" } else { ", no pairs" },
        header.seed
    );
    let labels: Vec<&str> = header
        .labels
        .iter()
        .map(|l| if l == "-" { "(none of them)" } else { l })
        .collect();
    let _ = writeln!(text, "Labels ({}): {}.\n", labels.len(), labels.join(", "));
    if header.threshold > 0.0 {
        let _ = writeln!(
            text,
            "Silent below a probability of {:.2}.\n",
            header.threshold
        );
    }
    if !header.thresholds.is_empty() {
        let named = labels.iter().zip(&header.thresholds);
        let named: Vec<String> = named.map(|(l, t)| format!("{l} {t:.2}")).collect();
        let _ = writeln!(
            text,
            "Every label is a decision of its own, named from a probability of: {}.\n",
            named.join(", ")
        );
    }
    let _ = writeln!(
        text,
        "## Trained on\n\n| set | rows | licence | credit |\n|---|---|---|---|"
    );
    for source in &header.trained_on {
        let rows = if source.rows > 0 {
            source.rows.to_string()
        } else {
            "a sample".to_owned()
        };
        let _ = writeln!(
            text,
            "| {} | {rows} | {} | {} |",
            source.name, source.licence, source.credit
        );
    }
    let figures: Vec<_> = report
        .figures
        .iter()
        .filter(|f| f.task == header.task)
        .collect();
    if !figures.is_empty() {
        let _ = writeln!(
            text,
            "\n## On held-out rows\n\n| figure | value | rows |\n|---|---|---|"
        );
        for figure in figures {
            let _ = writeln!(
                text,
                "| {} | {:.4} | {} |",
                figure.name, figure.value, figure.rows
            );
        }
    }
    text
}
