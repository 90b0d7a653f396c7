//! What the user says that files count as, read once: globs over paths, each with a source.

use leadhand_protocol::{Label, PathLabel, Source};
use leadhand_resource::{Kind, Pattern, Resource};

/// What files count as before the run has written any.
#[derive(Debug, Default)]
pub(crate) struct PathLabels(Vec<(Pattern, Source)>);

impl PathLabels {
    /// A glob that cannot be read is of every file, so that nothing passes by a slip of the pen.
    pub(crate) fn new(labels: &[PathLabel]) -> Self {
        let read = |label: &PathLabel| {
            let pattern = Pattern::parse(Kind::Path, &label.resource);
            let everything = || Pattern::parse(Kind::Path, "**").ok();
            Some((pattern.ok().or_else(everything)?, label.source))
        };
        Self(labels.iter().filter_map(read).collect())
    }

    /// The label of a file, or of all that a folder of this path may hold.
    pub(crate) fn of(&self, path: &str) -> Label {
        let Ok(place) = Resource::parse(Kind::Path, path) else {
            return Label::from(Source::Workspace);
        };
        let mut covering = self.0.iter().filter(|(it, _)| it.covers(&place, None));
        let own = covering.clone().map(|(_, source)| *source);
        let below = self.0.iter().filter(|(it, _)| it.leads_through(&place));
        let label: Label = own.chain(below.map(|(_, source)| *source)).collect();
        match covering.next() {
            Some(_) => label,
            None => label.join(&Label::from(Source::Workspace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand_protocol::Source::{Public, Web, Workspace};

    #[test]
    fn files_count_as_the_user_says() {
        let on = |resource: &str, source| PathLabel {
            resource: resource.to_owned(),
            source,
        };
        let labels = PathLabels::new(&[
            on("vendor/**", Web),
            on("docs/**", Public),
            on("docs/drafts/*.md", Workspace),
        ]);
        for (path, expected) in [
            ("notes.md", vec![Workspace]),
            ("vendor/page.md", vec![Web]),
            ("vendor", vec![Web]),
            ("docs/a.md", vec![Public]),
            ("docs/drafts/a.md", vec![Public, Workspace]),
            ("", vec![Public, Workspace, Web]),
            ("../out", vec![Workspace]),
        ] {
            let found: Vec<Source> = labels.of(path).sources.into_iter().collect();
            assert_eq!(found, expected, "{path:?}");
        }
        let broken = PathLabels::new(&[on("{", Web)]);
        assert!(broken.of("a.md").is_untrusted());
    }
}
