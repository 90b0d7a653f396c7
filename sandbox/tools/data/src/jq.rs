//! The jq language through jaq: a query is compiled, and its faults are told with their place.

use jaq_core::data::JustLut;
use jaq_core::load::{Arena, Error, File, Loader, lex, parse};
use jaq_core::{Compiler, Filter, load};
use jaq_json::Val;

/// Functions that look at the world or speak to it, which there is none of here.
const WITHOUT: [&str; 10] = [
    "now",
    "env",
    "halt",
    "input",
    "inputs",
    "debug_empty",
    "stderr_empty",
    "localtime",
    "strflocaltime",
    "input_line_number",
];

/// What a query is run by.
pub(crate) type Data = JustLut<Val>;

/// Compiles a query. The fault says what was met where.
pub(crate) fn compile(query: &str) -> Result<Filter<Data>, String> {
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .filter(|def| !uses_what_is_not_there(def.name));
    let funs = jaq_core::funs::<Data>()
        .chain(jaq_std::funs::<Data>())
        .chain(jaq_json::funs::<Data>())
        .filter(|(name, ..)| !WITHOUT.contains(name));
    let arena = Arena::default();
    let file = File {
        code: query,
        path: (),
    };
    let modules = Loader::new(defs).load(&arena, file).map_err(|errors| {
        let first = errors.into_iter().next().map(|(_, error)| error);
        first.map_or_else(String::new, |error| misread(query, error))
    })?;
    Compiler::default()
        .with_funs(funs)
        .compile(modules)
        .map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            first.map_or_else(String::new, |(name, kind)| unknown(query, name, &kind))
        })
}

fn uses_what_is_not_there(name: &str) -> bool {
    WITHOUT.contains(&name) || matches!(name, "debug" | "stderr" | "halt_error" | "todate_now")
}

fn misread(query: &str, error: Error<&str>) -> String {
    match error {
        Error::Io(_) => "there are no modules to load here".to_owned(),
        Error::Lex(errors) => errors.into_iter().next().map_or_else(
            String::new,
            |(expected, found): lex::Error<&str>| {
                format!("{} is missing{}", expected.as_str(), at(query, found))
            },
        ),
        Error::Parse(errors) => errors.into_iter().next().map_or_else(
            String::new,
            |(expected, found): parse::Error<&str>| {
                format!("{} is missing{}", expected.as_str(), at(query, found))
            },
        ),
    }
}

fn unknown(query: &str, name: &str, kind: &jaq_core::compile::Undefined) -> String {
    let kind = match kind {
        jaq_core::compile::Undefined::Filter(arity) if *arity > 0 => {
            format!("function with {arity} arguments")
        }
        jaq_core::compile::Undefined::Filter(_) => "function".to_owned(),
        kind => kind.as_str().to_owned(),
    };
    format!("there is no {kind} `{name}`{}", at(query, name))
}

/// Where a piece of the query lies in it. Pieces of the library's own code lie elsewhere.
fn at(query: &str, piece: &str) -> String {
    let whole = query.as_bytes().as_ptr_range();
    if !whole.contains(&piece.as_ptr()) {
        return " at the end".to_owned();
    }
    let start = load::span(query, piece).start;
    let shown: String = piece.chars().take(30).collect();
    format!(
        " at character {}, before `{shown}`",
        query[..start].chars().count() + 1
    )
}
