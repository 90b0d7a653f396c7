//! One pattern over resources of one kind: what a grant names.

use crate::name_glob::NameGlob;
use crate::path_glob::PathGlob;
use crate::resource::Resource;
use crate::url_pattern::UrlPattern;

/// What a resource is, which says how a pattern over it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A path within the workspace.
    Path,
    /// A URL.
    Url,
    /// A name.
    Name,
}

/// A pattern, read: the alternatives that it was written as.
///
/// ```
/// use leadhand_resource::{Kind, Pattern, Resource};
/// let pattern = Pattern::parse(Kind::Path, "{docs,src}/**")?;
/// assert!(pattern.covers(&Resource::parse(Kind::Path, "src/lib.rs")?, None));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Over paths.
    Paths(Vec<PathGlob>),
    /// Over URLs.
    Urls(Vec<UrlPattern>),
    /// Over names.
    Names(Vec<NameGlob>),
}

impl Pattern {
    /// Reads a pattern over resources of a kind. `**` is all of them.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text and what to write instead.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty pattern is of nothing; write `**` for all".to_owned());
        }
        match kind {
            Kind::Path => PathGlob::parse(text).map(Self::Paths),
            Kind::Url => UrlPattern::parse(text).map(Self::Urls),
            Kind::Name => NameGlob::parse(text).map(Self::Names),
        }
    }

    /// The pattern that closes what this one names: over lower case, with all that is below.
    #[must_use]
    pub fn closing(&self) -> Self {
        match self {
            Self::Paths(globs) => Self::Paths(globs.iter().map(PathGlob::closing).collect()),
            Self::Urls(patterns) => Self::Urls(patterns.iter().map(UrlPattern::closing).collect()),
            Self::Names(globs) => Self::Names(globs.clone()),
        }
    }

    /// The same pattern over paths in lower case.
    #[must_use]
    pub fn folded(&self) -> Self {
        match self {
            Self::Paths(globs) => Self::Paths(globs.iter().map(PathGlob::folded).collect()),
            Self::Urls(patterns) => Self::Urls(patterns.iter().map(UrlPattern::folded).collect()),
            Self::Names(globs) => Self::Names(globs.clone()),
        }
    }

    /// Whether the resource is opened. `method` counts for URLs only; none is every method.
    #[must_use]
    pub fn covers(&self, resource: &Resource, method: Option<&str>) -> bool {
        match (self, resource) {
            (Self::Paths(globs), Resource::Path(path)) => {
                globs.iter().any(|glob| glob.covers(path.text()))
            }
            (Self::Urls(patterns), Resource::Url(url)) => {
                patterns.iter().any(|it| it.covers_resource(method, url))
            }
            (Self::Names(globs), Resource::Name(name)) => {
                globs.iter().any(|glob| glob.covers(name))
            }
            (_, Resource::All(kind)) => *kind == self.kind() && self.is_everything(),
            (_, Resource::Path(_) | Resource::Url(_) | Resource::Name(_)) => false,
        }
    }

    /// Of a pattern that [`Pattern::closing`] gave: whether it closes the resource. `method`
    /// counts for URLs only; none is any method.
    #[must_use]
    pub fn closes(&self, resource: &Resource, method: Option<&str>) -> bool {
        match (self, resource) {
            (Self::Paths(globs), Resource::Path(path)) => {
                globs.iter().any(|glob| glob.covers(path.folded()))
            }
            (Self::Urls(patterns), Resource::Url(url)) => {
                patterns.iter().any(|it| it.closes_resource(method, url))
            }
            (_, Resource::Path(_) | Resource::Url(_)) => false,
            (_, Resource::Name(_) | Resource::All(_)) => self.covers(resource, method),
        }
    }

    /// Whether something below the folder may be covered.
    #[must_use]
    pub fn leads_through(&self, resource: &Resource) -> bool {
        match (self, resource) {
            (Self::Paths(globs), Resource::Path(path)) => {
                globs.iter().any(|glob| glob.leads_through(path.text()))
            }
            _ => false,
        }
    }

    /// The kind of resources it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Paths(_) => Kind::Path,
            Self::Urls(_) => Kind::Url,
            Self::Names(_) => Kind::Name,
        }
    }

    /// Whether it covers all there is of its kind.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        match self {
            Self::Paths(globs) => globs.iter().any(PathGlob::is_everything),
            Self::Urls(patterns) => patterns.iter().any(UrlPattern::is_everything),
            Self::Names(globs) => globs.iter().any(NameGlob::is_everything),
        }
    }

    /// What both cover, as the texts of patterns without alternatives; each step is taken off
    /// `steps_left`, and at none the rest is left out. Of two kinds it is nothing.
    #[must_use]
    pub fn intersect(&self, other: &Self, steps_left: &mut usize) -> Vec<String> {
        match (self, other) {
            (Self::Paths(a), Self::Paths(b)) => pairs(a, b, |a, b| a.intersect(b, steps_left)),
            (Self::Urls(a), Self::Urls(b)) => pairs(a, b, |a, b| a.intersect(b, steps_left)),
            (Self::Names(a), Self::Names(b)) => pairs(a, b, |a, b| a.intersect(b, steps_left)),
            (Self::Paths(_) | Self::Urls(_) | Self::Names(_), _) => Vec::new(),
        }
    }

    /// Whether everything that `other` covers is covered here too. `false` may also mean that
    /// it could not be told.
    #[must_use]
    pub fn includes(&self, other: &Self, steps_left: &mut usize) -> bool {
        match (self, other) {
            (Self::Paths(a), Self::Paths(b)) => {
                each_within(a, b, |a, b| a.intersect(b, steps_left).contains(b))
            }
            (Self::Urls(a), Self::Urls(b)) => {
                each_within(a, b, |a, b| a.intersect(b, steps_left).contains(b))
            }
            (Self::Names(a), Self::Names(b)) => {
                each_within(a, b, |a, b| a.intersect(b, steps_left).contains(b))
            }
            (Self::Paths(_) | Self::Urls(_) | Self::Names(_), _) => false,
        }
    }
}

fn pairs<T: ToString>(a: &[T], b: &[T], mut common: impl FnMut(&T, &T) -> Vec<T>) -> Vec<String> {
    let mut texts = Vec::new();
    for one in a {
        for other in b {
            texts.extend(common(one, other).iter().map(ToString::to_string));
        }
    }
    texts
}

fn each_within<T>(a: &[T], b: &[T], mut is_within: impl FnMut(&T, &T) -> bool) -> bool {
    b.iter()
        .all(|other| a.iter().any(|one| is_within(one, other)))
}
