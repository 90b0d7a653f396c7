//! A date or a point in time with its offset, read and written.

use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Unit, ZonedDateTime};

/// Longest date or amount in an argument, in bytes.
const TEXT_BYTES_MAX: usize = 100;

/// A date, or a date with a time of day.
#[derive(Debug, Clone)]
pub struct Moment {
    civil: DateTime,
    offset: Offset,
    /// Whether only a date was given.
    pub whole_day: bool,
}

impl Moment {
    /// The moment of a clock, without fractions of a second.
    pub fn at(now_ms: u64) -> Result<Self, String> {
        let seconds = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let now = Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
        Ok(Self {
            civil: Offset::UTC.to_datetime(now),
            offset: Offset::UTC,
            whole_day: false,
        })
    }

    /// ISO 8601 and RFC 3339. A time without offset is taken as UTC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("a date has at most {TEXT_BYTES_MAX} bytes"));
        }
        let wrong = |why: String| {
            format!(
                "`{text}` is not a date ({why}); write it as 2026-02-28 or 2026-02-28T10:00:00Z"
            )
        };
        let pieces = Pieces::parse(text).map_err(|error| wrong(error.to_string()))?;
        if pieces.time_zone_annotation().is_some() {
            return Err(wrong("names of time zones are not known here".to_owned()));
        }
        let offset = match pieces.offset() {
            None | Some(PiecesOffset::Zulu) => Offset::UTC,
            Some(_) => pieces.to_numeric_offset().unwrap_or(Offset::UTC),
        };
        Ok(Self {
            civil: pieces
                .date()
                .to_datetime(pieces.time().unwrap_or(Time::midnight())),
            offset,
            whole_day: pieces.time().is_none(),
        })
    }

    /// This moment plus an amount such as `3 days`. Months are of the calendar: one month after
    /// 31 January is the last day of February.
    pub fn plus(&self, amount: &str) -> Result<Self, String> {
        let amount = amount.trim();
        if amount.len() > TEXT_BYTES_MAX {
            return Err(format!("an amount has at most {TEXT_BYTES_MAX} bytes"));
        }
        let span: Span = amount
            .trim_start_matches('+')
            .trim()
            .parse()
            .map_err(|error| {
                format!(
                    "`{amount}` is not an amount of time ({error}); write it as 3 days or -1 month"
                )
            })?;
        let civil = self
            .civil
            .checked_add(span)
            .map_err(|_| "years go from -9999 to 9999".to_owned())?;
        Ok(Self {
            civil,
            offset: self.offset,
            whole_day: self.whole_day && civil.time() == Time::midnight(),
        })
    }

    /// The same moment with another offset; a whole day stays the day it is.
    pub fn with_offset(&self, offset: &str) -> Result<Self, String> {
        let text = offset.trim();
        let text = if text.eq_ignore_ascii_case("utc") {
            "Z"
        } else {
            text
        };
        let wrong = |_| format!("`{offset}` is not an offset; write it as +02:00 or Z");
        let offset = Self::parse(&format!("2000-01-01T00:00:00{text}"))
            .map_err(wrong)?
            .offset;
        if self.whole_day {
            return Ok(self.clone());
        }
        let zoned = self.zoned()?.with_time_zone(TimeZone::fixed(offset));
        Ok(Self {
            civil: zoned.datetime(),
            offset,
            whole_day: false,
        })
    }

    /// As RFC 3339; a date alone as a date alone.
    pub fn show(&self) -> Result<String, String> {
        if self.whole_day {
            return Ok(self.civil.date().to_string());
        }
        let offset = if self.offset == Offset::UTC {
            "Z".to_owned()
        } else {
            self.format("%:z")?
        };
        Ok(format!("{}{offset}", self.civil))
    }

    /// Weekday and places in the year; of a time also the Unix time.
    pub fn account(&self) -> Result<String, String> {
        let unix = if self.whole_day {
            String::new()
        } else {
            format!(", Unix time {}", self.zoned()?.timestamp().as_second())
        };
        Ok(self.format("%A, day %-j of %-Y, ISO week %G-W%V")? + &unix)
    }

    /// By a pattern of `strftime`.
    pub fn format(&self, pattern: &str) -> Result<String, String> {
        if pattern.len() > TEXT_BYTES_MAX {
            return Err(format!("a format has at most {TEXT_BYTES_MAX} bytes"));
        }
        jiff::fmt::strtime::format(pattern, &self.zoned()?)
            .map_err(|error| format!("`{pattern}` is not a format ({error}); write it as %Y-%m-%d"))
    }

    /// What lies between this moment and another: exactly, and in years, months and days.
    pub fn until(&self, other: &Self) -> Result<String, String> {
        let far = |_: jiff::Error| "the two are too far apart".to_owned();
        let (from, to) = (self.zoned()?, other.zoned()?);
        let to = to.with_time_zone(from.time_zone().clone()).datetime();
        let from = from.datetime();
        let days = from.until((Unit::Day, to)).map_err(far)?;
        let calendar = from.until((Unit::Year, to)).map_err(far)?;
        let (days, calendar) = (words(days), words(calendar));
        Ok(if days == calendar {
            days
        } else {
            format!("{days}, which is {calendar}")
        })
    }

    fn zoned(&self) -> Result<ZonedDateTime, String> {
        self.civil
            .to_zoned_datetime(TimeZone::fixed(self.offset))
            .map_err(|_| "years go from -9999 to 9999".to_owned())
    }
}

/// A span as people say it. A negative one begins with a minus.
fn words(span: Span) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let counts = [
        (i64::from(span.get_years()), "year"),
        (i64::from(span.get_months()), "month"),
        (i64::from(span.get_days()), "day"),
        (i64::from(span.get_hours()), "hour"),
        (span.get_minutes(), "minute"),
        (span.get_seconds(), "second"),
        (span.get_milliseconds(), "millisecond"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| {
            let count = count.unsigned_abs();
            format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
        })
        .collect();
    match parts[..] {
        [] => "0 days".to_owned(),
        _ => format!("{sign}{}", parts.join(" ")),
    }
}
