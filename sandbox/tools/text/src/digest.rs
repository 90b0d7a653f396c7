//! `hash`. SHA-1, MD5 and CRC-32 are there to compare with what others have published; they
//! protect nothing.

use crate::refuse_longer;
use guest::{Arguments, ToolError};
use sha2::Digest;

/// What a digest can be made by, the default first.
pub(crate) const ALGORITHMS: [&str; 6] = ["sha256", "sha512", "sha1", "md5", "blake3", "crc32"];

pub(crate) fn hash(arguments: &Arguments) -> Result<String, ToolError> {
    let text = arguments.text("text");
    refuse_longer("text", text)?;
    let bytes = text.as_bytes();
    Ok(match arguments.text_or("algorithm", ALGORITHMS[0]) {
        "sha512" => hex(&sha2::Sha512::digest(bytes)),
        "sha1" => hex(&sha1::Sha1::digest(bytes)),
        "md5" => hex(&md5::Md5::digest(bytes)),
        "blake3" => hex(blake3::hash(bytes).as_bytes()),
        "crc32" => hex(&crc32fast::hash(bytes).to_be_bytes()),
        _ => hex(&sha2::Sha256::digest(bytes)),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
