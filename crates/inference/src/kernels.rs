//! The inner loops: tiles times activations, on x86-64 vectors. Written once over
//! `Lanes` (sixteen rows at a time) and compiled for AVX-512 VNNI and for AVX2. Portable
//! binaries choose at run time; processors without either use candle's kernels instead.
#![allow(
    unsafe_code,
    reason = "vector intrinsics, called only where the CPU has them"
)]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use super::activations::{Quantized, SCALE_BLOCK};
use super::lanes::{Avx2, Avx512, Lanes};
use super::simd::Level;
use super::tiles::{K_BLOCK, Plane, SMALL_BLOCK, TILE_ROWS, TileQ4, TileQ6, TileQ8, Tiles};

/// Activation rows handled together, so that weights are decoded once for all of them.
const ROWS_TOGETHER: usize = 8;

/// How far ahead weights are asked for when one row is multiplied.
const TILES_AHEAD: usize = 2;

/// The byte form of a few neighbouring activation rows.
struct Rows<'a, const M: usize> {
    of: &'a Quantized,
    columns: usize,
    first: usize,
}

impl<'a, const M: usize> Rows<'a, M> {
    /// `COUNT` entries of row `row` in a table with one entry per `per` values, from `start`.
    ///
    /// # Safety
    /// The table has an entry for every `per` values of every row, and so many from there.
    #[inline(always)]
    unsafe fn entries<T, const COUNT: usize>(
        &self,
        table: &'a [T],
        per: usize,
        row: usize,
        start: usize,
    ) -> &'a [T; COUNT] {
        let at = (self.first + row) * (self.columns / per) + start;
        debug_assert!(at + COUNT <= table.len(), "entry {at} of {}", table.len());
        // SAFETY: the caller's promise. A check here costs a tenth of the prompt speed.
        unsafe { &*table.as_ptr().add(at).cast() }
    }
}

/// Loads neighbouring planes. (Closures would not take on the caller's CPU features.)
#[inline(always)]
unsafe fn load_all<L: Lanes, const COUNT: usize>(planes: &[Plane; COUNT]) -> [L::Bytes; COUNT] {
    unsafe {
        let mut loaded = [L::load(&planes[0]); COUNT];
        for (bytes, plane) in loaded.iter_mut().zip(planes) {
            *bytes = L::load(plane);
        }
        loaded
    }
}

/// Sums of products of one column of 4-bit tiles with `M` activation rows.
#[inline(always)]
unsafe fn column_q4<L: Lanes, const M: usize>(
    tiles: &[TileQ4],
    rows: &Rows<'_, M>,
) -> [L::Floats; M] {
    unsafe {
        let mut totals = [L::floats(0.0); M];
        for (index, tile) in tiles.iter().enumerate() {
            fetch_ahead::<_, M>(tile);
            let (d, dmin) = (L::from_halves(&tile.d), L::from_halves(&tile.dmin));
            for half in 0..2 {
                let mut partial = [L::floats(0.0); M];
                for sub in half * 4..half * 4 + 4 {
                    let planes = &tile.quants[sub];
                    let pairs = load_all::<L, 4>(planes);
                    let (mut low, mut high) = (pairs, pairs);
                    for pair in 0..4 {
                        low[pair] = L::low_nibbles(pairs[pair]);
                        high[pair] = L::high_nibbles(pairs[pair]);
                    }
                    let scale = L::from_unsigned(&tile.scales[sub]);
                    for (row, partial) in partial.iter_mut().enumerate() {
                        let fours: &[i32; 8] =
                            rows.entries(&rows.of.fours, 4, row, index * 64 + sub * 8);
                        let (mut a, mut b) = (L::ints(0), L::ints(0));
                        for group in 0..4 {
                            a = L::dot(a, low[group], fours[group]);
                            b = L::dot(b, high[group], fours[group + 4]);
                        }
                        *partial = L::multiply_add(L::from_ints(L::add(a, b)), scale, *partial);
                    }
                }
                for (row, total) in totals.iter_mut().enumerate() {
                    let scale: &[f32; 1] =
                        rows.entries(&rows.of.scales, SCALE_BLOCK, row, index * 2 + half);
                    let scaled = L::multiply(partial[row], d);
                    *total = L::multiply_add(scaled, L::floats(scale[0]), *total);
                }
            }
            let mut mins = [L::floats(0.0); 8];
            for (min, bytes) in mins.iter_mut().zip(&tile.mins) {
                *min = L::from_unsigned(bytes);
            }
            for (row, total) in totals.iter_mut().enumerate() {
                let sums: &[f32; 8] = rows.entries(&rows.of.sums_of_32, 32, row, index * 8);
                let mut offset = L::floats(0.0);
                for sub in 0..8 {
                    offset = L::multiply_add(mins[sub], L::floats(sums[sub]), offset);
                }
                *total = L::multiply_sub(offset, dmin, *total);
            }
        }
        totals
    }
}

