//! `date` as a table: arguments, and the whole answer or fault.
#![allow(missing_docs)]

use date::TOOLS;
use date::answer::answer;
use guest::{Arguments, ErrorKind, fault};

/// 2026-11-26T14:05:09.875Z
const NOW_MS: u64 = 1_795_701_909_875;

fn call(arguments: &str) -> Result<String, String> {
    Arguments::check(&TOOLS[0], arguments)
        .and_then(|arguments| answer(&arguments, || Ok(NOW_MS)))
        .map_err(|fault| fault.message)
}

#[test]
fn dates_are_told_moved_and_compared() {
    for (arguments, expected) in [
        (
            r#"{}"#,
            "2026-11-26T14:05:09Z\nThursday, day 330 of 2026, ISO week 2026-W48, Unix time \
             1795701909",
        ),
        (
            r#"{"start":"now","offset":"+05:30"}"#,
            "2026-11-26T19:35:09+05:30\nThursday, day 330 of 2026, ISO week 2026-W48, Unix time \
             1795701909",
        ),
        (
            r#"{"start":"today","add":"-1 day"}"#,
            "2026-11-25\nWednesday, day 329 of 2026, ISO week 2026-W48",
        ),
        (
            r#"{"start":"2024-01-31","add":"1 month"}"#,
            "2024-02-29\nThursday, day 60 of 2024, ISO week 2024-W09",
        ),
        (
            r#"{"start":"2027-01-01"}"#,
            "2027-01-01\nFriday, day 1 of 2027, ISO week 2026-W53",
        ),
        (
            r#"{"start":"2026-02-28","add":"36 hours"}"#,
            "2026-03-01T12:00:00Z\nSunday, day 60 of 2026, ISO week 2026-W09, Unix time 1772366400",
        ),
        (
            r#"{"start":"2026-03-29T01:30:00+01:00","add":"P1DT2H"}"#,
            "2026-03-30T03:30:00+01:00\nMonday, day 89 of 2026, ISO week 2026-W14, Unix time \
             1774837800",
        ),
        (
            r#"{"start":"2026-01-01","until":"2026-03-01"}"#,
            "59 days, which is 2 months\nfrom 2026-01-01 to 2026-03-01",
        ),
        (
            r#"{"start":"2026-03-01","until":"2026-02-27"}"#,
            "-2 days\nfrom 2026-03-01 to 2026-02-27",
        ),
        (
            r#"{"start":"2026-01-01T00:00:00Z","until":"2026-01-01T03:00:01+02:00"}"#,
            "1 hour 1 second\nfrom 2026-01-01T00:00:00Z to 2026-01-01T03:00:01+02:00",
        ),
        (
            r#"{"start":"2026-01-01","until":"2026-01-01"}"#,
            "0 days\nfrom 2026-01-01 to 2026-01-01",
        ),
        (
            r#"{"start":"2026-11-26T14:05:09Z","format":"%d.%m.%Y %H:%M"}"#,
            "26.11.2026 14:05",
        ),
        (r#"{"start":"1600-02-29","format":"%A"}"#, "Tuesday"),
    ] {
        assert_eq!(call(arguments).as_deref(), Ok(expected), "{arguments}");
    }
}

#[test]
fn what_is_no_date_is_told_how_to_write_one() {
    for (arguments, expected) in [
        (r#"{"start":"2026-02-29"}"#, "`2026-02-29` is not a date ("),
        (r#"{"start":"28.02.2026"}"#, "`28.02.2026` is not a date ("),
        (
            r#"{"start":"2026-02-28T10:00[Europe/Oslo]"}"#,
            "`2026-02-28T10:00[Europe/Oslo]` is not a date (names of time zones are not known \
             here); write it as 2026-02-28 or 2026-02-28T10:00:00Z.",
        ),
        (r#"{"add":"soon"}"#, "`soon` is not an amount of time ("),
        (r#"{"add":"9999 years"}"#, "years go from -9999 to 9999."),
        (
            r#"{"offset":"CET"}"#,
            "`CET` is not an offset; write it as +02:00 or Z.",
        ),
        (r#"{"format":"%Q%"}"#, "`%Q%` is not a format ("),
        (
            r#"{"start":"today","until":"never"}"#,
            "`never` is not a date (",
        ),
        (
            r#"{"when":"now"}"#,
            "date: there is no argument `when`. It takes {start?, add?, until?, offset?, format?}.",
        ),
    ] {
        let message = call(arguments).unwrap_err();
        assert!(message.starts_with(expected), "{arguments}: {message}");
    }
    let long = format!(r#"{{"start":"{0}","add":"{0}"}}"#, "1".repeat(100_000));
    assert_eq!(call(&long), Err("a date has at most 100 bytes.".to_owned()));
}

#[test]
fn the_clock_is_asked_only_when_it_is_needed() {
    let without = |arguments: &str| {
        let arguments = Arguments::check(&TOOLS[0], arguments)?;
        answer(&arguments, || Err(fault(ErrorKind::Denied, "no clock")))
    };
    let given = without(r#"{"start":"2026-01-01","until":"2026-01-02"}"#);
    assert!(given.is_ok());
    let denied = without("{}").map_err(|fault| fault.message);
    assert_eq!(denied, Err("no clock".to_owned()));
}
