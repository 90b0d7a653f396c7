//! Finds a model server that already runs on this machine: Ollama and llama.cpp at their
//! usual ports, or whatever base URL is named. Nothing but loopback is ever probed unasked.

use crate::ToolStyle;
use crate::net::client_for;
use serde_json::Value;
use std::time::Duration;

/// How long a server may take to say that it is there.
const PROBE_MS_MAX: u64 = 150;
/// How long a server that was named may take; it need not be on this machine.
const NAMED_PROBE_MS_MAX: u64 = 3_000;
/// Most models listed of one server.
const MODELS_MAX: usize = 200;
/// Largest list that is read, in bytes.
const LIST_BYTES_MAX: usize = 1_000_000;

/// Servers looked for, with their usual addresses.
const USUAL: [(&str, &str, ToolStyle); 2] = [
    ("Ollama", "http://127.0.0.1:11434/v1", ToolStyle::Native),
    (
        "llama.cpp",
        "http://127.0.0.1:8080/v1",
        ToolStyle::Structured,
    ),
];

/// A server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundServer {
    /// What it probably is.
    pub name: String,
    /// Its base URL.
    pub base_url: String,
    /// The models it lists, in its order.
    pub models: Vec<String>,
    /// How its models call tools best.
    pub tool_style: ToolStyle,
}

/// The servers that run at the usual addresses, or the one at `base_url` where that is
/// given. Takes 150 ms at most for the usual ones. A server that lists no models is left out.
pub async fn discover(base_url: Option<&str>, key: Option<&str>) -> Vec<FoundServer> {
    if let Some(base_url) = base_url {
        let style = crate::choose_style(None, base_url, None);
        let found = probe("server", base_url, style, key, NAMED_PROBE_MS_MAX).await;
        return found.into_iter().collect();
    }
    // A key is for the server it was made for, so these get none.
    let probes = USUAL.map(|(name, url, style)| probe(name, url, style, None, PROBE_MS_MAX));
    futures::future::join_all(probes)
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn probe(
    name: &str,
    base_url: &str,
    tool_style: ToolStyle,
    key: Option<&str>,
    ms_max: u64,
) -> Option<FoundServer> {
    let within = Duration::from_millis(ms_max);
    let models = tokio::time::timeout(within, list_models(base_url, key))
        .await
        .ok()??;
    Some(FoundServer {
        name: name.to_owned(),
        base_url: base_url.to_owned(),
        models,
        tool_style,
    })
    .filter(|found| !found.models.is_empty())
}

async fn list_models(base_url: &str, key: Option<&str>) -> Option<Vec<String>> {
    let client = client_for(base_url)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let mut request = client.get(format!("{}/models", base_url.trim_end_matches('/')));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let mut response = request.send().await.ok()?.error_for_status().ok()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LIST_BYTES_MAX {
            return None;
        }
    }
    let list = serde_json::from_slice::<Value>(&body).ok()?;
    let entries = list
        .get("data")
        .or_else(|| list.get("models"))
        .unwrap_or(&list)
        .as_array()?;
    let names = entries.iter().filter_map(|entry| {
        let name = entry
            .get("id")
            .or_else(|| entry.get("name"))
            .unwrap_or(entry);
        name.as_str().map(str::to_owned)
    });
    Some(names.take(MODELS_MAX).collect())
}
