//! Causal attention over the key-value cache, block by block with a running softmax
//! (Milakov and Gimelshein, 2018), so that its memory does not grow with the context.
//! Query heads that share a key-value head are handled together and never repeat it.

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::cache::{LANES, LayerCache};
use super::simd::{self, Loop, multiply_add};

/// Positions handled at a time; keys and values of one head fit the first-level cache.
const BLOCK_POSITIONS: usize = 4 * LANES;
/// Query rows that share each load of keys and values: their sums fill the registers.
const ROWS_TOGETHER: usize = 6;
/// Query rows a task takes at most.
const TASK_ROWS_MAX: usize = 4 * ROWS_TOGETHER;

/// Sizes of the attention of every layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heads {
    /// Query heads.
    pub(crate) count: usize,
    /// Key-value heads; divides `count`.
    pub(crate) key_value_count: usize,
    /// Numbers in one head, a multiple of [`LANES`].
    pub(crate) width: usize,
}

impl Heads {
    pub(crate) fn query_width(self) -> usize {
        self.count * self.width
    }

    pub(crate) fn key_value_width(self) -> usize {
        self.key_value_count * self.width
    }

    fn group(self) -> usize {
        self.count / self.key_value_count
    }
}

/// Attention of the newest positions. `queries` holds one row per new position, already
/// rotated; `cache` holds every position up to and including the new ones.
/// Returns one row of `query_width` per new position.
pub(crate) fn attend(queries: &[f32], cache: &LayerCache) -> Vec<f32> {
    let heads = cache.heads();
    let new_positions = queries.len() / heads.query_width();
    let first_position = cache.positions() - new_positions;
    let rows = new_positions * heads.group();
    let tasks_wanted = rayon::current_num_threads().div_ceil(heads.key_value_count);
    let task_rows = rows.div_ceil(tasks_wanted).min(TASK_ROWS_MAX);
    let tasks = rows.div_ceil(task_rows) * heads.key_value_count;
    let work = |task: usize| {
        let (head, part) = (task % heads.key_value_count, task / heads.key_value_count);
        let rows = part * task_rows..rows.min((part + 1) * task_rows);
        let task = Rows {
            heads,
            head,
            rows,
            first_position,
        };
        let mut output = vec![0.0; task.rows.len() * heads.width];
        simd::vectorized(Attend {
            task: &task,
            queries,
            cache,
            output: &mut output,
        });
        (task, output)
    };
    let parts: Vec<_> = if rayon::current_num_threads() == 1 {
        (0..tasks).map(work).collect()
    } else {
        // The last rows see the most positions, so they go first.
        (0..tasks)
            .into_par_iter()
            .with_max_len(1)
            .map(|task| work(tasks - 1 - task))
            .collect()
    };
    let mut result = vec![0.0; queries.len()];
    for (task, output) in &parts {
        for (row, numbers) in task.rows.clone().zip(output.chunks_exact(heads.width)) {
            let at = task.query_offset(row);
            result[at..at + heads.width].copy_from_slice(numbers);
        }
    }
    result
}

/// Query rows of one key-value head: row `position * group + head within the group`.
struct Rows {
    heads: Heads,
    head: usize,
    rows: std::ops::Range<usize>,
    first_position: usize,
}

impl Rows {
    fn query_offset(&self, row: usize) -> usize {
        let (position, member) = (row / self.heads.group(), row % self.heads.group());
        position * self.heads.query_width()
            + (self.head * self.heads.group() + member) * self.heads.width
    }

    /// Positions this row may look at.
    fn visible(&self, row: usize) -> usize {
        self.first_position + row / self.heads.group() + 1
    }
}

/// What a running softmax knows of one row: the largest score and the sum of weights.
#[derive(Clone, Copy)]
struct Running {
    largest: f32,
    sum: f32,
}

struct Attend<'a> {
    task: &'a Rows,
    queries: &'a [f32],
    cache: &'a LayerCache,
    output: &'a mut [f32],
}

