//! The band of what is usual, and when somebody is back in it.

use super::super::measure::Window;
use crate::stats::t_quantile;

/// Seconds that somebody has to stay in the band.
pub(super) const STAY: usize = 10;

/// Windows that make a baseline, over all replications.
const BASE: usize = 20;

/// Requests of a window: 30 at least, so this many on average.
const FULL: f64 = 40.0;

/// How often one window of a healthy client leaves the band: rarely enough that ten stay inside with 95 %, on both
/// figures that are looked at. 1 − 0.95^(1/20) would be 0.0026, if twenty windows told exactly how lopsided they are.
const LEAVES: f64 = 0.001_5;

const UNWELL: &str = "most failed before the first fault, too";
const WIDE: &str = "before the first fault so much failed now and then that losing all would be usual";

/// What is usual: windows of so many seconds, the most such a window's mean latency may be, ns, and the share that gets no
/// good answer: usually, and at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::experiment) struct Band {
    pub(super) width: usize,
    pub(super) latency: f64,
    pub(super) usual: f64,
    pub(super) lost: f64,
}

impl Band {
    /// What is usual in the seconds before anything went wrong, one slice for each replication; `None` where that is too
    /// little to tell.
    pub(in crate::experiment) fn of(healthy: &[&[Window]]) -> Option<Self> {
        let seconds: usize = healthy.iter().map(|h| h.len()).sum();
        let arrived: u64 = healthy.iter().flat_map(|h| h.iter()).map(|w| u64::from(w.arrived)).sum();
        if arrived == 0 {
            return None;
        }
        let width = (FULL * seconds as f64 / arrived as f64).ceil().max(1.0) as usize;
        let windows: Vec<Window> =
            healthy.iter().flat_map(|h| h.chunks_exact(width)).map(sum).filter(|w| w.arrived > 0).collect();
        if windows.len() < BASE {
            return None;
        }
        let top = |of: fn(&Window) -> f64| top(&windows.iter().map(of).collect::<Vec<f64>>());
        let ((mean, latency), (share, lost)) = (top(latency), top(lost));
        Some(Self { width, latency: latency.max(1.1 * mean), usual: share, lost: lost.max(share + 0.01) })
    }

    /// This band, where somebody who is down is out of it.
    pub(in crate::experiment) fn telling(self) -> Result<Self, &'static str> {
        match self {
            // Nobody gets well by failing as ever.
            _ if self.usual > 0.5 => Err(UNWELL),
            _ if self.lost >= 1.0 => Err(WIDE),
            _ => Ok(self),
        }
    }

    /// Whether a second and those after it that make a window look as usual; nothing that arrives is usual, too.
    fn holds(&self, seconds: &[Window]) -> bool {
        let window = sum(seconds);
        window.arrived == 0 || latency(&window) <= self.latency && lost(&window) <= self.lost
    }

    /// Windows that make ten seconds.
    fn stay(&self) -> usize {
        STAY.div_ceil(self.width)
    }

    /// The first second from `from` on, beginning before `limit`, from which ten seconds of windows stay in the band.
    pub(super) fn back(&self, seconds: &[Window], from: usize, limit: usize) -> Option<usize> {
        let whole = self.stay() * self.width;
        let last = (seconds.len() + 1).saturating_sub(whole).min(limit);
        let stays = |at: &usize| seconds[*at..*at + whole].chunks_exact(self.width).all(|window| self.holds(window));
        (from..last).find(stays)
    }

    /// Whether the last window before `end` is out of the band.
    pub(super) fn is_out_at(&self, seconds: &[Window], end: usize) -> bool {
        let end = end.min(seconds.len());
        end.checked_sub(self.width).is_some_and(|from| !self.holds(&seconds[from..end]))
    }
}

/// The mean of values, and what another one exceeds with the probability [`LEAVES`]: a prediction by Student's t, corrected
/// for how lopsided the values are (Cornish and Fisher), and no less than the largest of them.
fn top(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    let cubes = values.iter().map(|v| (v - mean) * (v - mean) * (v - mean)).sum::<f64>() / n;
    let deviation = (squares * n / (n - 1.0)).sqrt();
    let lopsided = if squares > 0.0 { (cubes / (squares * squares.sqrt())).max(0.0) } else { 0.0 };
    let t = t_quantile(1.0 - LEAVES, n - 1.0);
    let reach = t * (1.0 + 1.0 / n).sqrt() + lopsided * (t * t - 1.0) / 6.0;
    let largest = values.iter().copied().fold(mean, f64::max);
    (mean, (mean + reach * deviation).max(largest))
}

