//! One resource that a call names, of any kind.

use crate::path::{Path, shown};
use crate::pattern::Kind;
use crate::url_resource::UrlResource;
use std::fmt;

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A file or folder of the workspace.
    Path(Path),
    /// A place in the network.
    Url(Box<UrlResource>),
    /// A variable, a secret, an agent: anything that has but a name.
    Name(String),
    /// All there is of a kind.
    All(Kind),
}

impl Resource {
    /// Reads what an argument says.
    ///
    /// # Errors
    /// A sentence for the model: what is wrong and what to write instead.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        match kind {
            Kind::Path => Path::parse(text).map(Self::Path),
            Kind::Url => UrlResource::parse(text).map(|url| Self::Url(Box::new(url))),
            Kind::Name => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// For people and models: bounded, and without what cannot be seen.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{path}"),
            Self::Url(url) => write!(f, "{url}"),
            Self::Name(name) => f.write_str(&shown(name)),
            Self::All(_) => f.write_str("**"),
        }
    }
}
