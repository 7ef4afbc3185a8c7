//! Scales: from figures to places on the canvas, and the ticks that a reader expects.

use crate::report::number::plain;

/// A line between two places onto which figures are laid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    kind: Kind,
    /// Figures at the ends, as the kind sees them.
    from: f64,
    to: f64,
    /// Places of the ends.
    start: f64,
    end: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Linear,
    Log,
    Nines,
}

impl Kind {
    fn see(self, value: f64) -> f64 {
        match self {
            Kind::Linear => value,
            Kind::Log => value.max(1e-12).log10(),
            Kind::Nines => -(1.0 - value).max(1e-9).log10(),
        }
    }
}

impl Scale {
    /// Equal steps for equal differences, from zero to at least `most`, up to a round figure.
    pub(super) fn linear(most: f64, start: f64, end: f64) -> Self {
        let most = if most > 0.0 { most } else { 1.0 };
        let step = step(most / 5.0);
        Self { kind: Kind::Linear, from: 0.0, to: (most / step - 1e-9).ceil() * step, start, end }
    }

    /// Equal steps for equal differences, exactly from `from` to `to`.
    pub(super) fn exact(from: f64, to: f64, start: f64, end: f64) -> Self {
        Self { kind: Kind::Linear, from, to: if to > from { to } else { from + 1.0 }, start, end }
    }

    /// Equal steps for equal factors; the ends are moved outwards to 1, 2 or 5 times a power of ten.
    pub(super) fn log(least: f64, most: f64, start: f64, end: f64) -> Self {
        let (least, most) = (least.max(1e-9), most.max(least.max(1e-9) * 1.01));
        let from = ladder(least).rfind(|v| *v <= least * 1.000_1).unwrap_or(least);
        let to = ladder(most).find(|v| *v >= most * 0.999_9).unwrap_or(most);
        Self { kind: Kind::Log, from: from.log10(), to: to.log10(), start, end }
    }

    /// Equal steps for every further nine: 0, 90 %, 99 %, 99.9 %.
    pub(super) fn nines(highest: f64, start: f64, end: f64) -> Self {
        Self { kind: Kind::Nines, from: 0.0, to: Kind::Nines.see(highest), start, end }
    }

    /// Whether a figure lies beyond either end.
    pub(super) fn is_beyond(&self, value: f64) -> bool {
        let seen = self.kind.see(value);
        let air = (self.to - self.from).abs() * 1e-9;
        seen > self.to + air || seen < self.from - air
    }

    /// The place of a figure; what lies outside is laid on the nearer end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (self.kind.see(value) - self.from) / (self.to - self.from);
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// Figures worth a tick, at least `apart` from each other.
    pub(super) fn ticks(&self, apart: f64) -> Vec<f64> {
        match self.kind {
            Kind::Linear => self.even(apart),
            Kind::Log => self.rungs(apart),
            Kind::Nines => self.nines_within(apart),
        }
    }

    /// Whether neighbours among ascending `ticks` are far enough apart to be named.
    fn spaced(&self, ticks: &[f64], apart: f64) -> bool {
        ticks.windows(2).all(|pair| (self.at(pair[1]) - self.at(pair[0])).abs() >= apart)
    }

    fn even(&self, apart: f64) -> Vec<f64> {
        let span = self.to - self.from;
        let room = (self.end - self.start).abs() / apart.max(1.0);
        let step = step((span / 5.0).max(span / room.max(1.0)));
        let first = (self.from / step - 1e-9).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }

    /// Every rung 1, 2, 5 if there is room, else powers of ten, else every second power, and so on.
    fn rungs(&self, apart: f64) -> Vec<f64> {
        let (low, high) = (10f64.powf(self.from), 10f64.powf(self.to));
        let all: Vec<f64> = ladder((low * high).sqrt()).filter(|v| (low * 0.999..=high * 1.001).contains(v)).collect();
        if self.spaced(&all, apart) {
            return all;
        }
        let decade = |v: &f64| v.log10().round() as i32;
        let whole = |v: &&f64| (v.log10() - v.log10().round()).abs() < 1e-6;
        let tens: Vec<f64> = all.iter().filter(whole).copied().collect();
        (1..=6)
            .map(|every| tens.iter().filter(|v| decade(v) % every == 0).copied().collect::<Vec<f64>>())
            .find(|ticks| self.spaced(ticks, apart))
            .unwrap_or_default()
    }

    fn nines_within(&self, apart: f64) -> Vec<f64> {
        let all = [0.0, 0.5, 0.9, 0.99, 0.999, 0.999_9, 0.999_99];
        let mut ticks: Vec<f64> = all.into_iter().filter(|q| Kind::Nines.see(*q) <= self.to + 1e-9).collect();
        // The median says more than where the axis begins.
        if !self.spaced(&ticks[..2], apart) {
            ticks.remove(0);
        }
        ticks
    }
}

