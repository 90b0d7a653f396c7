//! Keys and values of the positions evaluated so far, in blocks of sixteen positions laid
//! out for the inner loop of `attention.rs`. Cutting a cache shorter forgets its tail;
//! copying a beginning forks it. Grows by doubling, so memory follows the longest use.

use super::attention::Heads;

/// Positions in a block: the lanes of one vector.
pub(crate) const LANES: usize = 16;

/// The caches of all layers; every layer has the same positions.
pub(crate) struct Cache {
    pub(crate) layers: Vec<LayerCache>,
}

/// Keys and values of one layer.
pub(crate) struct LayerCache {
    heads: Heads,
    positions: usize,
    /// `[block][head][number of the head][position of the block]`
    keys: Vec<f32>,
    /// `[block][head][position of the block][number of the head]`
    values: Vec<f32>,
}

impl Cache {
    /// No positions yet, in `layers` layers.
    pub(crate) fn new(layers: usize, heads: Heads) -> Self {
        Self {
            layers: (0..layers).map(|_| LayerCache::new(heads)).collect(),
        }
    }

    /// Positions evaluated so far.
    pub(crate) fn positions(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.positions)
    }

    /// Keeps the first `positions` positions, of which there are at least so many.
    pub(crate) fn truncate(&mut self, positions: usize) {
        for layer in &mut self.layers {
            let numbers = positions.div_ceil(LANES) * layer.block_numbers();
            layer.positions = positions;
            layer.keys.truncate(numbers);
            layer.values.truncate(numbers);
        }
    }

    /// A copy of the first `positions` positions, of which there are at least so many.
    pub(crate) fn fork(&self, positions: usize) -> Self {
        let layers = self.layers.iter().map(|layer| {
            let numbers = positions.div_ceil(LANES) * layer.block_numbers();
            LayerCache {
                heads: layer.heads,
                positions,
                keys: layer.keys[..numbers].to_vec(),
                values: layer.values[..numbers].to_vec(),
            }
        });
        Self {
            layers: layers.collect(),
        }
    }
}

impl LayerCache {
    pub(crate) fn new(heads: Heads) -> Self {
        Self {
            heads,
            positions: 0,
            keys: Vec::new(),
            values: Vec::new(),
        }
    }

    pub(crate) fn heads(&self) -> Heads {
        self.heads
    }

    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// Adds rows of keys and values, one for each new position.
    pub(crate) fn append(&mut self, keys: &[f32], values: &[f32]) {
        let (row, width) = (self.heads.key_value_width(), self.heads.width);
        let blocks = (self.positions + keys.len() / row).div_ceil(LANES);
        self.keys.resize(blocks * self.block_numbers(), 0.0);
        self.values.resize(blocks * self.block_numbers(), 0.0);
        for (keys, values) in keys.chunks_exact(row).zip(values.chunks_exact(row)) {
            let (start, lane) = self.place(self.positions);
            for (index, key) in keys.iter().enumerate() {
                self.keys[start + index * LANES + lane] = *key;
            }
            for (head, value) in values.chunks_exact(width).enumerate() {
                let at = start + (head * LANES + lane) * width;
                self.values[at..at + width].copy_from_slice(value);
            }
            self.positions += 1;
        }
    }

    /// The keys of one head in the block that starts at `position`, a multiple of
    /// [`LANES`]: a row of [`LANES`] numbers for each number of the head.
    #[inline(always)]
    pub(crate) fn keys(&self, head: usize, position: usize) -> &[f32] {
        Self::of_head(&self.keys, self, head, position)
    }

    /// The values of one head in the block that starts at `position`: a row as wide as
    /// the head for each of [`LANES`] positions.
    #[inline(always)]
    pub(crate) fn values(&self, head: usize, position: usize) -> &[f32] {
        Self::of_head(&self.values, self, head, position)
    }

    #[inline(always)]
    fn of_head<'a>(table: &'a [f32], layer: &Self, head: usize, position: usize) -> &'a [f32] {
        let numbers = layer.heads.width * LANES;
        let at = layer.place(position).0 + head * numbers;
        &table[at..at + numbers]
    }

    /// Where the block of a position starts, and its lane in the block.
    #[inline(always)]
    fn place(&self, position: usize) -> (usize, usize) {
        (position / LANES * self.block_numbers(), position % LANES)
    }

    #[inline(always)]
    fn block_numbers(&self) -> usize {
        self.heads.key_value_width() * LANES
    }
}
