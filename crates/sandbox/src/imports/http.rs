//! Requests over the network. This host has none to give: each is refused and noted.

use crate::contract::http::{Error, ErrorCode, Host, Request, Response};
use crate::state::CallState;
use leadhand_protocol::Capability;

/// How much of an address is told, in characters.
const URL_CHARS_MAX: usize = 200;

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.meter.host_call()?;
        // A query may hold what nobody should read.
        let url = request.url.split(['?', '#']).next().unwrap_or_default();
        let url: String = url.chars().take(URL_CHARS_MAX).collect();
        self.refuse(Capability::Net, &url);
        Ok(Err(Error {
            code: ErrorCode::Denied,
            message: format!("No grant of net covers `{url}`."),
        }))
    }
}
