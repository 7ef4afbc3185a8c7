//! How often a step is taken: how many times in a request, and in how many of the requests at all.
//!
//! A step's `times` and `probability` together draw each of the times for itself, which is not what callers do: three lines of an order
//! are three calls or none. So what varies is a `split` with a way for each count, as often as it was seen.

use super::draft::share;
use super::fit::short;

/// How often a step is taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Often {
    /// So many times in one request, each with its weight, by number; nought is not among them.
    counts: Vec<(u32, f64)>,
    /// The share of requests that take it; `None`: all.
    probability: Option<f64>,
    /// Whether several of one request are at the same time.
    pub(super) at_once: bool,
}

impl Default for Often {
    fn default() -> Self {
        Self::once(None)
    }
}

impl Often {
    /// Once, in such a share of requests.
    pub(super) fn once(probability: Option<f64>) -> Self {
        Self { counts: vec![(1, 1.0)], probability, at_once: false }
    }

    /// As many on average: the two whole numbers next to it. No input that says a mean says how the numbers are spread.
    pub(super) fn of_mean(mean: f64) -> Self {
        let mean = mean.clamp(LEAST, f64::from(MOST));
        if mean <= 1.0 {
            return Self::once(chance(mean));
        }
        Self { counts: between(mean, 1.0), ..Self::default() }
    }

    /// As it was counted: how many requests took it so many times, of how many that came so far.
    pub(super) fn counted(counts: impl IntoIterator<Item = (u32, u64)>, asked: u64) -> Self {
        let seen = counts.into_iter().filter(|(count, n)| *count > 0 && *n > 0);
        let counts: Vec<(u32, f64)> = seen.map(|(count, n)| (count.min(MOST), n as f64)).collect();
        let who: f64 = counts.iter().map(|(_, n)| n).sum();
        let probability = chance(who / asked.max(1) as f64);
        Self { counts: joined(counts), probability, at_once: false }
    }

    /// The same, those of one request at the same time or not.
    pub(super) fn together(self, at_once: bool) -> Self {
        Self { at_once, ..self }
    }

    /// How many times it is laid out in a plan, its ways together.
    pub(super) fn laid_out(&self) -> u64 {
        self.counts.iter().map(|(count, _)| u64::from(*count)).sum()
    }

    /// Keeps it to be laid out no more often than that.
    pub(super) fn keep_to(&mut self, most: u64) {
        let each = (most / self.counts.len().max(1) as u64).clamp(1, u64::from(MOST)) as u32;
        self.counts.iter_mut().for_each(|(count, _)| *count = (*count).min(each));
    }

    /// Whether every request takes it.
    pub(super) fn is_certain(&self) -> bool {
        self.probability.is_none()
    }

    /// Whether it is the same number in all requests that take it, and which.
    pub(super) fn alike(&self) -> Option<u32> {
        match self.counts.as_slice() {
            [(count, _)] => Some(*count),
            _ => None,
        }
    }

    /// A step with its keys: `step` writes it with those that it is given. Within a `parallel`, several `times` are copies at once.
    pub(super) fn told(&self, within: bool, step: impl Fn(&[String]) -> String) -> String {
        let times = |count: u32| if count > 1 { vec![format!("times = {count}")] } else { Vec::new() };
        let chance: Vec<String> = self.probability.map(|p| format!("probability = {}", share(p))).into_iter().collect();
        match self.alike() {
            Some(1) => return step(&chance),
            Some(count) if chance.is_empty() && within == self.at_once => return step(&times(count)),
            _ => {}
        }
        let steps = |count: u32| {
            let steps = step(&times(count));
            if self.at_once && count > 1 { format!("{{ parallel = [{steps}] }}") } else { steps }
        };
        let way = |(count, weight): &(u32, f64)| match self.alike() {
            Some(_) => format!("{{ steps = [{}] }}", steps(*count)),
            None => format!("{{ weight = {}, steps = [{}] }}", weight_text(*weight), steps(*count)),
        };
        let mut keys = vec![format!("split = [{}]", self.counts.iter().map(way).collect::<Vec<_>>().join(", "))];
        keys.extend(chance);
        format!("{{ {} }}", keys.join(", "))
    }
}

