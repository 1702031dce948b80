//! A small lake whose files were scored with different model sets.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SessionStateBuilder;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use verbatim::enrich::{ModelMap, model_map, record_set, score_messages};
use verbatim::lake::{Append, Lake, LakeOptions};
use verbatim::plan::{ScoreOptions, install};
use verbatim_udfs::model::{ModelSet, ScoreColumn};

/// What a query answers, in a form that two answers can be compared in.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// Name and type of each column.
    pub columns: Vec<String>,
    /// The rows, sorted.
    pub rows: Vec<String>,
}

/// The lake, with a session that reads stored scores and one that computes everything.
pub struct Mixed {
    on: SessionContext,
    off: SessionContext,
}

const TEXTS: [&str; 12] = [
    "I was charged twice and nobody answers, I want my money back",
    "thank you so much, that solved it",
    "cancel my subscription, this is the third time it breaks",
    "let me talk to a manager right now",
    "where is my parcel? it should have come on Monday",
    "Sure, I can help you with that invoice.",
    "ok",
    "!!!",
    "wie kann ich mein Passwort ändern?",
    "this is unsafe, the battery got burning hot and my lawyer will call you",
    "   ",
    "great app but the update made it really slow :(",
];

/// Rows of one file: `roles` repeat, every seventh text is missing.
pub fn rows(file: usize, count: usize, roles: &[&str]) -> RecordBatch {
    let ids = (0..count).map(|i| format!("test:{}", (file * 3 + i) % 9));
    let conversations: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    let messages = (0..count).map(|i| format!("f{file}-{i:03}"));
    let texts: StringArray = (0..count)
        .map(|i| ((i + file) % 7 != 6).then(|| TEXTS[(i * 5 + file) % TEXTS.len()]))
        .collect();
    let roles = (0..count).map(|i| roles[i % roles.len()]);
    let times = (0..count).map(|i| 1_700_000_000_000_000 + (file * 1000 + i) as i64 * 1_000_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("conversation_id", conversations),
        (
            "message_id",
            Arc::new(StringArray::from_iter_values(messages)),
        ),
        ("source", Arc::new(StringArray::from(vec!["test"; count]))),
        ("role", Arc::new(StringArray::from_iter_values(roles))),
        (
            "sent_at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        ),
        ("text", Arc::new(texts)),
        (
            "is_private",
            Arc::new(BooleanArray::from(vec![false; count])),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, array)| (name, array, name == "text")),
    )
    .unwrap()
}

/// Scores a batch as another set would have: every column of a function in `wrong` holds values
/// that the shipped models never give.
pub fn score_as(batch: &RecordBatch, set: Option<&str>, wrong: &[&str]) -> RecordBatch {
    let scored = score_messages(batch, ModelSet::shipped()).unwrap();
    let schema = scored.schema();
    let mut columns = scored.columns().to_vec();
    for column in ScoreColumn::ALL {
        if wrong.contains(&column.function()) {
            let i = schema.index_of(column.name()).unwrap();
            columns[i] = made_up(&column.data_type(), batch.num_rows());
        }
    }
    let by = schema.index_of("scored_by").unwrap();
    columns[by] = Arc::new(StringArray::from(vec![set; batch.num_rows()]));
    RecordBatch::try_new(schema, columns).unwrap()
}

fn made_up(data_type: &DataType, rows: usize) -> ArrayRef {
    let one: ArrayRef = match data_type {
        DataType::Utf8 => Arc::new(StringArray::from(vec!["stale"])),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true])),
        DataType::List(_) => {
            let empty = datafusion::arrow::array::new_null_array(data_type, 1);
            return concat(&vec![empty.as_ref(); rows.max(1)])
                .unwrap()
                .slice(0, rows);
        }
        number => cast(&StringArray::from(vec!["77"]), number).unwrap(),
    };
    concat(&vec![one.as_ref(); rows.max(1)])
        .unwrap()
        .slice(0, rows)
}

/// A model map like the shipped one, with other models for some functions.
pub fn other_models(changed: &[&str]) -> ModelMap {
    let mut models = model_map(ModelSet::shipped());
    for function in changed {
        models.insert(function.to_string(), format!("old-{function}"));
    }
    models
}

pub fn all_functions() -> Vec<&'static str> {
    let mut functions: Vec<&str> = ScoreColumn::ALL.iter().map(|c| c.function()).collect();
    functions.dedup();
    functions
}

