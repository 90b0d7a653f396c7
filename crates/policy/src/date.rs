//! Dates of rule files as milliseconds since the Unix epoch, and back, without a clock. The
//! day counts are those of the proleptic Gregorian calendar.

use toml::value::{Datetime, Offset};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Days from the first of March of the year 0 to the Unix epoch.
const EPOCH_DAY: i64 = 719_468;
/// Days in four centuries, after which the calendar repeats.
const FOUR_CENTURIES_DAYS: i64 = 146_097;

/// Milliseconds since the Unix epoch of a date (its first moment, UTC) or of a date-time with
/// an offset; before the epoch it is 0. None for a time alone and for a time of nowhere.
pub(crate) fn milliseconds(datetime: &Datetime) -> Option<u64> {
    let date = datetime.date.as_ref()?;
    let day = day_number(
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let of_day = match (&datetime.time, &datetime.offset) {
        (None, None) => 0,
        (Some(time), Some(offset)) => {
            let seconds = i64::from(time.hour) * 3_600
                + i64::from(time.minute) * 60
                + i64::from(time.second.unwrap_or(0));
            let ahead_minutes = match offset {
                Offset::Z => 0,
                Offset::Custom { minutes } => i64::from(*minutes),
            };
            let milliseconds = i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
            (seconds - ahead_minutes * 60) * 1_000 + milliseconds
        }
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(u64::try_from(day * DAY_MS + of_day).unwrap_or(0))
}

/// In years that begin in March a leap day is the last one, and the days of the months before
/// month `m` are `(153 m + 2) / 5`.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let of_cycle = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_cycle = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    cycle * FOUR_CENTURIES_DAYS + of_cycle - EPOCH_DAY
}

/// As people and rule files write it: the date, with the time where it is not midnight UTC.
pub(crate) fn written(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    let (year, month, day) = date_of(milliseconds.div_euclid(DAY_MS));
    let seconds = milliseconds.rem_euclid(DAY_MS) / 1_000;
    let date = format!("{year:04}-{month:02}-{day:02}");
    if seconds == 0 {
        return date;
    }
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

fn date_of(day_number: i64) -> (i64, i64, i64) {
    let day = day_number + EPOCH_DAY;
    let cycle = day.div_euclid(FOUR_CENTURIES_DAYS);
    let of_cycle = day.rem_euclid(FOUR_CENTURIES_DAYS);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = cycle * 400 + year + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, milliseconds_expected: Option<u64>, written_expected: &str) {
        let datetime: Datetime = text.parse().expect("it is TOML");
        let found = milliseconds(&datetime);
        assert_eq!(found, milliseconds_expected, "{text}");
        assert_eq!(found.map(written).unwrap_or_default(), written_expected);
    }

    #[test]
    fn dates_are_counted_from_the_epoch() {
        check("1970-01-01", Some(0), "1970-01-01");
        check("1969-12-31", Some(0), "1970-01-01");
        check("2000-02-29", Some(951_782_400_000), "2000-02-29");
        check("2026-12-31", Some(1_798_675_200_000), "2026-12-31");
        check(
            "2026-12-31T18:00:00.250+01:00",
            Some(1_798_736_400_250),
            "2026-12-31T17:00:00Z",
        );
        check(
            "9999-12-31T23:59:59Z",
            Some(253_402_300_799_000),
            "9999-12-31T23:59:59Z",
        );
        check("2026-12-31T18:00:00", None, "");
        check("18:00:00", None, "");
    }

    #[test]
    fn every_day_is_written_as_it_was_counted() {
        for day in (0..3_000_000).step_by(97) {
            let (year, month, day_of_month) = date_of(day);
            assert_eq!(day_number(year, month, day_of_month), day);
        }
    }
}
