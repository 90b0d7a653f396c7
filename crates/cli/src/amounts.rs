//! Sizes and ages as people write and read them.

/// Units of sizes, in bytes.
const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Units of ages, in milliseconds.
const AGES: [(&str, u64); 5] = [
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// A size such as `500MB` or `2GiB`, in bytes.
///
/// # Errors
/// What a size is, if the text is none.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    amount(text, &SIZES).ok_or_else(|| {
        "a size is a whole number with its unit, such as 500MB, 2GiB or 0B; the units are B, KB, MB, \
         GB, TB, KiB, MiB, GiB and TiB"
            .to_owned()
    })
}

/// An age such as `30d` or `12h`, in milliseconds.
///
/// # Errors
/// What an age is, if the text is none.
pub(crate) fn age(text: &str) -> Result<u64, String> {
    amount(text, &AGES).ok_or_else(|| {
        "an age is a whole number with its unit, such as 30d or 12h; the units are s, m, h, d and w"
            .to_owned()
    })
}

/// The unit has to be written: a number alone would mean one thing to one person and another to
/// the next, and something is deleted by it.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A size as people read it.
pub(crate) fn bytes(bytes: u64) -> String {
    let of = |unit: u64| (bytes / unit, bytes % unit * 10 / unit);
    let ((whole, tenths), unit) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (of(1_000), "KB"),
        1_000_000..1_000_000_000 => (of(1_000_000), "MB"),
        1_000_000_000.. => (of(1_000_000_000), "GB"),
    };
    format!("{whole}.{tenths} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{age, bytes, size};

    #[test]
    fn amounts_have_a_number_and_a_unit() {
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size("2GiB"), Ok(2_147_483_648));
        assert_eq!(size("0B"), Ok(0));
        assert_eq!(age("30d"), Ok(2_592_000_000));
        assert_eq!(age("12h"), Ok(43_200_000));
        for text in [
            "",
            "5",
            "MB",
            "-1MB",
            "1.5GB",
            "5 MB",
            "5mb",
            "99999999999TB",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in ["", "30", "d", "-1d", "1y", "30 d", "99999999999999999w"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_the_largest_unit() {
        for (number, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 KB"),
            (1_990, "1.9 KB"),
            (5_300_000, "5.3 MB"),
            (12_345_678_901, "12.3 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
