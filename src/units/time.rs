//! Points in simulated time and spans between them, in whole nanoseconds.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point in simulated time: nanoseconds since the simulation (warm-up included) began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A span of simulated time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// The units people write, largest first, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The longest span that is accepted: a thousand days.
const LONGEST: f64 = 86_400e9 * 1_000.0;

impl Time {
    /// After every other time.
    pub const NEVER: Time = Time(u64::MAX);

    /// The span since an earlier point; zero if `earlier` is later.
    #[inline]
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of `s` seconds, rounded to nanoseconds; negative is zero.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1e9).round().max(0.0) as u64)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Reads `250us`, `1m30s`, `2.5 ms`, `1h`; days at most.
    ///
    /// The error is a fragment that says what is wrong and how it would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let nanos = parse_nanos(text)?;
        Ok(Self(nanos.round() as u64))
    }
}

/// Reads a duration to (possibly fractional) nanoseconds: `2.4ns` is 2.4.
pub fn parse_nanos(text: &str) -> Result<f64, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("an empty duration; write for example \"250ms\"".into());
    }
    if rest.starts_with('-') {
        return Err(format!("a negative duration `{rest}`; time runs forward"));
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
        let number: f64 = rest[..digits]
            .replace('_', "")
            .parse()
            .map_err(|_| format!("`{text}` is not a duration; write for example \"250us\", \"8ms\" or \"1m30s\""))?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let unit = if &rest[..letters] == "µs" || &rest[..letters] == "μs" { "us" } else { &rest[..letters] };
        if unit.is_empty() {
            return Err(format!("`{text}` has no unit; write for example \"{number}ms\" or \"{number}s\""));
        }
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| format!("`{unit}` is not a unit of time; the units are ns, us, ms, s, m, h and d"))?;
        nanos += number * scale.1 as f64;
        rest = rest[letters..].trim_start();
    }
    if nanos > LONGEST {
        return Err(format!("`{text}` is longer than the longest span, 1000 days"));
    }
    Ok(nanos)
}

impl fmt::Display for Span {
    /// The shortest exact form a person would write: `8ms`, `1m30s`, `2500us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        if n == 0 {
            return write!(f, "0s");
        }
        if n < 60_000_000_000 || !n.is_multiple_of(1_000_000_000) {
            // One unit: the largest that needs at most three decimals.
            for (name, scale) in &UNITS[3..] {
                if n >= *scale && n.is_multiple_of((scale / 1_000).max(1)) {
                    return write!(f, "{}{name}", n as f64 / *scale as f64);
                }
            }
            return write!(f, "{n}ns");
        }
        let mut left = n;
        for (name, scale) in &UNITS[..4] {
            if left >= *scale {
                write!(f, "{}{name}", left / scale)?;
                left %= scale;
            }
        }
        Ok(())
    }
}

impl Add<Span> for Time {
    type Output = Time;
    #[inline]
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    #[inline]
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    #[inline]
    fn add_assign(&mut self, other: Span) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl Sub for Span {
    type Output = Span;
    #[inline]
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, nanos) in [
            ("250us", 250_000),
            ("1m30s", 90_000_000_000),
            ("2.5 ms", 2_500_000),
            ("0s", 0),
            ("1d", 86_400_000_000_000),
            ("3µs", 3_000),
        ] {
            assert_eq!(Span::parse(text), Ok(Span(nanos)), "{text}");
        }
        assert_eq!(parse_nanos("2.4ns"), Ok(2.4));
    }

    #[test]
    fn refuses_nonsense_and_says_how_it_would_be_right() {
        assert!(Span::parse("8").unwrap_err().contains("no unit"));
        assert!(Span::parse("-8ms").unwrap_err().contains("negative"));
        assert!(Span::parse("8 parsecs").unwrap_err().contains("not a unit"));
        assert!(Span::parse("fast").is_err());
        assert!(Span::parse("").is_err());
        assert!(Span::parse("2000d").unwrap_err().contains("longest"));
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["250us", "1m30s", "8ms", "1h", "1d", "2.5ms", "17ns", "1m", "1.5s", "0s"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
    }
}
