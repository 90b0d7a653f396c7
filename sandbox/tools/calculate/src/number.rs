//! Decimal arithmetic: 28 digits, exact where the result has that many. Only what has no
//! exact result goes through floating point, and is then rounded to the digits that hold.

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

/// Digits of a result that floating point still gets right.
const FLOAT_DIGITS: usize = 15;
/// Digits shown of a result that is no whole number.
const SHOWN_DIGITS: u32 = 20;

fn too_large() -> String {
    "a value here has more than 28 digits, which is too large".to_owned()
}

pub(crate) fn add(one: Decimal, other: Decimal) -> Result<Decimal, String> {
    one.checked_add(other).ok_or_else(too_large)
}

pub(crate) fn subtract(one: Decimal, other: Decimal) -> Result<Decimal, String> {
    one.checked_sub(other).ok_or_else(too_large)
}

pub(crate) fn multiply(one: Decimal, other: Decimal) -> Result<Decimal, String> {
    one.checked_mul(other).ok_or_else(too_large)
}

pub(crate) fn divide(one: Decimal, other: Decimal) -> Result<Decimal, String> {
    if other.is_zero() {
        return Err("division by zero".to_owned());
    }
    one.checked_div(other).ok_or_else(too_large)
}

pub(crate) fn remainder(one: Decimal, other: Decimal) -> Result<Decimal, String> {
    if other.is_zero() {
        return Err("division by zero".to_owned());
    }
    one.checked_rem(other).ok_or_else(too_large)
}

/// Whole exponents by repeated squaring, others in floating point.
pub(crate) fn power(base: Decimal, exponent: Decimal) -> Result<Decimal, String> {
    if base.is_zero() && exponent.is_sign_negative() && !exponent.is_zero() {
        return Err("division by zero".to_owned());
    }
    if !exponent.is_integer() {
        if base.is_sign_negative() && !base.is_zero() {
            return Err(format!("a negative number has no power {}", show(exponent)));
        }
        return float(base, |base| {
            libm::pow(base, exponent.to_f64().unwrap_or(f64::NAN))
        });
    }
    let Some(mut times) = exponent.abs().to_u32().filter(|times| *times <= 100_000) else {
        return Err(too_large());
    };
    let (mut result, mut square) = (Decimal::ONE, base);
    while times > 0 {
        if times & 1 == 1 {
            result = multiply(result, square)?;
        }
        times >>= 1;
        if times > 0 {
            square = multiply(square, square)?;
        }
    }
    if exponent.is_sign_negative() {
        divide(Decimal::ONE, result)
    } else {
        Ok(result)
    }
}

pub(crate) fn square_root(value: Decimal) -> Result<Decimal, String> {
    value
        .sqrt()
        .ok_or_else(|| "a negative number has no square root".to_owned())
}

pub(crate) fn round(value: Decimal, digits: Decimal) -> Result<Decimal, String> {
    match digits.to_i32() {
        Some(digits @ 0..=28) => {
            let digits = digits.unsigned_abs();
            Ok(value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero))
        }
        Some(digits @ -28..=-1) => {
            let unit = power(Decimal::TEN, Decimal::from(-digits))?;
            multiply(round(divide(value, unit)?, Decimal::ZERO)?, unit)
        }
        _ => Err("round takes from -28 to 28 digits".to_owned()),
    }
}

/// A function without exact results.
pub(crate) fn float(value: Decimal, function: impl Fn(f64) -> f64) -> Result<Decimal, String> {
    let result = value
        .to_f64()
        .map(function)
        .filter(|result| result.is_finite());
    let result = result.ok_or_else(too_large)?;
    let shown = format!("{result:.*e}", FLOAT_DIGITS - 1);
    if result.abs() < 1e-28 {
        return Ok(Decimal::ZERO);
    }
    Decimal::from_scientific(&shown)
        .ok()
        .or_else(|| Decimal::from_f64(result))
        .ok_or_else(too_large)
}

/// A result without the noise of its last digits: 1/3*3 is shown as 1.
pub(crate) fn show(value: Decimal) -> String {
    if value.is_integer() {
        return value.trunc().normalize().to_string();
    }
    let shown = value.round_sf(SHOWN_DIGITS).unwrap_or(value).normalize();
    // Rounded away altogether: the whole digits alone are more than are shown.
    if shown.is_zero() && !value.is_zero() {
        value.normalize().to_string()
    } else {
        shown.to_string()
    }
}