pub async fn append(lake: &Lake, batch: RecordBatch) {
    let append = Append {
        tables: vec![("messages".into(), batch)],
        ..Append::default()
    };
    lake.append(append).await.unwrap();
}

/// A new lake in memory that has no table rows.
pub async fn empty_lake() -> Arc<Lake> {
    let name = uuid_like();
    let lake = Lake::open(&format!("memory://{name}"), LakeOptions::default())
        .await
        .unwrap();
    record_set(&lake, ModelSet::shipped()).await.unwrap();
    lake
}

fn uuid_like() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "stored-scores-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A session over a lake's messages.
pub async fn session(lake: &Arc<Lake>, enabled: bool) -> SessionContext {
    let mut options = ScoreOptions::new(Arc::clone(lake), ModelSet::shipped());
    options.enabled = enabled;
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_option_extension(options);
    let builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features();
    let context = SessionContext::new_with_state(install(builder).build());
    let mut registry = context.clone();
    verbatim_udfs::register_all(&mut registry).unwrap();
    let messages = lake.table("messages").unwrap();
    context
        .register_table("messages", messages.provider())
        .unwrap();
    context
        .sql(
            "CREATE VIEW customer_view AS SELECT * FROM messages \
             WHERE role = 'customer' AND NOT is_private AND text IS NOT NULL",
        )
        .await
        .unwrap();
    context
}

impl Mixed {
    /// Five files: scored with the shipped set; with a set whose models are all others; with one
    /// that differs in intent and effort; with a set that the lake does not know; and with the
    /// shipped set, tool and system rows among them.
    pub async fn lake() -> Mixed {
        let lake = empty_lake().await;
        let every = all_functions();
        let some = ["intent", "effort"];
        for (id, changed) in [("old", every.as_slice()), ("half", some.as_slice())] {
            let models = other_models(changed);
            lake.update_catalog(|catalog| {
                catalog.model_sets.insert(id.to_string(), models.clone());
                Ok::<_, verbatim::Error>(())
            })
            .await
            .unwrap();
        }
        let people = ["customer", "agent", "customer", "bot"];
        let everyone = ["customer", "tool", "agent", "system", "supervisor"];
        let shipped = ModelSet::shipped();
        append(
            &lake,
            score_messages(&rows(0, 17, &people), shipped).unwrap(),
        )
        .await;
        append(&lake, score_as(&rows(1, 13, &people), Some("old"), &every)).await;
        append(&lake, score_as(&rows(2, 11, &people), Some("half"), &some)).await;
        append(
            &lake,
            score_as(&rows(3, 9, &everyone), Some("unheard"), &every),
        )
        .await;
        append(
            &lake,
            score_messages(&rows(4, 19, &everyone), shipped).unwrap(),
        )
        .await;
        let (on, off) = (session(&lake, true).await, session(&lake, false).await);
        Mixed { on, off }
    }

    /// The answer with stored scores.
    pub async fn on(&self, sql: &str) -> Answer {
        answer(&self.on, sql).await
    }

    /// The answer with every call computed.
    pub async fn off(&self, sql: &str) -> Answer {
        answer(&self.off, sql).await
    }

    /// The physical plan with stored scores, as EXPLAIN shows it.
    pub async fn plan(&self, sql: &str) -> String {
        plan(&self.on, sql).await
    }
}

pub async fn plan(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

pub async fn answer(context: &SessionContext, sql: &str) -> Answer {
    let fail = |error: datafusion::error::DataFusionError| -> ! { panic!("{sql}\n{error}") };
    let frame = context.sql(sql).await.unwrap_or_else(|error| fail(error));
    let schema = frame.schema().clone();
    let columns = schema
        .iter()
        .map(|(_, field)| format!("{} {}", field.name(), field.data_type()))
        .collect();
    let batches = frame.collect().await.unwrap_or_else(|error| fail(error));
    let mut rows = Vec::new();
    for batch in batches {
        let options = FormatOptions::new().with_null("NULL");
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| cell(column, row, &options))
                .collect();
            rows.push(cells.join(" | "));
        }
    }
    rows.sort();
    Answer { columns, rows }
}

/// Sums of floats depend on the order in which files are read: nine digits do not.
fn cell(column: &ArrayRef, row: usize, options: &FormatOptions<'_>) -> String {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Float64Type;
    if column.data_type() == &DataType::Float64 && !column.is_null(row) {
        return format!(
            "{:.9}",
            column.as_primitive::<Float64Type>().value(row) + 0.0
        );
    }
    ArrayFormatter::try_new(column, options)
        .unwrap()
        .value(row)
        .to_string()
}
