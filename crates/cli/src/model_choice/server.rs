//! An endpoint that the environment names, or a server that runs on this machine.

use super::variable;
use crate::failure::Failure;
use leadhand::ModelConfig;
use leadhand::rooms::model::{FoundServer, discover};

/// What to do about an endpoint that lists no models: it may have some, or not be there.
const UNLISTED: &str = "name the model with OPENAI_MODEL or -m openai:NAME; if that does not \
    help, look whether the server runs and the address is right, up to and with /v1";

/// The model to use when none is named.
///
/// # Errors
/// [`Failure::NoModel`] when an endpoint is named but no model of it, and it lists none.
pub(crate) async fn find() -> Result<Option<(String, ModelConfig)>, Failure> {
    let (base_url, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
    let api_key_env = key.as_ref().map(|_| "OPENAI_API_KEY".to_owned());
    if base_url.is_some() || key.is_some() {
        let model = match variable("OPENAI_MODEL") {
            Some(model) => model,
            None => listed(base_url.as_deref(), key.as_deref()).await?,
        };
        let config = ModelConfig {
            model: Some(model.clone()),
            base_url,
            api_key_env,
            ..ModelConfig::default()
        };
        return Ok(Some((model, config)));
    }
    let mut servers = discover(None, None).await.into_iter();
    Ok(servers.next().and_then(of_server))
}

async fn listed(base_url: Option<&str>, key: Option<&str>) -> Result<String, Failure> {
    let Some(base_url) = base_url else {
        return Err(Failure::usage(
            "OPENAI_API_KEY is set, but no model is named",
            "name one with -m openai:NAME or OPENAI_MODEL, or as default_model in leadhand.toml",
        ));
    };
    let found = discover(Some(base_url), key).await;
    let first = found.first().and_then(|server| server.models.first());
    first.cloned().ok_or_else(|| Failure::NoModel {
        what: format!(
            "the endpoint at OPENAI_BASE_URL ({}) does not answer or lists no models",
            leadhand::rooms::inspector::escape::line(base_url, 120)
        ),
        hint: UNLISTED,
    })
}

fn of_server(server: FoundServer) -> Option<(String, ModelConfig)> {
    let model = server.models.first()?.clone();
    let config = ModelConfig {
        model: Some(model.clone()),
        base_url: Some(server.base_url),
        tool_style: Some(server.tool_style),
        ..ModelConfig::default()
    };
    Some((model, config))
}