/// A weight in digits: counts as they are.
fn weight_text(weight: f64) -> String {
    if weight.fract() == 0.0 { short(weight) } else { share(weight) }
}

/// A share of requests; `None`: all of them.
fn chance(share: f64) -> Option<f64> {
    (share < 0.999_95).then(|| share.max(LEAST))
}

/// The whole numbers next to a mean, with what each has of a weight.
fn between(mean: f64, weight: f64) -> Vec<(u32, f64)> {
    let nearest = mean.round();
    if (mean - nearest).abs() < 5e-4 * mean {
        return vec![(nearest as u32, weight)];
    }
    let above = mean - mean.floor();
    let low = mean.floor() as u32;
    vec![(low, weight * (1.0 - above)), (low + 1, weight * above)]
}

/// Where there are many counts, neighbours are one, their mean kept: a step is to be read by people, too.
fn joined(counts: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    if counts.len() <= WAYS {
        return counts;
    }
    let all: f64 = counts.iter().map(|(_, n)| n).sum();
    let mut ways: std::collections::BTreeMap<u32, f64> = std::collections::BTreeMap::new();
    let (mut calls, mut who) = (0.0, 0.0);
    let last = counts.len() - 1;
    for (at, (count, n)) in counts.into_iter().enumerate() {
        calls += f64::from(count) * n;
        who += n;
        if who * (WAYS / 2) as f64 >= all || at == last {
            let mean = calls / who;
            let above = mean - mean.floor();
            *ways.entry(mean.floor() as u32).or_default() += who * (1.0 - above);
            *ways.entry(mean.floor() as u32 + 1).or_default() += who * above;
            (calls, who) = (0.0, 0.0);
        }
    }
    ways.into_iter().filter(|(_, n)| *n > 0.0).collect()
}

/// Ways of a `split` at most.
const WAYS: usize = 12;

/// A smaller share is written as this one: six digits stand in a file.
const LEAST: f64 = 1e-6;

/// So many times in a request at most: each is laid out in the plan, which has room for no more.
const MOST: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(often: &Often) -> String {
        often.told(false, |keys| format!("{{ {} }}", [&["call = x".to_owned()], keys].concat().join(", ")))
    }

    fn mean(often: &Often) -> f64 {
        let all: f64 = often.counts.iter().map(|(_, n)| n).sum();
        let calls: f64 = often.counts.iter().map(|(count, n)| f64::from(*count) * n).sum();
        calls / all * often.probability.unwrap_or(1.0)
    }

    #[test]
    fn means_are_kept() {
        for of in [0.2, 1.0, 1.4, 2.0, 4.238, 999.5, 25_366.0] {
            assert!((mean(&Often::of_mean(of)) / of - 1.0).abs() < 1e-3, "{of}");
        }
        let many = Often::counted((1..=40).map(|count| (count, u64::from(41 - count))), 1_000);
        let truth = (1..=40).map(|count| count * (41 - count)).sum::<i32>();
        assert!((mean(&many) - f64::from(truth) / 1_000.0).abs() < 1e-9, "{many:?}");
        assert!(many.counts.len() <= WAYS + 1, "{many:?}");
    }

    #[test]
    fn what_varies_is_a_way_for_each_count() {
        assert_eq!(told(&Often::of_mean(3.0)), "{ call = x, times = 3 }");
        assert_eq!(told(&Often::of_mean(0.25)), "{ call = x, probability = 0.25 }");
        assert_eq!(
            told(&Often::counted([(1, 300), (2, 200)], 500)),
            "{ split = [{ weight = 300, steps = [{ call = x }] }, { weight = 200, steps = [{ call = x, times = 2 }] }] }"
        );
        // Three at a time or none: not each of the three by chance.
        assert_eq!(
            told(&Often::counted([(3, 1)], 4)),
            "{ split = [{ steps = [{ call = x, times = 3 }] }], probability = 0.25 }"
        );
    }
}
