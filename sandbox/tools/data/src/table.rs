//! `read_csv`: rows as JSON objects, values as the text that stands there. Rows whose number of
//! fields is not that of the columns are named and left out.

use crate::csv::{self, Row, Rows};
use guest::{ANSWER_BYTES_MAX, Arguments, ErrorKind, ToolError, fault};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// What `read_csv` answers.
pub const RESULT_SCHEMA: &str = r#"{"type":"object","properties":{"rows":{"type":"array","items":{"type":"object","additionalProperties":{"type":"string"}}},"matching":{"type":"integer"},"next_row":{"type":"integer"},"left_out":{"type":"array","items":{"type":"string"}}},"required":["rows","matching"],"additionalProperties":false}"#;

/// Rows with a fault that are named one by one.
const NAMED_FAULTS_MAX: usize = 5;
/// Most columns.
const COLUMNS_MAX: usize = 1_000;

/// Reads the rows that a call asks for.
pub fn read(text: &str, arguments: &Arguments) -> Result<String, ToolError> {
    let refuse = |message: String| fault(ErrorKind::InvalidArguments, message);
    let delimiter = match arguments.text("delimiter") {
        "" => csv::delimiter(text),
        "tab" | "\\t" => '\t',
        given => match given.chars().collect::<Vec<_>>()[..] {
            [one] if one != '"' && !one.is_ascii_control() || one == '\t' => one,
            _ => {
                let message = format!("`delimiter` is one character or tab, not `{given}`.");
                return Err(refuse(message));
            }
        },
    };
    let mut rows = Rows::of(text, delimiter).peekable();
    let first = match rows.peek() {
        None => return Err(refuse("The CSV has no line.".to_owned())),
        Some(Err(why)) => return Err(refuse(format!("The CSV cannot be read: {why}."))),
        Some(Ok(row)) => row.fields.clone(),
    };
    let columns = if arguments.flag_or("header", true) {
        rows.next();
        named(&first)
    } else {
        (1..=first.len()).map(|n| format!("column_{n}")).collect()
    };
    if columns.len() > COLUMNS_MAX {
        let message = format!("The CSV has more than {COLUMNS_MAX} columns.");
        return Err(fault(ErrorKind::LimitExceeded, message));
    }
    let chosen = arguments.texts("columns");
    let conditions = arguments.object("where");
    let asked = chosen.iter().copied();
    let asked = asked.chain(
        conditions
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str),
    );
    for name in asked {
        if !columns.iter().any(|column| column == name) {
            let there = columns.join(", ");
            let message = format!("There is no column `{name}`; there are: {there}.");
            return Err(fault(ErrorKind::NotFound, message));
        }
    }
    let mut answer = Answer::from(arguments.count("start_row").unwrap_or(1));
    for row in rows {
        let row = row.map_err(|why| refuse(format!("The CSV cannot be read: {why}.")))?;
        if row.fields.len() == columns.len() {
            if conditions.is_none_or(|wanted| fits(&columns, &row.fields, wanted)) {
                answer.add(|| object(&columns, &row.fields, &chosen));
            }
        } else {
            answer.leave_out(&row, columns.len());
        }
    }
    Ok(answer.finish())
}

/// Names for the columns: those without one get a number, and a second one of the same name too.
fn named(first: &[String]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for (index, field) in first.iter().enumerate() {
        let field = field.trim();
        let taken = field.is_empty() || columns.iter().any(|column| column == field);
        columns.push(match (taken, field) {
            (false, _) => field.to_owned(),
            (true, "") => format!("column_{}", index + 1),
            (true, _) => format!("{field}_{}", index + 1),
        });
    }
    columns
}

fn object(columns: &[String], fields: &[String], chosen: &[&str]) -> Value {
    let pair = |name: &str| {
        let index = columns.iter().position(|column| column == name)?;
        Some((name.to_owned(), Value::from(fields[index].as_str())))
    };
    let names: Vec<&str> = if chosen.is_empty() {
        columns.iter().map(String::as_str).collect()
    } else {
        chosen.to_vec()
    };
    Value::Object(names.into_iter().filter_map(pair).collect())
}

/// Whether a row has all wanted values.
fn fits(columns: &[String], fields: &[String], wanted: &Map<String, Value>) -> bool {
    columns.iter().zip(fields).all(|(column, field)| {
        wanted
            .get(column)
            .is_none_or(|condition| holds(field, condition))
    })
}

/// A condition is a value, or a comparison with one: `>= 30`, `!= Oslo`, `~ part of it`.
fn holds(field: &str, condition: &Value) -> bool {
    let text = condition
        .as_str()
        .map_or_else(|| condition.to_string(), ToOwned::to_owned);
    for sign in [">=", "<=", "!=", "==", ">", "<", "=", "~"] {
        let Some(value) = text.strip_prefix(sign) else {
            continue;
        };
        let value = value.trim();
        let order = compare(field, value);
        return match sign {
            ">=" => order.is_ge(),
            "<=" => order.is_le(),
            "!=" => order.is_ne(),
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            "~" => field.to_lowercase().contains(&value.to_lowercase()),
            _ => order.is_eq(),
        };
    }
    compare(field, &text).is_eq()
}

/// By value when both are numbers, else as text.
fn compare(one: &str, other: &str) -> Ordering {
    match (one.trim().parse::<f64>(), other.trim().parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.trim().cmp(other.trim()),
    }
}

struct Answer {
    rows: Vec<Value>,
    bytes: usize,
    matching: usize,
    start: usize,
    full: bool,
    faults: Vec<String>,
    more_faults: usize,
}

impl Answer {
    fn from(start: usize) -> Self {
        Self {
            rows: Vec::new(),
            // What stands around the rows, notes about rows with faults included.
            bytes: 700,
            matching: 0,
            start,
            full: false,
            faults: Vec::new(),
            more_faults: 0,
        }
    }

    fn add(&mut self, row: impl FnOnce() -> Value) {
        self.matching += 1;
        if self.full || self.matching < self.start {
            return;
        }
        let row = row();
        let bytes = row.to_string().len() + 1;
        if self.bytes + bytes > ANSWER_BYTES_MAX && !self.rows.is_empty() {
            self.full = true;
            return;
        }
        self.bytes += bytes;
        self.rows.push(row);
    }

    fn leave_out(&mut self, row: &Row, columns: usize) {
        if self.faults.len() < NAMED_FAULTS_MAX {
            let (line, fields) = (row.line, row.fields.len());
            self.faults
                .push(format!("line {line} has {fields} fields, not {columns}"));
        } else {
            self.more_faults += 1;
        }
    }

    fn finish(mut self) -> String {
        let next = self.start + self.rows.len();
        let mut answer = json!({ "rows": self.rows, "matching": self.matching });
        if self.full {
            answer["next_row"] = Value::from(next);
        }
        if self.more_faults > 0 {
            self.faults.push(format!("{} more lines", self.more_faults));
        }
        if !self.faults.is_empty() {
            answer["left_out"] = Value::from(self.faults);
        }
        answer.to_string()
    }
}
