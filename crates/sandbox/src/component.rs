//! From bytes to something that can be called: compile or take from the cache, check the
//! imports, link, ask for the tools. Compiled code is trusted code, so the cache is a folder
//! that only this program writes, and its files are found by the hash of what was compiled.

use crate::SandboxError;
use crate::call::CallState;
use crate::contract::{OFFERED, TOOLS_MAX, ToolPre, checked_spec, files, log};
use leadhand_protocol::{ContentHash, ToolSpec};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

/// A component, ready to be instantiated for a call.
pub(crate) struct Loaded {
    pub(crate) pre: ToolPre<CallState>,
    pub(crate) specs: Vec<ToolSpec>,
}

/// Loads one component. `cache` is the folder of compiled code, if there is one.
pub(crate) fn load(
    engine: &Engine,
    name: &str,
    bytes: &[u8],
    cache: Option<&Path>,
) -> Result<Loaded, SandboxError> {
    let unusable = |error: wasmtime::Error| SandboxError::Component {
        component: name.to_owned(),
        reason: format!("{error:#}"),
    };
    let component = match cache {
        None => Component::from_binary(engine, bytes),
        Some(folder) => cached(engine, bytes, folder),
    };
    let component = component.map_err(unusable)?;
    for (import, _) in component.component_type().imports(engine) {
        if !OFFERED.contains(&import) {
            return Err(SandboxError::ImportRefused {
                component: name.to_owned(),
                import: import.to_owned(),
                offered: OFFERED.join(", "),
            });
        }
    }
    let mut linker = Linker::new(engine);
    files::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(unusable)?;
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(unusable)?;
    let pre = linker
        .instantiate_pre(&component)
        .and_then(ToolPre::new)
        .map_err(unusable)?;
    let specs = specs(&pre).map_err(unusable)?;
    if specs.len() > TOOLS_MAX {
        let reason = format!("it holds more than {TOOLS_MAX} tools");
        return Err(SandboxError::Component {
            component: name.to_owned(),
            reason,
        });
    }
    let specs = specs
        .into_iter()
        .map(|spec| checked_spec(name, spec))
        .collect::<Result<_, _>>()?;
    Ok(Loaded { pre, specs })
}

/// Asks a component for its tools. It has no grants and may not call the host, so nothing in
/// here waits: the future only ever pauses to yield, and is polled again.
fn specs(pre: &ToolPre<CallState>) -> wasmtime::Result<Vec<crate::contract::types::ToolSpec>> {
    let mut store = Store::new(pre.engine(), CallState::closed());
    CallState::enforce(&mut store, None)?;
    let mut asking = pin!(async {
        let tool = pre.instantiate_async(&mut store).await?;
        tool.call_specs(&mut store).await
    });
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(specs) = asking.as_mut().poll(&mut context) {
            return specs;
        }
    }
}

fn cached(engine: &Engine, bytes: &[u8], folder: &Path) -> wasmtime::Result<Component> {
    let mut compatibility = DefaultHasher::new();
    engine
        .precompile_compatibility_hash()
        .hash(&mut compatibility);
    let name = format!(
        "{}-{:016x}.cwasm",
        ContentHash::of(bytes),
        compatibility.finish()
    );
    let path = folder.join(name);
    if path.is_file() {
        match deserialize(engine, &path) {
            Ok(component) => return Ok(component),
            Err(error) => tracing::warn!(path = %path.display(), %error, "compiled tool unusable"),
        }
    }
    let component = Component::from_binary(engine, bytes)?;
    // The cache saves time and nothing else: without it the component works as well.
    if let Err(error) = store(&component, folder, &path) {
        tracing::warn!(path = %path.display(), %error, "compiled tool not cached");
    }
    Ok(component)
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Component::serialize` gave, unchanged. It lies in the
    // folder that the builder's caller vouches for, and was renamed into place only after all
    // of it was on the disk.
    unsafe { Component::deserialize_file(engine, path) }
}

fn store(component: &Component, folder: &Path, path: &Path) -> wasmtime::Result<()> {
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(&component.serialize()?)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    Ok(())
}
