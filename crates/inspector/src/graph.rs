//! The task graph with the states of its tasks: as a tree of signs, as DOT, and as SVG. All texts
//! in it are of foreign origin.

use crate::drawing::{Drawing, Node};
use crate::escape;
use crate::timeline::{TaskLine, Timeline};
use std::fmt::Write;

/// Characters of a title in a tree.
const TITLE_CHARS_MAX: usize = 70;
/// Characters of a title in a box of the SVG.
const BOX_CHARS_MAX: usize = 26;
/// How deep a tree is indented; what is deeper stands at this depth.
const DEPTH_MAX: usize = 32;
/// Width, height and distances of boxes of the SVG, in its units.
const WIDTH: usize = 200;
const HEIGHT: usize = 44;
const GAP_X: usize = 60;
const GAP_Y: usize = 16;
const EDGE: usize = 12;

/// A sign for each state, which does not rest on colour.
#[must_use]
pub fn sign(state: &str) -> char {
    match state {
        "done" => '✓',
        "failed" => '✗',
        "running" => '▶',
        "dropped" => '–',
        "ended" => '■',
        _ => '·',
    }
}

/// A colour for each state that is readable on white and on black, as HTML writes it.
fn colour(state: &str) -> &'static str {
    match state {
        "done" => "#2e8b57",
        "failed" => "#c0392b",
        "running" => "#2471a3",
        "dropped" => "#7f8c8d",
        "ended" => "#138d90",
        _ => "#a07c1a",
    }
}

/// The tasks as a tree: each below one that it waits for, the one furthest along where there are
/// several, and below the others as a reference.
#[must_use]
pub fn to_tree(timeline: &Timeline) -> String {
    let drawing = Drawing::of(timeline);
    let column = |task: usize| drawing.nodes[task].column;
    let tasks = timeline.tasks.len();
    let (mut below, mut host) = (vec![Vec::new(); tasks], vec![None; tasks]);
    for [from, to] in &drawing.edges {
        below[*from].push(*to);
        if host[*to].is_none() && column(*from) + 1 == column(*to) {
            host[*to] = Some(*from);
        }
    }
    let mut text = String::new();
    // What is still to be written: the task, below which it is, what stands before it, and what
    // before those below it.
    let mut open: Vec<(usize, Option<usize>, String, String)> = Vec::new();
    // One that no other is above stands at the edge.
    let roots = (0..tasks).rev().filter(|task| host[*task].is_none());
    open.extend(roots.map(|root| (root, None, String::new(), String::new())));
    while let Some((at, above, lead, under)) = open.pop() {
        let task = &timeline.tasks[at];
        if host[at] != above {
            let _ = writeln!(text, "{lead}↳ {}", task.id);
            continue;
        }
        let _ = writeln!(text, "{lead}{}", in_a_line(task));
        let is_deep = under.chars().count() >= DEPTH_MAX * 3;
        for (nth, child) in below[at].iter().enumerate().rev() {
            let is_last = nth + 1 == below[at].len();
            let (branch, bar) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let deeper = if is_deep {
                under.clone()
            } else {
                format!("{under}{bar}")
            };
            open.push((*child, Some(at), format!("{under}{branch}"), deeper));
        }
    }
    text
}

fn in_a_line(task: &TaskLine) -> String {
    format!(
        "{} {} [{}] {}: {}",
        sign(task.state),
        task.id,
        escape::line(&task.worker, TITLE_CHARS_MAX),
        escape::line(&task.title, TITLE_CHARS_MAX),
        task.state
    )
}

/// The graph in the language of Graphviz.
#[must_use]
pub fn to_dot(timeline: &Timeline) -> String {
    let mut text =
        String::from("digraph run {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for task in &timeline.tasks {
        let label = format!("{} {}\n{}", sign(task.state), task.id, task.title);
        let _ = writeln!(
            text,
            "  {} [label={}, color=\"{}\"];",
            quoted(&task.id),
            quoted(&label),
            colour(task.state)
        );
        for before in &task.depends_on {
            let _ = writeln!(
                text,
                "  {} -> {};",
                quoted(before.as_str()),
                quoted(&task.id)
            );
        }
    }
    text.push_str("}\n");
    text
}

/// A string of DOT, in which only quotes and backslashes mean something.
fn quoted(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            escape::line(line, TITLE_CHARS_MAX)
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

/// The graph as a picture that needs nothing else: no script, no font, no style sheet.
#[must_use]
pub fn to_svg(timeline: &Timeline) -> String {
    let drawing = Drawing::of(timeline);
    let width = EDGE * 2 + drawing.columns * (WIDTH + GAP_X);
    let height = EDGE * 2 + drawing.rows * (HEIGHT + GAP_Y);
    let title = if timeline.is_foreign() {
        &timeline.run
    } else {
        &timeline.goal
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        in_xml(title, TITLE_CHARS_MAX)
    );
    for [from, to] in &drawing.edges {
        let ((x1, y1), (x2, y2)) = (corner(drawing.nodes[*from]), corner(drawing.nodes[*to]));
        let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
        let half = GAP_X / 2;
        let _ = writeln!(
            text,
            "<path d=\"M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#888\"/>",
            x1 + half,
            x2.saturating_sub(half)
        );
    }
    for (task, node) in timeline.tasks.iter().zip(&drawing.nodes) {
        let (x, y) = corner(*node);
        let colour = colour(task.state);
        let dashes = if task.state == "waiting" || task.state == "dropped" {
            " stroke-dasharray=\"4 3\""
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "<g><title>{title}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" rx=\"6\" fill=\"white\" stroke=\"{colour}\" \
             stroke-width=\"2\"{dashes}/><text x=\"{left}\" y=\"{upper}\" fill=\"{colour}\">{sign} \
             {id} ({worker}): {state}</text><text x=\"{left}\" y=\"{lower}\" \
             fill=\"#222\">{short}</text></g>",
            title = in_xml(&task.title, TITLE_CHARS_MAX * 4),
            left = x + 10,
            upper = y + 17,
            lower = y + 34,
            sign = sign(task.state),
            id = in_xml(&task.id, BOX_CHARS_MAX),
            worker = in_xml(&task.worker, BOX_CHARS_MAX / 2),
            state = task.state,
            short = in_xml(&task.title, BOX_CHARS_MAX),
        );
    }
    text.push_str("</svg>\n");
    text
}

fn corner(node: Node) -> (usize, usize) {
    let x = EDGE + node.column * (WIDTH + GAP_X);
    let y = EDGE + node.row * (HEIGHT + GAP_Y);
    (x, y)
}

fn in_xml(text: &str, chars_max: usize) -> String {
    let line = escape::line(text, chars_max);
    let mut safe = String::with_capacity(line.len());
    for sign in line.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            sign => safe.push(sign),
        }
    }
    safe
}
