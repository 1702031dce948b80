//! gzip as it is found: members one after the other, and zeros behind the last one.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Decompresses the members of `R`. Zeros behind a member, with which tapes and block devices
/// fill their last block, are passed over.
pub(super) struct Members<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(source: R) -> Self {
        Members {
            member: Some(GzDecoder::new(source)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(out)?;
            if read > 0 {
                return Ok(read);
            }
            if let Some(finished) = self.member.take() {
                let mut source = finished.into_inner();
                self.member = skip_zeros(&mut source)?.then(|| GzDecoder::new(source));
            }
        }
        Ok(0)
    }
}

/// Whether anything but zeros follows.
fn skip_zeros(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = source.fill_buf()?;
        if ahead.is_empty() {
            return Ok(false);
        }
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        let more = zeros < ahead.len();
        source.consume(zeros);
        if more {
            return Ok(true);
        }
    }
}
