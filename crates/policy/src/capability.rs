//! What the capabilities are about: paths, URLs or names.

use leadhand_protocol::Capability;
use leadhand_resource::Kind;

/// The kind of resources that a capability is used on, which says how patterns over them are
/// written.
#[must_use]
pub fn kind(capability: Capability) -> Kind {
    match capability {
        Capability::FsRead | Capability::FsWrite => Kind::Path,
        Capability::Net | Capability::NetInternal => Kind::Url,
        Capability::Env
        | Capability::Secret
        | Capability::Spawn
        | Capability::Model
        | Capability::Delegate
        | Capability::Memory
        | Capability::Clock
        | Capability::Random => Kind::Name,
    }
}

/// Whether using it is an effect, even of a tool that calls itself pure.
pub(crate) fn is_effect(capability: Capability) -> bool {
    match capability {
        Capability::FsWrite
        | Capability::Net
        | Capability::NetInternal
        | Capability::Secret
        | Capability::Spawn
        | Capability::Delegate
        | Capability::Memory => true,
        Capability::FsRead
        | Capability::Env
        | Capability::Model
        | Capability::Clock
        | Capability::Random => false,
    }
}

/// Whether what an agent knows can leave by it.
pub(crate) fn is_way_out(capability: Capability) -> bool {
    matches!(
        capability,
        Capability::Net | Capability::NetInternal | Capability::Spawn | Capability::Delegate
    )
}
