//! The tools of a simulated run. Those that act do so at a service that keeps its own books,
//! whatever becomes of the process; those for files work in a real folder.

use crate::chance::number_of;
use crate::meeting::meet;
use crate::script::{Does, MEETING_TOOLS, ToolAct, ToolScript};
use crate::trace::What;
use crate::world::World;
use leadhand_model::BoxFuture;
use leadhand_protocol::{
    Access, Capability, Change, ContentHash, Effect, FileChange, Isolation, ToolCall, ToolFault,
    ToolFaultKind, ToolOutput, ToolSpec,
};
use leadhand_runtime::{CallInfo, NativeTool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A call takes so long before and after its effect at most, in milliseconds.
const CALL_MS: u64 = 40;
/// Longer than any tool may take.
const HANGING: Duration = Duration::from_secs(86_400);

struct SimTool {
    world: World,
    spec: ToolSpec,
}

/// All tools of a world.
pub(crate) fn tools(world: &World) -> Vec<Arc<dyn NativeTool>> {
    let specs = specs(&world.script.tools).into_iter();
    specs
        .map(|spec| {
            Arc::new(SimTool {
                world: world.clone(),
                spec,
            }) as Arc<dyn NativeTool>
        })
        .collect()
}

/// What these tools are, with those that probe and undo them and those for files.
pub(crate) fn specs(tools: &[ToolScript]) -> Vec<ToolSpec> {
    let named = json!({
        "type": "object",
        "properties": {"what": {"type": "string"}},
        "required": ["what"],
        "additionalProperties": false,
    });
    let mut specs = vec![
        file_tool("read_file", Capability::FsRead, &["path"]),
        file_tool("write_file", Capability::FsWrite, &["path", "content"]),
    ];
    for tool in tools {
        let probe = tool.probe.then(|| format!("probe_{}", tool.name));
        let undo = tool.undo.then(|| format!("undo_{}", tool.name));
        let beside = [(&probe, Effect::Pure), (&undo, Effect::Idempotent)];
        for (name, effect) in beside {
            specs.extend(name.iter().map(|name| ToolSpec {
                trusted: tool.trusted,
                equal_by: Vec::new(),
                poll_every_ms: None,
                ..spec(name, json!({"type": "object"}), effect)
            }));
        }
        specs.push(ToolSpec {
            probe,
            undo,
            trusted: tool.trusted,
            equal_by: Vec::new(),
            poll_every_ms: None,
            ..spec(&tool.name, named.clone(), tool.effect)
        });
    }
    specs
}

fn spec(name: &str, arguments: Value, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: "does what its name says".to_owned(),
        arguments: Arc::new(arguments),
        result: None,
        effect,
        probe: None,
        undo: None,
        accesses: Vec::new(),
        isolation: Isolation::Native,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

fn file_tool(name: &str, capability: Capability, required: &[&str]) -> ToolSpec {
    let arguments = json!({
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": required,
    });
    ToolSpec {
        accesses: vec![Access::new(capability, Some("path"))],
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
        ..spec(
            name,
            arguments,
            if capability == Capability::FsRead {
                Effect::Pure
            } else {
                Effect::Idempotent
            },
        )
    }
}

impl NativeTool for SimTool {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        info: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        Box::pin(async move {
            let nth = self.world.tool_calls(&call.name);
            self.world.begin(What::Tool {
                call: info.id,
                tool: call.name.clone(),
                harmful: !self.spec.effect.is_repeatable(),
                undoes: call.name.starts_with("undo_"),
            });
            let acts = self.world.script.acts.iter();
            let mut here = acts.filter(|act| act.tool == call.name && act.nth == nth);
            let act = here.next();
            self.wait(nth).await;
            if MEETING_TOOLS.contains(&call.name.as_str()) {
                let met = meet(&self.world, call, info).await;
                if met.is_err() {
                    self.world.came_back();
                    return met;
                }
            }
            if act.is_none_or(takes_effect) {
                let output = self.take_effect(call, info);
                self.wait(nth).await;
                return self.came_back(act, output).await;
            }
            self.came_back(act, Ok(ToolOutput::text("done"))).await
        })
    }
}

impl SimTool {
    async fn wait(&self, nth: u32) {
        let takes_ms = number_of([self.world.script.seed, u64::from(nth), 7]) % CALL_MS + 1;
        tokio::time::sleep(Duration::from_millis(takes_ms)).await;
    }

    /// What the call says in the end.
    async fn came_back(
        &self,
        act: Option<&ToolAct>,
        output: Result<ToolOutput, ToolFault>,
    ) -> Result<ToolOutput, ToolFault> {
        let does = act.map(|act| act.does);
        match does {
            Some(Does::Slow { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Some(Does::Hang) => tokio::time::sleep(HANGING).await,
            _ => {}
        }
        self.world.came_back();
        match does {
            None | Some(Does::Slow { .. } | Does::Hang) => output,
            Some(Does::Fail { retryable }) => Err(fault(ToolFaultKind::Failed, retryable)),
            Some(Does::Doubt) => Err(fault(ToolFaultKind::InDoubt, false)),
            Some(Does::Nonsense) => output.map(|output| ToolOutput {
                text: "\u{0}{]".to_owned(),
                ..output
            }),
            // Without the words on the terminal that would hide those that matter.
            Some(Does::Panic) => std::panic::resume_unwind(Box::new("the script wants a panic")),
        }
    }

    fn take_effect(&self, call: &ToolCall, info: &CallInfo) -> Result<ToolOutput, ToolFault> {
        match call.name.as_str() {
            "read_file" => self.read(call),
            "write_file" => self.write(call),
            name if name.starts_with("probe_") => {
                let key = call.arguments["key"].as_str().unwrap_or_default();
                let told = json!({"took_effect": self.world.was_done(key), "result": "done"});
                Ok(ToolOutput::text(told.to_string()))
            }
            name => match name.strip_prefix("undo_") {
                Some(tool) => {
                    let mut state = self.world.state();
                    let arguments = &call.arguments["arguments"];
                    let mut deeds = state.deeds.iter_mut().rev();
                    let deed = deeds.find(|deed| deed.tool == tool && deed.arguments == *arguments);
                    if let Some(deed) = deed {
                        deed.undone = true;
                    }
                    Ok(ToolOutput::text("undone"))
                }
                None => {
                    if self.spec.effect != Effect::Pure {
                        self.world.does(info.id, info.key, call);
                    }
                    Ok(ToolOutput::text("done"))
                }
            },
        }
    }

    fn read(&self, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
        let path = call.arguments["path"].as_str().unwrap_or_default();
        std::fs::read_to_string(self.world.folder().join(path))
            .map(ToolOutput::text)
            .map_err(|_| fault(ToolFaultKind::NotFound, false))
    }

    fn write(&self, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
        let path = call.arguments["path"].as_str().unwrap_or_default();
        let content = call.arguments["content"].as_str().unwrap_or_default();
        let place = self.world.folder().join(path);
        let change = if place.exists() {
            Change::Modified
        } else {
            Change::Created
        };
        std::fs::write(place, content).map_err(|_| fault(ToolFaultKind::Failed, true))?;
        let hash = ContentHash::of(content.as_bytes());
        let mut state = self.world.state();
        let written = state.written.entry(path.to_owned()).or_default();
        written.insert(hash);
        Ok(ToolOutput {
            files: vec![FileChange {
                path: path.to_owned(),
                change,
                hash: Some(hash),
                bytes: content.len() as u64,
            }],
            ..ToolOutput::text("written")
        })
    }
}

/// Whether a call has its effect. One that says it went well tells the truth.
fn takes_effect(act: &ToolAct) -> bool {
    match act.does {
        Does::Slow { .. } | Does::Nonsense => true,
        Does::Fail { .. } | Does::Panic | Does::Hang | Does::Doubt => act.takes_effect,
    }
}

pub(crate) fn fault(kind: ToolFaultKind, retryable: bool) -> ToolFault {
    ToolFault {
        kind,
        message: "the script wants it to fail".to_owned(),
        retryable,
    }
}
