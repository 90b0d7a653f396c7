//! A model that costs nothing, for what is measured beside it.

use leadhand::{
    BoxFuture, Model, ModelFault, ModelInfo, ModelReply, ModelRequest, Pieces, Price, ToolStyle,
};

/// Answers at once.
pub(crate) struct AtOnce;

impl Model for AtOnce {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "at once".to_owned(),
            provider: "example".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            Ok(ModelReply {
                text: "The part is done as it was asked for.".to_owned(),
                ..ModelReply::default()
            })
        })
    }
}
