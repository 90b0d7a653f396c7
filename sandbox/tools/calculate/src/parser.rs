//! Tokens into a value, by precedence climbing: `+ -`, then `* / %`, then a leading sign,
//! then `^` from the right, then a trailing `%` for hundredths.

use crate::function::{call, constant};
use crate::number::{add, divide, multiply, power, remainder, subtract};
use crate::token::Token;
use rust_decimal::Decimal;

/// Deepest nesting of parentheses, signs and powers, so that the stack of the guest holds.
const DEPTH_MAX: u32 = 100;

/// The value of a whole expression.
pub(crate) fn value(tokens: Vec<Token>) -> Result<Decimal, String> {
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
    };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value),
        Some(Token::Sign(',')) => Err(
            "a `,` only stands between the numbers of a function; write 1000, not 1,000".to_owned(),
        ),
        Some(Token::Sign(')')) => Err("a `)` has no `(`".to_owned()),
        Some(Token::Sign('[')) => Err("a list only stands within a function".to_owned()),
        Some(token) => Err(format!("an operator is missing before {}", shown(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Takes the next token if it is one of these signs.
    fn take(&mut self, signs: &[char]) -> Option<char> {
        match self.peek() {
            Some(Token::Sign(sign)) if signs.contains(sign) => {
                let sign = *sign;
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn sum(&mut self) -> Result<Decimal, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let next = self.product()?;
            value = if sign == '+' {
                add(value, next)?
            } else {
                subtract(value, next)?
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Decimal, String> {
        let mut value = self.signed()?;
        while let Some(sign) = self.take(&['*', '/', '%']) {
            let next = self.signed()?;
            value = match sign {
                '*' => multiply(value, next)?,
                '/' => divide(value, next)?,
                _ => remainder(value, next)?,
            };
        }
        Ok(value)
    }

    fn signed(&mut self) -> Result<Decimal, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("the expression is nested deeper than {DEPTH_MAX}"));
        }
        let value = match self.take(&['+', '-']) {
            Some('-') => self.signed().map(|value| -value),
            Some(_) => self.signed(),
            None => self.power(),
        };
        self.depth -= 1;
        value
    }

    fn power(&mut self) -> Result<Decimal, String> {
        let base = self.percent()?;
        match self.take(&['^']) {
            Some(_) => {
                let exponent = self.signed()?;
                power(base, exponent)
            }
            None => Ok(base),
        }
    }

    /// `15%` is 0.15 where no operand follows; where one does, `%` is the remainder.
    fn percent(&mut self) -> Result<Decimal, String> {
        let value = self.operand()?;
        let is_percent = self.peek() == Some(&Token::Sign('%'));
        match self.tokens.get(self.at + 1) {
            _ if !is_percent => Ok(value),
            Some(Token::Number(_) | Token::Name(_) | Token::Sign('(')) => Ok(value),
            Some(Token::Sign('-')) => {
                Err("`%` before `-` can mean two things; write mod(a, b) or a / 100".to_owned())
            }
            _ => {
                self.at += 1;
                divide(value, Decimal::ONE_HUNDRED)
            }
        }
    }

    fn operand(&mut self) -> Result<Decimal, String> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Number(value)) => Ok(value),
            Some(Token::Name(name)) if self.take(&['(']).is_some() => {
                let mut values = Vec::new();
                self.list(')', &mut values)?;
                call(&name, &values)
            }
            Some(Token::Name(name)) => constant(&name)
                .ok_or_else(|| format!("`{name}` has no value; put numbers in the place of names")),
            Some(Token::Sign('(')) => {
                let value = self.sum()?;
                self.take(&[')'])
                    .map(|_| value)
                    .ok_or_else(|| "a `)` is missing".to_owned())
            }
            Some(token) => Err(format!("a number is missing before {}", shown(&token))),
            None => Err("a number is missing at the end".to_owned()),
        }
    }

    /// The arguments of a function up to the sign that closes them. A list in brackets counts
    /// as its numbers.
    fn list(&mut self, close: char, values: &mut Vec<Decimal>) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("the expression is nested deeper than {DEPTH_MAX}"));
        }
        if self.take(&[close]).is_none() {
            loop {
                if self.take(&['[']).is_some() {
                    self.list(']', values)?;
                } else {
                    values.push(self.sum()?);
                }
                match self.take(&[',', close]) {
                    Some(',') => {}
                    Some(_) => break,
                    None => return Err(format!("a `{close}` is missing")),
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(value) => format!("`{value}`"),
        Token::Name(name) => format!("`{name}`"),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}
