//! The braces of a glob: `{a,b}` stands for two globs, one with `a` and one with `b`.

/// Most globs that the alternatives of one glob may multiply to.
const ALTERNATIVES_MAX: usize = 64;

/// Writes `a{b,c}d` out as `abd` and `acd`, from the left, nested ones too.
pub(crate) fn alternatives(text: &str) -> Result<Vec<String>, String> {
    let mut plain = Vec::new();
    expand(text, &mut plain)?;
    Ok(plain)
}

fn expand(text: &str, plain: &mut Vec<String>) -> Result<(), String> {
    let Some((open, close, commas)) = first_braces(text)? else {
        if plain.len() == ALTERNATIVES_MAX {
            return Err(format!(
                "the alternatives multiply to more than {ALTERNATIVES_MAX} globs"
            ));
        }
        plain.push(text.to_owned());
        return Ok(());
    };
    let mut from = open + 1;
    for to in commas.into_iter().chain([close]) {
        let one = format!("{}{}{}", &text[..open], &text[from..to], &text[close + 1..]);
        expand(&one, plain)?;
        from = to + 1;
    }
    Ok(())
}

type Braces = (usize, usize, Vec<usize>);

fn first_braces(text: &str) -> Result<Option<Braces>, String> {
    let unbalanced = || format!("the braces of `{text}` do not match");
    let (mut open, mut depth, mut commas) = (None, 0_usize, Vec::new());
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => {
                depth += 1;
                open.get_or_insert(at);
            }
            ',' if depth == 1 => commas.push(at),
            '}' => {
                depth = depth.checked_sub(1).ok_or_else(unbalanced)?;
                if let (Some(open), 0) = (open, depth) {
                    return Ok(Some((open, at, commas)));
                }
            }
            _ => {}
        }
    }
    if depth > 0 {
        Err(unbalanced())
    } else {
        Ok(None)
    }
}
