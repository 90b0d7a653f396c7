//! A tool as somebody else describes it: for OpenAI, Anthropic, Gemini, MCP, BFCL or pydantic.

use crate::convert::Converter;
use crate::flatten::Roots;
use crate::name::offered_name;
use crate::notice::Notice;
use serde_json::{Map, Value, json};

/// Bytes of a description that are kept: it stands in every prompt.
const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// Bytes of a whole tool that is read.
const TOOL_BYTES_MAX: usize = 256 * 1_024;
/// Where arguments are described, by who describes them.
const PARAMETERS: [&str; 5] = [
    "parameters",
    "input_schema",
    "inputSchema",
    "parametersJsonSchema",
    "args_schema",
];
/// How the name of a variable or constant is written in Java and JavaScript.
const CODE_NAME: &str =
    "^(?:[a-z$_][A-Za-z0-9$_]*[A-Z][A-Za-z0-9$_]*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)$";

/// Why a description cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// It is no JSON object.
    #[error("a tool is described by a JSON object with `name`, `description` and `parameters`")]
    NoObject,
    /// It has no name.
    #[error("the tool has no name: give it `name`, at its root or in `function`")]
    NoName,
    /// It is too large to stand in a prompt.
    #[error("the description of the tool `{tool}` has {bytes} bytes and {bytes_max} are allowed")]
    TooLarge {
        /// Its name.
        tool: String,
        /// Its length as JSON.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// Its arguments are not an object.
    #[error("the arguments of the tool `{tool}` are {what}: an object with `properties` is wanted")]
    NotAnObject {
        /// Its name.
        tool: String,
        /// What stands there.
        what: String,
    },
    /// What was made of it is no schema.
    #[error("the arguments of the tool `{tool}` cannot be made a JSON Schema: {reason}")]
    Unusable {
        /// Its name.
        tool: String,
        /// What the validator said.
        reason: String,
    },
}

/// Somebody else's tool, in the form that every part of this program takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignTool {
    /// The name a model calls it by; see [`offered_name`].
    pub name: String,
    /// The name it came with.
    pub original: String,
    /// What it does, cut to 1,024 bytes.
    pub description: String,
    /// JSON Schema 2020-12 of its arguments: an object that is closed unless the source opens it.
    pub arguments: Value,
    /// All that was read otherwise than it is written, or left out.
    pub notices: Vec<Notice>,
}

impl ForeignTool {
    /// Reads a description: `{name, description, parameters}`, also within `function`, with
    /// `input_schema` or `inputSchema`, or the schema of a pydantic model. Types may be written
    /// as in Python, Java, JavaScript or Gemini. What is not understood is left out and named in
    /// the notices. Where types are written as in Java or JavaScript, an argument that is no text
    /// may also be the name of a variable or constant, such as `axisLabels` or `EVENT_THREAD`.
    ///
    /// ```
    /// # use leadhand_schema::ForeignTool;
    /// # use serde_json::json;
    /// let tool = ForeignTool::read(&json!({
    ///     "name": "math.hypot",
    ///     "description": "Length of (x, y).",
    ///     "parameters": {
    ///         "type": "dict",
    ///         "properties": {"x": {"type": "float"}, "y": {"type": "float"}},
    ///         "required": ["x", "y"],
    ///     },
    /// }))?;
    /// assert_eq!(tool.name, "math__hypot");
    /// assert_eq!(tool.arguments["properties"]["x"], json!({"type": "number"}));
    /// assert_eq!(tool.arguments["additionalProperties"], json!(false));
    /// # Ok::<(), leadhand_schema::ForeignError>(())
    /// ```
    ///
    /// # Errors
    /// When it has no name, is no object, or its arguments are something else than an object.
    pub fn read(raw: &Value) -> Result<Self, ForeignError> {
        let whole = raw.as_object().ok_or(ForeignError::NoObject)?;
        let tool = match whole.get("function") {
            Some(Value::Object(inner)) => inner,
            _ => whole,
        };
        let parameters = PARAMETERS.iter().find_map(|key| tool.get(*key));
        let is_model = parameters.is_none() && tool.contains_key("properties");
        let original = named(tool, is_model).ok_or(ForeignError::NoName)?;
        let bytes = raw.to_string().len();
        if bytes > TOOL_BYTES_MAX {
            return Err(ForeignError::TooLarge {
                tool: crate::keywords::shown(&original),
                bytes,
                bytes_max: TOOL_BYTES_MAX,
            });
        }
        let whole_model = Value::Object(tool.clone());
        let nothing = json!({});
        let parameters = match parameters {
            Some(Value::Null) => &nothing,
            Some(parameters) => parameters,
            None if is_model => &whole_model,
            None => &nothing,
        };
        let mut converter = Converter::new(Roots {
            parameters,
            description: raw,
        });
        refuse_other_types(&original, parameters)?;
        let mut arguments = converter.arguments();
        if converter.java_like {
            allow_code_names(&mut arguments, &mut converter);
        }
        if !is_model {
            let known = |key: &str| {
                PARAMETERS.contains(&key) || ["name", "description", "type", "title"].contains(&key)
            };
            for key in tool.keys().filter(|key| !known(key)) {
                let what = format!("`{}` of the tool was dropped", crate::keywords::shown(key));
                converter.notices.add("", what);
            }
        } else {
            arguments.remove("title");
            arguments.remove("description");
        }
        let name = offered_name(&original);
        if name != original {
            let what = format!("it is offered as `{name}`, which every model API takes");
            converter.notices.add("", what);
        }
        let description = described(tool, &mut converter);
        let arguments = Value::Object(arguments);
        if let Err(error) = jsonschema::draft202012::new(&arguments) {
            return Err(ForeignError::Unusable {
                tool: original,
                reason: error.to_string().chars().take(300).collect(),
            });
        }
        Ok(Self {
            name,
            original,
            description,
            arguments,
            notices: converter.notices.done(),
        })
    }
}

