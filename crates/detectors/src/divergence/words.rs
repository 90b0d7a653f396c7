//! Words of a text and of a tool's name, in lower case.

/// The words of a name as programmers write them: `getUserDetails`, `get_user_details`,
/// `crm.users/get-details` and `mcp__crm__get_details` are taken apart the same way. What stands
/// before the last `.`, `/`, `:` or `__` says where the tool comes from and is left out.
pub(super) fn name_words(name: &str) -> Vec<String> {
    let name = name.trim_matches(|at: char| !at.is_alphanumeric());
    let own = name.rsplit(['.', '/', ':']).next().unwrap_or(name);
    let own = own.rsplit("__").next().unwrap_or(own);
    let mut words: Vec<String> = Vec::new();
    let mut after_lower = false;
    let mut apart = true;
    for letter in own.chars() {
        if !letter.is_alphanumeric() {
            apart = true;
            continue;
        }
        if apart || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
        apart = false;
    }
    words
}

/// The words of a sentence; an apostrophe belongs to its word, so that `I've` stays one.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|at: char| !at.is_alphanumeric() && at != '\'' && at != '’')
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
        .collect()
}
