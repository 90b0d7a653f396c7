//! Content as it lies in files: as it is, or deflated (RFC 1951) where that makes it smaller.

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::borrow::Cow;
use std::io::{Read, Write};

/// The content as it is.
const PLAIN: u8 = 0;

/// The content deflated.
pub(crate) const DEFLATED: u8 = 1;

/// From 3 on, more work makes what models and tools write hardly smaller; the measurement is
/// in `docs/decisions/0013-blobs-are-deflated.md`.
const LEVEL: u32 = 3;

/// The format byte and what follows it; never longer than the content.
pub(crate) fn pack(content: &[u8]) -> (u8, Cow<'_, [u8]>) {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(LEVEL));
    match encoder.write_all(content).and_then(|()| encoder.finish()) {
        Ok(deflated) if deflated.len() < content.len() => (DEFLATED, Cow::Owned(deflated)),
        Ok(_) | Err(_) => (PLAIN, Cow::Borrowed(content)),
    }
}

/// The content of what a format byte was found before. No more than `bytes` bytes and one to
/// notice by are made of it, whatever it claims to be.
pub(crate) fn unpack(format: u8, packed: &[u8], bytes: usize) -> Result<Cow<'_, [u8]>, Spoiled> {
    match format {
        PLAIN => Ok(Cow::Borrowed(packed)),
        DEFLATED => {
            let mut content = Vec::with_capacity(bytes.saturating_add(1));
            let deflated = DeflateDecoder::new(packed);
            deflated
                .take(bytes.saturating_add(1) as u64)
                .read_to_end(&mut content)
                .map_err(|_| Spoiled::Changed)?;
            Ok(Cow::Owned(content))
        }
        format => Err(Spoiled::UnknownFormat(format)),
    }
}

/// Why content cannot be had back.
#[derive(Debug)]
pub(crate) enum Spoiled {
    /// It does not inflate.
    Changed,
    /// It is packed in a way that this program does not know.
    UnknownFormat(u8),
}
