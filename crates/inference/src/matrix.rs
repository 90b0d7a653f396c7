//! A weight matrix of the model and its product with activations. Keeps one copy of the
//! weights, in the form the processor multiplies fastest: our tiles where there are AVX2
//! or AVX-512 kernels, candle's quantized tensors elsewhere (it has good ones for ARM).

use std::borrow::Cow;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result, Tensor};

use super::activations::Activations;
use super::simd::{self, Level};
use super::tiles::{self, TILE_ROWS, Tiles};

/// Activation bytes that a pass over many rows keeps in the second-level cache.
const ROW_BLOCK_BYTES: usize = 512 * 1024;
/// Pieces of work per thread, so that a thread that lost its core holds up little.
const TASKS_PER_THREAD: usize = 6;

/// A matrix of `rows` by `columns` weights.
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    weights: Weights,
}

enum Weights {
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "no kernels here")
    )]
    Tiles(Tiles),
    Candle(std::sync::Arc<QTensor>),
}

impl Matrix {
    /// Takes over the weights of a tensor as it lies in the file.
    /// Formats without a fast kernel are rounded anew to 8 bits.
    pub(crate) fn new(
        format: GgmlDType,
        bytes: &[u8],
        rows: usize,
        columns: usize,
    ) -> Result<Self> {
        if simd::level() != Level::Baseline
            && columns.is_multiple_of(super::activations::SCALE_BLOCK)
        {
            if let Some(tiles) = tiles::tile(format, bytes, rows, columns) {
                return Ok(Self {
                    rows,
                    columns,
                    weights: Weights::Tiles(tiles),
                });
            }
            if rows.is_multiple_of(TILE_ROWS) {
                let eight = in_eight_bits(format, bytes, rows, columns)?;
                if let Some(tiles) = tiles::tile(GgmlDType::Q8_0, &eight.data()?, rows, columns) {
                    return Ok(Self {
                        rows,
                        columns,
                        weights: Weights::Tiles(tiles),
                    });
                }
            }
        }
        let tensor = match format {
            // candle has vector code for these on every processor it knows.
            GgmlDType::Q4K | GgmlDType::Q5K | GgmlDType::Q6K | GgmlDType::Q8_0 => {
                tensor(format, bytes, rows, columns)?
            }
            _ if columns.is_multiple_of(GgmlDType::Q8_0.block_size()) => {
                in_eight_bits(format, bytes, rows, columns)?
            }
            _ => tensor(format, bytes, rows, columns)?,
        };
        Ok(Self {
            rows,
            columns,
            weights: Weights::Candle(std::sync::Arc::new(tensor)),
        })
    }