impl Loop for Attend<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (task, width) = (self.task, self.task.heads.width);
        let scale = 1.0 / (width as f32).sqrt();
        let mut queries = Vec::with_capacity(self.output.len());
        for row in task.rows.clone() {
            let at = task.query_offset(row);
            queries.extend(
                self.queries[at..at + width]
                    .iter()
                    .map(|number| number * scale),
            );
        }
        let mut running = [Running {
            largest: f32::NEG_INFINITY,
            sum: 0.0,
        }; TASK_ROWS_MAX];
        let end = task.visible(task.rows.end - 1);
        for start in (0..end).step_by(BLOCK_POSITIONS) {
            for first in (0..task.rows.len()).step_by(ROWS_TOGETHER) {
                let count = ROWS_TOGETHER.min(task.rows.len() - first);
                let numbers = first * width..(first + count) * width;
                let mut block = Block {
                    task,
                    cache: self.cache,
                    first_row: task.rows.start + first,
                    start,
                    queries: &queries[numbers.clone()],
                    running: &mut running[first..first + count],
                    output: &mut self.output[numbers],
                };
                match count {
                    1 => block.run::<FUSED, 1>(),
                    2 => block.run::<FUSED, 2>(),
                    3 => block.run::<FUSED, 3>(),
                    4 => block.run::<FUSED, 4>(),
                    5 => block.run::<FUSED, 5>(),
                    _ => block.run::<FUSED, ROWS_TOGETHER>(),
                }
            }
        }
        for (output, running) in self.output.chunks_exact_mut(width).zip(&running) {
            let inverse = 1.0 / running.sum;
            output.iter_mut().for_each(|number| *number *= inverse);
        }
    }
}

/// A few query rows against one block of positions.
struct Block<'a> {
    task: &'a Rows,
    cache: &'a LayerCache,
    first_row: usize,
    start: usize,
    queries: &'a [f32],
    running: &'a mut [Running],
    output: &'a mut [f32],
}

impl Block<'_> {
    #[inline(always)]
    fn run<const FUSED: bool, const R: usize>(&mut self) {
        let visible = |row: usize| {
            self.task
                .visible(self.first_row + row)
                .saturating_sub(self.start)
                .min(BLOCK_POSITIONS)
        };
        let most = visible(R - 1);
        if most == 0 {
            return;
        }
        let width = self.task.heads.width;
        let mut weights = [[0.0_f32; BLOCK_POSITIONS]; R];
        for part in 0..most.div_ceil(LANES) {
            let keys = self.cache.keys(self.task.head, self.start + part * LANES);
            let mut sums = [[0.0; LANES]; R];
            accumulate::<FUSED, R>(self.queries, width, keys, LANES, width, &mut sums);
            for (weights, sums) in weights.iter_mut().zip(&sums) {
                weights[part * LANES..(part + 1) * LANES].copy_from_slice(sums);
            }
        }
        let mut shrink = [1.0_f32; R];
        for (row, weights) in weights.iter_mut().enumerate() {
            let count = visible(row);
            shrink[row] = soften::<FUSED>(weights, count, &mut self.running[row]);
        }
        for chunk in (0..width).step_by(LANES) {
            let mut sums = [[0.0; LANES]; R];
            for row in 0..R {
                let numbers = &self.output[row * width + chunk..][..LANES];
                for (sum, number) in sums[row].iter_mut().zip(numbers) {
                    *sum = number * shrink[row];
                }
            }
            for part in 0..most.div_ceil(LANES) {
                let depth = LANES.min(most - part * LANES);
                let values = self.cache.values(self.task.head, self.start + part * LANES);
                let weights = &weights.as_flattened()[part * LANES..];
                let values = &values[chunk..];
                accumulate::<FUSED, R>(weights, BLOCK_POSITIONS, values, width, depth, &mut sums);
            }
            for (row, sums) in sums.iter().enumerate() {
                self.output[row * width + chunk..][..LANES].copy_from_slice(sums);
            }
        }
    }
}

