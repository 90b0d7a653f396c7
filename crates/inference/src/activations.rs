//! The input of a matrix product: rows of numbers, and the same rows as signed bytes with
//! a scale for every 128 of them, which is what the tiled kernels multiply.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::simd::{self, Loop};

/// Neighbouring values that share one scale. Finer than ggml's 256: large outliers in the
/// activations of Qwen2 then spoil fewer neighbours, and 896 divides by it.
pub(crate) const SCALE_BLOCK: usize = 128;
/// Neighbouring values whose sum is kept, for formats with an offset.
pub(crate) const SUM_BLOCK: usize = 16;

/// Rows to multiply, both as they are and in bytes.
pub(crate) struct Activations<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Absent when the width is no multiple of [`SCALE_BLOCK`] or no kernel wants bytes.
    pub(crate) quantized: Option<Quantized>,
}

/// Rows as signed bytes. `value = scale * byte`.
#[derive(Default)]
pub(crate) struct Quantized {
    /// Four bytes of a row in each integer, lowest first.
    pub(crate) fours: Vec<i32>,
    /// One per [`SCALE_BLOCK`] values.
    pub(crate) scales: Vec<f32>,
    /// Sums of [`SUM_BLOCK`] bytes, times -32: what the offset of 6-bit weights adds.
    pub(crate) offsets_of_16: Vec<i32>,
    /// Sums of 32 bytes, times -128: what the offset of 8-bit weights adds.
    pub(crate) offsets_of_32: Vec<i32>,
    /// Sums of 32 values after rounding: what the minimum of 4-bit weights multiplies.
    pub(crate) sums_of_32: Vec<f32>,
}

impl<'a> Activations<'a> {
    /// Takes `values` as rows of `columns` numbers and rounds them to bytes.
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        let rows = values.len() / columns;
        let wanted = simd::level() != simd::Level::Baseline && columns.is_multiple_of(SCALE_BLOCK);
        let quantized = wanted.then(|| Quantized::new(values, rows, columns));
        Self {
            values,
            rows,
            columns,
            quantized,
        }
    }
}

impl Quantized {
    fn new(values: &[f32], rows: usize, columns: usize) -> Self {
        let count = rows * columns;
        let mut all = Self {
            fours: vec![0; count / 4],
            scales: vec![0.0; count / SCALE_BLOCK],
            offsets_of_16: vec![0; count / SUM_BLOCK],
            offsets_of_32: vec![0; count / 32],
            sums_of_32: vec![0.0; count / 32],
        };
        if rows == 1 {
            simd::vectorized(RoundRow {
                values,
                fours: &mut all.fours,
                scales: &mut all.scales,
                offsets_of_16: &mut all.offsets_of_16,
                offsets_of_32: &mut all.offsets_of_32,
                sums_of_32: &mut all.sums_of_32,
            });
            return all;
        }
        values
            .par_chunks_exact(columns)
            .zip(all.fours.par_chunks_exact_mut(columns / 4))
            .zip(all.scales.par_chunks_exact_mut(columns / SCALE_BLOCK))
            .zip(all.offsets_of_16.par_chunks_exact_mut(columns / SUM_BLOCK))
            .zip(all.offsets_of_32.par_chunks_exact_mut(columns / 32))
            .zip(all.sums_of_32.par_chunks_exact_mut(columns / 32))
            .for_each(
                |(((((values, fours), scales), offsets_of_16), offsets_of_32), sums_of_32)| {
                    simd::vectorized(RoundRow {
                        values,
                        fours,
                        scales,
                        offsets_of_16,
                        offsets_of_32,
                        sums_of_32,
                    });
                },
            );
        all
    }
}

struct RoundRow<'a> {
    values: &'a [f32],
    fours: &'a mut [i32],
    scales: &'a mut [f32],
    offsets_of_16: &'a mut [i32],
    offsets_of_32: &'a mut [i32],
    sums_of_32: &'a mut [f32],
}

impl Loop for RoundRow<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (block, values) in self.values.as_chunks::<SCALE_BLOCK>().0.iter().enumerate() {
            let largest = values
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.abs()));
            // A row of zeros, infinities or NaN gives zeros rather than nonsense.
            let usable = largest > 0.0 && largest.is_finite();
            let inverse = if usable { 127.0 / largest } else { 0.0 };
            let scale = if usable { largest / 127.0 } else { 0.0 };
            self.scales[block] = scale;
            let mut bytes = [0_i32; SCALE_BLOCK];
            for (byte, value) in bytes.iter_mut().zip(values) {
                // Rounds to nearest: see `simd::exp` for the constant.
                *byte = ((value * inverse + 12_582_912.0) - 12_582_912.0) as i32;
            }
            let fours = &mut self.fours[block * 32..block * 32 + 32];
            for (four, bytes) in fours.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *four = (bytes[0] & 255)
                    | (bytes[1] & 255) << 8
                    | (bytes[2] & 255) << 16
                    | bytes[3] << 24;
            }
            for (part, bytes) in bytes.as_chunks::<32>().0.iter().enumerate() {
                let low: i32 = bytes[..16].iter().sum();
                let high: i32 = bytes[16..].iter().sum();
                self.offsets_of_16[block * 8 + part * 2] = -32 * low;
                self.offsets_of_16[block * 8 + part * 2 + 1] = -32 * high;
                self.offsets_of_32[block * 4 + part] = -128 * (low + high);
                self.sums_of_32[block * 4 + part] = scale * (low + high) as f32;
            }
        }
    }
}
