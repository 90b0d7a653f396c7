//! The file tools. Each module is one tool or two; the table below is what a model reads.
//! What may be touched is the host's business: a path goes to it as it was given.

mod change;
mod edit;
mod glob;
mod hunk;
mod list;
mod patch;
mod read;
mod search;
mod workspace;

use guest::{Argument, Effect, Kind, Tool, Want};

guest::export_tools!(&[
    Tool {
        name: "list_files",
        description: "List the files of a folder with their sizes.",
        arguments: &[
            Argument::optional("path", Kind::Text, "folder; default: the whole workspace"),
            Argument::optional("recursive", Kind::Flag, "also subfolders; default true"),
        ],
        effect: Effect::Pure,
        wants: &[Want::of("fs.read", "path")],
        result: None,
        run: list::list_files,
    },
    Tool {
        name: "find_files",
        description: "Find files by name pattern.",
        arguments: &[Argument::required(
            "glob",
            Kind::Text,
            "such as *.md or src/**/*.rs"
        )],
        effect: Effect::Pure,
        wants: &[Want::any("fs.read")],
        result: None,
        run: list::find_files,
    },
    Tool {
        name: "read_file",
        description: "Read a text file, or some of its lines.",
        arguments: &[
            Argument::required("path", Kind::Text, "the file"),
            Argument::optional("start_line", Kind::Count, "first line; default 1"),
            Argument::optional("end_line", Kind::Count, "last line; default: to the end"),
        ],
        effect: Effect::Pure,
        wants: &[Want::of("fs.read", "path")],
        result: None,
        run: read::read_file,
    },
    Tool {
        name: "search_files",
        description: "Find the lines that match a regular expression.",
        arguments: &[
            Argument::required(
                "pattern",
                Kind::Text,
                "regular expression; (?i) ignores case"
            ),
            Argument::optional(
                "path",
                Kind::Text,
                "folder or file; default: the whole workspace"
            ),
            Argument::optional("glob", Kind::Text, "only files that match, such as *.md"),
        ],
        effect: Effect::Pure,
        wants: &[Want::of("fs.read", "path")],
        result: None,
        run: search::search_files,
    },
    Tool {
        name: "write_file",
        description: "Create a file or replace all of its content.",
        arguments: &[
            Argument::required("path", Kind::Text, "the file; folders are created"),
            Argument::required("content", Kind::Text, "the whole new content"),
        ],
        effect: Effect::Idempotent,
        wants: &[Want::of("fs.write", "path")],
        result: None,
        run: change::write_file,
    },
    Tool {
        name: "edit_file",
        description: "Replace a piece of text in a file.",
        arguments: &[
            Argument::required("path", Kind::Text, "the file"),
            Argument::required("old", Kind::Text, "text to replace, copied exactly"),
            Argument::required("new", Kind::Text, "text to put in its place"),
            Argument::optional("all", Kind::Flag, "every occurrence; default false"),
        ],
        effect: Effect::Idempotent,
        wants: &[Want::of("fs.read", "path"), Want::of("fs.write", "path")],
        result: None,
        run: edit::edit_file,
    },
    Tool {
        name: "patch_file",
        description: "Apply a unified diff to one file. All hunks must fit, or nothing changes.",
        arguments: &[
            Argument::required("path", Kind::Text, "the file"),
            Argument::required(
                "patch",
                Kind::Text,
                "unified diff: @@ -1,3 +1,4 @@, then lines that begin with space, - or +"
            ),
        ],
        effect: Effect::Idempotent,
        wants: &[Want::of("fs.read", "path"), Want::of("fs.write", "path")],
        result: None,
        run: patch::patch_file,
    },
    Tool {
        name: "move_file",
        description: "Move or rename a file. Never overwrites.",
        arguments: &[
            Argument::required("from", Kind::Text, "the file"),
            Argument::required("to", Kind::Text, "its new path"),
        ],
        effect: Effect::Idempotent,
        wants: &[Want::of("fs.write", "from"), Want::of("fs.write", "to")],
        result: None,
        run: change::move_file,
    },
]);