/// Sums of products of one column of 6-bit tiles with `M` activation rows.
#[inline(always)]
unsafe fn column_q6<L: Lanes, const M: usize>(
    tiles: &[TileQ6],
    rows: &Rows<'_, M>,
) -> [L::Floats; M] {
    unsafe {
        let mut totals = [L::floats(0.0); M];
        for (index, tile) in tiles.iter().enumerate() {
            fetch_ahead::<_, M>(tile);
            let d = L::from_halves(&tile.d);
            for half in 0..2 {
                let mut partial = [L::floats(0.0); M];
                for sub in half * 8..half * 8 + 8 {
                    let (first, second) = (L::load(&tile.low[sub][0]), L::load(&tile.low[sub][1]));
                    let high = L::load(&tile.high[sub]);
                    let weights = [
                        L::six_bits::<0>(L::low_nibbles(first), high),
                        L::six_bits::<1>(L::high_nibbles(first), high),
                        L::six_bits::<2>(L::low_nibbles(second), high),
                        L::six_bits::<3>(L::high_nibbles(second), high),
                    ];
                    let scale = L::from_signed(&tile.scales[sub]);
                    for (row, partial) in partial.iter_mut().enumerate() {
                        let at = index * 16 + sub;
                        let fours: &[i32; 4] = rows.entries(&rows.of.fours, 4, row, at * 4);
                        let offset: &[i32; 1] = rows.entries(&rows.of.offsets_of_16, 16, row, at);
                        let mut sum = L::ints(offset[0]);
                        for group in 0..4 {
                            sum = L::dot(sum, weights[group], fours[group]);
                        }
                        *partial = L::multiply_add(L::from_ints(sum), scale, *partial);
                    }
                }
                for (row, total) in totals.iter_mut().enumerate() {
                    let scale: &[f32; 1] =
                        rows.entries(&rows.of.scales, SCALE_BLOCK, row, index * 2 + half);
                    let scaled = L::multiply(partial[row], d);
                    *total = L::multiply_add(scaled, L::floats(scale[0]), *total);
                }
            }
        }
        totals
    }
}

/// Sums of products of one column of 8-bit tiles with `M` activation rows.
#[inline(always)]
unsafe fn column_q8<L: Lanes, const M: usize>(
    tiles: &[TileQ8],
    rows: &Rows<'_, M>,
) -> [L::Floats; M] {
    unsafe {
        let mut totals = [L::floats(0.0); M];
        for (index, tile) in tiles.iter().enumerate() {
            fetch_ahead::<_, M>(tile);
            let mut partial = [L::floats(0.0); M];
            for part in 0..4 {
                let weights = load_all::<L, 8>(&tile.quants[part]);
                let d = L::from_halves(&tile.d[part]);
                for (row, partial) in partial.iter_mut().enumerate() {
                    let at = index * 4 + part;
                    let fours: &[i32; 8] = rows.entries(&rows.of.fours, 4, row, at * 8);
                    let offset: &[i32; 1] = rows.entries(&rows.of.offsets_of_32, 32, row, at);
                    let (mut a, mut b) = (L::ints(offset[0]), L::ints(0));
                    for group in 0..4 {
                        a = L::dot(a, weights[group], fours[group]);
                        b = L::dot(b, weights[group + 4], fours[group + 4]);
                    }
                    *partial = L::multiply_add(L::from_ints(L::add(a, b)), d, *partial);
                }
            }
            for (row, total) in totals.iter_mut().enumerate() {
                let scale: &[f32; 1] = rows.entries(&rows.of.scales, SCALE_BLOCK, row, index);
                *total = L::multiply_add(partial[row], L::floats(scale[0]), *total);
            }
        }
        totals
    }
}

