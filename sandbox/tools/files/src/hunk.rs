//! Reading unified diffs as models write them: with or without headers and numbers, in a code
//! fence, with wrong counts, with empty lines that have lost their space. What a hunk says is
//! its lines; its numbers only say where to look first.

/// Longest patch, in bytes.
const PATCH_BYTES_MAX: usize = 512 * 1024;

/// The patch of one file.
#[derive(Default)]
pub(crate) struct Patch {
    /// What its headers call the file before and after, if they do.
    pub(crate) old_name: Option<String>,
    pub(crate) new_name: Option<String>,
    pub(crate) hunks: Vec<Hunk>,
}

/// One place of a patch.
#[derive(Default)]
pub(crate) struct Hunk {
    /// The line of the file where it begins, from 1, as its header says.
    pub(crate) line: Option<usize>,
    pub(crate) lines: Vec<Line>,
}

/// A line of a hunk, without its sign.
pub(crate) struct Line {
    pub(crate) sign: Sign,
    pub(crate) text: String,
    /// Whether the file ends with this line and without a line break.
    pub(crate) unended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Context,
    Removed,
    Added,
}

impl Hunk {
    /// Its lines before the change.
    pub(crate) fn before(&self) -> Vec<&Line> {
        let kept = |line: &&Line| line.sign != Sign::Added;
        self.lines.iter().filter(kept).collect()
    }

    /// Its lines after the change.
    pub(crate) fn after(&self) -> Vec<&Line> {
        let kept = |line: &&Line| line.sign != Sign::Removed;
        self.lines.iter().filter(kept).collect()
    }
}

/// Reads the patch of one file. The error says what cannot be understood.
pub(crate) fn parse(text: &str) -> Result<Patch, String> {
    if text.len() > PATCH_BYTES_MAX {
        return Err(format!("`patch` is longer than {PATCH_BYTES_MAX} bytes"));
    }
    let mut patch = Patch::default();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let next = lines.get(at + 1).copied().unwrap_or("");
        if line.starts_with("--- ") && next.starts_with("+++ ") {
            if patch.new_name.is_some() || !patch.hunks.is_empty() {
                return Err("`patch` changes several files; make a call for each".to_owned());
            }
            patch.old_name = Some(name(line));
            patch.new_name = Some(name(next));
            at += 2;
            continue;
        }
        if let Some(header) = line.strip_prefix("@@") {
            patch.hunks.push(Hunk {
                line: place(header),
                lines: Vec::new(),
            });
        } else if line.starts_with("diff --git ") && !patch.hunks.is_empty() {
            return Err("`patch` changes several files; make a call for each".to_owned());
        } else if let Some(hunk) = patch.hunks.last_mut() {
            add(hunk, line, at + 1)?;
        }
        at += 1;
    }
    for hunk in &mut patch.hunks {
        trim(hunk);
    }
    if patch.hunks.iter().all(|hunk| hunk.lines.is_empty()) {
        return Err(
            "`patch` has no hunk; it needs a line such as @@ -1,3 +1,4 @@ and changed lines below"
                .to_owned(),
        );
    }
    Ok(patch)
}

/// The file that a header names, without the `a/` and `b/` of git and a time behind it.
fn name(header: &str) -> String {
    let name = header[4..].split('\t').next().unwrap_or("").trim();
    let plain = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/"));
    plain.unwrap_or(name).to_owned()
}

/// The first line that ` -12,3 +12,4 @@` names.
fn place(header: &str) -> Option<usize> {
    let old = header.trim_start().strip_prefix('-')?;
    let digits = old.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn add(hunk: &mut Hunk, line: &str, number: usize) -> Result<(), String> {
    let sign = match line.chars().next() {
        // An empty line of context whose space was lost, or the end of the text.
        None | Some(' ') => Sign::Context,
        Some('-') => Sign::Removed,
        Some('+') => Sign::Added,
        Some('\\') => {
            if let Some(last) = hunk.lines.last_mut() {
                last.unended = true;
            }
            return Ok(());
        }
        Some('`') if line.starts_with("```") => return Ok(()),
        Some(_) => {
            let shown: String = line.chars().take(80).collect();
            return Err(format!(
                "line {number} of `patch` begins with none of space, - and +: `{shown}`"
            ));
        }
    };
    hunk.lines.push(Line {
        sign,
        text: line.get(1..).unwrap_or("").to_owned(),
        unended: false,
    });
    Ok(())
}

/// Takes off empty lines at the end, which belong to the text around the patch. Those that were
/// meant as context are not missed.
fn trim(hunk: &mut Hunk) {
    let blank = |line: &Line| line.sign == Sign::Context && line.text.is_empty();
    while hunk.lines.len() > 1 && hunk.lines.last().is_some_and(blank) {
        hunk.lines.pop();
    }
}
