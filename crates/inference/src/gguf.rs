//! Reads a GGUF file of the Qwen2 family into a [`Transformer`] and a [`Vocabulary`].
//! Nothing in the file is believed before it is checked: sizes against bounds and against
//! each other, tensors against the end of the file. A damaged file is an error, never a
//! panic. Format: ggml's `docs/gguf.md`.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::attention::Heads;
use super::cache::LANES;
use super::error::InferenceError;
use super::matrix::{self, Matrix};
use super::transformer::{Layer, Projection, Rotations, Transformer};
use super::vocabulary::Vocabulary;

/// Bounds on what a file may declare; far above the models of this family.
const LAYERS_MAX: usize = 512;
const WIDTH_MAX: usize = 1 << 16;
const VOCABULARY_MAX: usize = 1 << 20;
const HEAD_WIDTH_MAX: usize = 1024;

/// A model as read from a file.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) transformer: Transformer,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) context_tokens_max: usize,
}

/// Reads the header of the file at `path`; also gives the length of the file.
fn header(path: &Path) -> Result<(Content, u64), InferenceError> {
    let read_error = |source| InferenceError::ModelRead {
        path: path.to_owned(),
        source,
    };
    let damaged = |reason: String| InferenceError::ModelDamaged {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(read_error)?;
    let file_bytes = file.metadata().map_err(read_error)?.len();
    // candle checks lengths, but divides by an alignment of zero and multiplies dimensions
    // unchecked: whatever it still trips over counts as damage.
    let content = catch_unwind(AssertUnwindSafe(|| {
        Content::read(&mut BufReader::new(file))
    }))
    .map_err(|_| damaged("its header contradicts itself".to_owned()))?
    .map_err(|source| damaged(brief(&source)))?;
    Ok((content, file_bytes))
}

/// Whether there is a model at `path` that can be run, as far as its header and its length
/// tell: no weights are read.
pub(crate) fn check(path: &Path) -> Result<(), InferenceError> {
    let (content, file_bytes) = header(path)?;
    let reader = Reader {
        path,
        file_bytes,
        content: &content,
    };
    reader.shape(usize::MAX)?;
    reader.check_length()
}

/// Reads the model at `path`, for contexts of at most `context_tokens_max`.
pub(crate) fn load(path: &Path, context_tokens_max: usize) -> Result<Loaded, InferenceError> {
    let damaged = |reason: String| InferenceError::ModelDamaged {
        path: path.to_owned(),
        reason,
    };
    let (content, file_bytes) = header(path)?;
    let reader = Reader {
        path,
        file_bytes,
        content: &content,
    };
    let shape = reader.shape(context_tokens_max)?;
    let vocabulary = catch_unwind(AssertUnwindSafe(|| Vocabulary::from_gguf(&content)))
        .map_err(|_| damaged("its tokenizer contradicts itself".to_owned()))?
        .map_err(damaged)?;
    if vocabulary.len() != shape.vocabulary {
        return Err(damaged(format!(
            "its tokenizer has {} tokens and its embedding {}",
            vocabulary.len(),
            shape.vocabulary
        )));
    }
    let transformer = reader.transformer(&shape)?;
    let name = match content.metadata.get("general.name") {
        Some(Value::String(name)) => name.clone(),
        _ => path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    };
    Ok(Loaded {
        name,
        transformer,
        vocabulary,
        context_tokens_max: shape.context_tokens_max,
    })
}

/// The first line of an error; candle's may carry a backtrace.
fn brief(error: &candle_core::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The sizes of the network.
struct Shape {
    layers: usize,
    width: usize,
    feed_width: usize,
    heads: Heads,
    vocabulary: usize,
    context_tokens_max: usize,
    rotation_base: f32,
    norm_epsilon: f32,
}

struct Reader<'a> {
    path: &'a Path,
    file_bytes: u64,
    content: &'a Content,
}

impl Reader<'_> {
    fn damaged(&self, reason: String) -> InferenceError {
        InferenceError::ModelDamaged {
            path: self.path.to_owned(),
            reason,
        }
    }

    fn unsupported(&self, reason: String) -> InferenceError {
        InferenceError::ModelUnsupported {
            path: self.path.to_owned(),
            reason,
        }
    }

    fn shape(&self, context_tokens_max: usize) -> Result<Shape, InferenceError> {
        match self.content.metadata.get("general.architecture") {
            Some(Value::String(name)) if name == "qwen2" => {}
            Some(Value::String(name)) => {
                return Err(self.unsupported(format!("its architecture is {name:?}")));
            }
            _ => return Err(self.damaged("it does not name its architecture".to_owned())),
        }
        let width = self.size("qwen2.embedding_length", WIDTH_MAX)?;
        let count = self.size("qwen2.attention.head_count", WIDTH_MAX)?;
        let key_value_count = self.size("qwen2.attention.head_count_kv", WIDTH_MAX)?;
        if !width.is_multiple_of(count) || !count.is_multiple_of(key_value_count) {
            return Err(self.damaged(format!(
                "{width} numbers do not divide into {count} heads over {key_value_count}"
            )));
        }
        let heads = Heads {
            count,
            key_value_count,
            width: width / count,
        };
        if !heads.width.is_multiple_of(LANES) || heads.width > HEAD_WIDTH_MAX {
            return Err(self.unsupported(format!("its heads are {} wide", heads.width)));
        }
        let embedding = self.info("token_embd.weight")?.shape.dims();
        let &[vocabulary, _] = embedding else {
            return Err(self.damaged("its embedding is not a matrix".to_owned()));
        };
        if !(1..=VOCABULARY_MAX).contains(&vocabulary) {
            return Err(self.damaged(format!("it declares {vocabulary} tokens")));
        }
        Ok(Shape {
            layers: self.size("qwen2.block_count", LAYERS_MAX)?,
            width,
            feed_width: self.size("qwen2.feed_forward_length", WIDTH_MAX)?,
            heads,
            vocabulary,
            context_tokens_max: self
                .size("qwen2.context_length", usize::MAX)?
                .min(context_tokens_max.max(1)),
            rotation_base: self.number("qwen2.rope.freq_base").unwrap_or(10_000.0),
            norm_epsilon: self
                .number("qwen2.attention.layer_norm_rms_epsilon")
                .ok_or_else(|| self.damaged("it lacks the epsilon of its norms".to_owned()))?,
        })
    }

    /// A whole number of the header, from 1 to `most`.
    fn size(&self, key: &str, most: usize) -> Result<usize, InferenceError> {
        let value = self
            .content
            .metadata
            .get(key)
            .and_then(|value| value.to_u64().ok());
        match value.and_then(|value| usize::try_from(value).ok()) {
            Some(value) if (1..=most).contains(&value) => Ok(value),
            Some(value) => Err(self.damaged(format!("{key} is {value}"))),
            None => Err(self.damaged(format!("{key} is missing or no whole number"))),
        }
    }

    fn number(&self, key: &str) -> Option<f32> {
        let value = self.content.metadata.get(key)?.to_f32().ok()?;
        (value.is_finite() && value > 0.0).then_some(value)
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, InferenceError> {
        let info = self.content.tensor_infos.get(name);
        info.ok_or_else(|| self.damaged(format!("the tensor {name} is missing")))
    }

    /// Whether the file holds all tensors that its header names.
    fn check_length(&self) -> Result<(), InferenceError> {
        let is_cut = |info: &TensorInfo| {
            let elements = info
                .shape
                .dims()
                .iter()
                .try_fold(1_u64, |product, dim| product.checked_mul(*dim as u64));
            let blocks = elements.map(|elements| elements / info.ggml_dtype.block_size() as u64);
            let bytes =
                blocks.and_then(|blocks| blocks.checked_mul(info.ggml_dtype.type_size() as u64));
            let start = self.content.tensor_data_offset.checked_add(info.offset);
            let end = start
                .zip(bytes)
                .and_then(|(start, bytes)| start.checked_add(bytes));
            end.is_none_or(|end| end > self.file_bytes)
        };
        let tensors = self.content.tensor_infos.iter();
        match tensors
            .filter(|(_, info)| is_cut(info))
            .map(|(name, _)| name)
            .min()
        {
            None => Ok(()),
            Some(name) => Err(self.damaged(format!("it ends before the end of the tensor {name}"))),
        }
    }

    /// The format and the bytes of a tensor that must have the shape `dims`.
    fn bytes(&self, name: &str, dims: &[usize]) -> Result<(GgmlDType, Vec<u8>), InferenceError> {
        let info = self.info(name)?;
        if info.shape.dims() != dims {
            let found = info.shape.dims();
            return Err(self.damaged(format!("the tensor {name} is {found:?} and not {dims:?}")));
        }
        let (format, columns) = (info.ggml_dtype, dims[dims.len() - 1]);
        let rows: usize = dims[..dims.len() - 1].iter().product();
        if !columns.is_multiple_of(format.block_size()) {
            return Err(self.damaged(format!("rows of {name} are no whole blocks of {format:?}")));
        }
        // Both factors are bounded by `shape`, so the product cannot overflow.
        let bytes = rows * (columns / format.block_size() * format.type_size());
        let start = self.content.tensor_data_offset.checked_add(info.offset);
        let end = start.and_then(|start| start.checked_add(bytes as u64));
        let (Some(start), Some(true)) = (start, end.map(|end| end <= self.file_bytes)) else {
            return Err(self.damaged(format!("it ends before the end of the tensor {name}")));
        };
        let mut data = vec![0; bytes];
        File::open(self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(&mut data)
            })
            .map_err(|source| InferenceError::ModelRead {
                path: self.path.to_owned(),
                source,
            })?;
        Ok((format, data))
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, InferenceError> {
        let (format, bytes) = self.bytes(name, &[rows, columns])?;
        Ok(Matrix::new(format, &bytes, rows, columns)?)
    }

    fn tensor(&self, name: &str, rows: usize, columns: usize) -> Result<QTensor, InferenceError> {
        let (format, bytes) = self.bytes(name, &[rows, columns])?;
        Ok(matrix::tensor(format, &bytes, rows, columns)?)
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, InferenceError> {
        let (format, bytes) = self.bytes(name, &[length])?;
        let tensor = matrix::tensor(format, &bytes, 1, length)?;
        Ok(tensor
            .dequantize(&candle_core::Device::Cpu)?
            .flatten_all()?
            .to_vec1()?)
    }

    fn transformer(&self, shape: &Shape) -> Result<Transformer, InferenceError> {
        let Shape {
            width,
            vocabulary,
            heads,
            ..
        } = *shape;
        let embedding = self.tensor("token_embd.weight", vocabulary, width)?;
        let layers = (0..shape.layers)
            .into_par_iter()
            .map(|index| self.layer(index, shape))
            .collect::<Result<Vec<_>, _>>()?;
        // Small models of the family use the embedding for the output too.
        let tied = !self.content.tensor_infos.contains_key("output.weight");
        let output = if tied {
            "token_embd.weight"
        } else {
            "output.weight"
        };
        Ok(Transformer {
            heads,
            embedding,
            layers,
            output_norm: self.vector("output_norm.weight", width)?,
            output: self.matrix(output, vocabulary, width)?,
            norm_epsilon: shape.norm_epsilon,
            rotations: Rotations::new(heads.width, shape.rotation_base, shape.context_tokens_max),
        })
    }

    fn layer(&self, index: usize, shape: &Shape) -> Result<Layer, InferenceError> {
        let Shape {
            width,
            feed_width,
            heads,
            ..
        } = *shape;
        let name = |part: &str| format!("blk.{index}.{part}");
        let matrix = |part: &str, rows, columns| self.matrix(&name(part), rows, columns);
        let vector = |part: &str| self.vector(&name(part), width);
        let projection = |part: &str, rows| {
            Ok::<_, InferenceError>(Projection {
                matrix: matrix(&format!("{part}.weight"), rows, width)?,
                bias: self.vector(&name(&format!("{part}.bias")), rows)?,
            })
        };
        Ok(Layer {
            attention_norm: vector("attn_norm.weight")?,
            query: projection("attn_q", heads.query_width())?,
            key: projection("attn_k", heads.key_value_width())?,
            value: projection("attn_v", heads.key_value_width())?,
            attention_output: matrix("attn_output.weight", width, heads.query_width())?,
            feed_norm: vector("ffn_norm.weight")?,
            gate: matrix("ffn_gate.weight", feed_width, width)?,
            up: matrix("ffn_up.weight", feed_width, width)?,
            down: matrix("ffn_down.weight", width, feed_width)?,
        })
    }
}
