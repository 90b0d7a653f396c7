//! Every bound of a run, by name. A bound that is not in here does not exist.

use serde::{Deserialize, Serialize};

/// The bounds of one run. All of them hold whatever a model says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest goal, in characters.
    pub goal_chars_max: usize,
    /// Most tasks in a plan, over all its revisions.
    pub tasks_max: usize,
    /// Most tasks the manager may propose at once; fan-out comes on top.
    pub planned_tasks_max: usize,
    /// Longest instruction of a task, in characters.
    pub instruction_chars_max: usize,
    /// How often the plan may be revised after it was first accepted.
    pub revisions_max: u32,
    /// How often the manager may propose before a plan that never validates ends the run.
    pub plan_attempts_max: u32,
    /// Tasks carried out at once.
    pub workers_max: usize,
    /// Model calls one agent may make.
    pub turns_per_agent_max: u32,
    /// Model calls in a row that bring no usable reply before the agent gives up.
    pub faults_in_a_row_max: u32,
    /// How often a task is tried from the beginning.
    pub task_attempts_max: u32,
    /// Tool calls taken from one reply; the rest is refused and the agent told.
    pub tool_calls_per_turn_max: usize,
    /// Tokens a model may write in one turn.
    pub output_tokens_per_turn_max: u32,
    /// Characters of one tool result that are put into the prompt.
    pub tool_result_chars_max: usize,
    /// Characters of one dependency's output that are put into the prompt.
    pub input_chars_max: usize,
    /// Largest reply taken from a model, in bytes.
    pub reply_bytes_max: usize,
    /// What one agent may ask of the run and of others at work, in all its life.
    pub requests_per_agent_max: u32,
    /// Messages waiting in one inbox before its sender waits.
    pub inbox_messages_max: usize,
    /// Workspace files named to the manager.
    pub listed_files_max: usize,
    /// How often an agent is told of one finding before something is changed.
    pub finding_tellings_max: u32,
    /// How often something is changed for one finding before the attempt ends.
    pub finding_changes_max: u32,
    /// How often in a run a second model is asked whether work still serves its task; 0 is
    /// never.
    pub drift_judgements_max: u32,
    /// Seconds one model call may take, all its retries included.
    pub model_call_seconds_max: u64,
    /// Seconds the whole run may take; 0 means no bound.
    pub run_seconds_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            goal_chars_max: 200_000,
            tasks_max: 200,
            planned_tasks_max: 8,
            instruction_chars_max: 20_000,
            revisions_max: 2,
            plan_attempts_max: 3,
            workers_max: 4,
            turns_per_agent_max: 16,
            faults_in_a_row_max: 4,
            task_attempts_max: 2,
            tool_calls_per_turn_max: 8,
            output_tokens_per_turn_max: 1_536,
            tool_result_chars_max: 8_000,
            input_chars_max: 12_000,
            reply_bytes_max: 400_000,
            requests_per_agent_max: 4_096,
            inbox_messages_max: 256,
            listed_files_max: 60,
            finding_tellings_max: 1,
            finding_changes_max: 1,
            drift_judgements_max: 0,
            model_call_seconds_max: 600,
            run_seconds_max: 0,
        }
    }
}

/// The bounds of one tool call; enforced by the sandbox host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolLimits {
    /// Units of wasmtime fuel, about one per instruction.
    pub fuel_max: u64,
    /// Wall-clock time, in milliseconds.
    pub wall_ms: u64,
    /// Linear memory of all the guest's memories together, in bytes.
    pub memory_bytes_max: usize,
    /// Elements of all the guest's tables together.
    pub table_elements_max: usize,
    /// Core instances a component may be made of.
    pub instances_max: usize,
    /// Text a call may return, in bytes.
    pub output_bytes_max: usize,
    /// Text a call may log, in bytes; what is over is dropped.
    pub log_bytes_max: usize,
    /// Bytes read from files.
    pub file_bytes_read_max: u64,
    /// Bytes written to files.
    pub file_bytes_written_max: u64,
    /// Calls from the guest to the host.
    pub host_calls_max: u64,
    /// Folder entries listed.
    pub folder_entries_max: usize,
    /// Files and folders open at the same time.
    pub open_files_max: usize,
    /// Requests over the network, each redirect counted.
    pub net_requests_max: u64,
    /// Bytes sent over the network, headers and bodies.
    pub net_bytes_sent_max: u64,
    /// Bytes received over the network, headers and bodies.
    pub net_bytes_received_max: u64,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self {
            fuel_max: 5_000_000_000,
            wall_ms: 20_000,
            memory_bytes_max: 256 * 1024 * 1024,
            table_elements_max: 100_000,
            instances_max: 100,
            output_bytes_max: 200_000,
            log_bytes_max: 20_000,
            file_bytes_read_max: 64 * 1024 * 1024,
            file_bytes_written_max: 16 * 1024 * 1024,
            host_calls_max: 100_000,
            folder_entries_max: 20_000,
            open_files_max: 64,
            net_requests_max: 32,
            net_bytes_sent_max: 4 * 1024 * 1024,
            net_bytes_received_max: 16 * 1024 * 1024,
        }
    }
}
