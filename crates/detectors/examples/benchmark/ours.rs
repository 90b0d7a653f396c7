//! Our own detector on the traces, read as the program reads them. The time of steps, how a call
//! ended and what was gained are not in the data, so all that these tell us is left out.

use crate::data::Trace;
use crate::score::Fire;
use leadhand_detectors::Loops;

/// The first loop that is called in a trace, and whose it is said to be.
pub(crate) fn first_fire(trace: &Trace) -> Option<Fire> {
    let ours = trace.ours.as_ref()?;
    let mut loops = Loops::default();
    ours.find(|at, step| {
        let finding = loops.see(step)?;
        let agent = Some(ours.name(finding.agent).to_owned());
        Some(Fire { at, agent })
    })
}

/// Has a fresh detector see every step of a trace, also after it has called a loop; says how many
/// there were. For measuring.
pub(crate) fn see_all(trace: &Trace) -> usize {
    let mut loops = Loops::default();
    let ours = trace.ours.as_ref();
    let none = ours.and_then(|ours| {
        ours.find(|_, step| {
            std::hint::black_box(loops.see(step));
            None::<()>
        })
    });
    std::hint::black_box(none);
    trace.steps.len()
}