    /// Numbers in one row of the result.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Each row of `activations` times the transposed matrix.
    pub(crate) fn multiply(&self, activations: &Activations<'_>) -> Result<Vec<f32>> {
        assert_eq!(
            activations.columns, self.columns,
            "the layer before has this width"
        );
        match &self.weights {
            #[cfg(target_arch = "x86_64")]
            Weights::Tiles(tiles) => Ok(self.multiply_tiles(simd::level(), tiles, activations)),
            #[cfg(not(target_arch = "x86_64"))]
            Weights::Tiles(_) => unreachable!("tiles are only made where there are kernels"),
            Weights::Candle(tensor) => {
                let shape = (activations.rows, self.columns);
                let input = Tensor::from_slice(activations.values, shape, &Device::Cpu)?;
                input
                    .apply_op1_no_bwd(tensor.as_ref())?
                    .flatten_all()?
                    .to_vec1()
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "tasks write disjoint columns of one result")]
    fn multiply_tiles(
        &self,
        level: Level,
        tiles: &Tiles,
        activations: &Activations<'_>,
    ) -> Vec<f32> {
        use super::kernels::{self, Output};
        let quantized = activations
            .quantized
            .as_ref()
            .expect("tiles only have such widths");
        let mut result = vec![0.0_f32; activations.rows * self.rows];
        let output = Output {
            start: result.as_mut_ptr(),
            columns: self.rows,
        };
        let columns = self.rows / TILE_ROWS;
        let tasks = (rayon::current_num_threads() * TASKS_PER_THREAD).min(columns);
        let row_block = (ROW_BLOCK_BYTES / self.columns).next_multiple_of(8);
        parallel(tasks, |task| {
            let columns = columns * task / tasks..columns * (task + 1) / tasks;
            let mut row = 0;
            while row < activations.rows {
                let end = (row + row_block).min(activations.rows);
                // SAFETY: the processor has `level`; `result` has a row for each activation row
                // and a column for each matrix row; tasks have disjoint columns.
                unsafe {
                    let (rows, columns) = (row..end, columns.clone());
                    kernels::multiply(level, tiles, quantized, self.columns, rows, columns, output);
                }
                row = end;
            }
        });
        result
    }
}

/// Runs `task` for 0..`tasks` on the threads of the current pool; returns when all are done.
pub(crate) fn parallel(tasks: usize, task: impl Fn(usize) + Send + Sync) {
    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
    if tasks == 1 || rayon::current_num_threads() == 1 {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// The tensor as candle holds it.
pub(crate) fn tensor(
    format: GgmlDType,
    bytes: &[u8],
    rows: usize,
    columns: usize,
) -> Result<QTensor> {
    let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, format)?;
    QTensor::new(storage, (rows, columns))
}

fn in_eight_bits(format: GgmlDType, bytes: &[u8], rows: usize, columns: usize) -> Result<QTensor> {
    let exact = tensor(format, bytes, rows, columns)?.dequantize(&Device::Cpu)?;
    QTensor::quantize(&exact, GgmlDType::Q8_0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny::noise;

    /// Whole numbers up to 127, so that rounding to bytes loses nothing.
    fn whole_numbers(count: usize) -> Vec<f32> {
        let mut numbers: Vec<f32> = noise(count, 5, 127.0).into_iter().map(f32::round).collect();
        numbers
            .iter_mut()
            .step_by(super::super::activations::SCALE_BLOCK)
            .for_each(|n| *n = 127.0);
        numbers
    }

    fn levels() -> Vec<Level> {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => vec![Level::Avx512Vnni, Level::Avx2],
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => vec![Level::Avx2],
            Level::Baseline => Vec::new(),
        }
    }

    fn worst(found: &[f32], wanted: &[f32]) -> f32 {
        let size = wanted
            .iter()
            .fold(0.0_f32, |most, number| most.max(number.abs()));
        found
            .iter()
            .zip(wanted)
            .fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()))
            / size
    }

    /// Every kernel against the product of the unpacked matrix.
    fn check(format: GgmlDType, rows: usize, columns: usize) {
        let weights =
            Tensor::from_vec(noise(rows * columns, 3, 0.2), (rows, columns), &Device::Cpu);
        let quantized = QTensor::quantize(&weights.unwrap(), format).unwrap();
        let exact = quantized.dequantize(&Device::Cpu).unwrap();
        let matrix = Matrix::new(format, &quantized.data().unwrap(), rows, columns).unwrap();
        for count in [1, 2, 3, 8, 29] {
            let values = whole_numbers(count * columns);
            let input = Tensor::from_slice(&values, (count, columns), &Device::Cpu).unwrap();
            let wanted: Vec<f32> = input
                .matmul(&exact.t().unwrap())
                .and_then(|product| product.flatten_all()?.to_vec1())
                .unwrap();
            let activations = Activations::new(&values, columns);
            let found = matrix.multiply(&activations).unwrap();
            let off = worst(&found, &wanted);
            let limit = if tiles::tileable(format) { 1e-5 } else { 1e-2 };
            let bound = if matches!(matrix.weights, Weights::Tiles(_)) {
                limit
            } else {
                2e-2
            };
            assert!(off < bound, "{format:?}, {count} rows: off by {off}");
            let Weights::Tiles(tiles) = &matrix.weights else {
                continue;
            };
            for level in levels() {
                let found = matrix.multiply_tiles(level, tiles, &activations);
                let off = worst(&found, &wanted);
                assert!(
                    off < limit,
                    "{format:?}, {count} rows, {level:?}: off by {off}"
                );
            }
        }
    }

    #[test]
    fn products_are_right_in_every_format() {
        use GgmlDType::{F32, Q4_0, Q4_1, Q4K, Q5_0, Q5K, Q6K, Q8_0};
        for format in [Q4K, Q6K, Q8_0, Q5_0, Q4_0, Q5K, Q4_1, F32] {
            check(format, 48, 512);
        }
        // Shapes no tile fits.
        check(Q8_0, 40, 96);
        check(Q5_0, 33, 512);
        check(Q4K, 20, 256);
    }
}
