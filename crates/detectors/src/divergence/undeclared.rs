//! A call of a tool, or on a path or resource, that the task did not declare. Policy has judged
//! the call already; this says that the work is not the work that was planned, allowed or not.

use super::Place;
use leadhand_protocol::{Divergence, DivergenceRule};
use leadhand_resource::{Kind, Pattern, Resource};

/// What a task declared. None where it says nothing of the kind, which is then not judged; an
/// empty list says that there is none of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// Tools by name.
    pub tools: Option<&'a [String]>,
    /// Globs over the workspace paths that it may change.
    pub paths: Option<&'a [String]>,
    /// Patterns over what else it may touch: URLs, or names.
    pub resources: Option<&'a [String]>,
}

/// What a call touched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Touched<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The workspace paths that it changed.
    pub paths: &'a [String],
    /// URLs that it reached and other things that it named.
    pub resources: &'a [String],
}

/// A finding for each thing that the call touched and the task did not declare: the tool, then
/// paths, then resources.
#[must_use]
pub fn undeclared(
    place: Place<'_>,
    declared: Declared<'_>,
    touched: Touched<'_>,
) -> Vec<Divergence> {
    let tool = declared
        .tools
        .filter(|tools| !tools.iter().any(|name| name == touched.tool));
    let tool = tool.map(|_| ("tool", touched.tool));
    let paths = declared.paths.into_iter().flat_map(|globs| {
        let beside = touched
            .paths
            .iter()
            .filter(|path| !covers_path(globs, path));
        beside.map(|path| ("path", path.as_str()))
    });
    let resources = declared.resources.into_iter().flat_map(|patterns| {
        let beside = touched.resources.iter();
        let beside = beside.filter(|resource| !covers_resource(patterns, resource));
        beside.map(|resource| ("resource", resource.as_str()))
    });
    tool.into_iter()
        .chain(paths)
        .chain(resources)
        .map(|(kind, name)| {
            let by = if kind == "tool" { "" } else { touched.tool };
            let words = match by {
                "" => format!("the tool `{name}` was called, which the task did not declare"),
                tool => {
                    format!("`{tool}` touched the {kind} `{name}`, which the task did not declare")
                }
            };
            place.found(DivergenceRule::Undeclared, &[kind, name], &words)
        })
        .collect()
}

/// Whether one of the globs covers the path. What cannot be read as a path of the workspace, such
/// as one that leads out of it, no glob covers.
pub(super) fn covers_path(globs: &[String], path: &str) -> bool {
    Resource::parse(Kind::Path, path).is_ok_and(|path| {
        let covers = |glob: &String| {
            Pattern::parse(Kind::Path, glob).is_ok_and(|glob| glob.covers(&path, None))
        };
        globs.iter().any(covers)
    })
}

/// A URL is held against patterns over URLs, everything else against patterns over names.
fn covers_resource(patterns: &[String], resource: &str) -> bool {
    let kind = if resource.contains("://") {
        Kind::Url
    } else {
        Kind::Name
    };
    Resource::parse(kind, resource).is_ok_and(|resource| {
        // Which method was used is for policy; a task declares where it goes. A pattern that
        // names a method covers that place too.
        let covers = |pattern: &String| {
            let place = pattern.rsplit(' ').next().unwrap_or(pattern);
            Pattern::parse(kind, place).is_ok_and(|pattern| pattern.covers(&resource, None))
        };
        patterns.iter().any(covers)
    })
}
