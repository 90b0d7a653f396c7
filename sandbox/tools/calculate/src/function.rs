//! The functions and constants by name.

use crate::number::{add, divide, float, remainder, round, square_root};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const NAMES: &str =
    "sum, min, max, avg, median, count, round, floor, ceil, abs, sqrt, log, log2, ln, exp, mod";

pub(crate) fn constant(name: &str) -> Option<Decimal> {
    match name {
        "pi" => Some(Decimal::PI),
        "e" => Some(Decimal::E),
        _ => None,
    }
}

/// The value of a function. `log` is to the base 10, or to that of its second argument.
pub(crate) fn call(name: &str, values: &[Decimal]) -> Result<Decimal, String> {
    match (name, values) {
        ("sum" | "min" | "max" | "avg" | "mean" | "average" | "median", []) => {
            Err(format!("{name} needs at least one number"))
        }
        ("count", _) => Ok(Decimal::from(values.len())),
        ("sum", _) => sum(values),
        ("avg" | "mean" | "average", _) => divide(sum(values)?, Decimal::from(values.len())),
        ("min", [first, rest @ ..]) => {
            Ok(rest.iter().fold(*first, |least, value| least.min(*value)))
        }
        ("max", [first, rest @ ..]) => Ok(rest.iter().fold(*first, |most, value| most.max(*value))),
        ("median", _) => median(values),
        ("round", [value]) => round(*value, Decimal::ZERO),
        ("round", [value, digits]) => round(*value, *digits),
        ("floor", [value]) => Ok(value.floor()),
        ("ceil" | "ceiling", [value]) => Ok(value.ceil()),
        ("abs", [value]) => Ok(value.abs()),
        ("sqrt", [value]) => square_root(*value),
        ("mod", [value, by]) => remainder(*value, *by),
        ("exp", [value]) => float(*value, libm::exp),
        ("ln", [value]) => positive(name, *value).and_then(|value| float(value, libm::log)),
        ("log" | "log10", [value]) => {
            positive(name, *value).and_then(|value| float(value, libm::log10))
        }
        ("log2", [value]) => positive(name, *value).and_then(|value| float(value, libm::log2)),
        ("log", [value, base]) => {
            let base = positive(name, *base)?.to_f64().map_or(f64::NAN, libm::log);
            float(positive(name, *value)?, |value| libm::log(value) / base)
        }
        (
            "round" | "floor" | "ceil" | "ceiling" | "abs" | "sqrt" | "mod" | "exp" | "ln" | "log"
            | "log10" | "log2",
            _,
        ) => Err(format!("{name} does not take {} numbers", values.len())),
        _ => Err(format!("there is no function {name}; there are {NAMES}")),
    }
}

fn sum(values: &[Decimal]) -> Result<Decimal, String> {
    values
        .iter()
        .try_fold(Decimal::ZERO, |sum, value| add(sum, *value))
}

fn median(values: &[Decimal]) -> Result<Decimal, String> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return Ok(sorted[middle]);
    }
    divide(add(sorted[middle - 1], sorted[middle])?, Decimal::TWO)
}

fn positive(name: &str, value: Decimal) -> Result<Decimal, String> {
    if value > Decimal::ZERO {
        Ok(value)
    } else {
        Err(format!("{name} needs a number above 0"))
    }
}
