//! Figures as people read them: three significant digits, a unit that fits, an en dash for what is not there.

use crate::experiment::summary::Estimate;

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// Units of time from small to large: its size in milliseconds and its name.
const TIMES: [(f64, &str); 6] = [(1e-6, "ns"), (1e-3, "µs"), (1.0, "ms"), (1e3, "s"), (60e3, "min"), (3_600e3, "h")];

/// Three significant digits, without an exponent for anything a simulation yields: `0.0123`, `1.24`, `24.3`, `812`, `12345`.
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if size < 1e-4 {
        return format!("{value:.1e}");
    }
    // A value such as 9.996 gains a digit when it is rounded, so its place is taken from what rounding makes of it.
    let rounded: f64 = format!("{size:.2e}").parse().unwrap_or(size);
    let place = rounded.log10().floor() as i32;
    let decimals = (2 - place).clamp(0, 6) as usize;
    trim(format!("{value:.decimals$}"))
}

/// Cuts the zeros that follow a decimal point off.
fn trim(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The largest unit of which `ms` is at least one whole.
fn unit(ms: f64) -> (f64, &'static str) {
    let size = ms.abs() * (1.0 + 5e-4);
    TIMES.into_iter().rev().find(|(of, _)| size >= *of).unwrap_or(TIMES[0])
}

/// A time given in milliseconds, in the unit that suits it: `812 µs`, `24.3 ms`, `1.24 s`.
pub fn time(ms: f64) -> String {
    if !ms.is_finite() {
        return NONE.into();
    }
    if ms == 0.0 {
        return "0 ms".into();
    }
    let (of, name) = unit(ms);
    format!("{} {name}", digits(ms / of))
}

/// Three significant digits of which none is cut: figures below each other keep their places.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 99.95 { 0 } else { usize::from(size < 9.995) + 1 };
    format!("{value:.decimals$}")
}

/// A span given in seconds as one would say it: `60 s`, `10 min`, `2.5 h`.
pub fn seconds(s: f64) -> String {
    let ms = s * 1e3;
    // Below three minutes people say seconds.
    let (of, name) = if (1e3..180e3).contains(&ms) { (1e3, "s") } else { unit(ms) };
    format!("{} {name}", plain(ms / of))
}

/// A count: exact to four digits, then `12.4 k`, `1.24 M`.
pub fn count(n: u64) -> String {
    if n < 10_000 {
        return n.to_string();
    }
    let (of, name) = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
        .into_iter()
        .find(|(of, _)| n as f64 >= of * 0.9995)
        .unwrap_or((1e3, "k"));
    format!("{} {name}", digits(n as f64 / of))
}

/// A share as a percentage. It never rounds to a whole `0 %` or `100 %` that it is not.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.into();
    }
    let value = share * 100.0;
    if value == 0.0 || value == 100.0 {
        return format!("{value:.0} %");
    }
    let distance = value.abs().min((100.0 - value).abs());
    // One decimal for the middle, and as many as show the first digit of the distance to the nearer end.
    let decimals = if distance >= 0.995 { 1 } else { (1 - distance.log10().floor() as i32).clamp(2, 5) };
    // What is nearer to an end than the decimals reach stays one step away from it.
    let step = 10_f64.powi(-decimals);
    let value = if value > 0.0 && value < 100.0 { value.clamp(step, 100.0 - step) } else { value };
    let decimals = decimals as usize;
    format!("{} %", trim_to(format!("{value:.decimals$}"), 1))
}

/// Cuts zeros off the end as long as `least` decimals stay.
fn trim_to(mut text: String, least: usize) -> String {
    while text.ends_with('0') && text.split_once('.').is_some_and(|(_, rest)| rest.len() > least) {
        text.pop();
    }
    text
}

/// A level, such as workers busy: like [`plain`], but figures below each other keep their places.
pub fn level(value: f64) -> String {
    if value.abs() < 0.1 || !value.is_finite() { plain(value) } else { digits(value) }
}

/// Half the width of an interval, where there is one.
pub fn half(e: Estimate) -> Option<f64> {
    Some((e.high? - e.low?) / 2.0)
}

/// The value of an estimate through `show`, or an en dash.
pub fn or_none(e: Estimate, show: impl Fn(f64) -> String) -> String {
    e.value.map_or_else(|| NONE.into(), show)
}

/// What stands for an interval where there is no honest one.
pub const NO_INTERVAL: &str = "no interval";

/// The interval around a figure through `show`, its unit once: `2.45 … 2.49 ms`; `None` where there is no figure.
pub fn between(e: Estimate, show: impl Fn(f64) -> String) -> Option<String> {
    e.value.filter(|value| value.is_finite())?;
    let Some((low, high)) = e.ends() else { return Some(NO_INTERVAL.into()) };
    let (low, high) = (show(low), show(high));
    let unit = |text: &str| text.rsplit_once(' ').map(|(_, unit)| format!(" {unit}"));
    let low = match unit(&high).filter(|of| unit(&low).as_ref() == Some(of)) {
        Some(of) => low.trim_end_matches(&of).to_owned(),
        None => low,
    };
    Some(format!("{low} … {high}"))
}