/// How far a scale must reach for bars of these lengths: not as far as one that would flatten the rest. More than this many times
/// as long as the next one, at most a quarter of them all; those are drawn broken.
pub(super) fn reach(lengths: impl Iterator<Item = f64>) -> f64 {
    const FAR: f64 = 8.0;
    let mut lengths: Vec<f64> = lengths.filter(|length| *length > 0.0).collect();
    lengths.sort_by(f64::total_cmp);
    let most = lengths.last().copied().unwrap_or(0.0);
    let few = lengths.len() - lengths.len() / 4;
    let gap = (few.max(1)..lengths.len()).find(|at| lengths[*at] > FAR * lengths[at - 1]);
    gap.map_or(most, |at| 1.5 * lengths[at - 1])
}

/// The figures 1, 2 and 5 times a power of ten, twelve decades around `value`, ascending.
fn ladder(value: f64) -> impl DoubleEndedIterator<Item = f64> {
    let decade = value.log10().floor() as i32;
    (decade - 6..=decade + 6).flat_map(|d| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(d)))
}

/// The step of 1, 2 or 5 times a power of ten that is at least `wanted`.
fn step(wanted: f64) -> f64 {
    ladder(wanted).find(|v| *v >= wanted * 0.999_9).unwrap_or(wanted)
}

/// The name of a tick of time, given in milliseconds: a round figure needs no zeros behind the point.
pub(super) fn time_of_tick(ms: f64) -> String {
    match ms {
        0.0 => "0".into(),
        ms if ms >= 999.0 => format!("{} s", plain(ms / 1e3)),
        ms if ms >= 0.999 => format!("{} ms", plain(ms)),
        ms if ms >= 0.000_999 => format!("{} µs", plain(ms * 1e3)),
        ms => format!("{} ns", plain(ms * 1e6)),
    }
}

/// The name of a tick of simulated time, given in seconds.
pub(super) fn seconds_of_tick(s: f64) -> String {
    format!("{} s", plain(s))
}

/// The name of a tick of a share.
pub(super) fn percent_of_tick(share: f64) -> String {
    format!("{} %", (share * 1e7).round() / 1e5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_named_as_people_write_them() {
        let names: Vec<String> = [0.0, 0.5, 0.9, 0.99, 0.999, 0.999_9].map(percent_of_tick).into();
        assert_eq!(names, ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        let names: Vec<String> = [0.0, 0.05, 1.0, 20.0, 500.0, 1_000.0, 2_500.0].map(time_of_tick).into();
        assert_eq!(names, ["0", "50 µs", "1 ms", "20 ms", "500 ms", "1 s", "2.5 s"]);
    }

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0)), "{found:?}");
    }

    #[test]
    fn ticks_are_one_two_or_five() {
        near(&Scale::linear(87.0, 0.0, 400.0).ticks(25.0), &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        near(&Scale::linear(0.31, 0.0, 400.0).ticks(25.0), &[0.0, 0.1, 0.2, 0.3, 0.4]);
        near(&Scale::exact(0.0, 60.0, 0.0, 400.0).ticks(25.0), &[0.0, 20.0, 40.0, 60.0]);
        near(&Scale::log(3.0, 180.0, 0.0, 400.0).ticks(25.0), &[2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        near(&Scale::log(0.5, 20_000.0, 0.0, 100.0).ticks(15.0), &[1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
        near(&Scale::log(0.5, 20_000.0, 0.0, 50.0).ticks(15.0), &[1.0, 100.0, 10_000.0]);
        near(&Scale::linear(87.0, 40.0, 0.0).ticks(30.0), &[0.0, 100.0]);
    }

    #[test]
    fn every_nine_takes_the_same_room() {
        let scale = Scale::nines(0.999, 0.0, 300.0);
        near(&[0.0, 0.9, 0.99, 0.999].map(|q| scale.at(q)), &[0.0, 100.0, 200.0, 300.0]);
        near(&scale.ticks(20.0), &[0.0, 0.5, 0.9, 0.99, 0.999]);
    }

    #[test]
    fn one_that_would_flatten_the_rest_is_left_beyond() {
        assert_eq!(reach([1.0, 2.0, 3.0, 4.0].into_iter()), 4.0);
        assert_eq!(reach([1.0, 2.0, 3.0, 4_000.0].into_iter()), 4.5);
        assert_eq!(reach([1.0, 4_000.0].into_iter()), 4_000.0, "of two neither is the odd one");
        assert_eq!(reach([0.0, 0.0].into_iter()), 0.0);
    }

    #[test]
    fn nothing_leaves_the_canvas() {
        let scale = Scale::linear(10.0, 100.0, 0.0);
        assert_eq!(scale.at(-5.0), 100.0);
        assert_eq!(scale.at(1e9), 0.0);
        assert!(Scale::log(0.0, 0.0, 0.0, 1.0).at(0.0).is_finite());
        assert!(Scale::linear(0.0, 0.0, 1.0).at(0.5).is_finite());
    }
}