fn named(tool: &Map<String, Value>, is_model: bool) -> Option<String> {
    let keys: &[&str] = if is_model {
        &["name", "title"]
    } else {
        &["name"]
    };
    let mut names = keys.iter().filter_map(|key| tool.get(*key)?.as_str());
    names
        .find(|name| !name.trim().is_empty())
        .map(str::to_owned)
}

/// Arguments are an object; what names another type was meant for something else.
fn refuse_other_types(tool: &str, parameters: &Value) -> Result<(), ForeignError> {
    let word = parameters.get("type").and_then(Value::as_str);
    let read = word.and_then(crate::words::read);
    let what = match (
        parameters,
        read.as_ref().and_then(|read| read["type"].as_str()),
    ) {
        (Value::Object(_), None | Some("object")) => return Ok(()),
        (Value::Object(_), Some(other)) => format!("of type `{other}`"),
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => "no object".to_owned(),
        (Value::String(_), _) => "a text".to_owned(),
        (Value::Array(_), _) => "a list".to_owned(),
    };
    Err(ForeignError::NotAnObject {
        tool: crate::keywords::shown(tool),
        what,
    })
}

fn described(tool: &Map<String, Value>, converter: &mut Converter<'_>) -> String {
    let description = tool.get("description").and_then(Value::as_str);
    let description = description.unwrap_or_default().trim();
    if description.is_empty() {
        converter.notices.add("", "it has no description");
    }
    if description.len() <= DESCRIPTION_BYTES_MAX {
        return description.to_owned();
    }
    converter.notices.add("", "its description was cut");
    let mut end = DESCRIPTION_BYTES_MAX - '…'.len_utf8();
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &description[..end])
}

/// Lets the name of a variable or constant stand for every argument that is no text.
fn allow_code_names(arguments: &mut Map<String, Value>, converter: &mut Converter<'_>) {
    let Some(Value::Object(properties)) = arguments.get_mut("properties") else {
        return;
    };
    for (name, schema) in properties {
        let Value::Object(fields) = schema else {
            continue;
        };
        let of_text = match fields.get("type") {
            Some(Value::String(word)) => word == "string",
            Some(Value::Array(words)) => words.iter().any(|word| word == "string"),
            _ => true,
        };
        if of_text {
            continue;
        }
        let (mut outside, inside): (Map<String, Value>, Map<String, Value>) =
            std::mem::take(fields)
                .into_iter()
                .partition(|(key, _)| crate::keywords::ABOUT.contains(&key.as_str()));
        let code_name = json!({"type": "string", "pattern": CODE_NAME, "title": "name of a variable or constant"});
        outside.insert("anyOf".into(), json!([inside, code_name]));
        *fields = outside;
        let what = "types are those of Java or JavaScript, so the name of a variable or constant is allowed too";
        converter.notices.add(name, what);
    }
}
