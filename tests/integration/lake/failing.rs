//! Crashes: a store that fails from the n-th write on, or that loses an answer.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use verbatim::lake::{Lake, LakeOptions};

use super::rows::{START, append, conversation, messages, number, query};

/// Passes everything on until its writes are used up.
#[derive(Debug)]
pub struct Failing {
    pub inner: Arc<dyn ObjectStore>,
    /// Writes that still succeed.
    pub writes: AtomicI64,
    pub mode: Mode,
    /// A log entry that fails and is still to land.
    pub late: parking_lot::Mutex<Option<(Path, PutPayload)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The process is dead from that write on.
    Crash,
    /// That write is done but its answer is lost.
    LostAnswer,
    /// The next entry in the log of `messages` from that write on fails, and lands afterwards.
    Late,
    /// Another writer is faster with the next entry in the log of `messages`.
    Overtaken,
}

impl Failing {
    pub fn new(inner: Arc<dyn ObjectStore>, writes: i64, mode: Mode) -> Failing {
        Failing {
            inner,
            writes: AtomicI64::new(writes),
            mode,
            late: parking_lot::Mutex::default(),
        }
    }

    fn error() -> object_store::Error {
        object_store::Error::Generic {
            store: "failing",
            source: "the line is dead".into(),
        }
    }

    fn is_dead(&self) -> bool {
        self.mode == Mode::Crash && self.writes.load(Ordering::Relaxed) < 0
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let left = self.writes.fetch_sub(1, Ordering::Relaxed) - 1;
        let is_entry = at.as_ref().contains("messages/_delta_log/");
        match self.mode {
            Mode::Late if left < 0 && is_entry && self.late.lock().is_none() => {
                *self.late.lock() = Some((at.clone(), payload));
                Err(Self::error())
            }
            Mode::Overtaken if is_entry && self.late.lock().is_none() => {
                *self.late.lock() = Some((at.clone(), PutPayload::new()));
                let theirs = r#"{"commitInfo":{"operation":"WRITE","operationParameters":{}}}"#;
                self.inner.put(at, theirs.into()).await?;
                self.inner.put_opts(at, payload, options).await
            }
            Mode::Crash if left < 0 => Err(Self::error()),
            Mode::LostAnswer if left == 0 => {
                self.inner.put_opts(at, payload, options).await?;
                Err(Self::error())
            }
            _ => self.inner.put_opts(at, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        if self.is_dead() {
            return Err(Self::error());
        }
        self.inner.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

pub fn options(store: Arc<dyn ObjectStore>) -> LakeOptions {
    LakeOptions {
        store: Some(store),
        ..LakeOptions::default()
    }
}

/// Whatever the write at which a process dies: what it acknowledged is there once, what it did not
/// is there whole or not at all, and no conversation is seen without its messages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_loses_or_tears_a_batch() {
    for writes in 1..24 {
        let inner = Arc::new(InMemory::new());
        let failing = Failing::new(inner.clone(), writes, Mode::Crash);
        let failing: Arc<dyn ObjectStore> = Arc::new(failing);
        let lake = Lake::open("memory://failing", options(failing))
            .await
            .unwrap();
        let mut acknowledged = 0;
        for index in 0..4 {
            let id = format!("c{index}");
            let rows = append(vec![
                ("messages", messages(&id, 0, 3)),
                ("conversations", conversation(&id, "open", START)),
            ]);
            match lake.append(rows).await {
                Ok(_) => acknowledged += 1,
                Err(_) => break,
            }
        }
        drop(lake);
        let lake = Lake::open("memory://failing", options(inner))
            .await
            .unwrap();
        let found = number(&lake, "SELECT count(*) FROM messages").await;
        let found_conversations = number(&lake, "SELECT count(*) FROM conversations").await;
        let attempted = (acknowledged + 1).min(4);
        assert!(
            found >= acknowledged * 3 && found <= attempted * 3,
            "{writes}: {found}"
        );
        assert_eq!(
            (found % 3, found / 3),
            (0, found_conversations),
            "after {writes} writes"
        );
        // The batch is redone, as an importer does that got no answer: it is there once.
        let id = format!("c{}", found / 3);
        let rows = append(vec![
            ("messages", messages(&id, 0, 3)),
            ("conversations", conversation(&id, "open", START)),
        ]);
        lake.append(rows).await.unwrap();
        let sql = "SELECT c.conversation_id, count(*) FROM conversations c \
                   JOIN messages m USING (conversation_id) GROUP BY 1 ORDER BY 1";
        let expected: Vec<_> = (0..=found / 3).map(|index| format!("c{index}|3")).collect();
        assert_eq!(query(&lake, sql).await, expected);
    }
}

/// A commit whose answer is lost is recognised, not made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_no_second_commit() {
    let mut succeeded = 0;
    for writes in 2..12 {
        let inner = Arc::new(InMemory::new());
        let mode = Mode::LostAnswer;
        let failing = Failing::new(inner, writes, mode);
        let lake = Lake::open("memory://failing", options(Arc::new(failing)))
            .await
            .unwrap();
        let mut expected = 0;
        for index in 0..3 {
            let id = format!("c{index}");
            let rows = append(vec![
                ("messages", messages(&id, 0, 3)),
                ("conversations", conversation(&id, "open", START)),
            ]);
            // A data file that seems not to have been written fails the append; a commit does not.
            let done = lake.append(rows).await.is_ok();
            expected += i64::from(done) * 3;
            succeeded += i64::from(done);
        }
        let found = number(&lake, "SELECT count(*) FROM messages").await;
        assert_eq!(found, expected, "answer {writes} lost");
        let conversations = number(&lake, "SELECT count(*) FROM conversations").await;
        assert_eq!(conversations * 3, expected, "answer {writes} lost");
    }
    assert!(succeeded >= 24, "{succeeded} of 30 appends got through");
}
