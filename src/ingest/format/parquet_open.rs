//! Opens Parquet files and objects, in batches that memory has room for.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use datafusion::arrow::array::RecordBatch;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use crate::ingest::input::{Place, Source};

/// The rows of a Parquet file.
pub(super) struct Rows {
    /// How many there are.
    pub(super) count: u64,
    pub(super) batches: Batches,
}

/// Batches of rows, or why they cannot be read.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch, String>>>;

/// How large batches may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// Opens a file or an object; standard input cannot be read backwards.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn open(source: &Source, size: Size, runtime: &Handle) -> Result<Rows, String> {
    match &source.place {
        Place::Standard => Err("Parquet cannot be read from standard input; name a file".into()),
        Place::File(path) => {
            let file = || std::fs::File::open(path).map_err(|error| error.to_string());
            rows(file, size)
        }
        Place::Object(store, path) => {
            let object = || {
                Ok(Object {
                    store: Arc::clone(store),
                    path: path.clone(),
                    size: source.size.unwrap_or(0),
                    runtime: runtime.clone(),
                })
            };
            rows(object, size)
        }
    }
}

fn rows<R: ChunkReader + 'static>(
    open: impl Fn() -> Result<R, String>,
    size: Size,
) -> Result<Rows, String> {
    let fault = |error: ParquetError| error.to_string();
    let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(fault)?;
    let metadata = builder.metadata();
    let count = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let (mut row_bytes, known) = row_size(metadata);
    if !known {
        // A dictionary may hold few texts for many rows: what they take is seen when they are read.
        let first = ParquetRecordBatchReaderBuilder::try_new(open()?);
        let first =
            first.and_then(|builder| builder.with_batch_size(PROBE).with_limit(PROBE).build());
        if let Some(Ok(batch)) = first.map_err(fault)?.next() {
            row_bytes = row_bytes.max(batch.get_array_memory_size() / batch.num_rows().max(1));
        }
    }
    let rows = (size.bytes / row_bytes.max(1)).clamp(1, size.rows);
    let reader = builder.with_batch_size(rows).build().map_err(fault)?;
    let batches = reader.map(|batch| batch.map_err(|error| error.to_string()));
    Ok(Rows {
        count,
        batches: Box::new(batches),
    })
}

/// Rows that are read to see how large rows are.
const PROBE: usize = 64;

/// Bytes of a row in the row group with the largest rows, and whether the file says them of all
/// its texts.
fn row_size(metadata: &ParquetMetaData) -> (usize, bool) {
    let (mut largest, mut known) = (0, true);
    for group in metadata.row_groups() {
        let columns = group.columns().iter().map(|column| {
            let texts = column.column_type() == Type::BYTE_ARRAY;
            let plain = column.unencoded_byte_array_data_bytes();
            known &= !texts || plain.is_some();
            plain.unwrap_or(0).max(column.uncompressed_size())
        });
        let bytes = columns.sum::<i64>() / group.num_rows().max(1);
        largest = largest.max(usize::try_from(bytes).unwrap_or(0));
    }
    (largest, known)
}

/// An object read range by range, on a thread that may block.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: ObjectPath,
    size: u64,
    runtime: Handle,
}

impl Length for Object {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Object {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let length = usize::try_from(self.size.saturating_sub(start).min(1 << 16));
        Ok(self.get_bytes(start, length.unwrap_or(0))?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let range = start..start + length as u64;
        let read = self
            .runtime
            .block_on(self.store.get_range(&self.path, range));
        read.map_err(|error| ParquetError::External(Box::new(error)))
    }
}
