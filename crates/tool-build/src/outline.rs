//! What a component says of itself, read without running or compiling any of it: what it wants
//! from its host, and what it offers.

use wasmparser::{ComponentTypeRef, Parser, Payload};

/// Most names of either kind that are listed; a component of the contract has a few dozen.
const NAMES_MAX: usize = 1_000;

/// The imports and exports of a component, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Interfaces that it needs from its host.
    pub imports: Vec<String>,
    /// Functions and interfaces that it offers.
    pub exports: Vec<String>,
}

impl Outline {
    /// Reads the outermost sections of a component.
    ///
    /// # Errors
    /// Why the bytes are no component, in words.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        if !Parser::is_component(bytes) {
            return Err("it is a core module, or no WebAssembly at all".to_owned());
        }
        let mut outline = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| error.to_string())? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(|error| error.to_string())?;
                        // A type says how something looks and gives nothing.
                        if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                            outline.imports.push(import.name.name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(|error| error.to_string())?;
                        outline.exports.push(export.name.name.to_owned());
                    }
                }
                _ => {}
            }
            if outline.imports.len().max(outline.exports.len()) > NAMES_MAX {
                return Err(format!("it imports or exports more than {NAMES_MAX} names"));
            }
        }
        Ok(outline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_refused() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(Outline::of(bytes).unwrap_err(), expected);
        };
        check(b"", "it is a core module, or no WebAssembly at all");
        check(
            b"\0asm\x01\0\0\0",
            "it is a core module, or no WebAssembly at all",
        );
        let files = include_bytes!("../../../sandbox/tools/files/files.wasm");
        assert!(Outline::of(&files[..files.len() / 2]).is_err());
    }

    #[test]
    fn imports_and_exports_are_those_of_the_component() {
        let files = include_bytes!("../../../sandbox/tools/files/files.wasm");
        let outline = Outline::of(files).unwrap();
        let expected = Outline {
            imports: ["files", "types"]
                .map(|name| format!("leadhand:tool/{name}@0.2.0"))
                .to_vec(),
            exports: vec!["specs".to_owned(), "call".to_owned()],
        };
        assert_eq!(outline, expected);
    }
}
