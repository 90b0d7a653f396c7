//! What the user says that files count as, read once: globs over paths, each with a source.

use leadhand_protocol::{Label, PathLabel, Source};
use leadhand_resource::{Kind, Pattern, STEPS_MAX};

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

    /// The label of all files that a pattern covers, before the run has written any.
    pub(crate) fn of(&self, files: &Pattern) -> Label {
        let mut steps_left = STEPS_MAX;
        let mut meets = |it: &Pattern| !it.intersect(files, &mut steps_left).is_empty();
        let met: Label = self
            .0
            .iter()
            .filter(|(it, _)| meets(it))
            .map(|(_, source)| *source)
            .collect();
        let mut steps_left = STEPS_MAX;
        let is_within = self
            .0
            .iter()
            .any(|(it, _)| it.includes(files, &mut steps_left));
        if is_within {
            met
        } else {
            met.join(&Label::from(Source::Workspace))
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
        let files = |text: &str| Pattern::parse(Kind::Path, text).expect("it can be read");
        let labels = PathLabels::new(&[
            on("vendor/**", Web),
            on("docs/**", Public),
            on("docs/drafts/*.md", Workspace),
        ]);
        for (path, expected) in [
            ("notes.md/**", vec![Workspace]),
            ("vendor/page.md/**", vec![Web]),
            ("vendor/**", vec![Web]),
            ("docs/a.md", vec![Public]),
            ("docs/drafts/a.md", vec![Public, Workspace]),
            ("**", vec![Public, Workspace, Web]),
            ("src/*.rs", vec![Workspace]),
        ] {
            let found = labels.of(&files(path)).sources;
            let found: Vec<Source> = found.iter().collect();
            assert_eq!(found, expected, "{path:?}");
        }
        let broken = PathLabels::new(&[on("{", Web)]);
        assert!(broken.of(&files("a.md")).is_untrusted());
    }
}
