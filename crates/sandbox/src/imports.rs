//! What a guest may import, one file an interface. Each call is counted first; what blocks runs
//! on tokio's blocking threads, so that a slow disk holds up its call alone.

mod clock;
mod files;
mod http;
mod log;
mod random;

pub(crate) use log::note;

use crate::contract::{clock as clock_wit, files as files_wit, http as http_wit};
use crate::contract::{log as log_wit, random as random_wit, types};
use crate::state::CallState;
use crate::wasi;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

/// The interfaces of the contract.
const CONTRACT: [&str; 6] = [
    "leadhand:tool/types@0.2.0",
    "leadhand:tool/files@0.2.0",
    "leadhand:tool/http@0.2.0",
    "leadhand:tool/clock@0.2.0",
    "leadhand:tool/random@0.2.0",
    "leadhand:tool/log@0.2.0",
];

impl types::Host for CallState {}

/// Everything that is offered.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    files_wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    http_wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    clock_wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    random_wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    log_wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    wasi::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Whether a component may import an interface; of WASI any 0.2.
pub(crate) fn is_offered(import: &str) -> bool {
    CONTRACT.contains(&import) || wasi::is_offered(import)
}

/// What is offered, for a message.
pub(crate) fn offered() -> String {
    format!("{}, {}", CONTRACT.join(", "), wasi::OFFERED.join(", "))
}
