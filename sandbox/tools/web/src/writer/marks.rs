//! Marks within a line: emphasis, code and links. Each knows where in the line its text begins;
//! its marks are written around that text when it ends, or when the block does.

use super::{Role, Writer};
use crate::links;

impl Writer {
    pub(crate) fn open_inline(&mut self, name: &str, mut role: Role) {
        if self.is_in_pre() {
            return;
        }
        let here = self.line.len();
        if let Role::Code { start } | Role::Marked { start, .. } | Role::Link { start, .. } =
            &mut role
        {
            *start = here;
        }
        self.push(name, role);
    }

    pub(crate) fn open_link(&mut self, href: &str) {
        // A link cannot be within a link.
        self.close("a");
        let url = links::absolute(&self.base, href);
        self.open_inline("a", Role::Link { start: 0, url });
    }

    /// Writes the marks of one inline element around its text in `line`.
    pub(super) fn mark(&mut self, role: &Role) {
        let (Role::Code { start } | Role::Marked { start, .. } | Role::Link { start, .. }) = role
        else {
            return;
        };
        let start = (*start).min(self.line.len());
        let text = self.line.split_off(self.line.floor_char_boundary(start));
        let inner = text.trim();
        let (before, behind) = match role {
            _ if inner.is_empty() || self.plain => ("", String::new()),
            Role::Marked { mark, .. } => (*mark, (*mark).to_owned()),
            Role::Code { .. } if inner.contains('`') => ("`` ", " ``".to_owned()),
            Role::Code { .. } => ("`", "`".to_owned()),
            Role::Link { url: Some(url), .. } if url != inner => ("[", format!("]({url})")),
            _ => ("", String::new()),
        };
        let lead = &text[..text.len() - text.trim_start().len()];
        let trail = if inner.is_empty() {
            ""
        } else {
            &text[text.trim_end().len()..]
        };
        self.line += &format!("{lead}{before}{inner}{behind}{trail}");
    }

    /// Writes the marks of all inline elements that are open; each goes on in the next block.
    pub(super) fn close_inline_marks(&mut self) {
        for at in (0..self.open.len()).rev() {
            let mut role = std::mem::replace(&mut self.open[at].role, Role::Quote);
            self.mark(&role);
            if let Role::Code { start } | Role::Marked { start, .. } | Role::Link { start, .. } =
                &mut role
            {
                *start = 0;
            }
            self.open[at].role = role;
        }
    }
}
