//! Writes the card of each standard tool beside its component; `cargo xtask tool-cards` runs it.
//!
//!     cargo run -p leadhand-sandbox --example tool_cards [-- --check]
//!
//! With `--check` nothing is written: the cards that lie there are compared with what the
//! components are found to be. The components are read from their files, so it does not matter
//! which of them this program holds.
// An example prints, and one that cannot set up has nothing to say.
#![allow(clippy::print_stdout)]

use leadhand_sandbox::ToolHost;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let check = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("tool_cards takes nothing, or --check".into()),
    };
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sandbox/tools");
    let host = ToolHost::builder().standard_tools(false).build()?;
    for (name, _) in ToolHost::standard() {
        let folder = tools.join(name);
        let component = std::fs::read(folder.join(format!("{name}.wasm")))?;
        let card = host.card(name, &component)?;
        let file = folder.join(format!("{name}.card.json"));
        if check {
            if std::fs::read_to_string(&file)? != card {
                let wrong = format!("{name}.card.json is not the card of {name}.wasm");
                return Err(format!("{wrong}: run `cargo xtask tool-cards`").into());
            }
        } else {
            std::fs::write(&file, card)?;
            println!("{}", file.display());
        }
    }
    Ok(())
}
