//! Weight matrices rearranged for 8-bit dot products: sixteen rows side by side, four
//! values of each row per 32-bit lane. Converts the GGUF block formats (laid out as in
//! ggml's `ggml-common.h`) without loss and at almost their size. Does no arithmetic on
//! activations: that is `kernels.rs`.

use candle_core::quantized::GgmlDType;

/// Rows of a matrix that one tile holds side by side.
pub(crate) const TILE_ROWS: usize = 16;
/// Values of one row in a block of the K formats.
pub(crate) const K_BLOCK: usize = 256;
/// Values of one row in a block of the older formats.
pub(crate) const SMALL_BLOCK: usize = 32;
/// Blocks of the older formats that one tile takes from each row.
const SMALL_BLOCKS_TOGETHER: usize = 4;

/// Sixteen rows times four values, one byte each.
pub(crate) type Plane = [u8; 64];

/// 16 rows of 256 values in 4 bits: `value = d * scale * q - dmin * min`.
#[repr(C, align(64))]
pub(crate) struct TileQ4 {
    /// `[sub-block][pair]`: groups `pair` (low nibble) and `pair + 4` (high nibble).
    pub(crate) quants: [[Plane; 4]; 8],
    pub(crate) scales: [[u8; TILE_ROWS]; 8],
    pub(crate) mins: [[u8; TILE_ROWS]; 8],
    pub(crate) d: [u16; TILE_ROWS],
    pub(crate) dmin: [u16; TILE_ROWS],
}

/// 16 rows of 256 values in 6 bits: `value = d * scale * (q - 32)`.
#[repr(C, align(64))]
pub(crate) struct TileQ6 {
    /// `[sub-block][pair]`: low four bits of groups `2 pair` and `2 pair + 1`.
    pub(crate) low: [[Plane; 2]; 16],
    /// `[sub-block]`: high two bits of the four groups.
    pub(crate) high: [Plane; 16],
    pub(crate) scales: [[i8; TILE_ROWS]; 16],
    pub(crate) d: [u16; TILE_ROWS],
}

/// 16 rows of 128 values in 8 bits, stored plus 128: `value = d * (q - 128)`.
#[repr(C, align(64))]
pub(crate) struct TileQ8 {
    pub(crate) quants: [[Plane; 8]; 4],
    pub(crate) d: [[u16; TILE_ROWS]; 4],
}

/// A matrix as tiles: all tiles of rows 0..16, then of rows 16..32, and so on.
pub(crate) enum Tiles {
    Q4(Vec<TileQ4>),
    Q6(Vec<TileQ6>),
    Q8(Vec<TileQ8>),
}

/// Whether `tile` can take blocks of this format as they are.
pub(crate) fn tileable(format: GgmlDType) -> bool {
    use GgmlDType::{Q4_0, Q4K, Q5_0, Q6K, Q8_0};
    matches!(format, Q4K | Q6K | Q8_0 | Q5_0 | Q4_0)
}

/// Rearranges the bytes of a matrix of `rows` by `columns`.
/// `None` when the format or the shape does not fit; `bytes` has the size of the shape.
pub(crate) fn tile(format: GgmlDType, bytes: &[u8], rows: usize, columns: usize) -> Option<Tiles> {
    if !tileable(format) || !rows.is_multiple_of(TILE_ROWS) {
        return None;
    }
    let together = if format.block_size() == SMALL_BLOCK {
        SMALL_BLOCKS_TOGETHER
    } else {
        1
    };
    let row_bytes = columns / format.block_size() * format.type_size();
    if !columns.is_multiple_of(format.block_size() * together) || bytes.len() != rows * row_bytes {
        return None;
    }
    let block_bytes = format.type_size() * together;
    Some(match format {
        GgmlDType::Q4K => Tiles::Q4(collect(bytes, row_bytes, block_bytes, tile_q4)),
        GgmlDType::Q6K => Tiles::Q6(collect(bytes, row_bytes, block_bytes, tile_q6)),
        GgmlDType::Q5_0 => Tiles::Q8(collect(bytes, row_bytes, block_bytes, |b| {
            tile_q8(b, bytes_of_q5)
        })),
        GgmlDType::Q4_0 => Tiles::Q8(collect(bytes, row_bytes, block_bytes, |b| {
            tile_q8(b, bytes_of_q4_0)
        })),
        _ => Tiles::Q8(collect(bytes, row_bytes, block_bytes, |b| {
            tile_q8(b, bytes_of_q8)
        })),
    })
}

/// The same block of sixteen neighbouring rows.
type BlockRows<'a> = [&'a [u8]; TILE_ROWS];

fn collect<T>(
    bytes: &[u8],
    row_bytes: usize,
    block_bytes: usize,
    make: impl Fn(&BlockRows<'_>) -> T,
) -> Vec<T> {
    let mut tiles = Vec::with_capacity(bytes.len() / block_bytes / TILE_ROWS);
    for rows in bytes.chunks_exact(row_bytes * TILE_ROWS) {
        for start in (0..row_bytes).step_by(block_bytes) {
            let blocks: BlockRows<'_> = std::array::from_fn(|row| {
                &rows[row * row_bytes + start..row * row_bytes + start + block_bytes]
            });
            tiles.push(make(&blocks));
        }
    }
    tiles
}

