//! Bytes to text: UTF-8, UTF-16 by its mark, and windows-1252, which is what pages mean by
//! Latin-1 (WHATWG Encoding, 4.2). Other encodings are rare and their tables large.

/// Where a page says its encoding itself, in bytes from its beginning (WHATWG HTML, 13.2.3.2).
const DECLARED_WITHIN_BYTES: usize = 1_024;

/// What windows-1252 has from 0x80 to 0x9F (WHATWG Encoding, index-windows-1252).
const UPPER: [u16; 32] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
];

/// The text, and a note when its encoding is none of those.
pub fn decode(bytes: &[u8], content_type: &str) -> (String, Option<String>) {
    if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        return (String::from_utf8_lossy(rest).into_owned(), None);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return (utf16(rest, u16::from_le_bytes), None);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return (utf16(rest, u16::from_be_bytes), None);
    }
    let within = &bytes[..bytes.len().min(DECLARED_WITHIN_BYTES)];
    let name = named(content_type).or_else(|| named(&String::from_utf8_lossy(within)));
    match name.as_deref() {
        None => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            // A cut in the middle of a character is no sign of another encoding, as long as
            // there were whole ones before.
            Err(error)
                if error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii() =>
            {
                (String::from_utf8_lossy(bytes).into_owned(), None)
            }
            Err(_) => (windows_1252(bytes), None),
        },
        Some("utf-8" | "utf8") => (String::from_utf8_lossy(bytes).into_owned(), None),
        Some(
            "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252"
            | "us-ascii" | "ascii",
        ) => (windows_1252(bytes), None),
        Some(other) => {
            let note = format!("[the encoding {other} is not known here; read as UTF-8]");
            (String::from_utf8_lossy(bytes).into_owned(), Some(note))
        }
    }
}

/// What follows `charset=`, in lower case.
fn named(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (_, after) = text.split_once("charset")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let name: String = value
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(40)
        .collect();
    (!name.is_empty()).then_some(name)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|two| unit([two[0], two[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

fn windows_1252(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9F => char::from_u32(u32::from(UPPER[usize::from(byte - 0x80)])),
        _ => Some(char::from(*byte)),
    };
    bytes.iter().filter_map(character).collect()
}