/// A time with the half width of its interval, in one unit, `26.1 ±0.4 ms`; where that is larger than the time, how far it may go:
/// `≤2.12 s`.
pub fn time_within(e: Estimate) -> String {
    let Some(value) = e.value.filter(|v| v.is_finite()) else { return NONE.into() };
    match half(e).filter(|h| h.is_finite()) {
        None => time(value),
        // To either side it would reach below nothing, and no time does.
        Some(half) if half > value => match (e.low.unwrap_or(0.0).max(0.0), e.high.unwrap_or(value)) {
            (0.0, high) => format!("≤{}", time(high)),
            (low, high) => time_between(low, high),
        },
        Some(half) => {
            let (of, name) = if value == 0.0 { (1.0, "ms") } else { unit(value) };
            format!("{} ±{} {name}", digits(value / of), short(half / of))
        }
    }
}

/// A share with half of its interval in points, `19.7 % ±0.4`; where it is all or none, how far the interval goes, `100 % ≥99.6`; where
/// half of it would reach beyond that, the ends.
pub fn share_within(e: Estimate) -> String {
    let Some(value) = e.value else { return NONE.into() };
    let bare = |share: f64| percent(share).trim_end_matches(" %").to_owned();
    match e.ends() {
        Some((0.0, high)) if value == 0.0 && high > 0.0 => format!("0 % ≤{}", short(high * 100.0)),
        Some((low, 1.0)) if value == 1.0 && low < 1.0 => format!("100 % ≥{}", bare(low)),
        Some((low, high)) if is_lopsided(value, (low, high)) => {
            format!("{} [{}, {}]", percent(value), bare(low), bare(high))
        }
        Some((low, high)) if high > low => format!("{} ±{}", percent(value), short((high - low) * 50.0)),
        _ => percent(value),
    }
}

/// Whether an interval goes so much farther to one side that half of it says something wrong: beyond all or nothing.
fn is_lopsided(value: f64, (low, high): (f64, f64)) -> bool {
    let half = (high - low) / 2.0;
    half > 0.0 && (value - half < 0.0 || value + half > 1.0)
}

/// A level with half of its interval: `7.98 ±0.02`.
pub fn level_within(e: Estimate) -> String {
    match (e.value, half(e)) {
        (Some(value), Some(half)) if half > 0.0 => format!("{} ±{}", level(value), short(half)),
        _ => or_none(e, level),
    }
}

/// Two times in the unit of the larger: `31.2–38.0 ms`.
pub fn time_between(low: f64, high: f64) -> String {
    let (of, name) = if high == 0.0 { (1.0, "ms") } else { unit(high) };
    let low = if low == 0.0 { "0".to_owned() } else { digits(low / of) };
    format!("{low}–{} {name}", digits(high / of))
}

/// Two significant digits at most: enough for a half width.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0".into(),
        _ if size < 0.01 => "0.01".into(),
        _ if size < 1.0 => format!("{value:.2}"),
        _ if size < 10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(value: f64, low: f64, high: f64) -> Estimate {
        Estimate::between(value, low, high)
    }

    #[test]
    fn times_take_the_unit_that_suits() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (0.000_25, "250 ns"),
            (0.812, "812 µs"),
            (0.999_6, "1.00 ms"),
            (1.0, "1.00 ms"),
            (24.312, "24.3 ms"),
            (99.96, "100 ms"),
            (999.7, "1.00 s"),
            (1_240.0, "1.24 s"),
            (59_990.0, "1.00 min"),
            (7_200_000.0, "2.00 h"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(time(ms), text, "{ms}");
        }
    }

    #[test]
    fn plain_numbers_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (1.0, "1"),
            (1.239, "1.24"),
            (9.996, "10"),
            (24.31, "24.3"),
            (812.4, "812"),
            (12_345.6, "12346"),
            (0.000_012, "1.2e-5"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(plain(value), text, "{value}");
        }
    }

    #[test]
    fn counts_stay_exact_until_they_are_long() {
        for (n, text) in [
            (0, "0"),
            (9_999, "9999"),
            (12_351, "12.4 k"),
            (999_900, "1.00 M"),
            (1_240_000, "1.24 M"),
            (123_456_789, "123 M"),
            (10_000_000_000, "10.0 G"),
        ] {
            assert_eq!(count(n), text, "{n}");
        }
    }

    #[test]
    fn a_percentage_is_whole_only_when_it_is() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.824, "82.4 %"),
            (0.999_5, "99.95 %"),
            (0.999_996, "99.9996 %"),
            (0.000_4, "0.04 %"),
            (0.999_999_999, "99.99999 %"),
            (1e-12, "0.00001 %"),
            (0.5, "50.0 %"),
            (1.304, "130.4 %"),
        ] {
            assert_eq!(percent(share), text, "{share}");
        }
    }

    #[test]
    fn an_interval_shares_the_unit_of_its_value() {
        assert_eq!(time_within(e(26.1, 25.7, 26.5)), "26.1 ±0.40 ms");
        assert_eq!(time_within(e(1_240.0, 1_140.0, 1_340.0)), "1.24 ±0.10 s");
        assert_eq!(time_within(e(297.0, -1523.0, 2117.0)), "≤2.12 s");
        assert_eq!(time_within(Estimate::point(5.0)), "5.00 ms");
        assert_eq!(time_within(Estimate::default()), "–");
    }

    #[test]
    fn levels_keep_their_places() {
        for (value, text) in
            [(0.0, "0"), (0.0123, "0.0123"), (0.5, "0.50"), (7.6, "7.60"), (31.25, "31.2"), (812.4, "812")]
        {
            assert_eq!(level(value), text);
        }
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        assert_eq!(seconds(60.0), "60 s");
        assert_eq!(seconds(600.0), "10 min");
        assert_eq!(seconds(0.25), "250 ms");
        assert_eq!(seconds(9_000.0), "2.5 h");
    }
}
