//! What one call wants to touch: the tool says which arguments name resources, the call says
//! which resources these are. An argument of the wrong shape is refused, never guessed at.

use crate::capability::{is_effect, is_way_out, kind};
use crate::index::{Keys, resource_keys};
use leadhand_protocol::{Access, Capability, ToolCall, ToolSpec};
use leadhand_resource::{Kind, Path, Resource};
use serde_json::Value;
use std::fmt;

/// Most resources one argument may name.
const RESOURCES_MAX: usize = 1_000;

/// Methods that only read (RFC 9110, section 9.2.1).
const SAFE_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// A capability on one resource.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) capability: Capability,
    pub(crate) resource: Resource,
    /// Of the network: the methods it may use; empty is any.
    methods: &'a [String],
    /// The words of the resource by which rules about it are found.
    pub(crate) keys: Keys,
}

impl<'a> Wanted<'a> {
    fn new(access: &'a Access, resource: Resource) -> Self {
        // Which of the two a URL needs, the URL says. Of a name nobody knows before it is
        // resolved: the sandbox looks again at the address that is dialled.
        let capability = match &resource {
            Resource::Url(url) if url.is_internal() => Capability::NetInternal,
            Resource::Url(_) => Capability::Net,
            Resource::Path(_) | Resource::Name(_) | Resource::All(_) => access.capability,
        };
        Self {
            capability,
            keys: resource_keys(capability, &resource),
            resource,
            methods: &access.methods,
        }
    }

    /// Each method that it may use, by itself; one none for any, and where there are no methods.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
        let any = self.methods.is_empty().then_some(None);
        any.into_iter()
            .chain(self.methods.iter().map(|method| Some(method.as_str())))
    }

    /// Whether it is an effect, even of a tool that calls itself pure. To read from a public
    /// address is none: what that could carry out, `leaks` looks at.
    pub(crate) fn is_effect(&self) -> bool {
        let reads_only = !self.methods.is_empty()
            && self
                .methods
                .iter()
                .all(|method| SAFE_METHODS.contains(&method.as_str()));
        is_effect(self.capability) && !(self.capability == Capability::Net && reads_only)
    }

    /// Whether what an agent knows can leave by it.
    pub(crate) fn is_way_out(&self) -> bool {
        is_way_out(self.capability)
    }

    /// Rules cannot be found by the words of a URL that may be read in more than one way.
    pub(crate) fn is_unclear(&self) -> bool {
        match &self.resource {
            Resource::Url(url) => !url.has_clear_path(),
            Resource::Path(_) | Resource::Name(_) | Resource::All(_) => false,
        }
    }

    /// It, by one of its methods, in words.
    pub(crate) fn by<'b>(&'b self, method: Option<&'b str>) -> By<'b> {
        By {
            capability: self.capability,
            resource: &self.resource,
            method,
        }
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.capability == other.capability
            && self.methods == other.methods
            && self.resource == other.resource
    }
}

/// Such as "fs.read on `docs/a.md`" or "net on `GET https://example.org/`".
pub(crate) struct By<'a> {
    capability: Capability,
    resource: &'a Resource,
    method: Option<&'a str>,
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.capability.as_str())?;
        f.write_str(" on `")?;
        if let Some(method) = self.method {
            f.write_str(method)?;
            f.write_str(" ")?;
        }
        write!(f, "{}`", self.resource)
    }
}

/// Everything the call wants; empty for a tool that touches nothing.
pub(crate) fn wanted<'a>(tool: &'a ToolSpec, call: &ToolCall) -> Result<Vec<Wanted<'a>>, String> {
    if !call.arguments.is_object() {
        return Err(format!(
            "the arguments of `{}` must be a JSON object",
            call.name
        ));
    }
    let mut wanted: Vec<Wanted<'a>> = Vec::with_capacity(tool.accesses.len());
    for access in &tool.accesses {
        for resource in resources(tool, access, call)? {
            let one = Wanted::new(access, resource);
            if !wanted.iter().any(|other| other.is_same_as(&one)) {
                wanted.push(one);
            }
        }
    }
    Ok(wanted)
}

fn resources(tool: &ToolSpec, access: &Access, call: &ToolCall) -> Result<Vec<Resource>, String> {
    let kind = kind(access.capability);
    // To look round in the workspace a tool needs no grant on all of it: the sandbox shows it
    // only what it was granted. To change something it does not name, it does.
    let unnamed = match access.capability {
        Capability::FsRead => Resource::Path(Path::parse("")?),
        _ => Resource::All(kind),
    };
    let Some(argument) = &access.argument else {
        return Ok(vec![unnamed]);
    };
    let one = |value: &Value| match value {
        Value::String(text) => Resource::parse(kind, text),
        _ => Err(format!(
            "the argument `{argument}` of `{}` must be a text",
            call.name
        )),
    };
    // What is left out counts as what the tool says it is then.
    let given = call
        .arguments
        .get(argument)
        .filter(|given| !given.is_null());
    let left_out = || {
        tool.arguments
            .get("properties")?
            .get(argument)?
            .get("default")
    };
    match given.or_else(left_out) {
        None => Ok(vec![unnamed]),
        // A tool that does without when it is left out says so.
        Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() > RESOURCES_MAX => Err(format!(
            "the argument `{argument}` names more than {RESOURCES_MAX} resources"
        )),
        Some(Value::Array(values)) => values.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}

/// The arguments of a call that name resources, with the kind of each.
pub(crate) fn naming_arguments(tool: &ToolSpec) -> impl Iterator<Item = (&str, Kind)> {
    tool.accesses
        .iter()
        .filter_map(|access| Some((access.argument.as_deref()?, kind(access.capability))))
}
