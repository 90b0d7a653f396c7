//! The Qwen2 network: embedding, layers of attention and gated feed-forward, and the
//! scores of the next token. Works on plain slices and appends to a key-value cache that
//! it is handed; which cache that is, and what may be reused, is decided in `slots.rs`.

use candle_core::quantized::QTensor;
use candle_core::{Device, Result, Tensor};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::activations::Activations;
use super::attention::{self, Heads};
use super::cache::{Cache, LANES, LayerCache};
use super::matrix::Matrix;
use super::simd::{self, Loop};

/// Prompt tokens evaluated at once: bounds the memory of a long prompt.
pub(crate) const PROMPT_TOKENS_TOGETHER: usize = 256;

/// All weights.
pub(crate) struct Transformer {
    pub(crate) heads: Heads,
    /// Stays quantized; only the rows looked up are unpacked.
    pub(crate) embedding: QTensor,
    pub(crate) layers: Vec<Layer>,
    pub(crate) output_norm: Vec<f32>,
    pub(crate) output: Matrix,
    pub(crate) norm_epsilon: f32,
    pub(crate) rotations: Rotations,
}

/// Weights of one layer.
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) query: Projection,
    pub(crate) key: Projection,
    pub(crate) value: Projection,
    pub(crate) attention_output: Matrix,
    pub(crate) feed_norm: Vec<f32>,
    pub(crate) gate: Matrix,
    pub(crate) up: Matrix,
    pub(crate) down: Matrix,
}

/// A matrix with a bias for each row of the result.
pub(crate) struct Projection {
    pub(crate) matrix: Matrix,
    pub(crate) bias: Vec<f32>,
}

impl Transformer {
    /// An empty cache for this network.
    pub(crate) fn cache(&self) -> Cache {
        Cache::new(self.layers.len(), self.heads)
    }

    /// Evaluates `tokens` after the positions in `cache`, at most
    /// [`PROMPT_TOKENS_TOGETHER`] of them, and returns a score for every token of the
    /// vocabulary to come next, if `scores_wanted`. On an error the cache is unusable.
    pub(crate) fn forward(
        &self,
        tokens: &[u32],
        cache: &mut Cache,
        scores_wanted: bool,
    ) -> Result<Option<Vec<f32>>> {
        let width = self.output_norm.len();
        let ids = Tensor::from_slice(tokens, tokens.len(), &Device::Cpu)?;
        let mut state: Vec<f32> = self.embedding.embedding(&ids)?.flatten_all()?.to_vec1()?;
        let position = cache.positions();
        for (layer, cache) in self.layers.iter().zip(&mut cache.layers) {
            self.attend(layer, cache, position, &mut state)?;
            self.feed(layer, &mut state)?;
        }
        if !scores_wanted {
            return Ok(None);
        }
        let last = &state[state.len() - width..];
        let normed = self.normalize(last, &self.output_norm);
        self.output
            .multiply(&Activations::new(&normed, width))
            .map(Some)
    }

    fn attend(
        &self,
        layer: &Layer,
        cache: &mut LayerCache,
        position: usize,
        state: &mut [f32],
    ) -> Result<()> {
        let normed = self.normalize(state, &layer.attention_norm);
        let input = Activations::new(&normed, layer.attention_norm.len());
        let mut queries = layer.query.apply(&input)?;
        let mut keys = layer.key.apply(&input)?;
        let values = layer.value.apply(&input)?;
        self.rotations
            .turn(&mut queries, self.heads.query_width(), position);
        self.rotations
            .turn(&mut keys, self.heads.key_value_width(), position);
        cache.append(&keys, &values);
        let mixed = attention::attend(&queries, cache);
        let input = Activations::new(&mixed, self.heads.query_width());
        add(state, &layer.attention_output.multiply(&input)?);
        Ok(())
    }

    fn feed(&self, layer: &Layer, state: &mut [f32]) -> Result<()> {
        let normed = self.normalize(state, &layer.feed_norm);
        let input = Activations::new(&normed, layer.feed_norm.len());
        let mut gate = layer.gate.multiply(&input)?;
        let up = layer.up.multiply(&input)?;
        let width = layer.gate.rows();
        gate.par_chunks_mut(width)
            .zip(up.par_chunks(width))
            .for_each(|(gate, up)| simd::vectorized(Gate { gate, up }));
        add(
            state,
            &layer.down.multiply(&Activations::new(&gate, width))?,
        );
        Ok(())
    }

    /// Root-mean-square normalization of each row, times `weights`.
    fn normalize(&self, rows: &[f32], weights: &[f32]) -> Vec<f32> {
        let mut result = rows.to_vec();
        for row in result.chunks_exact_mut(weights.len()) {
            let mut squares = [0.0_f32; LANES];
            for chunk in row.chunks(LANES) {
                for (sum, number) in squares.iter_mut().zip(chunk) {
                    *sum += number * number;
                }
            }
            let mean = squares.iter().sum::<f32>() / row.len() as f32;
            let scale = 1.0 / (mean + self.norm_epsilon).sqrt();
            for (number, weight) in row.iter_mut().zip(weights) {
                *number *= scale * weight;
            }
        }
        result
    }
}

impl Projection {
    fn apply(&self, input: &Activations<'_>) -> Result<Vec<f32>> {
        let mut result = self.matrix.multiply(input)?;
        for row in result.chunks_exact_mut(self.bias.len()) {
            add(row, &self.bias);
        }
        Ok(result)
    }
}

fn add(to: &mut [f32], numbers: &[f32]) {
    for (to, number) in to.iter_mut().zip(numbers) {
        *to += number;
    }
}

/// `silu(gate) * up`, in place of `gate`.
struct Gate<'a> {
    gate: &'a mut [f32],
    up: &'a [f32],
}

impl Loop for Gate<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (gate, up) in self.gate.iter_mut().zip(self.up) {
            *gate = *gate / (1.0 + simd::exp::<FUSED>(-*gate)) * up;
        }
    }
}

/// Rotary position embedding: the two halves of each head are turned against each other.
pub(crate) struct Rotations {
    head_width: usize,
    /// Cosine and sine for every position and every pair of a head.
    turns: Vec<(f32, f32)>,
}

impl Rotations {
    /// Tables for `positions` positions with the base frequency `base` of the model.
    pub(crate) fn new(head_width: usize, base: f32, positions: usize) -> Self {
        let pairs = head_width / 2;
        let turns = (0..positions * pairs).map(|index| {
            let (position, pair) = ((index / pairs) as f64, (index % pairs) as f64);
            let angle = position * f64::from(base).powf(-2.0 * pair / head_width as f64);
            (angle.cos() as f32, angle.sin() as f32)
        });
        Self {
            head_width,
            turns: turns.collect(),
        }
    }

    /// Turns every head of rows of `width` numbers that stand at `position` and after.
    fn turn(&self, rows: &mut [f32], width: usize, position: usize) {
        let pairs = self.head_width / 2;
        for (offset, row) in rows.chunks_exact_mut(width).enumerate() {
            let turns = &self.turns[(position + offset) * pairs..][..pairs];
            for head in row.chunks_exact_mut(self.head_width) {
                let (first, second) = head.split_at_mut(pairs);
                for ((a, b), (cosine, sine)) in first.iter_mut().zip(second).zip(turns) {
                    (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
                }
            }
        }
    }
}
