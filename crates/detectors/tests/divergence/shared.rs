//! Runs with gold plans, from the folder that `LEADHAND_SHARED` names.

use super::see;
use leadhand_detectors::Came;
use leadhand_detectors::divergence::{PlanWatch, PlannedCall};
use leadhand_protocol::DivergenceRule;
use serde_json::Value;
use std::io::Read;

/// Percent of verdicts that must be right; the bound may only rise.
const RIGHT_PERCENT_MIN: usize = 95;

/// The records, or none when the data is not at hand.
fn records() -> Option<Vec<Value>> {
    let name = "divergence.jsonl.gz";
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/{name}");
        return None;
    };
    let path = std::path::Path::new(&folder).join("data").join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn runs_with_gold_plans_are_judged_right() {
    let Some(records) = records() else { return };
    let (mut all, mut right, mut missing_right) = (0, 0, 0);
    for record in records
        .iter()
        .filter(|it| it["label"]["n_gold_writes"].is_u64())
    {
        let plan = array(&record["plan"]).iter().map(|call| PlannedCall {
            tool: call["name"].as_str().unwrap().to_owned(),
            arguments: call["kwargs"].clone(),
        });
        let mut watch = PlanWatch::new(&plan.collect::<Vec<_>>());
        let mut first = None;
        for step in array(&record["steps"])
            .iter()
            .filter(|step| step["kind"] == "tool")
        {
            let (tool, result) = (
                step["tool"].as_str().unwrap(),
                step["observation"].as_str().unwrap(),
            );
            let index = step["i"].as_u64().unwrap();
            let found = see(
                &mut watch,
                index,
                tool,
                &step["args"],
                result,
                Came::Unknown,
            );
            first = first.or(found.first().and_then(|it| it.step));
        }
        let missing = watch.finish();
        assert!(
            missing
                .iter()
                .all(|it| it.rule == DivergenceRule::MissingWrite)
        );
        let label = &record["label"];
        let diverged = first.is_some() || !missing.is_empty();
        all += 1;
        right += usize::from(label["diverged"] == diverged);
        missing_right += usize::from(array(&label["missing_writes"]).len() == missing.len());
        assert_eq!(
            label["first_write_off_plan"].as_u64(),
            first,
            "{}",
            record["id"]
        );
    }
    println!(
        "gold plans: {right} of {all} verdicts right, {missing_right} with all missing writes"
    );
    assert!(right * 100 >= all * RIGHT_PERCENT_MIN, "{right} of {all}");
}
