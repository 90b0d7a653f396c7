//! The contract between host and tool, as it is built into tools. A tool in JavaScript or
//! Python gets a contract with the interfaces that its source names and no others: the import
//! list of a component is what it can do.

/// The text of `sandbox/wit/tool.wit`.
pub const CONTRACT: &str = include_str!("../../../sandbox/wit/tool.wit");
/// Where a tool in Rust keeps the contract, within its folder.
pub const CONTRACT_FILE: &str = "wit/leadhand-tool.wit";

/// The interfaces that a tool may import, as the contract names them.
const INTERFACES: [&str; 5] = ["files", "http", "clock", "random", "log"];

/// The contract without the imports that none of the sources names. A name counts on a line
/// that speaks of `leadhand` or `wit_world`, such as `import files from "leadhand:tool/files"`
/// or `from leadhand import files`.
pub(crate) fn narrowed<'a>(sources: impl IntoIterator<Item = &'a str>) -> String {
    let mut named = [false; INTERFACES.len()];
    for line in sources.into_iter().flat_map(str::lines) {
        if !line.contains("leadhand") && !line.contains("wit_world") {
            continue;
        }
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words {
            if let Some(index) = INTERFACES.iter().position(|name| *name == word) {
                named[index] = true;
            }
        }
    }
    let unnamed: Vec<String> = INTERFACES
        .iter()
        .zip(named)
        .filter(|(_, named)| !named)
        .map(|(name, _)| format!("import {name};"))
        .collect();
    let kept = CONTRACT
        .lines()
        .filter(|line| !unnamed.iter().any(|import| import == line.trim()));
    kept.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_source_names_is_imported() {
        let check = |source: &str, expected: &[&str]| {
            let text = narrowed([source]);
            let imports: Vec<&str> = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'))
                .collect();
            assert_eq!(imports, expected, "{source}");
        };
        check("export const tools = [];", &[]);
        check("import files from \"leadhand:tool/files\";", &["files"]);
        check("from leadhand import http, files", &["files", "http"]);
        check("from wit_world.imports import log", &["log"]);
        check("import { get } from \"leadhand/http.js\";", &["http"]);
        check("import random", &[]);
        assert_eq!(
            narrowed(["leadhand files http clock random log"]),
            CONTRACT,
            "every import of the contract is known here"
        );
    }
}
