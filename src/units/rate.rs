//! Rates per second.

use std::fmt;

/// So many per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// The largest rate that is accepted: one in each nanosecond.
const FASTEST: f64 = 1e9;

impl Rate {
    /// Per second.
    pub fn per_second(self) -> f64 {
        self.0
    }

    /// Reads `120/s`, `30/min`, `5/h`, `1/ms`. The error is a fragment that says how it would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write for example \"120/s\" or \"30/min\"");
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let number: f64 = number.trim().replace('_', "").parse().map_err(|_| wrong())?;
        if !number.is_finite() || number < 0.0 {
            return Err(format!("`{text}` is a negative or endless rate; it counts arrivals"));
        }
        let seconds = match unit.trim() {
            "ms" => 1e-3,
            "s" | "sec" | "second" => 1.0,
            "m" | "min" | "minute" => 60.0,
            "h" | "hour" => 3_600.0,
            "d" | "day" => 86_400.0,
            other => return Err(format!("`/{other}` is not a unit of rates; write /s, /min, /h or /d")),
        };
        let rate = number / seconds;
        if rate > FASTEST {
            return Err(format!("`{text}` is more than the largest rate, {FASTEST:.0e}/s"));
        }
        Ok(Self(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_and_refuses_the_rest() {
        assert_eq!(Rate::parse("120/s"), Ok(Rate(120.0)));
        assert_eq!(Rate::parse("30/min"), Ok(Rate(0.5)));
        assert!(Rate::parse("1e300/s").unwrap_err().contains("largest rate"));
        assert!(Rate::parse("120").unwrap_err().contains("not a rate"));
        assert!(Rate::parse("-1/s").unwrap_err().contains("negative"));
        assert!(Rate::parse("1/fortnight").unwrap_err().contains("unit of rates"));
    }
}
