//! Globs over workspace paths: those of names between slashes, and `**` for any number of
//! folders (none too, so `docs/**` covers `docs` itself).
//!
//! Our own, because grants must be intersected, which no glob library can do.

use crate::PATTERN_BYTES_MAX;
use crate::alternatives::alternatives;
use crate::intersect::{Part, meet};
use crate::name_glob::NameGlob;
use std::fmt;

/// One name of a path's glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Segment {
    Name(NameGlob),
    Folders,
}

/// A glob over paths within the workspace, without alternatives.
///
/// Paths are handed to it as [`crate::Path::text`] gives them: names with one `/` between. The
/// workspace itself is `.` or nothing.
///
/// ```
/// use leadhand_resource::PathGlob;
/// let [docs] = &PathGlob::parse("docs/**")?[..] else { panic!("it has no alternatives") };
/// assert!(docs.covers("docs/a.md") && docs.covers("docs") && !docs.covers("documents"));
/// assert!(docs.leads_through("."));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathGlob(pub(crate) Vec<Segment>);

impl PathGlob {
    /// Reads a glob into one or, where it has alternatives, several.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text and what to write instead.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a glob may have {PATTERN_BYTES_MAX} bytes"));
        }
        alternatives(text)?
            .iter()
            .map(|text| Self::parse_plain(text))
            .collect()
    }

    pub(crate) fn parse_plain(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err(format!(
                "`{text}` is absolute; write it from the top of the workspace"
            ));
        }
        if text.starts_with('!') {
            return Err(format!(
                "`{text}` is a negation; write a `deny` rule instead"
            ));
        }
        let mut segments: Vec<Segment> = Vec::new();
        for name in text.split('/') {
            match name {
                "." => {}
                "" => return Err(format!("`{text}` has an empty name between its slashes")),
                ".." => {
                    return Err(format!(
                        "`{text}` has `..`, which would leave the workspace"
                    ));
                }
                "**" if segments.last() == Some(&Segment::Folders) => {}
                "**" => segments.push(Segment::Folders),
                name if name.contains("**") => {
                    return Err(format!(
                        "in `{text}` a `**` must stand alone between slashes"
                    ));
                }
                name => segments.push(Segment::Name(NameGlob::parse_plain(name)?)),
            }
        }
        Ok(Self(segments))
    }

    /// The glob that covers this path alone.
    #[must_use]
    pub fn literal(path: &crate::Path) -> Self {
        let literal = |name: &str| {
            let tokens = name.chars().map(crate::name_glob::Token::Literal);
            Segment::Name(NameGlob::of(tokens.collect()))
        };
        Self(path.names().map(literal).collect())
    }

    /// Whether the glob covers the path.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        cover(&self.0, whole(path))
    }

    /// Whether something below the folder may be covered, while the folder itself is not.
    #[must_use]
    pub fn leads_through(&self, folder: &str) -> bool {
        (0..self.0.len()).any(|end| cover(&self.0[..end], whole(folder)))
    }

    /// Whether the folder and everything below it is covered, whatever its name.
    #[must_use]
    pub fn covers_tree(&self, folder: &str) -> bool {
        self.0.last() == Some(&Segment::Folders) && self.covers(folder)
    }

    /// Whether the glob covers every path.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0 == [Segment::Folders]
    }

    /// The glob that closes what this one names: with all that is below, and over paths in lower
    /// case ([`crate::fold`]), since a file system may not tell `.GIT` from `.git`.
    #[must_use]
    pub fn closing(&self) -> Self {
        let mut folded = self.folded();
        if folded.0.last() != Some(&Segment::Folders) {
            folded.0.push(Segment::Folders);
        }
        folded
    }

    /// The same glob over paths in lower case.
    #[must_use]
    pub fn folded(&self) -> Self {
        let segments = self.0.iter().map(|segment| match segment {
            Segment::Name(glob) => Segment::Name(glob.folded()),
            Segment::Folders => Segment::Folders,
        });
        Self(segments.collect())
    }

    /// The globs of its names in order; `**` is left out.
    pub fn names(&self) -> impl Iterator<Item = &NameGlob> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Name(glob) => Some(glob),
            Segment::Folders => None,
        })
    }

    /// Globs that together cover only paths which both cover; each step is taken off
    /// `steps_left`, and at none the rest is left out.
    #[must_use]
    pub fn intersect(&self, other: &Self, steps_left: &mut usize) -> Vec<Self> {
        let mut globs: Vec<Self> = meet(&self.0, &other.0, steps_left)
            .into_iter()
            .map(|mut segments| {
                segments.dedup_by(|next, last| next.is_many() && last.is_many());
                Self(segments)
            })
            .collect();
        globs.sort();
        globs.dedup();
        globs
    }
}

impl Part for Segment {
    fn is_many(&self) -> bool {
        *self == Self::Folders
    }

    fn common(&self, other: &Self, steps_left: &mut usize) -> Vec<Self> {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => meet(a.tokens(), b.tokens(), steps_left)
                .into_iter()
                .map(|tokens| Self::Name(NameGlob::of(tokens)))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The names of a path that are still to be matched; none when all are.
fn whole(path: &str) -> Option<&str> {
    (!matches!(path, "" | ".")).then_some(path)
}

fn split_first(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((name, behind)) => (name, Some(behind)),
        None => (path, None),
    }
}

/// Takes time `glob × path` at most, as [`NameGlob::covers`] does, and no memory.
fn cover(segments: &[Segment], path: Option<&str>) -> bool {
    let (mut at, mut rest) = (0, path);
    let mut last_many: Option<(usize, &str)> = None;
    while let Some(names) = rest {
        let (name, behind) = split_first(names);
        match segments.get(at) {
            Some(Segment::Folders) => {
                at += 1;
                if at == segments.len() {
                    return true;
                }
                last_many = Some((at, names));
            }
            Some(Segment::Name(glob)) if glob.covers(name) => {
                at += 1;
                rest = behind;
            }
            Some(Segment::Name(_)) | None => match &mut last_many {
                Some((behind_many, taken_from)) => {
                    rest = split_first(taken_from).1;
                    at = *behind_many;
                    *taken_from = rest.unwrap_or_default();
                }
                None => return false,
            },
        }
    }
    segments[at..].iter().all(Part::is_many)
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (place, segment) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            match segment {
                Segment::Folders => f.write_str("**")?,
                // A name that is `.` or `..` cannot be read, so it cannot be written either.
                Segment::Name(glob) => write!(f, "{glob}")?,
            }
        }
        Ok(())
    }
}
