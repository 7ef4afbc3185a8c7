//! Two camps: replications of which some do one thing and the others another, so that their mean is what none of them does.

/// Replications below which nothing is said of camps.
const FEWEST: usize = 20;
/// Replications in the smaller camp.
const SMALLEST: usize = 3;
/// How many times the larger spread the gap between the camps must be.
const GAP: f64 = 3.0;

/// Two camps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camps {
    /// How many values are in the lower one, and their mean.
    pub low: (usize, f64),
    /// The same of the upper one.
    pub high: (usize, f64),
}

/// What kind of figure falls into camps: what is skewed has no camps for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When they are shares between 0 and 1, skewed to either side.
    Share,
    /// When they are times or rates above 0, skewed to the right.
    Size,
}

impl Kind {
    /// The scales on which camps must stand apart.
    fn scales(self) -> &'static [fn(f64) -> f64] {
        match self {
            // A hundredth more, so that an exact 0 or 1 has a place.
            Self::Share => &[|v| v, |v| libm::log(v + 0.01), |v| -libm::log(1.01 - v)],
            Self::Size => &[|v| v, |v| libm::log(v)],
        }
    }

    /// A gap that anybody cares for.
    fn matters(self, low: f64, high: f64) -> bool {
        match self {
            Self::Share => high - low > 0.05,
            Self::Size => high > 1.5 * low,
        }
    }
}

/// Whether values fall into two camps: from 20 of them, with 3 in each, and between the nearest of both more than three
/// times the larger standard deviation, on every scale on which such a figure is symmetric; and a gap that anybody cares
/// for (five points of a share, half as much again of a time).
pub fn camps(values: &[f64], kind: Kind) -> Option<Camps> {
    let allowed = |v: &f64| if kind == Kind::Share { (0.0..=1.0).contains(v) } else { v.is_finite() && *v > 0.0 };
    if values.len() < FEWEST || !values.iter().all(allowed) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = widest(&sorted);
    let on = |scale: &fn(f64) -> f64| {
        let scaled: Vec<f64> = sorted.iter().map(|v| scale(*v)).collect();
        apart(&scaled[..at], &scaled[at..])
    };
    let stand = kind.matters(sorted[at - 1], sorted[at]) && kind.scales().iter().all(on);
    let (low, high) = sorted.split_at(at);
    stand.then(|| Camps { low: (low.len(), mean(low)), high: (high.len(), mean(high)) })
}

/// Where the widest gap is that leaves enough on either side.
fn widest(sorted: &[f64]) -> usize {
    let gap = |at: usize| sorted[at] - sorted[at - 1];
    (SMALLEST..=sorted.len() - SMALLEST).max_by(|a, b| gap(*a).total_cmp(&gap(*b))).unwrap_or(SMALLEST)
}

fn apart(low: &[f64], high: &[f64]) -> bool {
    high[0] - low[low.len() - 1] > GAP * spread(low).max(spread(high))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation.
fn spread(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Lineage, Purpose};

    fn unit(seed: u64, i: u64) -> f64 {
        Draw::new(seed, Lineage::root(11, i), Purpose::Work, 0).unit().max(1e-12)
    }

    fn normal(seed: u64, i: u64) -> f64 {
        let turn = 2.0 * std::f64::consts::PI * unit(seed, 2 * i + 1);
        (-2.0 * libm::log(unit(seed, 2 * i))).sqrt() * libm::cos(turn)
    }

    #[test]
    fn two_camps_are_seen() {
        let collapse = |i: u64| if i.is_multiple_of(5) { 0.1 + 0.02 * normal(1, i) } else { 1.0 };
        let values: Vec<f64> = (0..40).map(collapse).collect();
        let found = camps(&values, Kind::Share).unwrap();
        assert_eq!((found.low.0, found.high), (8, (32, 1.0)));
        assert!((found.low.1 - 0.1).abs() < 0.03);
        // Nineteen are too few, two are an accident, and what nobody cares for is not said.
        assert_eq!(camps(&values[..19], Kind::Share), None);
        let two: Vec<f64> = (0..40).map(|i| if i < 2 { 0.1 } else { 1.0 }).collect();
        assert_eq!(camps(&two, Kind::Share), None);
        let fine: Vec<f64> = (0..40).map(|i| if i < 9 { 0.9999 } else { 1.0 }).collect();
        assert_eq!(camps(&fine, Kind::Share), None);
    }

    #[test]
    fn one_camp_hardly_ever_looks_like_two() {
        type Law = fn(u64, u64) -> f64;
        let laws: [(&str, Kind, Law); 9] = [
            ("normal", Kind::Size, |s, i| 100.0 + 30.0 * normal(s, i)),
            ("uniform", Kind::Share, unit),
            ("uniform", Kind::Size, unit),
            ("exponential", Kind::Size, |s, i| -libm::log(unit(s, i))),
            ("log-normal", Kind::Size, |s, i| libm::exp(normal(s, i))),
            ("wide log-normal", Kind::Size, |s, i| libm::exp(2.5 * normal(s, i))),
            ("Pareto", Kind::Size, |s, i| libm::pow(unit(s, i), -1.0 / 1.2)),
            ("left-skewed share", Kind::Share, |s, i| 1.0 - 0.1 * libm::exp(1.5 * normal(s, i)).min(10.0)),
            ("at the ceiling", Kind::Share, |s, i| (1.0 + 0.1 * normal(s, i)).min(1.0)),
        ];
        for (name, kind, law) in laws {
            for n in [20, 40] {
                let alarms = (0..1_000).filter(|seed| {
                    let values: Vec<f64> = (0..n).map(|i| law(*seed, i)).collect();
                    camps(&values, kind).is_some()
                });
                let alarms = alarms.count();
                assert!(alarms <= 10, "{name}, {n}: {alarms} of 1000");
            }
        }
    }
}
