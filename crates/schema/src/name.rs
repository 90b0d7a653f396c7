//! Names that every model API takes: a letter or `_`, then letters, digits, `_` and `-`, at most
//! 64 bytes. Other names are written so that they can be read back: `math.hypot` is offered as
//! `math__hypot`.
//!
//! A dot is `__`; any other character that has no place in a name is `__0`, its number in
//! hexadecimal, `_`. So that reading back has one answer, an underscore before any of these or
//! before another one, and a dot before `0`, are written by their numbers too.

/// Bytes of a name; the least bound among the model APIs.
const NAME_BYTES_MAX: usize = 64;
/// Hexadecimal digits of the highest character.
const HEX_DIGITS_MAX: usize = 6;

/// The name under which a tool is offered to a model; the same for a name that fits already.
/// One that is too long even so is cut and ends in a number made from the whole of it, and can
/// no longer be read back.
///
/// ```
/// use leadhand_schema::{offered_name, original_name};
/// assert_eq!(offered_name("math.hypot"), "math__hypot");
/// assert_eq!(original_name("math__hypot").as_deref(), Some("math.hypot"));
/// assert_eq!(offered_name("read_file"), "read_file");
/// ```
#[must_use]
pub fn offered_name(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut offered = String::new();
    for (index, &c) in chars.iter().enumerate() {
        let after = chars.get(index + 1);
        let fits = match c {
            '_' => after.is_none_or(|&after| is_plain(after)),
            _ => is_plain(c) && (index > 0 || c.is_ascii_alphabetic()),
        };
        if fits {
            offered.push(c);
        } else if c == '.' && after != Some(&'0') {
            offered.push_str("__");
        } else {
            offered.push_str(&format!("__0{:x}_", u32::from(c)));
        }
    }
    if offered.len() > NAME_BYTES_MAX {
        cut(name, &offered)
    } else {
        offered
    }
}

/// The name that [`offered_name`] was given. None for a name that it cannot have made, or that
/// it had to cut.
#[must_use]
pub fn original_name(offered: &str) -> Option<String> {
    let mut original = String::new();
    let mut rest = offered;
    while let Some(c) = rest.chars().next() {
        if let Some(numbered) = rest.strip_prefix("__0") {
            let digits = numbered.find('_').filter(|&at| at <= HEX_DIGITS_MAX)?;
            original.push(char::from_u32(
                u32::from_str_radix(&numbered[..digits], 16).ok()?,
            )?);
            rest = &numbered[digits + 1..];
        } else if let Some(after) = rest.strip_prefix("__") {
            original.push('.');
            rest = after;
        } else {
            original.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    (offered_name(&original) == offered).then_some(original)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn cut(name: &str, offered: &str) -> String {
    // FNV-1a: spread well enough to tell the tools of one run apart, the same on every machine.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // No character has an empty number, so this end stands for none.
    let end = format!("__0_{:08x}", hash >> 32);
    let kept = offered[..NAME_BYTES_MAX - end.len()].trim_end_matches('_');
    format!("{kept}{end}")
}
