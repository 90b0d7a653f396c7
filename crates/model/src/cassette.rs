//! What models, tools and checks really said, on file, to be played again. A cassette is JSON
//! lines. A recorder around a model writes `{"key":…,"reply":…}` or `{"key":…,"fault":…}`, where
//! the key is a hash of what the model is asked, not of which model; the request itself is not
//! on file then. A cassette of a whole run ([`line`] has its lines) holds requests too, so that
//! the first one that differs can be shown, and what tools and checks gave. Keys of endpoints
//! never come near either.

mod line;
mod player;
mod recorder;
mod tools;
mod unlike;

pub use line::{
    AskedParts, CASSETTE_BYTES_MAX, CASSETTE_VERSION, CassetteHead, CassetteLine, CassettePart,
    RecordedAnswer, RecordedCall, RecordedChecks, RecordedFiles,
};
pub use player::CassettePlayer;
pub use recorder::CassetteRecorder;
pub use tools::RecordedTools;

use leadhand_protocol::{ContentHash, ModelRequest, canonical_json};
use serde_json::json;

/// SHA-256, in hexadecimal, of what the model is asked: everything in the request but the
/// names of the models, as JSON with sorted keys and no blanks.
#[must_use]
pub fn request_key(request: &ModelRequest) -> String {
    let asked = json!({
        "messages": request.messages,
        "tools": request.tools,
        "output": request.output,
        "output_tokens_max": request.output_tokens_max,
        "temperature_milli": request.temperature_milli,
        "seed": request.seed,
    });
    ContentHash::of(canonical_json(&asked).as_bytes()).to_string()
}