/// Where results go: row-major, `columns` numbers a row. Tasks write disjoint columns.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) start: *mut f32,
    pub(crate) columns: usize,
}

// SAFETY: whoever makes an `Output` hands disjoint column ranges to its tasks.
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

/// Multiplies activation rows `rows` with tile columns `columns` of `tiles`.
///
/// # Safety
/// The processor has the features of `level`; `output` covers all activation rows and all
/// rows of the matrix; nobody else touches these columns of it meanwhile.
pub(crate) unsafe fn multiply(
    level: Level,
    tiles: &Tiles,
    activations: &Quantized,
    width: usize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    output: Output,
) {
    let work = Work {
        tiles,
        activations,
        width,
        output,
    };
    for column in columns {
        let mut row = rows.start;
        while row < rows.end {
            // SAFETY: passed on from the caller.
            row += unsafe {
                match level {
                    Level::Avx512Vnni => rows_avx512(&work, column, row, rows.end - row),
                    _ => rows_avx2(&work, column, row, rows.end - row),
                }
            };
        }
    }
}

struct Work<'a> {
    tiles: &'a Tiles,
    activations: &'a Quantized,
    width: usize,
    output: Output,
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn rows_avx512(work: &Work<'_>, column: usize, row: usize, left: usize) -> usize {
    // SAFETY: passed on from the caller.
    unsafe { some_rows::<Avx512>(work, column, row, left) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn rows_avx2(work: &Work<'_>, column: usize, row: usize, left: usize) -> usize {
    // SAFETY: passed on from the caller.
    unsafe { some_rows::<Avx2>(work, column, row, left) }
}

/// As many rows as one kernel takes; returns how many.
#[inline(always)]
unsafe fn some_rows<L: Lanes>(work: &Work<'_>, column: usize, row: usize, left: usize) -> usize {
    // SAFETY: passed on from the caller.
    unsafe {
        match left {
            1 => block::<L, 1>(work, column, row),
            2 | 3 => block::<L, 2>(work, column, row),
            4..ROWS_TOGETHER => block::<L, 4>(work, column, row),
            _ => block::<L, ROWS_TOGETHER>(work, column, row),
        }
    }
}

#[inline(always)]
unsafe fn block<L: Lanes, const M: usize>(work: &Work<'_>, column: usize, row: usize) -> usize {
    let rows = Rows::<M> {
        of: work.activations,
        columns: work.width,
        first: row,
    };
    // SAFETY: passed on from the caller; every store lands in this column of the output.
    unsafe {
        let sums = match work.tiles {
            Tiles::Q4(tiles) => {
                column_q4::<L, M>(of_column(tiles, column, work.width / K_BLOCK), &rows)
            }
            Tiles::Q6(tiles) => {
                column_q6::<L, M>(of_column(tiles, column, work.width / K_BLOCK), &rows)
            }
            Tiles::Q8(tiles) => column_q8::<L, M>(
                of_column(tiles, column, work.width / (4 * SMALL_BLOCK)),
                &rows,
            ),
        };
        for (offset, sum) in sums.into_iter().enumerate() {
            let at = (row + offset) * work.output.columns + column * TILE_ROWS;
            L::store(sum, work.output.start.add(at));
        }
    }
    M
}

#[inline(always)]
fn of_column<T>(tiles: &[T], column: usize, count: usize) -> &[T] {
    &tiles[column * count..(column + 1) * count]
}

/// Asks for the tile after next: a single row leaves the arithmetic waiting for memory.
#[inline(always)]
unsafe fn fetch_ahead<T, const M: usize>(tile: &T) {
    if M == 1 {
        let ahead = std::ptr::from_ref(tile)
            .wrapping_add(TILES_AHEAD)
            .cast::<i8>();
        for line in (0..size_of::<T>()).step_by(64) {
            // SAFETY: prefetching touches no memory, wherever the address points.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(line)) }
        }
    }
}