/// Whether things get better over some seconds: markedly fewer are lost in the last quarter than in the first, or no more, and
/// the rest are answered markedly sooner.
pub(super) fn mends(seconds: &[Window]) -> bool {
    let quarter = seconds.len() / 4;
    let (first, last) = (sum(&seconds[..quarter]), sum(&seconds[seconds.len() - quarter..]));
    let (before, after) = (lost(&first), lost(&last));
    after < 0.9 * before || after <= before && after < 0.5 && latency(&last) < 0.9 * latency(&first)
}

fn sum(seconds: &[Window]) -> Window {
    seconds.iter().fold(Window::default(), Window::plus)
}

fn latency(window: &Window) -> f64 {
    window.latency as f64 / f64::from(window.ended.max(1))
}

fn lost(window: &Window) -> f64 {
    let good = window.ended - window.failed;
    f64::from(window.arrived.saturating_sub(good)) / f64::from(window.arrived.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Lineage, Purpose};

    fn windows(latencies: &[u64]) -> Vec<Window> {
        latencies.iter().map(|l| Window { arrived: 10, ended: 10, failed: 0, latency: 10 * l }).collect()
    }

    const BAND: Band = Band { width: 1, latency: 10.0, usual: 0.05, lost: 0.1 };

    #[test]
    fn back_is_where_ten_windows_stay_in_the_band() {
        let mut all = vec![9; 4];
        all.extend([5; 3]);
        all.push(20);
        all.extend([5; 10]);
        let all = windows(&all);
        assert_eq!(BAND.back(&all, 2, 99), Some(8), "one window out of the band starts it anew");
        assert_eq!(BAND.back(&all, 9, 99), None, "too short a time is left to tell");
        assert_eq!(BAND.back(&all, 2, 8), None, "something else strikes before");
        assert!(BAND.is_out_at(&all, 8) && !BAND.is_out_at(&all, 18));
    }

    #[test]
    fn whoever_gets_no_answer_is_not_back() {
        let mut all = windows(&[5; 12]);
        all[1].ended = 5;
        assert_eq!(BAND.back(&all, 0, 99), Some(2));
    }

    #[test]
    fn few_windows_are_no_baseline() {
        let second = Window { arrived: 40, ended: 40, failed: 0, latency: 40 };
        assert_eq!(Band::of(&[&[second; 19]]), None);
        assert_eq!(Band::of(&[&[second; 20]]).map(|band| band.width), Some(1));
        assert_eq!(Band::of(&[&[second; 12], &[second; 8]]).map(|band| band.width), Some(1), "of all replications");
        let thin = Window { arrived: 5, ended: 5, failed: 0, latency: 5 };
        assert_eq!(Band::of(&[&[thin; 159]]), None);
        assert_eq!(Band::of(&[&[thin; 160]]).map(|band| band.width), Some(8), "longer where traffic is thin");
        assert_eq!(Band::of(&[&[Window::default(); 200]]), None);
        let sick = Window { failed: 30, ..second };
        assert_eq!(Band::of(&[&[sick; 20]]).map(|band| band.usual), Some(0.75));
    }

    #[test]
    fn a_backlog_that_shrinks_mends_and_a_storm_does_not() {
        assert!(mends(&windows(&[80, 70, 60, 50, 40, 30, 20, 15])));
        assert!(!mends(&windows(&[80; 8])) && !mends(&windows(&[50, 60, 70, 80])));
        let mut all = windows(&[80; 8]);
        all[..4].iter_mut().for_each(|w| w.failed = 8);
        assert!(mends(&all), "fewer are lost");
        all.iter_mut().for_each(|w| w.failed = 8);
        all[7].latency = 1;
        assert!(!mends(&all), "failing sooner is no better");
    }

    /// Windows of forty exponential latencies, of which a fiftieth fails.
    fn healthy(draw: &mut Draw, seconds: usize) -> Vec<Window> {
        let mut one = || {
            let mut window = Window { arrived: 40, ended: 40, ..Window::default() };
            for _ in 0..40 {
                window.latency += (-1e6 * libm::log(1.0 - draw.unit())) as u64;
                window.failed += u32::from(draw.unit() < 0.02);
            }
            window
        };
        (0..seconds).map(|_| one()).collect()
    }

    #[test]
    fn ten_healthy_windows_stay_inside_nineteen_times_of_twenty() {
        for base in [20, 60, 300] {
            let mut draw = Draw::new(base as u64, Lineage(7), Purpose::Fault, 0);
            let mut inside = 0;
            for _ in 0..1_000 {
                let band = Band::of(&[&healthy(&mut draw, base)]).unwrap();
                inside += u32::from(band.back(&healthy(&mut draw, 10), 0, 1).is_some());
            }
            assert!(inside >= 940, "{inside} of 1,000 with a baseline of {base} windows");
        }
    }
}
