//! Chores of the repository, run as `cargo xtask NAME`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

mod build_tools;
mod goals;
mod test;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    match name.as_str() {
        "build-tools" => build_tools::run(&args),
        "check-tools" => build_tools::check(&args),
        "tool-cards" => build_tools::cards(&args),
        "goals" => goals::run(&args).map_err(anyhow::Error::msg),
        "test" => test::run(&args),
        _ => bail!(
            "`{name}` is no chore. There are: build-tools [--check], check-tools, tool-cards [--check], goals [NAME…] [OPTIONS], test [--offline]"
        ),
    }
}
