//! Opens a source as plain bytes: objects are streamed, gzip and zstd are known by their first
//! bytes.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use object_store::ObjectStoreExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::gzip::Members;
use super::source::{Place, Source};

/// Chunks of an object that may wait for the reader.
const CHUNKS_AHEAD: usize = 4;

/// Counts the stored bytes that have been read, for the progress bar.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The decompressed bytes of a source. `count` grows by the stored bytes that are read.
///
/// Reads block: call it, and read from it, on a thread that may.
pub(crate) fn open(
    source: &Source,
    runtime: &Handle,
    count: Arc<AtomicU64>,
) -> io::Result<Box<dyn Read + Send>> {
    let raw: Box<dyn Read + Send> = match &source.place {
        Place::Standard => Box::new(io::stdin()),
        Place::File(path) => Box::new(std::fs::File::open(path)?),
        Place::Object(store, path) => {
            let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
            let (store, path) = (Arc::clone(store), path.clone());
            runtime.spawn(async move {
                let mut chunks = match store.get(&path).await {
                    Ok(found) => found.into_stream(),
                    Err(error) => futures::stream::once(async { Err(error) }).boxed(),
                };
                while let Some(chunk) = chunks.next().await {
                    if sender.send(chunk.map_err(io::Error::other)).await.is_err() {
                        return;
                    }
                }
            });
            Box::new(Chunks {
                receiver,
                current: Bytes::new(),
            })
        }
    };
    decompressed(Counted { inner: raw, count })
}

fn decompressed(raw: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut raw = BufReader::with_capacity(256 * 1024, raw);
    // A pipe may hand out its first bytes one by one, so the magic number is collected first.
    let mut head = Vec::with_capacity(4);
    raw.by_ref().take(4).read_to_end(&mut head)?;
    let gzip = head.starts_with(&[0x1F, 0x8B]);
    let zstd = head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
    let whole = Read::chain(io::Cursor::new(head), raw);
    if gzip {
        return Ok(Box::new(Members::new(whole)));
    }
    if zstd {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(whole)?));
    }
    Ok(Box::new(whole))
}

/// The chunks of an object as a reader.
struct Chunks {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let taken = out.len().min(self.current.len());
        self.current.copy_to_slice(&mut out[..taken]);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::io::{Read, Write};

    use super::decompressed;

    fn plain(bytes: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        decompressed(std::io::Cursor::new(bytes))
            .unwrap()
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    #[test]
    fn compression_is_known_by_its_first_bytes() {
        let text = b"one line\n".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let once = gzip.finish().unwrap();
        assert_eq!(plain(once.clone()), text);
        assert_eq!(plain([once.clone(), once.clone()].concat()), text.repeat(2));
        // What fills a last block is no data.
        assert_eq!(plain([once.clone(), vec![0; 300_000]].concat()), text);
        let spaced = [once.clone(), vec![0; 512], once].concat();
        assert_eq!(plain(spaced), text.repeat(2));
        assert_eq!(plain(zstd::encode_all(text.as_slice(), 1).unwrap()), text);
        assert_eq!(plain(text.clone()), text);
        assert_eq!(plain(b"ab".to_vec()), b"ab");
        assert_eq!(plain(Vec::new()), b"");
    }

    #[test]
    fn what_is_good_of_a_truncated_file_is_read() {
        let lines = (0..20_000).map(|number| format!("{number} {}\n", number * 7919 % 1009));
        let text = lines.collect::<String>().into_bytes();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let whole = gzip.finish().unwrap();
        let mut found = Vec::new();
        let cut = whole[..whole.len() / 2].to_vec();
        let mut reader = decompressed(std::io::Cursor::new(cut)).unwrap();
        assert!(reader.read_to_end(&mut found).is_err());
        assert!(found.len() > text.len() / 3 && text.starts_with(&found));
    }
}
