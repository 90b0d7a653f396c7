//! `calculate` as a table.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::InvalidArguments;
use serde_json::json;

#[test]
fn expressions_have_the_values_that_people_expect() {
    let room = Room::with(&[]);
    for (expression, value) in [
        ("0.1+0.2", "0.3"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("-2 ^ 2", "-4"),
        ("2 ^ 3 ^ 2", "512"),
        ("2 ** -2", "0.25"),
        ("1/3", "0.33333333333333333333"),
        ("1/3*3", "1"),
        ("10 / 4", "2.5"),
        ("17 % 5", "2"),
        ("200 * 15%", "30"),
        ("1e3 + .5", "1000.5"),
        ("1.50 * 2", "3"),
        ("12 × 3 − 6 ÷ 2", "33"),
        ("sum(1, 2, 3.5)", "6.5"),
        ("avg([1, 2, 4])", "2.3333333333333333333"),
        ("min(3, -1) + max(2, 8)", "7"),
        ("median(4, 1, 3, 2)", "2.5"),
        ("round(2.345, 2)", "2.35"),
        ("round(-2.5)", "-3"),
        ("round(1234, -2)", "1200"),
        ("floor(-1.5) + ceil(1.2)", "0"),
        ("abs(-7)", "7"),
        ("sqrt(2)", "1.4142135623730950488"),
        ("sqrt(144)", "12"),
        ("log(1000)", "3"),
        ("log(8, 2)", "3"),
        ("ln(exp(2))", "2"),
        ("exp(1)", "2.71828182845905"),
        ("2 ^ 0.5", "1.4142135623731"),
        ("2 ^ 64", "18446744073709551616"),
        ("PI", "3.1415926535897932385"),
        ("12345678901234567890 + 0.5", "12345678901234567890"),
    ] {
        room.check("calculate", json!({ "expression": expression }), value);
    }
}

#[test]
fn faulty_expressions_are_told_what_is_wrong() {
    let room = Room::with(&[]);
    for (expression, message) in [
        ("", "the expression is empty."),
        ("1 +", "a number is missing at the end."),
        ("* 2", "a number is missing before `*`."),
        ("(1 + 2", "a `)` is missing."),
        ("1 + 2)", "a `)` has no `(`."),
        ("2 3", "an operator is missing before `3`."),
        (
            "1,000 + 1",
            "a `,` only stands between the numbers of a function; write 1000, not 1,000.",
        ),
        ("1 / 0", "division by zero."),
        ("5 % (1 - 1)", "division by zero."),
        ("0 ^ -1", "division by zero."),
        (
            "10 % -3",
            "`%` before `-` can mean two things; write mod(a, b) or a / 100.",
        ),
        ("sqrt(-1)", "a negative number has no square root."),
        ("ln(0)", "ln needs a number above 0."),
        (
            "10 ^ 30",
            "a value here has more than 28 digits, which is too large.",
        ),
        (
            "exp(1000)",
            "a value here has more than 28 digits, which is too large.",
        ),
        (
            "price * 2",
            "`price` has no value; put numbers in the place of names.",
        ),
        (
            "sin(1)",
            "there is no function sin; there are sum, min, max, avg, median, count, round, \
                    floor, ceil, abs, sqrt, log, log2, ln, exp, mod.",
        ),
        ("sqrt(1, 2)", "sqrt does not take 2 numbers."),
        ("sum()", "sum needs at least one number."),
        (
            "sum(trips/coast.txt, trips/lake.txt)",
            "a `.` stands alone; write the numbers themselves, not names of files or values.",
        ),
        ("x = 2", "write only the expression, without `=`."),
        ("$5 * 2", "leave out `$`: numbers have no currency."),
        (
            "2 & 3",
            "`&` has no meaning here; use + - * / % ^ ( ) and functions.",
        ),
        ("1.2.3", "an operator is missing before `0.3`."),
    ] {
        room.check_fault(
            "calculate",
            json!({ "expression": expression }),
            InvalidArguments,
            message,
        );
    }
    for deep in [
        "(".repeat(3000),
        "-".repeat(3000),
        format!("sum{}", "([".repeat(1000)),
    ] {
        let (kind, _) = room
            .call("calculate", json!({ "expression": deep }))
            .unwrap_err();
        assert_eq!(kind, InvalidArguments, "{}", &deep[..10]);
    }
}