fn half_bits(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// `block_q4_K`: d, dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles.
fn tile_q4(blocks: &BlockRows<'_>) -> TileQ4 {
    let mut tile = TileQ4 {
        quants: [[[0; 64]; 4]; 8],
        scales: [[0; TILE_ROWS]; 8],
        mins: [[0; TILE_ROWS]; 8],
        d: [0; TILE_ROWS],
        dmin: [0; TILE_ROWS],
    };
    for (row, block) in blocks.iter().enumerate() {
        tile.d[row] = half_bits(&block[0..2]);
        tile.dmin[row] = half_bits(&block[2..4]);
        let packed = &block[4..16];
        let nibbles = &block[16..144];
        for sub in 0..8 {
            let (scale, min) = scale_and_min(packed, sub);
            tile.scales[sub][row] = scale;
            tile.mins[sub][row] = min;
            // Two sub-blocks share 32 bytes: the even one in the low nibbles.
            let source = &nibbles[sub / 2 * 32..sub / 2 * 32 + 32];
            let shift = sub % 2 * 4;
            let value = |index: usize| (source[index] >> shift) & 15;
            for pair in 0..4 {
                for lane in 0..4 {
                    tile.quants[sub][pair][row * 4 + lane] =
                        value(pair * 4 + lane) | (value(pair * 4 + 16 + lane) << 4);
                }
            }
        }
    }
    tile
}

/// The 6-bit scale and min of sub-block `sub` out of the 12 packed bytes.
fn scale_and_min(packed: &[u8], sub: usize) -> (u8, u8) {
    if sub < 4 {
        (packed[sub] & 63, packed[sub + 4] & 63)
    } else {
        (
            (packed[sub + 4] & 15) | ((packed[sub - 4] >> 6) << 4),
            (packed[sub + 4] >> 4) | ((packed[sub] >> 6) << 4),
        )
    }
}

/// `block_q6_K`: 128 bytes of low bits, 64 of high bits, 16 scales, d.
fn tile_q6(blocks: &BlockRows<'_>) -> TileQ6 {
    let mut tile = TileQ6 {
        low: [[[0; 64]; 2]; 16],
        high: [[0; 64]; 16],
        scales: [[0; TILE_ROWS]; 16],
        d: [0; TILE_ROWS],
    };
    for (row, block) in blocks.iter().enumerate() {
        let (low, high) = (&block[..128], &block[128..192]);
        // Each half of 128 values has four quarters of 32 that share bytes.
        let value = |index: usize| {
            let (half, quarter, at) = (index / 128, index % 128 / 32, index % 32);
            let nibble = low[half * 64 + quarter % 2 * 32 + at] >> (quarter / 2 * 4) & 15;
            let top = high[half * 32 + at] >> (quarter * 2) & 3;
            (nibble, top)
        };
        for sub in 0..16 {
            tile.scales[sub][row] = block[192 + sub].cast_signed();
            for group in 0..4 {
                for lane in 0..4 {
                    let (nibble, top) = value(sub * 16 + group * 4 + lane);
                    tile.low[sub][group / 2][row * 4 + lane] |= nibble << (group % 2 * 4);
                    tile.high[sub][row * 4 + lane] |= top << (group * 2);
                }
            }
        }
        tile.d[row] = half_bits(&block[208..210]);
    }
    tile
}

/// Any format of 32 values with one scale, whose values `signed` turns into bytes.
fn tile_q8(blocks: &BlockRows<'_>, signed: impl Fn(&[u8]) -> [i8; SMALL_BLOCK]) -> TileQ8 {
    let mut tile = TileQ8 {
        quants: [[[0; 64]; 8]; 4],
        d: [[0; TILE_ROWS]; 4],
    };
    for (row, bytes) in blocks.iter().enumerate() {
        let block_bytes = bytes.len() / SMALL_BLOCKS_TOGETHER;
        for (at, block) in bytes.chunks_exact(block_bytes).enumerate() {
            tile.d[at][row] = half_bits(&block[0..2]);
            for (index, value) in signed(&block[2..]).into_iter().enumerate() {
                tile.quants[at][index / 4][row * 4 + index % 4] = value.cast_unsigned() ^ 128;
            }
        }
    }
    tile
}

/// `block_q8_0` after its scale: 32 signed bytes.
fn bytes_of_q8(data: &[u8]) -> [i8; SMALL_BLOCK] {
    std::array::from_fn(|index| data[index].cast_signed())
}

/// `block_q5_0` after its scale: 32 high bits, then nibbles; the value is `q - 16`.
fn bytes_of_q5(data: &[u8]) -> [i8; SMALL_BLOCK] {
    let high = u32::from_le_bytes([data[0], data[1], data[2], data[3]]);
    std::array::from_fn(|index| {
        let nibble = data[4 + index % 16] >> (index / 16 * 4) & 15;
        let top = (high >> index & 1) as u8;
        (nibble | top << 4).cast_signed() - 16
    })
}

/// `block_q4_0` after its scale: nibbles; the value is `q - 8`.
fn bytes_of_q4_0(data: &[u8]) -> [i8; SMALL_BLOCK] {
    std::array::from_fn(|index| (data[index % 16] >> (index / 16 * 4) & 15).cast_signed() - 8)
}
