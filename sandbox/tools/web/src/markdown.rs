//! HTML to Markdown, tag by tag, without a tree: a page may be unclosed, nested without end or
//! megabytes long, and the work stays a small multiple of its length. `html5gum` cuts the text
//! into tags as browsers do; what a tag does to the Markdown is here, how it is written is in
//! `writer`. Text is not escaped: the reader is a model and not a renderer.

use crate::writer::{Role, Writer};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// What is left of links and emphasis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// All of it.
    Markdown,
    /// Nothing: words only.
    Plain,
}

/// Elements whose content is not for readers.
const NOISE: [&str; 18] = [
    "audio", "button", "canvas", "datalist", "dialog", "iframe", "math", "noframes", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "video", "nav",
];
/// Elements that may be hidden by an attribute. Those whose end may be left out are not among
/// them: nobody would know where the hidden part ends.
const HIDEABLE: [&str; 10] = [
    "a", "aside", "div", "footer", "form", "header", "section", "span", "table", "ul",
];
/// Elements that begin and end a block.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hgroup",
    "html",
    "legend",
    "main",
    "menu",
    "optgroup",
    "option",
    "p",
    "search",
    "section",
    "summary",
    "tbody",
    "tfoot",
    "thead",
    "frameset",
    "head",
];
/// Elements at which the content of a page begins, so that no `nav` can still be open.
const CONTENT: [&str; 4] = ["article", "body", "h1", "main"];

/// The page as Markdown, its title first. Links are made absolute against `url`.
pub fn convert(html: &str, url: &str, style: Style) -> String {
    let text = Page::new(url, style, true).read(html);
    if text.trim().is_empty() {
        // A page that is all navigation is better than none.
        return Page::new(url, style, false).read(html);
    }
    text
}

struct Page {
    writer: Writer,
    drop_navigation: bool,
    /// The noise that is being skipped, and how often its element is open.
    skipped: Option<(String, u32)>,
    in_title: bool,
}

impl Page {
    fn new(url: &str, style: Style, drop_navigation: bool) -> Self {
        Self {
            writer: Writer::new(url, style == Style::Plain),
            drop_navigation,
            skipped: None,
            in_title: false,
        }
    }

    fn read(mut self, html: &str) -> String {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => self.start(&tag),
                Token::EndTag(tag) => self.end(&name_of(&tag.name)),
                Token::String(text) => {
                    let text = String::from_utf8_lossy(&text.value);
                    if self.in_title {
                        self.writer.add_title(&text);
                    } else if self.skipped.is_none() {
                        self.writer.text(&text);
                    }
                }
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
            if self.writer.is_full() {
                break;
            }
        }
        self.writer.finish()
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = name_of(&tag.name);
        if let Some((skipped, open)) = &mut self.skipped {
            if *skipped == name && !tag.self_closing {
                *open += 1;
            }
            if !(skipped == "nav" && CONTENT.contains(&name.as_str())) {
                return;
            }
            self.skipped = None;
        }
        if self.is_noise(&name, tag) {
            if !tag.self_closing || name != "svg" {
                self.skipped = Some((name, 1));
            }
            return;
        }
        if name == "title" {
            self.in_title = true;
            return;
        }
        self.open(&name, tag);
    }

    fn is_noise(&self, name: &str, tag: &StartTag<()>) -> bool {
        if NOISE.contains(&name) {
            return self.drop_navigation || name != "nav";
        }
        let style = attribute(tag, "style").unwrap_or_default().replace(' ', "");
        let hidden = tag.attributes.contains_key(b"hidden".as_slice())
            || attribute(tag, "aria-hidden").is_some_and(|value| value == "true")
            || style.contains("display:none")
            || style.contains("visibility:hidden");
        hidden && HIDEABLE.contains(&name)
    }

    fn open(&mut self, name: &str, tag: &StartTag<()>) {
        let writer = &mut self.writer;
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                writer.open_block(name, Role::Heading(usize::from(name.as_bytes()[1] - b'0')));
            }
            "blockquote" => writer.open_block(name, Role::Quote),
            "ul" | "ol" => {
                let first = attribute(tag, "start").and_then(|first| first.parse().ok());
                let next = (name == "ol").then_some(first.unwrap_or(1));
                writer.open_block(name, Role::List { next });
            }
            "li" => writer.open_item(),
            "pre" | "listing" | "xmp" => {
                let language = language(tag).unwrap_or_default();
                writer.open_block(name, Role::Pre { language });
            }
            "code" | "kbd" | "samp" | "tt" => {
                writer.set_language(language(tag));
                writer.open_inline(name, Role::Code { start: 0 });
            }
            "strong" | "b" => writer.open_inline(
                name,
                Role::Marked {
                    start: 0,
                    mark: "**",
                },
            ),
            "em" | "i" => writer.open_inline(
                name,
                Role::Marked {
                    start: 0,
                    mark: "*",
                },
            ),
            "a" => {
                let href = attribute(tag, "href").unwrap_or_default();
                writer.open_link(&href);
            }
            "base" => writer.set_base(&attribute(tag, "href").unwrap_or_default()),
            "img" => writer.text(&attribute(tag, "alt").unwrap_or_default()),
            "br" => writer.line_break(),
            "hr" => writer.rule(),
            "table" => writer.open_table(),
            "tr" => writer.open_row(),
            "td" | "th" => {
                let span = attribute(tag, "colspan").and_then(|span| span.parse().ok());
                writer.open_cell(span.unwrap_or(1));
            }
            _ if BLOCKS.contains(&name) => writer.end_block(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, open)) = &mut self.skipped {
            if skipped == name {
                *open -= 1;
                if *open == 0 {
                    self.skipped = None;
                }
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "td" | "th" => self.writer.close_cell(),
            "tr" => self.writer.close_row(),
            _ if BLOCKS.contains(&name) => self.writer.end_block(),
            _ => self.writer.close(name),
        }
    }
}

fn name_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(&value.value).into_owned())
}

/// The language of code, as highlighters write it: `language-rust`, `lang-rust`.
fn language(tag: &StartTag<()>) -> Option<String> {
    let classes = attribute(tag, "class")?;
    classes.split_whitespace().find_map(|class| {
        let language = class
            .strip_prefix("language-")
            .or_else(|| class.strip_prefix("lang-"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-#_".contains(c);
        language.chars().all(plain).then(|| language.to_owned())
    })
}
