//! Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. Servers are hostile:
//! what cannot be read is as if it were not there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds to wait from `now` on, or none when the header says nothing readable. A date
/// in the past is 0. Fractions of a second, which some servers send, are understood.
#[must_use]
pub fn retry_after_ms(header: &str, now: SystemTime) -> Option<u64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        // Ten years bound what a server can ask for, and keep the conversion exact.
        return (0.0..=3.2e8)
            .contains(&seconds)
            .then_some((seconds * 1000.0).ceil() as u64);
    }
    let then = UNIX_EPOCH + Duration::from_secs(http_date_seconds(header)?);
    let wait = then.duration_since(now).unwrap_or_default();
    u64::try_from(wait.as_millis()).ok()
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = date.split_once(", ")?;
    let fields = rest.split_ascii_whitespace().collect::<Vec<_>>();
    let [day, month, year, time, "GMT"] = fields[..] else {
        return None;
    };
    let day = day
        .parse::<u64>()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year = year
        .parse::<u64>()
        .ok()
        .filter(|year| (1970..=9999).contains(year))?;
    let mut clock = time
        .split(':')
        .map(|part| part.parse::<u64>().ok().filter(|n| *n <= 60));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days from the civil calendar, with years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days_since_1970 = days.checked_sub(719_468)?;
    Some(days_since_1970 * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::retry_after_ms;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn reads_seconds_and_dates() {
        // Sun, 06 Nov 1994 08:49:37 GMT is 784111777 seconds after 1970 (RFC 9110).
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let check = |header: &str, expected: Option<u64>| {
            assert_eq!(retry_after_ms(header, now), expected, "{header}");
        };
        check("0", Some(0));
        check(" 120 ", Some(120_000));
        check("1.5", Some(1_500));
        check("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000));
        check(
            "Tue, 29 Feb 2000 00:00:00 GMT",
            Some((951_782_400 - 784_111_777) * 1000),
        );
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        for nonsense in [
            "",
            "-1",
            "inf",
            "NaN",
            "1e99",
            "soon",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            check(nonsense, None);
        }
    }
}
