//! Ages as people write them: `90s`, `10m`, `2h`, `3d`.

use crate::failure::Failure;
use leadhand::rooms::inspector::escape;
use std::time::{SystemTime, UNIX_EPOCH};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    pub(crate) ms: u64,
}

impl Age {
    /// # Errors
    /// [`Failure::Usage`] for anything but a number with one of the units.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::usage(
                format!("`{}` is no length of time", escape::line(text, 40)),
                "write a number with s, m, h or d behind it, such as 90s, 10m, 2h or 3d",
            )
        };
        let unit_ms = match text.bytes().last() {
            Some(b's') => 1_000,
            Some(b'm') => 60_000,
            Some(b'h') => 3_600_000,
            Some(b'd') => 86_400_000,
            Some(_) | None => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let ms = number.checked_mul(unit_ms).ok_or_else(wrong)?;
        Ok(Self { ms })
    }

    /// When that was, in milliseconds since the Unix epoch.
    pub(crate) fn ago_ms(self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        now_ms.saturating_sub(self.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_others_refused() {
        for (text, ms) in [("90s", 90_000), ("2h", 7_200_000), ("0d", 0)] {
            assert_eq!(Age::parse(text).map(|age| age.ms).ok(), Some(ms));
        }
        for text in [
            "",
            "s",
            "5",
            "1.5h",
            "-1s",
            "99999999999999999999s",
            "9999999999999999999d",
            "5 m",
            "5é",
        ] {
            assert!(Age::parse(text).is_err(), "{text}");
        }
    }
}