/// Turns scores into weights relative to the largest score so far; positions from `count`
/// on weigh nothing. Returns what earlier weights are to be multiplied with.
#[inline(always)]
fn soften<const FUSED: bool>(
    weights: &mut [f32; BLOCK_POSITIONS],
    count: usize,
    running: &mut Running,
) -> f32 {
    weights[count..].fill(f32::NEG_INFINITY);
    let mut peaks = [running.largest; LANES];
    for part in weights.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            peaks[lane] = peaks[lane].max(part[lane]);
        }
    }
    let peak = peaks.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if peak == f32::NEG_INFINITY {
        weights.fill(0.0);
        return 1.0;
    }
    let mut sums = [0.0_f32; LANES];
    for part in weights.as_chunks_mut::<LANES>().0 {
        for weight in part {
            *weight = simd::exp::<FUSED>(*weight - peak);
        }
    }
    weights[count..].fill(0.0);
    for part in weights.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            sums[lane] += part[lane];
        }
    }
    let shrink = simd::exp::<FUSED>(running.largest - peak);
    running.largest = peak;
    running.sum = running.sum * shrink + sums.iter().sum::<f32>();
    shrink
}

/// Adds to each of `R` rows of lanes: for each of `depth` steps, the step's number of the
/// row (rows lie `stride` apart) times the step's lanes in `table` (`table_stride` apart).
#[inline(always)]
fn accumulate<const FUSED: bool, const R: usize>(
    rows: &[f32],
    stride: usize,
    table: &[f32],
    table_stride: usize,
    depth: usize,
    sums: &mut [[f32; LANES]; R],
) {
    let mut local = *sums;
    let mut numbers: [&[f32]; R] = [&[]; R];
    for (row, numbers) in numbers.iter_mut().enumerate() {
        *numbers = &rows[row * stride..row * stride + depth];
    }
    for step in 0..depth {
        let lanes: &[f32; LANES] = table[step * table_stride..]
            .first_chunk()
            .expect("tables hold whole vectors");
        for row in 0..R {
            let number = numbers[row][step];
            for lane in 0..LANES {
                local[row][lane] = multiply_add::<FUSED>(number, lanes[lane], local[row][lane]);
            }
        }
    }
    *sums = local;
}

#[cfg(test)]
mod tests {
    use super::super::cache::LayerCache;
    use super::{Heads, attend};

    /// Attention by the book, in f64.
    fn expected(heads: Heads, queries: &[f32], keys: &[f32], values: &[f32]) -> Vec<f64> {
        let (width, group) = (heads.width, heads.count / heads.key_value_count);
        let stride = heads.key_value_width();
        let rows = queries.len() / heads.query_width();
        let first = keys.len() / stride - rows;
        let mut result = Vec::new();
        for row in 0..rows {
            for head in 0..heads.count {
                let query = &queries[row * heads.query_width() + head * width..][..width];
                let offset = head / group * width;
                let scores: Vec<f64> = (0..=first + row)
                    .map(|at| {
                        let key = &keys[at * stride + offset..][..width];
                        let dot: f64 = query
                            .iter()
                            .zip(key)
                            .map(|(a, b)| f64::from(*a) * f64::from(*b))
                            .sum();
                        (dot / (width as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                for lane in 0..width {
                    let mixed: f64 = scores
                        .iter()
                        .enumerate()
                        .map(|(at, score)| score * f64::from(values[at * stride + offset + lane]))
                        .sum();
                    result.push(mixed / total);
                }
            }
        }
        result
    }

    #[test]
    fn equals_attention_by_the_book() {
        let wave = |count: usize, step: f32| -> Vec<f32> {
            (0..count)
                .map(|index| (index as f32 * step).sin())
                .collect()
        };
        for (count, key_value_count, width, before, new) in [
            (4, 2, 16, 0, 1),
            (4, 2, 64, 70, 1),
            (6, 1, 32, 0, 150),
            (12, 2, 128, 130, 9),
        ] {
            let heads = Heads {
                count,
                key_value_count,
                width,
            };
            let queries = wave(new * heads.query_width(), 0.37);
            let keys = wave((before + new) * heads.key_value_width(), 0.11);
            let values = wave((before + new) * heads.key_value_width(), 0.23);
            let mut cache = LayerCache::new(heads);
            cache.append(&keys, &values);
            let found = attend(&queries, &cache);
            let wanted = expected(heads, &queries, &keys, &values);
            let worst = found
                .iter()
                .zip(&wanted)
                .map(|(a, b)| (f64::from(*a) - b).abs())
                .fold(0.0, f64::max);
            assert!(
                worst < 1e-5,
                "{heads:?} with {before}+{new}: off by {worst}"
            );
        }
    }
}
