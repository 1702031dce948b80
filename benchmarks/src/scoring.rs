//! Messages a second that one core scores.

use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef};
use verbatim_udfs::model::{ModelSet, ScoreColumn};

use crate::BenchmarkError;
use crate::report::{Figure, Report};

/// How long each function is measured.
const BUDGET: Duration = Duration::from_secs(2);

/// Messages a second of 100 bytes on two cores that are aimed at, for all heads at once.
const TARGET_TWO_CORES: f64 = 2_000_000.0;

/// Measures every score column alone and all of them in one pass, on one thread. The texts are
/// distinct within a batch as far as they are distinct in the data.
pub(crate) fn run(texts: &[ArrayRef], report: &mut Report) -> Result<(), BenchmarkError> {
    let rows: usize = texts.iter().map(|batch| batch.len()).sum();
    let bytes: usize = texts.iter().map(text_bytes).sum();
    report
        .about
        .insert("scoring texts".into(), rows.to_string());
    report.about.insert(
        "scoring bytes a text".into(),
        format!("{:.1}", bytes as f64 / rows as f64),
    );
    for column in ScoreColumn::ALL {
        let rate = rate(texts, &[column])?;
        report.add(Figure::rate(
            format!("scoring/{}", column.name()),
            rate,
            "messages/s",
            None,
        ));
    }
    let rate = rate(texts, &ScoreColumn::ALL)?;
    let target = Some(TARGET_TWO_CORES / 2.0);
    report.add(Figure::rate("scoring/all", rate, "messages/s", target));
    Ok(())
}

fn rate(texts: &[ArrayRef], columns: &[ScoreColumn]) -> Result<f64, BenchmarkError> {
    let models = ModelSet::shipped();
    for batch in texts.iter().take(4) {
        models.score(batch.as_ref(), columns)?;
    }
    let start = Instant::now();
    let mut rows = 0;
    'measured: loop {
        for batch in texts {
            std::hint::black_box(models.score(batch.as_ref(), columns)?);
            rows += batch.len();
            if start.elapsed() > BUDGET {
                break 'measured;
            }
        }
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

fn text_bytes(batch: &ArrayRef) -> usize {
    use arrow::array::AsArray;
    batch
        .as_string_opt::<i32>()
        .map_or(0, |texts| texts.value_data().len())
}
