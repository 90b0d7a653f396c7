//! Figures as a table: for a terminal, or for a page of the docs. What they mean is in
//! `docs/detectors.md`; how they come about, in `score.rs`.

use crate::data::Tier;
use crate::score::{Score, Share};
use std::fmt::Write;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Columns of equal width.
    Terminal,
    /// Markdown.
    Markdown,
}

const TIERS: [(Tier, &str); 4] = [
    (Tier::Exact, "exact"),
    (Tier::Semantic, "semantic"),
    (Tier::Spliced, "spliced"),
    (Tier::Multiagent, "multi-agent"),
];

/// The scores of all detectors on one set, a line each.
pub(crate) fn scores(style: Style, rows: &[(String, Score)]) -> String {
    let has = |tier: &Tier| {
        rows.iter()
            .any(|(_, score)| score.by_tier.contains_key(tier))
    };
    let tiers: Vec<_> = TIERS.into_iter().filter(|(tier, _)| has(tier)).collect();
    let has_clean = rows.iter().any(|(_, score)| score.false_clean.whole > 0);
    let mut heads = vec!["detector", "P", "R", "F1", "macro F1"];
    heads.extend(tiers.iter().map(|(_, name)| *name));
    heads.push("false, hard");
    heads.extend(has_clean.then_some("false, clean"));
    heads.extend(["delay, median", "mean", "wasted"]);
    let body = rows.iter().map(|(name, score)| {
        let mut cells = vec![name.clone()];
        let figures = [
            score.precision(),
            score.recall(),
            score.f1(),
            score.macro_f1(),
        ];
        cells.extend(figures.map(|it| format!("{it:.2}")));
        cells.extend(tiers.iter().map(|(tier, _)| two_digits(score, *tier)));
        cells.push(percent(score.false_hard));
        cells.extend(has_clean.then(|| percent(score.false_clean)));
        cells.push(or_dash(score.delay_median()));
        cells.push(or_dash(score.delay_mean()));
        cells.push(score.wasted.to_string());
        cells
    });
    let heads = heads.into_iter().map(str::to_owned).collect();
    let table: Vec<Vec<String>> = std::iter::once(heads).chain(body).collect();
    match style {
        Style::Terminal => terminal(&table),
        Style::Markdown => markdown(&table),
    }
}

/// How much of each kind of loop a detector finds, in one line.
pub(crate) fn kinds(score: &Score) -> String {
    let each = score.by_kind.iter().map(|(kind, share)| {
        let words = kind.replace('_', " ");
        format!("{words} {}/{}", share.part, share.whole)
    });
    each.collect::<Vec<_>>().join(", ")
}

fn two_digits(score: &Score, tier: Tier) -> String {
    let share = score.by_tier.get(&tier);
    share.map_or("-".to_owned(), |it| format!("{:.2}", it.ratio()))
}

fn percent(share: Share) -> String {
    format!("{:.1} %", 100.0 * share.ratio())
}

fn or_dash(figure: Option<f64>) -> String {
    figure.map_or("-".to_owned(), |it| format!("{it:.1}"))
}

fn terminal(table: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..table[0].len())
        .map(|at| table.iter().map(|row| row[at].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for row in table {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(|(at, (cell, width))| match at {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

fn markdown(table: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if number == 0 {
            let rule = row.iter().enumerate();
            let rule: Vec<&str> = rule
                .map(|(at, _)| if at == 0 { "---" } else { "---:" })
                .collect();
            let _ = writeln!(text, "| {} |", rule.join(" | "));
        }
    }
    text
}
