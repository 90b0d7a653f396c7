//! How short a run of a plan can be at most: no schedule of tasks that cannot be parted is shorter.

use crate::model::Graph;

impl Graph {
    /// The longest chain, or all work shared evenly among so many workers, in milliseconds.
    pub(crate) fn bound_ms(&self, workers: usize) -> f64 {
        let longest = self.longest_before().into_iter().zip(&self.ms);
        let longest = longest.map(|(before, own)| before + own).max();
        let shared = self.ms.iter().sum::<u64>() as f64 / workers as f64;
        (longest.unwrap_or(0) as f64).max(shared)
    }

    /// A sharper bound. What comes before a task has to be done before it begins, and what comes
    /// after it is done after it ends, each by so many workers; and where there are more tasks than
    /// `k` for each worker, one of them does `k + 1`.
    pub(crate) fn sharp_bound_ms(&self, workers: usize) -> f64 {
        let before = self.longest_before();
        let after = self.turned().longest_before();
        let (work_before, work_after) = (self.work_before(), self.turned().work_before());
        let of_task = (0..self.ms.len()).map(|at| {
            let begin = (before[at] as f64).max(work_before[at] as f64 / workers as f64);
            let rest = (after[at] as f64).max(work_after[at] as f64 / workers as f64);
            begin + self.ms[at] as f64 + rest
        });
        let mut sorted = self.ms.clone();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        let rounds = (1..).take_while(|k| k * workers < sorted.len());
        let of_round = rounds.map(|k| {
            let last = k * workers;
            sorted[last - k..=last].iter().sum::<u64>() as f64
        });
        let bounds = of_task.chain(of_round);
        bounds.fold(self.bound_ms(workers), f64::max)
    }

    /// The longest chain of what comes before each task.
    fn longest_before(&self) -> Vec<u64> {
        let mut longest = vec![0; self.ms.len()];
        for at in self.in_order() {
            let chains = self.before[at].iter().map(|it| longest[*it] + self.ms[*it]);
            longest[at] = chains.max().unwrap_or(0);
        }
        longest
    }

    /// All work that comes before each task.
    fn work_before(&self) -> Vec<u64> {
        let words = self.ms.len().div_ceil(64);
        let mut known = vec![vec![0_u64; words]; self.ms.len()];
        for at in self.in_order() {
            let mut all = vec![0_u64; words];
            for it in &self.before[at] {
                all[it / 64] |= 1 << (it % 64);
                all.iter_mut()
                    .zip(&known[*it])
                    .for_each(|(all, more)| *all |= more);
            }
            known[at] = all;
        }
        let work = |set: &Vec<u64>| {
            let those = (0..self.ms.len()).filter(|it| set[it / 64] >> (it % 64) & 1 == 1);
            those.map(|it| self.ms[it]).sum()
        };
        known.iter().map(work).collect()
    }

    /// The same graph from behind.
    fn turned(&self) -> Self {
        let mut before = vec![Vec::new(); self.ms.len()];
        for (at, those) in self.before.iter().enumerate() {
            those.iter().for_each(|it| before[*it].push(at));
        }
        Self {
            before,
            ms: self.ms.clone(),
        }
    }

    fn in_order(&self) -> Vec<usize> {
        let mut after = vec![Vec::new(); self.ms.len()];
        let mut unmet: Vec<usize> = self.before.iter().map(Vec::len).collect();
        for (place, before) in self.before.iter().enumerate() {
            before.iter().for_each(|it| after[*it].push(place));
        }
        let mut order: Vec<usize> = (0..self.ms.len()).filter(|it| unmet[*it] == 0).collect();
        let mut next = 0;
        while let Some(place) = order.get(next).copied() {
            next += 1;
            for it in &after[place] {
                unmet[*it] -= 1;
                if unmet[*it] == 0 {
                    order.push(*it);
                }
            }
        }
        order
    }
}
