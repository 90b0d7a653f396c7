//! Content as it lies in files: as it is, or deflated (RFC 1951) where that makes it smaller.

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::borrow::Cow;
use std::io::Read;
use std::sync::Mutex;

/// The content as it is.
const PLAIN: u8 = 0;

/// The content deflated.
pub(crate) const DEFLATED: u8 = 1;

/// From 3 on, more work makes what models and tools write hardly smaller; the measurement is
/// in `docs/decisions/0013-payloads-are-deflated.md`.
const LEVEL: u32 = 3;

/// A deflater that nobody uses at the moment. Making one clears a quarter of a megabyte, which
/// takes longer than most contents take to be deflated.
static SPARE: Mutex<Option<Compress>> = Mutex::new(None);

/// The format byte and what follows it; never longer than the content.
pub(crate) fn pack(content: &[u8]) -> (u8, Cow<'_, [u8]>) {
    // Room for what is shorter, and for nothing that is not.
    let mut deflated = Vec::with_capacity(content.len());
    let spare = SPARE.try_lock().ok().and_then(|mut spare| spare.take());
    let mut deflater = spare.unwrap_or_else(|| Compress::new(Compression::new(LEVEL), false));
    let done = deflater.compress_vec(content, &mut deflated, FlushCompress::Finish);
    deflater.reset();
    if let Ok(mut spare) = SPARE.try_lock() {
        *spare = Some(deflater);
    }
    match done {
        Ok(Status::StreamEnd) if deflated.len() < content.len() => (DEFLATED, Cow::Owned(deflated)),
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

#[cfg(test)]
mod tests {
    use super::{DEFLATED, PLAIN, pack, unpack};

    fn noise(bytes: usize) -> Vec<u8> {
        let mut random: u64 = 0x1EAD;
        let byte = |_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as u8
        };
        (0..bytes).map(byte).collect()
    }

    #[test]
    fn content_comes_back_and_is_deflated_only_where_that_makes_it_smaller() {
        for (content, format) in [
            (Vec::new(), PLAIN),
            (b"ab".to_vec(), PLAIN),
            (noise(50_000), PLAIN),
            (vec![b'z'; 50_000], DEFLATED),
            ("What an agent says. ".repeat(400).into_bytes(), DEFLATED),
        ] {
            let (found, packed) = pack(&content);
            assert_eq!(found, format, "{} bytes", content.len());
            assert!(packed.len() <= content.len());
            assert!(unpack(found, &packed, content.len()).unwrap() == content);
        }
    }

    #[test]
    fn no_more_is_made_of_it_than_was_said_and_one_byte() {
        let content = vec![0; 10_000_000];
        let (DEFLATED, packed) = pack(&content) else {
            panic!("zeros are not deflated");
        };
        assert_eq!(unpack(DEFLATED, &packed, 100).unwrap().len(), 101);
        assert!(unpack(DEFLATED, &packed[..packed.len() / 2], 10_000_000).is_err());
        assert!(unpack(DEFLATED, &noise(1_000), 10_000_000).is_err());
        assert!(unpack(2, &packed, 100).is_err());
    }
}
