//! A tool out of an async closure, its schema derived from the type of its argument.

use leadhand_model::BoxFuture;
use leadhand_protocol::{
    Access, Effect, Isolation, ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use leadhand_runtime::{CallInfo, NativeTool};
use leadhand_schema::Notice;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

type Function =
    dyn Fn(Value, CallInfo) -> BoxFuture<'static, Result<String, ToolFault>> + Send + Sync;

/// A tool in the embedder's process. It passes the permission engine as every tool does, but
/// nothing can be enforced on it, and it says so wherever tools are shown.
#[derive(Clone)]
pub struct FunctionTool {
    spec: ToolSpec,
    notices: Vec<Notice>,
    function: Arc<Function>,
}

/// A tool of this name that calls `function`. Its arguments are described to the model by the
/// JSON Schema of `Arguments`; what does not fit is sent back to the model and never reaches
/// the function. An `Err` goes back to the model as well, in its own words.
///
/// ```
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Order {
///     /// Number of the order.
///     number: u32,
/// }
/// let tool = leadhand::tool("order_state", "Says how far an order is.", |order: Order| async move {
///     if order.number == 7 { Ok("shipped".to_owned()) } else { Err(format!("no order {}", order.number)) }
/// });
/// # let _ = tool;
/// ```
pub fn tool<Arguments, Function, Output>(
    name: impl Into<String>,
    description: impl Into<String>,
    function: Function,
) -> FunctionTool
where
    Arguments: DeserializeOwned + JsonSchema,
    Function: Fn(Arguments) -> Output + Send + Sync + 'static,
    Output: Future<Output = Result<String, String>> + Send + 'static,
{
    tool_with_info(name, description, move |arguments, _| function(arguments))
}

/// As [`tool`], for a function that is also told what is known of the call: of a payment, say,
/// the key under which the service does nothing twice.
///
/// ```
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Payment {
///     /// Whom.
///     to: String,
/// }
/// let pay = leadhand::tool_with_info("pay", "Pays somebody.", |payment: Payment, call| async move {
///     Ok(format!("paid {} under {}", payment.to, call.key))
/// });
/// # let _ = pay;
/// ```
pub fn tool_with_info<Arguments, Function, Output>(
    name: impl Into<String>,
    description: impl Into<String>,
    function: Function,
) -> FunctionTool
where
    Arguments: DeserializeOwned + JsonSchema,
    Function: Fn(Arguments, CallInfo) -> Output + Send + Sync + 'static,
    Output: Future<Output = Result<String, String>> + Send + 'static,
{
    let mut schema = schemars::schema_for!(Arguments).to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        fields.remove("title");
    }
    let spec = spec(name.into(), description.into(), schema);
    FunctionTool::new(spec, Vec::new(), Arc::new(function))
}

/// What a function is before its embedder says more of it.
pub(crate) fn spec(name: String, description: String, arguments: Value) -> ToolSpec {
    ToolSpec {
        name,
        description,
        arguments: Arc::new(arguments),
        result: None,
        effect: Effect::Once,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

fn fault(kind: ToolFaultKind, message: String) -> ToolFault {
    ToolFault {
        kind,
        message,
        retryable: false,
    }
}

impl FunctionTool {
    /// A tool out of its description and a function of what its arguments are read as.
    pub(crate) fn new<Arguments, Function, Output>(
        spec: ToolSpec,
        notices: Vec<Notice>,
        function: Arc<Function>,
    ) -> Self
    where
        Arguments: DeserializeOwned,
        Function: Fn(Arguments, CallInfo) -> Output + Send + Sync + 'static,
        Output: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self {
            spec,
            notices,
            function: Arc::new(
                move |arguments, info| match serde_json::from_value(arguments) {
                    Err(error) => {
                        let fault = fault(ToolFaultKind::InvalidArguments, error.to_string());
                        Box::pin(async move { Err(fault) })
                    }
                    Ok(arguments) => {
                        let running = function(arguments, info);
                        Box::pin(async move {
                            running
                                .await
                                .map_err(|message| fault(ToolFaultKind::Failed, message))
                        })
                    }
                },
            ),
        }
    }

    /// The name that models call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What was read otherwise than [`crate::foreign_tool`] was told it, or left out.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What a call does to the world; without this it is taken for something that must never
    /// be done twice.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.spec.effect = effect;
        self
    }

    /// The tool that tells whether a call of this one took effect when nobody knows, as after a
    /// crash; see [`ToolSpec::probe`] for what it is called with and answers. Without one a person
    /// is asked.
    #[must_use]
    pub fn probed_by(mut self, tool: impl Into<String>) -> Self {
        self.spec.probe = Some(tool.into());
        self
    }

    /// The tool that undoes a call of this one, which makes its effect
    /// [`Effect::Compensable`]; see [`ToolSpec::undo`] for what it is called with.
    #[must_use]
    pub fn undone_by(mut self, tool: impl Into<String>) -> Self {
        self.spec.effect = Effect::Compensable;
        self.spec.undo = Some(tool.into());
        self
    }

    /// A capability the tool uses, so that policy can judge it by its resources.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.spec.accesses.push(access);
        self
    }

    /// The arguments that make two of its calls equal, in place of all of them; see
    /// [`ToolSpec::equal_by`].
    #[must_use]
    pub fn equal_by<Name: Into<String>>(mut self, names: impl IntoIterator<Item = Name>) -> Self {
        self.spec.equal_by = names.into_iter().map(Into::into).collect();
        self
    }

    /// It looks whether something has changed by itself, and is to be asked this often; see
    /// [`ToolSpec::poll_every_ms`].
    #[must_use]
    pub fn poll_every_ms(mut self, every_ms: u64) -> Self {
        self.spec.poll_every_ms = Some(every_ms);
        self
    }

    /// You vouch for what its results say. Without this they count as untrusted: an agent that
    /// has read one causes no effect that its task did not declare, unless a person says yes.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.spec.trusted = true;
        self
    }
}

impl NativeTool for FunctionTool {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        info: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        let running = (self.function)(call.arguments.clone(), info.clone());
        Box::pin(async move { running.await.map(ToolOutput::text) })
    }
}
