//! Texts that never leave with a span, such as keys.

use super::{AttributeValue, Span};

/// What stands in the place of a masked text.
const MASKED: &str = "[masked]";

impl Span {
    /// Puts a mark in the place of these texts, wherever they stand; one after the other, as
    /// [`forms_to_mask`] gives them.
    pub fn mask(&mut self, texts: &[String]) {
        for masked in texts.iter().filter(|masked| !masked.is_empty()) {
            let mask = |text: &mut String| {
                if text.contains(masked.as_str()) {
                    *text = text.replace(masked.as_str(), MASKED);
                }
            };
            mask(&mut self.name);
            self.failure.iter_mut().for_each(mask);
            let of_events = self.events.iter_mut().flat_map(|it| &mut it.attributes);
            for attribute in self.attributes.iter_mut().chain(of_events) {
                match &mut attribute.value {
                    AttributeValue::Text(text) => mask(text),
                    AttributeValue::Number(_) => {}
                }
            }
        }
    }
}

/// These texts as they are and as they stand within JSON within a text. Of texts that hold one
/// another the longest comes first, so that nothing of it is left.
///
/// ```
/// use leadhand_inspector::forms_to_mask;
/// let forms = forms_to_mask(vec!["a".into(), "a\"b".into()]);
/// assert_eq!(forms, ["a\\\"b", "a\"b", "a"]);
/// ```
#[must_use]
pub fn forms_to_mask(texts: Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    for text in texts {
        let json = serde_json::Value::String(text.clone()).to_string();
        let within = json[1..json.len() - 1].to_owned();
        all.extend((within != text).then_some(within));
        all.push(text);
    }
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    all
}
