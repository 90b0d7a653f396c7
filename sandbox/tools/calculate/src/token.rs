//! Text into tokens.

use rust_decimal::Decimal;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Number(Decimal),
    /// A function or a constant, in lower case.
    Name(String),
    /// One of `+ - * / % ^ ( ) [ ] ,`.
    Sign(char),
}

/// The tokens of an expression, or what is wrong with it.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while let Some(character) = rest.chars().next() {
        let length = match character {
            ' ' | '\t' | '\n' | '\r' => character.len_utf8(),
            '0'..='9' | '.' => number(rest, &mut tokens)?,
            'a'..='z' | 'A'..='Z' => {
                let name = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let length = rest.find(name).unwrap_or(rest.len());
                tokens.push(Token::Name(rest[..length].to_ascii_lowercase()));
                length
            }
            '*' if rest.starts_with("**") => {
                tokens.push(Token::Sign('^'));
                2
            }
            _ => {
                tokens.push(Token::Sign(sign(character)?));
                character.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    if tokens.is_empty() {
        Err("the expression is empty".to_owned())
    } else {
        Ok(tokens)
    }
}

fn sign(character: char) -> Result<char, String> {
    match character {
        '+' | '-' | '*' | '/' | '%' | '^' | '(' | ')' | '[' | ']' | ',' => Ok(character),
        '×' | '·' => Ok('*'),
        '÷' => Ok('/'),
        '−' | '–' => Ok('-'),
        '=' => Err("write only the expression, without `=`".to_owned()),
        '$' | '€' | '£' => Err(format!("leave out `{character}`: numbers have no currency")),
        _ => Err(format!(
            "`{character}` has no meaning here; use + - * / % ^ ( ) and functions"
        )),
    }
}

/// A decimal number, with an exponent if it has one. Gives its length in bytes.
fn number(rest: &str, tokens: &mut Vec<Token>) -> Result<usize, String> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1);
    }
    let mantissa = &rest[..length];
    let mut exponent = 0;
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let count = digits(length + 1 + signed);
        if count > 0 {
            let end = length + 1 + signed + count;
            exponent = rest[length + 1..end].parse::<i32>().unwrap_or(i32::MAX);
            length = end;
        }
    }
    let wrong = || format!("`{}` is not a number that fits 28 digits", &rest[..length]);
    let written = match mantissa.trim_matches('.') {
        "" => {
            return Err(
                "a `.` stands alone; write the numbers themselves, not names of files or values"
                    .to_owned(),
            );
        }
        _ if mantissa.starts_with('.') => format!("0{mantissa}"),
        _ => mantissa.trim_end_matches('.').to_owned(),
    };
    let value = Decimal::from_str(&written).map_err(|_| wrong())?;
    tokens.push(Token::Number(scaled(value, exponent).ok_or_else(wrong)?));
    Ok(length)
}

fn scaled(mut value: Decimal, exponent: i32) -> Option<Decimal> {
    if !(-28..=28).contains(&exponent) {
        return None;
    }
    for _ in 0..exponent.abs() {
        value = if exponent > 0 {
            value.checked_mul(Decimal::TEN)?
        } else {
            value.checked_div(Decimal::TEN)?
        };
    }
    Some(value)
}
