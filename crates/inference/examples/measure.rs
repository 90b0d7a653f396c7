//! Measures a model: `cargo run --release -p leadhand-inference --example measure -- FILE [THREADS]`.
//! Processor time is given beside wall time where the system tells it: on a busy machine
//! only the former says something about the engine.
#![allow(clippy::print_stdout, reason = "its results are its output")]

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use leadhand_inference::{
    Engine, EngineOptions, GenerateRequest, Generation, InferenceError, PromptMessage, PromptRole,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("usage: measure FILE.gguf [THREADS]")?;
    let mut options = EngineOptions::default();
    if let Some(threads) = arguments.next() {
        options.threads = threads.parse()?;
    }
    let threads = options.threads;
    let started = Instant::now();
    let mut engine = Engine::load(Path::new(&file), options)?;
    println!("{}, {threads} threads", engine.model_name());
    println!(
        "load                      {:8.2} s",
        started.elapsed().as_secs_f64()
    );

    let question = "Name three uses of a directed acyclic graph and explain each in two sentences.";
    let found = ask(
        &mut engine,
        vec![message(PromptRole::User, question)],
        None,
        128,
    )?;
    report("short prompt", &found);
    println!("---\n{}\n---", found.text);

    constrained(&mut engine)?;
    reuse(&mut engine)?;
    Ok(())
}

/// A choice among tools, held to a schema.
fn constrained(engine: &mut Engine) -> Result<(), InferenceError> {
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "thought": { "type": "string", "maxLength": 200 },
            "tool": { "enum": ["read_file", "list_folder", "write_file"] },
            "path": { "type": "string", "maxLength": 80 }
        },
        "required": ["thought", "tool", "path"],
        "additionalProperties": false
    });
    let question = "The user wants to know what docs/plan.md says. Which tool do you call?";
    let found = ask(
        engine,
        vec![message(PromptRole::User, question)],
        Some(schema),
        128,
    )?;
    report("with a schema", &found);
    println!("---\n{}\n---", found.text);
    Ok(())
}

/// What 100 tokens more cost in a conversation of 1,500.
fn reuse(engine: &mut Engine) -> Result<(), InferenceError> {
    let line = "The quick brown fox number 7 jumps over the lazy dog near the old stone bridge. ";
    let mut long = String::new();
    while engine.count_tokens(&long) < 1440 {
        long.push_str(line);
    }
    let more = line.repeat(100 / engine.count_tokens(line));
    let mut messages = vec![
        message(PromptRole::System, "You are a careful assistant."),
        message(PromptRole::User, &long),
    ];
    let first = ask(engine, messages.clone(), None, 24)?;
    report("1,500 tokens, nothing cached", &first);
    messages.push(message(PromptRole::Assistant, &first.text));
    messages.push(message(PromptRole::User, &more));
    let second = ask(engine, messages.clone(), None, 24)?;
    report("100 tokens more, with reuse", &second);
    // Another first message shares nothing with the cache.
    messages[0].text.insert_str(0, "New. ");
    let third = ask(engine, messages, None, 24)?;
    report("the same, without reuse", &third);
    Ok(())
}

fn message(role: PromptRole, text: &str) -> PromptMessage {
    PromptMessage {
        role,
        text: text.to_owned(),
    }
}

fn ask(
    engine: &mut Engine,
    messages: Vec<PromptMessage>,
    schema: Option<serde_json::Value>,
    output_tokens_max: usize,
) -> Result<Generation, InferenceError> {
    let before = processor_ms();
    let request = GenerateRequest {
        messages,
        schema,
        output_tokens_max,
        temperature: 0.0,
        top_p: 1.0,
        repetition_penalty: 1.0,
        seed: 1,
    };
    let mut at_first_piece = None;
    let found = engine.generate(&request, &mut |piece| {
        if !piece.is_empty() && at_first_piece.is_none() {
            at_first_piece = processor_ms();
        }
        ControlFlow::Continue(())
    });
    if let (Some(before), Some(between), Some(after)) = (before, at_first_piece, processor_ms()) {
        println!(
            "processor time: prompt {} ms, answer {} ms",
            between - before,
            after - between
        );
    }
    found
}

/// Processor time this process has used, where the system tells it (Linux counts in 1/100 s).
fn processor_ms() -> Option<u64> {
    let line = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = line.rsplit(')').next()?.split_whitespace().collect();
    Some(10 * (fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))
}

fn report(what: &str, found: &Generation) {
    let rate = |tokens: usize, ms: u64| tokens as f64 * 1000.0 / (ms.max(1)) as f64;
    let read = found.prompt_tokens - found.cached_tokens;
    println!(
        "{what:30} prompt {:5} tokens, {:5} cached: {:6} ms, {:6.1} tokens/s; \
         answer {:4} tokens: {:6} ms, {:5.1} tokens/s",
        found.prompt_tokens,
        found.cached_tokens,
        found.prompt_ms,
        rate(read, found.prompt_ms),
        found.output_tokens,
        found.generate_ms,
        rate(found.output_tokens, found.generate_ms),
    );
}
