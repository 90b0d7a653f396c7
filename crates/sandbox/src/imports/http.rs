//! Requests over the network: what a guest asks, counted, over `NetAccess`.

use crate::contract::http::{Error, ErrorCode, Host, Request, Response};
use crate::state::CallState;

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.meter.host_call()?;
        match &mut self.net {
            Some(net) => Ok(net.send(request).await),
            None => Ok(Err(Error {
                code: ErrorCode::Denied,
                message: "The network is closed to this call.".to_owned(),
            })),
        }
    }
}
