//! Several values as one: what a tail holds of one append, and what a store holds under one key.
//!
//! A pack is a value with the flag [`MANY`]. Its body is the `seq` of its first record (8 bytes,
//! little-endian) and then each value, its length (4 bytes, little-endian) before it. The records
//! follow on each other, so none is looked into to know its `seq`.

use crate::format::{self, Fault, HEADER_BYTES};
use leadhand_protocol::Seq;

/// The flag of a pack.
pub(crate) const MANY: u8 = 4;

/// What a pack takes beside its values, and beside each of them, in bytes.
pub(crate) const PACK_BYTES: usize = HEADER_BYTES + SEQ_BYTES;
pub(crate) const EACH_BYTES: usize = 4;

const SEQ_BYTES: usize = 8;

/// Makes a pack of values of the records from `begin` on.
pub(crate) fn pack<'a>(begin: Seq, values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut pack = vec![0; HEADER_BYTES];
    pack.extend(begin.to_le_bytes());
    for value in values {
        // A value is far shorter than four bytes can say.
        pack.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        pack.extend(value);
    }
    format::seal_in_place(MANY, &mut pack);
    pack
}

/// The first `seq` and the values of a pack, or of a value that stands alone under `seq`.
pub(crate) fn unpack(seq: Seq, stored: &[u8]) -> Result<(Seq, Vec<&[u8]>), Fault> {
    if stored.get(1) != Some(&MANY) {
        return Ok((seq, vec![stored]));
    }
    let (_, body) = format::unseal(stored)?;
    let cut = || Fault::Damaged("it is whole but its parts are not".to_owned());
    let (begin, mut rest) = body.split_first_chunk::<SEQ_BYTES>().ok_or_else(cut)?;
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (bytes, after) = rest.split_first_chunk::<EACH_BYTES>().ok_or_else(cut)?;
        let bytes = u32::from_le_bytes(*bytes) as usize;
        values.push(after.get(..bytes).ok_or_else(cut)?);
        rest = &after[bytes..];
    }
    Ok((Seq::from_le_bytes(*begin), values))
}

#[cfg(test)]
mod tests {
    use super::{pack, unpack};

    #[test]
    fn a_pack_gives_back_what_was_put_in() {
        for values in [
            vec![],
            vec![&b""[..]],
            vec![&b"one"[..], b"", b"a third value"],
        ] {
            let packed = pack(7, values.iter().copied());
            assert_eq!(unpack(0, &packed), Ok((7, values)));
        }
        assert_eq!(
            unpack(3, b"\x01\x00alone"),
            Ok((3, vec![&b"\x01\x00alone"[..]]))
        );
    }

    #[test]
    fn a_pack_that_was_cut_or_changed_gives_nothing() {
        let packed = pack(7, [&b"one"[..], b"another"]);
        for length in 2..packed.len() {
            assert!(unpack(7, &packed[..length]).is_err(), "{length} bytes");
        }
        for at in (0..packed.len()).filter(|at| *at != 1) {
            let mut changed = packed.clone();
            changed[at] ^= 16;
            assert!(unpack(7, &changed).is_err(), "byte {at}");
        }
    }
}
