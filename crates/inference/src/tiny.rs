//! A whole model of a few kilobytes for tests: random weights, the 256 bytes and a few
//! merges as vocabulary, written as a GGUF file with the same names a real one has.

use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

/// Sizes and formats of a tiny model.
pub(crate) struct Tiny {
    pub(crate) architecture: &'static str,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) format: GgmlDType,
    /// Format of the narrow and of the output matrices, as in mixed files.
    pub(crate) other_format: GgmlDType,
}

impl Tiny {
    /// Like the 1.5B model: all matrices fit the tiled kernels.
    pub(crate) const TILED: Self = Self {
        architecture: "qwen2",
        width: 256,
        heads: 4,
        format: GgmlDType::Q4K,
        other_format: GgmlDType::Q6K,
    };
    /// Widths no tile fits: candle does the arithmetic.
    pub(crate) const ODD: Self = Self {
        architecture: "qwen2",
        width: 96,
        heads: 6,
        format: GgmlDType::Q5_0,
        other_format: GgmlDType::Q8_0,
    };

    /// Writes the model into `folder` and returns its path.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("tiny-{}-{}.gguf", self.architecture, self.width));
        let metadata = self.metadata();
        let tensors = self.tensors();
        let metadata: Vec<(&str, &Value)> = metadata
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let tensors: Vec<(&str, &QTensor)> = tensors
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let mut file = std::fs::File::create(&path).unwrap();
        gguf_file::write(&mut file, &metadata, &tensors).unwrap();
        path
    }

    fn metadata(&self) -> Vec<(String, Value)> {
        let (names, kinds) = vocabulary();
        let number = |value: usize| Value::U32(u32::try_from(value).unwrap());
        let texts =
            |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
        let merges = ["t h", "th e", "\u{120} a"].map(str::to_owned).to_vec();
        [
            (
                "general.architecture",
                Value::String(self.architecture.to_owned()),
            ),
            ("general.name", Value::String("Tiny".to_owned())),
            ("qwen2.block_count", number(2)),
            ("qwen2.context_length", number(4096)),
            ("qwen2.embedding_length", number(self.width)),
            ("qwen2.feed_forward_length", number(self.width * 2)),
            ("qwen2.attention.head_count", number(self.heads)),
            ("qwen2.attention.head_count_kv", number(2)),
            ("qwen2.rope.freq_base", Value::F32(1_000_000.0)),
            ("qwen2.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
            ("tokenizer.ggml.model", Value::String("gpt2".to_owned())),
            ("tokenizer.ggml.pre", Value::String("qwen2".to_owned())),
            ("tokenizer.ggml.tokens", texts(names)),
            (
                "tokenizer.ggml.token_type",
                Value::Array(kinds.into_iter().map(Value::I32).collect()),
            ),
            ("tokenizer.ggml.merges", texts(merges)),
            ("tokenizer.ggml.eos_token_id", number(257)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    fn tensors(&self) -> Vec<(String, QTensor)> {
        let (width, feed) = (self.width, self.width * 2);
        let narrow = width / self.heads * 2;
        let vocabulary = vocabulary().0.len();
        let mut seed = 1;
        let mut all = Vec::new();
        let mut matrix = |name: &str, rows: usize, columns: usize, format| {
            seed += 1;
            let scale = 1.5 / (columns as f32).sqrt();
            let weights = Tensor::from_vec(
                noise(rows * columns, seed, scale),
                (rows, columns),
                &Device::Cpu,
            );
            all.push((
                name.to_owned(),
                QTensor::quantize(&weights.unwrap(), format).unwrap(),
            ));
        };
        matrix("token_embd.weight", vocabulary, width, self.format);
        matrix("output.weight", vocabulary, width, self.other_format);
        for layer in 0..2 {
            let mut part = |name: &str, rows, columns, format| {
                matrix(&format!("blk.{layer}.{name}.weight"), rows, columns, format);
            };
            part("attn_q", width, width, self.format);
            part("attn_k", narrow, width, self.format);
            part("attn_v", narrow, width, self.other_format);
            part("attn_output", width, width, self.format);
            part("ffn_gate", feed, width, self.format);
            part("ffn_up", feed, width, self.format);
            part("ffn_down", width, feed, self.other_format);
        }
        let mut vector = |name: String, length: usize, around: f32| {
            seed += 1;
            let numbers = noise(length, seed, 0.1)
                .into_iter()
                .map(|number| number + around);
            let tensor = Tensor::from_vec(numbers.collect(), length, &Device::Cpu).unwrap();
            all.push((name, QTensor::quantize(&tensor, GgmlDType::F32).unwrap()));
        };
        vector("output_norm.weight".to_owned(), width, 1.0);
        for layer in 0..2 {
            vector(format!("blk.{layer}.attn_norm.weight"), width, 1.0);
            vector(format!("blk.{layer}.ffn_norm.weight"), width, 1.0);
            vector(format!("blk.{layer}.attn_q.bias"), width, 0.0);
            vector(format!("blk.{layer}.attn_k.bias"), narrow, 0.0);
            vector(format!("blk.{layer}.attn_v.bias"), narrow, 0.0);
        }
        all
    }
}

/// Names and kinds of 272 tokens: the bytes, the control tokens, merges, unused ones.
fn vocabulary() -> (Vec<String>, Vec<i32>) {
    let mut letters = super::vocabulary::bytes_of_letters()
        .into_iter()
        .collect::<Vec<_>>();
    letters.sort_by_key(|(_, byte)| *byte);
    let mut names: Vec<String> = letters
        .into_iter()
        .map(|(letter, _)| letter.into())
        .collect();
    names.extend(["<|im_start|>", "<|im_end|>", "<|endoftext|>"].map(str::to_owned));
    names.extend(["th", "the", "\u{120}a", "<tool_call>"].map(str::to_owned));
    let mut kinds = vec![1; names.len()];
    kinds[256..259].fill(3);
    kinds[262] = 4;
    while names.len() < 272 {
        names.push(format!("[PAD{}]", names.len()));
        kinds.push(5);
    }
    (names, kinds)
}

/// Reproducible numbers from -`scale` to `scale`.
pub(crate) fn noise(count: usize, seed: u64, scale: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * scale
    };
    (0..count).map(|_| next()).collect()
}
