//! What two globs both cover, again as globs: over names of characters, over paths of names.
//! What would take too many steps or globs to write down is left out: the result may be too
//! small, never too large.

/// Steps that are enough for the intersections of what one agent is granted.
pub const STEPS_MAX: usize = 100_000;
/// Globs one intersection may consist of before the rest is left out.
const GLOBS_MAX: usize = 64;

/// A part of a glob: either many of something, or one of it.
pub(crate) trait Part: Clone + PartialEq {
    fn is_many(&self) -> bool;
    /// What two single parts have in common.
    fn common(&self, other: &Self, steps_left: &mut usize) -> Vec<Self>;
}

/// With `m` for many and `x`, `y` for one: `mA ∩ mB = m(A ∩ mB) ∪ m(mA ∩ B)`, since of two
/// matches one leaves the longer rest; `mA ∩ yB = (A ∩ yB) ∪ y(mA ∩ B)`; `xA ∩ yB = (x ∩ y)(A ∩ B)`.
pub(crate) fn meet<P: Part>(a: &[P], b: &[P], steps_left: &mut usize) -> Vec<Vec<P>> {
    if *steps_left == 0 {
        return Vec::new();
    }
    *steps_left -= 1;
    match (a.split_first(), b.split_first()) {
        _ if a == b => vec![a.to_vec()],
        (Some((many, [])), _) if many.is_many() => vec![b.to_vec()],
        (_, Some((many, []))) if many.is_many() => vec![a.to_vec()],
        (Some((x, a_rest)), Some((y, b_rest))) => match (x.is_many(), y.is_many()) {
            (true, true) => {
                let mut rests = meet(a_rest, b, steps_left);
                rests.extend(meet(a, b_rest, steps_left));
                after(x, rests)
            }
            (true, false) => either(meet(a_rest, b, steps_left), y, meet(a, b_rest, steps_left)),
            (false, true) => either(meet(a, b_rest, steps_left), x, meet(a_rest, b, steps_left)),
            (false, false) => {
                let commons = x.common(y, steps_left);
                if commons.is_empty() {
                    return Vec::new();
                }
                let rests = meet(a_rest, b_rest, steps_left);
                let all = commons
                    .iter()
                    .flat_map(|common| after(common, rests.clone()));
                all.take(GLOBS_MAX).collect()
            }
        },
        (Some((many, rest)), None) if many.is_many() => meet(rest, b, steps_left),
        (None, Some((many, rest))) if many.is_many() => meet(a, rest, steps_left),
        _ => Vec::new(),
    }
}

fn either<P: Part>(mut none_taken: Vec<Vec<P>>, one: &P, rests: Vec<Vec<P>>) -> Vec<Vec<P>> {
    none_taken.extend(after(one, rests));
    none_taken.truncate(GLOBS_MAX);
    none_taken
}

fn after<P: Part>(first: &P, rests: Vec<Vec<P>>) -> Vec<Vec<P>> {
    let mut whole: Vec<Vec<P>> = Vec::new();
    for mut rest in rests {
        if !(first.is_many() && rest.first().is_some_and(P::is_many)) {
            rest.insert(0, first.clone());
        }
        if whole.len() < GLOBS_MAX && !whole.contains(&rest) {
            whole.push(rest);
        }
    }
    whole
}
