//! Rates over time: CSV, or a range that Prometheus answers. They become the phases of the client, so that what happened can be
//! played again.

use serde::Deserialize;

use super::found::{Found, From};

/// More a second than a file may have, and more seconds than anybody plays again.
const MOST: f64 = 1e9;
const LONGEST: f64 = 1e9;

/// Whether a text is two columns, of which the second is a number.
pub(super) fn is_rates(text: &str) -> bool {
    let rows: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
    let last = rows.last().filter(|_| rows.len() > 1).and_then(|row| row.split_once([',', ';', '\t']));
    last.is_some_and(|(time, rate)| seconds(time).is_ok() && rate.trim().parse::<f64>().is_ok())
}

/// Reads CSV: a time (seconds, a duration such as `5m`, or RFC 3339) and a rate per second in every row; the first may be a header.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    let mut points = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: &str| format!("line {}: {why}", at + 1);
        let (time, rate) = line.split_once([',', ';', '\t']).ok_or_else(|| wrong("a time and a rate are expected"))?;
        match (seconds(time), rate.trim().parse::<f64>()) {
            (Ok(time), Ok(rate)) if (0.0..=MOST).contains(&rate) => points.push((time, rate)),
            _ if at == 0 => {}
            (Err(why), _) => return Err(wrong(&why)),
            (_, _) => return Err(wrong(&format!("`{}` is no rate per second", rate.trim()))),
        }
    }
    phases(&points, "CSV of rates", found)
}

fn seconds(text: &str) -> Result<f64, String> {
    let text = text.trim().trim_matches('"');
    if let Ok(number) = text.parse::<f64>() {
        // Prometheus and others have milliseconds where a number is that large.
        return Ok(if number > 1e11 { number / 1e3 } else { number })
            .and_then(|n| if n.is_finite() { Ok(n) } else { Err("no time".into()) });
    }
    if let Ok(nanos) = crate::units::parse_nanos(text) {
        return Ok(nanos / 1e9);
    }
    rfc3339(text).ok_or_else(|| format!("`{text}` is no time: seconds, a duration, or 2026-11-30T10:00:00Z"))
}

/// Seconds since 1970 of `2026-11-30T10:00:00Z`; an offset is taken off. Days by Howard Hinnant's `days_from_civil`.
fn rfc3339(text: &str) -> Option<f64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut day = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (day.next()??, day.next()??, day.next()??);
    let end = time.find(['Z', '+']).or_else(|| time.rfind('-')).unwrap_or(time.len());
    let offset = match time[end..].strip_prefix(['+', '-']) {
        Some(zone) => {
            let (hours, minutes) = zone.split_once(':').unwrap_or((zone, "0"));
            let sign = if time[end..].starts_with('-') { -1.0 } else { 1.0 };
            sign * (hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0)
        }
        None => 0.0,
    };
    let mut clock = time[..end].split(':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0.0))?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second - offset)
}

#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) values: Vec<(f64, String)>,
}

/// Rates of several series, added up where their times are the same.
pub(super) fn of_series(series: &[Series], found: &mut Found) -> Result<(), String> {
    let mut sum: std::collections::BTreeMap<u64, f64> = std::collections::BTreeMap::new();
    for (time, value) in series.iter().flat_map(|one| &one.values) {
        let value: f64 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
        if value.is_finite() && *time >= 0.0 {
            *sum.entry((time * 1e3) as u64).or_default() += value.max(0.0);
        }
    }
    let points: Vec<(f64, f64)> = sum.into_iter().map(|(ms, rate)| (ms as f64 / 1e3, rate)).collect();
    phases(
        &points,
        &format!(
            "{} of a Prometheus range, added up",
            if series.len() == 1 { "1 series".into() } else { format!("{} series", series.len()) }
        ),
        found,
    )
}

/// More phases are joined, so that the file can be read.
const PHASES: usize = 200;

fn phases(points: &[(f64, f64)], what: &str, found: &mut Found) -> Result<(), String> {
    if points.len() < 2 {
        return Err("two rows at least: how long the only one lasts nobody knows".into());
    }
    if let Some(at) = points.windows(2).position(|pair| pair[1].0 <= pair[0].0) {
        return Err(format!("row {}: times must ascend", at + 2));
    }
    if points[points.len() - 1].0 - points[0].0 > LONGEST {
        return Err(format!("the rows are further apart than {LONGEST:e} s, some thirty years: that is no time"));
    }
    let last = points[points.len() - 1].0 - points[points.len() - 2].0;
    let ends = points.iter().skip(1).map(|point| point.0).chain([points[points.len() - 1].0 + last]);
    let long: Vec<(f64, f64)> = points.iter().zip(ends).map(|((from, rate), to)| (to - from, *rate)).collect();
    let each = long.len().div_ceil(PHASES);
    let joined: Vec<(f64, f64)> = long
        .chunks(each)
        .map(|some| {
            let whole: f64 = some.iter().map(|(long, _)| long).sum();
            (whole, some.iter().map(|(long, rate)| long * rate).sum::<f64>() / whole)
        })
        .collect();
    let by = if each > 1 { format!(", {each} rows a phase") } else { String::new() };
    found.phases = Some(From::new(joined, format!("{} rows of {what}{by}", points.len())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_phases_that_last_until_the_next() {
        let mut found = Found::default();
        read("time,rate\n0,10\n60,30\n90,5\n", &mut found).unwrap();
        assert_eq!(found.phases.as_ref().unwrap().value, [(60.0, 10.0), (30.0, 30.0), (30.0, 5.0)]);
        read("2026-11-30T10:00:00Z,1\n2026-11-30T11:01:00+01:00,2\n", &mut found).unwrap();
        assert_eq!(found.phases.as_ref().unwrap().value, [(60.0, 1.0), (60.0, 2.0)]);
        assert!(read("0,1\n0,2\n", &mut found).is_err_and(|why| why.contains("ascend")));
        assert!(read("0,1\n1,x\n", &mut found).is_err_and(|why| why.contains("line 2")));
        assert_eq!(rfc3339("1970-01-02T00:00:00Z"), Some(86_400.0));
    }
}
