//! Answers that come compressed, decoded within a bound: a few kilobytes can stand for gigabytes.

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{ErrorKind, Read};

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Deflate,
    /// One that was not asked for.
    Other,
}

/// A body, and whether it goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    pub(super) truncated: bool,
}

/// What the headers of an answer say of its body.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let mut given = headers.get_all(CONTENT_ENCODING).iter();
    let Some(value) = given.next() else {
        return Encoding::Plain;
    };
    let value = value.as_bytes().trim_ascii().to_ascii_lowercase();
    match value.as_slice() {
        _ if given.next().is_some() => Encoding::Other,
        b"" | b"identity" => Encoding::Plain,
        b"gzip" | b"x-gzip" => Encoding::Gzip,
        b"deflate" => Encoding::Deflate,
        _ => Encoding::Other,
    }
}

/// Decodes a body of which the end is missing if `cut`, to at most `bytes_max` bytes. None when
/// it is not what its encoding says.
pub(super) fn decoded(
    encoding: Encoding,
    body: Vec<u8>,
    cut: bool,
    bytes_max: u64,
) -> Option<Decoded> {
    // An answer to HEAD has an encoding and no body.
    if body.is_empty() {
        let truncated = cut;
        return Some(Decoded {
            bytes: body,
            truncated,
        });
    }
    let body = body.as_slice();
    match encoding {
        Encoding::Plain | Encoding::Other => Some(Decoded {
            bytes: body.to_vec(),
            truncated: cut,
        }),
        Encoding::Gzip => inflated(MultiGzDecoder::new(body), cut, bytes_max),
        // RFC 9110 says zlib; some servers send the bare stream.
        Encoding::Deflate => inflated(ZlibDecoder::new(body), cut, bytes_max)
            .or_else(|| inflated(DeflateDecoder::new(body), cut, bytes_max)),
    }
}

fn inflated(decoder: impl Read, cut: bool, bytes_max: u64) -> Option<Decoded> {
    let mut bytes = Vec::new();
    let mut bounded = decoder.take(bytes_max.saturating_add(1));
    let ended = bounded.read_to_end(&mut bytes);
    let longer = bytes.len() as u64 > bytes_max;
    bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    match ended {
        Ok(_) => Some(Decoded {
            bytes,
            truncated: longer || cut,
        }),
        Err(error) if cut && error.kind() == ErrorKind::UnexpectedEof => Some(Decoded {
            bytes,
            truncated: true,
        }),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};

    fn all(mut reader: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn bodies_are_decoded_up_to_the_bound() {
        let text = "word ".repeat(1_000).into_bytes();
        let gzip = all(GzEncoder::new(text.as_slice(), Compression::best()));
        let zlib = all(ZlibEncoder::new(text.as_slice(), Compression::best()));
        let bare = all(DeflateEncoder::new(text.as_slice(), Compression::best()));
        let whole = |truncated| {
            let bytes = text.clone();
            Some(Decoded { bytes, truncated })
        };
        for (encoding, body) in [
            (Encoding::Plain, text.clone()),
            (Encoding::Other, text.clone()),
            (Encoding::Gzip, gzip.clone()),
            (Encoding::Deflate, zlib),
            (Encoding::Deflate, bare),
        ] {
            assert_eq!(decoded(encoding, body, false, 5_000), whole(false));
        }
        let cut = Some(Decoded {
            bytes: text[..100].to_vec(),
            truncated: true,
        });
        assert_eq!(decoded(Encoding::Gzip, gzip.clone(), false, 100), cut);
        let part = gzip[..gzip.len() - 8].to_vec();
        assert_eq!(
            decoded(Encoding::Gzip, part.clone(), true, 5_000),
            whole(true)
        );
        assert_eq!(decoded(Encoding::Gzip, part, false, 5_000), None);
        assert_eq!(decoded(Encoding::Gzip, text.clone(), false, 5_000), None);
        assert_eq!(decoded(Encoding::Deflate, text, true, 5_000), None);
    }

    #[test]
    fn only_what_was_asked_for_is_decoded() {
        for (values, expected) in [
            (vec![], Encoding::Plain),
            (vec!["identity"], Encoding::Plain),
            (vec![" GZip "], Encoding::Gzip),
            (vec!["x-gzip"], Encoding::Gzip),
            (vec!["deflate"], Encoding::Deflate),
            (vec!["br"], Encoding::Other),
            (vec!["gzip, gzip"], Encoding::Other),
            (vec!["gzip", "gzip"], Encoding::Other),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(encoding(&headers), expected, "{values:?}");
        }
    }
}
