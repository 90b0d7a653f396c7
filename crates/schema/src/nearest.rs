//! The name that was probably meant.

/// Characters of a name that are compared; more is no slip of a finger.
const COMPARED_CHARS_MAX: usize = 64;
/// Names that are listed when none is near.
const LISTED_MAX: usize = 24;

/// The name among `names` that is most like `name`, when one is like enough: equal but for case
/// and punctuation, the beginning of the other, or a third of its letters away at most.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    if wanted.is_empty() {
        return None;
    }
    let near = names.into_iter().filter_map(|candidate| {
        let offered = folded(candidate);
        let begins = |long: &[char], short: &[char]| short.len() >= 3 && long.starts_with(short);
        let distance = if begins(&offered, &wanted) || begins(&wanted, &offered) {
            1
        } else {
            edits(&wanted, &offered)
        };
        let distance_max = (wanted.len().max(offered.len()) / 3).max(1);
        (distance <= distance_max && distance < wanted.len().max(offered.len()))
            .then_some((distance, candidate))
    });
    // Of equally near ones the first.
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// That there is no tool of this name, which one may have been meant, and which there are.
///
/// ```
/// assert_eq!(
///     leadhand_schema::no_such_tool("read_fil", &["read_file", "edit_file"]),
///     "There is no tool `read_fil`; did you mean `read_file`? Your tools: read_file, edit_file."
/// );
/// ```
#[must_use]
pub fn no_such_tool(name: &str, names: &[&str]) -> String {
    let shown: String = name.chars().take(COMPARED_CHARS_MAX).collect();
    let meant = nearest(name, names.iter().copied())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_else(|| ".".to_owned());
    let tools = match names.len() {
        0 => "none".to_owned(),
        count if count > LISTED_MAX => {
            let more = count - LISTED_MAX;
            format!("{} and {more} more", names[..LISTED_MAX].join(", "))
        }
        _ => names.join(", "),
    };
    format!("There is no tool `{shown}`{meant} Your tools: {tools}.")
}

fn folded(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(COMPARED_CHARS_MAX)
        .collect()
}

/// Letters to insert, leave out or replace (Levenshtein's distance).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
