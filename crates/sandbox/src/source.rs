//! Where the bytes of a component come from.

use crate::SandboxError;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Largest component, in bytes; a whole Python is 20 MB.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How a core module begins; a component has another version.
const CORE_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// One component, as it was handed to the builder.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Part of this program.
    Standard(&'static [u8]),
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Source {
    /// All of its bytes; refuses what is too large, and what is a core module.
    pub(crate) fn read(&self, name: &str) -> Result<Cow<'_, [u8]>, SandboxError> {
        let bytes = match self {
            Self::Standard(bytes) => Cow::Borrowed(*bytes),
            Self::Bytes(bytes) => Cow::Borrowed(bytes.as_slice()),
            Self::File(path) => {
                let unreadable = |source| SandboxError::ComponentFile {
                    path: path.clone(),
                    source,
                };
                let file = File::open(path).map_err(unreadable)?;
                let mut bytes = Vec::new();
                // One more than allowed, so that what is too large is seen to be.
                file.take(COMPONENT_BYTES_MAX + 1)
                    .read_to_end(&mut bytes)
                    .map_err(unreadable)?;
                Cow::Owned(bytes)
            }
        };
        if bytes.len() as u64 > COMPONENT_BYTES_MAX {
            let reason = format!("it is larger than {COMPONENT_BYTES_MAX} bytes");
            return Err(SandboxError::component(name, reason));
        }
        if bytes.starts_with(&CORE_MODULE) {
            let reason = "it is a core module, not a component";
            return Err(SandboxError::component(name, reason));
        }
        Ok(bytes)
    }
}
