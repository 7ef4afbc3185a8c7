//! Latency over time: from the median to the 99th percentile as a band, and below it the requests in flight and the share of
//! them that failed.
//! Several clients stand below each other on the same scale.

use super::Title;
use super::axis::{Scale, seconds_of_tick, time_of_tick};
use super::frame::{Area, Canvas, HEIGHT, Type, WIDTH, picture, room, size};
use super::palette::{FAILED, FAINT, GRID, INK, PAPER, Pen, hair, on_paper, pen};
use super::pressure::between;
use super::shade::{Shade, beside, shade};
use crate::experiment::summary::{Moment, Summary};
use crate::report::number::{count, percent, plain, time};
use crate::report::text::{clean, cut};
use crate::units::Span;

/// Panels at most; more would be too flat to read.
const PANELS: usize = 4;

/// A client's latency over time.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Its name.
    pub name: String,
    /// Bins in the order of time.
    pub moments: Vec<Moment>,
    /// What was promised about its latencies.
    pub bounds: Vec<Bound>,
    /// Replications whose requests were counted together.
    pub runs: u32,
}

/// A latency that was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The bound, ms.
    pub ms: f64,
    /// The promise as it is written.
    pub says: String,
}

impl Bound {
    /// What is promised about the latencies of a client for all of the time: `p99 < 400ms`.
    pub(super) fn of(summary: &Summary, client: &str) -> Vec<Self> {
        let about = summary.slos.iter().filter(|slo| slo.of == client && slo.scope.is_none());
        let bound = |expect: &str| {
            let (what, bound) = expect.split_once('<')?;
            let quantile = what.trim().strip_prefix('p')?.chars().all(|c| c.is_ascii_digit() || c == '.');
            let span = Span::parse(bound.trim_start_matches('=').trim()).ok()?;
            quantile.then(|| Self { ms: 1e3 * span.as_secs_f64(), says: clean(expect) })
        };
        about.filter_map(|slo| bound(&slo.expect)).collect()
    }
}

/// Draws the tracks below each other, over the times at which something was wrong.
pub fn timeline(title: &Title, tracks: &[Track], shades: &[Shade]) -> String {
    let tracks: Vec<&Track> = tracks.iter().filter(|track| !track.moments.is_empty()).collect();
    let (shown, hidden) = tracks.split_at(tracks.len().min(PANELS));
    picture(title, height(shown.len()), |canvas| {
        let panels = panels(shown.len());
        for (i, (track, panel)) in shown.iter().zip(&panels).enumerate() {
            let scales = scales(shown, *panel);
            shade(canvas, Area { top: panel.top + 22.0, ..*panel }, &scales.x, shades);
            beside(canvas, &cut(&track.name, 60), *panel, &scales.x, if i == 0 { shades } else { &[] });
            draw(canvas, track, *panel, &scales, pen(i), i + 1 == shown.len());
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height(shown.len()) - 22.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// Two panels share the usual height; more make the picture taller.
fn height(panels: usize) -> f64 {
    HEIGHT.max(158.0 + 204.0 * panels as f64)
}

/// Where the panels stand.
fn panels(count: usize) -> Vec<Area> {
    let (top, bottom, gap) = (92.0, height(count) - 66.0, 18.0);
    let height = (bottom - top + gap) / count.max(1) as f64 - gap;
    (0..count)
        .map(|i| {
            let top = top + i as f64 * (height + gap);
            Area { left: 96.0, top, right: WIDTH - 108.0, bottom: top + height }
        })
        .collect()
}

/// The scales of one panel; the same for all but for their place.
struct Scales {
    x: Scale,
    y: Scale,
    /// Where failures are drawn, and the share of them that fills it; `None` where nothing failed anywhere.
    strip: Option<(Area, f64)>,
    /// Where requests in flight are drawn, and how many fill it; `None` where nobody looked.
    crowd: Option<(Area, f64)>,
    latency: Area,
    /// Where the scale of latencies ends, ms.
    most_ms: f64,
}

fn scales(tracks: &[&Track], panel: Area) -> Scales {
    let moments = || tracks.iter().flat_map(|track| track.moments.iter());
    let worst = moments().map(failed_share).fold(0.0, f64::max);
    let most_there = moments().filter_map(|m| m.in_flight).fold(0.0, f64::max);
    let tall = ((panel.bottom - panel.top) * 0.14).clamp(14.0, 36.0);
    let mut bottom = panel.bottom;
    let mut strip = |most: f64| {
        let area = Area { top: bottom - tall, bottom, ..panel };
        (most > 0.0).then(|| {
            bottom -= tall + 10.0;
            (area, most)
        })
    };
    let (strip, crowd) = (strip(worst), strip(most_there));
    let latency = Area { top: panel.top + 26.0, bottom, ..panel };
    let begin = moments().map(|m| m.from_s).fold(f64::MAX, f64::min);
    let end = moments().map(|m| m.from_s + m.width_s).fold(0.0, f64::max);
    let latencies = || moments().flat_map(|m| [m.p50_ms, m.p99_ms]).flatten().filter(|ms| *ms > 0.0);
    let (least, most) = (latencies().fold(f64::MAX, f64::min), latencies().fold(0.0, f64::max));
    // A bound that is not far away is drawn, too.
    let bounds = tracks.iter().flat_map(|track| &track.bounds).map(|bound| bound.ms);
    let most = bounds.filter(|ms| *ms <= 3.0 * most).fold(most, f64::max);
    let y = if most > 30.0 * least {
        Scale::log(least, most, latency.bottom, latency.top)
    } else {
        Scale::linear(most, latency.bottom, latency.top)
    };
    let x = Scale::exact(begin.min(end), end, panel.left, panel.right);
    Scales { x, y, strip, crowd, latency, most_ms: most }
}

/// A bin in words.
fn told(m: &Moment) -> String {
    let mut parts = vec![format!("{} set out", count(m.arrived))];
    let bad = m.arrived - m.succeeded.min(m.arrived);
    parts.extend((bad > 0).then(|| format!("{} of them not served ({})", count(bad), percent(failed_share(m)))));
    parts.extend(m.p50_ms.map(|ms| format!("p50 {}", time(ms))));
    parts.extend(m.p99_ms.map(|ms| format!("p99 {}", time(ms))));
    parts.extend(m.in_flight.map(|n| format!("{} in flight", plain(n))));
    parts.join(", ")
}

/// What was promised about latencies: a line at each bound that lies on the scale; of others the foot tells.
fn promised(canvas: &Canvas, track: &Track, scales: &Scales) {
    let area = scales.latency;
    for Bound { ms, says } in &track.bounds {
        if *ms > scales.most_ms {
            canvas.note(format!("{}: promised {says} lies above the picture", track.name));
            continue;
        }
        let y = scales.y.at(*ms);
        canvas.line(&[(area.left, y), (area.right, y)], Pen { colour: INK, dash: &[2.0, 3.0], width: 1.4 });
        let wide = room(says, size::SMALL);
        let patch = Area { left: area.left + 4.0, right: area.left + 10.0 + wide, top: y - 17.0, bottom: y - 2.0 };
        canvas.rectangle(patch, PAPER, 0.8);
        canvas.text(says, (area.left + 7.0, y - 9.0), Type::of(size::SMALL));
    }
}

fn failed_share(m: &Moment) -> f64 {
    if m.arrived == 0 { 0.0 } else { (m.arrived - m.succeeded.min(m.arrived)) as f64 / m.arrived as f64 }
}

fn draw(canvas: &Canvas, track: &Track, panel: Area, scales: &Scales, pen: Pen, last: bool) {
    canvas.ordinate(scales.latency, &scales.y, time_of_tick);
    promised(canvas, track, scales);
    band(canvas, track, scales, pen);
    strip(canvas, track, scales);
    crowd(canvas, track, scales, pen);
    if let Some(first) = track.moments.first() {
        let all = Area { top: scales.latency.top, ..panel };
        canvas.says_over(all, &scales.x, (first.from_s, first.width_s, track.moments.len()), |at| {
            format!("{}: {}", track.name, told(&track.moments[at]))
        });
    }
    let name = |s: f64| if last { seconds_of_tick(s) } else { String::new() };
    canvas.abscissa(panel, &scales.x, false, name);
    if last {
        let below = (f64::midpoint(panel.left, panel.right), panel.bottom + 34.0);
        canvas.text("time at which requests set out", below, Type::of(size::LABEL).faint().centred().hanging());
    }
}

/// The band from p50 to p99 with its two edges, broken where a bin had no success.
fn band(canvas: &Canvas, track: &Track, scales: &Scales, pen: Pen) {
    let place = |m: &Moment| {
        let x = scales.x.at(m.from_s + m.width_s / 2.0);
        Some((x, scales.y.at(m.p50_ms?), scales.y.at(m.p99_ms?)))
    };
    let places: Vec<Option<(f64, f64, f64)>> = track.moments.iter().map(place).collect();
    for run in places.split(Option::is_none) {
        let run: Vec<(f64, f64, f64)> = run.iter().flatten().copied().collect();
        let middle: Vec<(f64, f64)> = run.iter().map(|p| (p.0, p.1)).collect();
        let tail: Vec<(f64, f64)> = run.iter().map(|p| (p.0, p.2)).collect();
        let around: Vec<(f64, f64)> = middle.iter().chain(tail.iter().rev()).copied().collect();
        canvas.area(&around, pen.colour, 0.16);
        canvas.line(&tail, Pen { dash: &[7.0, 4.0], width: 1.75, ..pen });
        canvas.line(&middle, Pen { dash: &[], ..pen });
    }
    if let Some(&(x, p50, p99)) = places.iter().flatten().last() {
        let p99 = p99.min(p50 - 18.0);
        // Who failed or was never answered is in no bin.
        let some = track.moments.iter().any(|m| failed_share(m) > 0.0);
        let (whose, look) = if some { (" answered", size::SMALL) } else { ("", size::LABEL) };
        canvas.text(&format!("p99{whose}"), (x + 8.0, p99), Type::of(look));
        let middle = if some { Type::of(look) } else { Type::of(look).bold() };
        canvas.text(&format!("p50{whose}"), (x + 8.0, p50), middle);
    }
}

fn strip(canvas: &Canvas, track: &Track, scales: &Scales) {
    let Some((area, worst)) = scales.strip else { return };
    canvas.rectangle(area, GRID, 0.45);
    let height = area.bottom - area.top;
    for m in track.moments.iter().filter(|m| failed_share(m) > 0.0) {
        let (left, right) = (scales.x.at(m.from_s), scales.x.at(m.from_s + m.width_s));
        // Even one failure in a thousand must be seen.
        let top = area.bottom - (height * failed_share(m) / worst).max(1.5);
        // Neighbours overlap a little, or light shines through between them.
        let right = (right + 0.5).min(area.right);
        canvas.rectangle(Area { left, top, right, bottom: area.bottom }, FAILED, 1.0);
    }
    let middle = f64::midpoint(area.top, area.bottom);
    canvas.text("failed", (area.left - 10.0, middle), Type::of(size::SMALL).faint().ending());
    let own = track.moments.iter().map(failed_share).fold(0.0, f64::max);
    let most = if own > 0.0 { format!("max {}", percent(own)) } else { "none".into() };
    canvas.text(&most, (area.right + 8.0, middle), Type::of(size::SMALL).faint());
    canvas.line(&[(area.left, area.bottom), (area.right, area.bottom)], hair(FAINT));
}

/// Requests in flight.
fn crowd(canvas: &Canvas, track: &Track, scales: &Scales, pen: Pen) {
    let Some((area, most)) = scales.crowd else { return };
    canvas.rectangle(area, GRID, 0.45);
    let y = Scale::exact(0.0, most, area.bottom, area.top);
    let there: Vec<f64> = track.moments.iter().map_while(|m| m.in_flight).collect();
    let width = track.moments.first().map_or(1.0, |m| m.width_s);
    canvas.area(&between(&there, None, width, &scales.x, &y), on_paper(pen.colour, 0.6), 1.0);
    let middle = f64::midpoint(area.top, area.bottom);
    canvas.text("in flight", (area.left - 10.0, middle), Type::of(size::SMALL).faint().ending());
    let own = there.into_iter().fold(0.0, f64::max);
    let told = if own < 10.0 { plain(own) } else { count(own.round() as u64) };
    canvas.text(&format!("max {told}"), (area.right + 8.0, middle), Type::of(size::SMALL).faint());
    canvas.line(&[(area.left, area.bottom), (area.right, area.bottom)], hair(FAINT));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn title() -> Title {
        Title {
            title: "chain: latency over time".into(),
            subtitle: "seed 1 · 10 × 60 s · simulated, not measured".into(),
        }
    }

    #[test]
    fn a_track_is_named_with_its_failures() {
        let track = Track { name: "shoppers".into(), moments: sample::timeline(8.0, 2.4), ..Track::default() };
        let svg = timeline(&title(), &[track], &[]);
        for word in ["shoppers", "p50 answered", "p99 answered", "failed", "max 24.9 %", "60 s"] {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn a_promise_is_a_line_and_every_bin_says_its_figures() {
        let bound = |ms: f64| Bound { ms, says: format!("p99 < {ms}ms") };
        let track = Track {
            name: "x".into(),
            moments: sample::timeline(8.0, 2.4),
            bounds: vec![bound(100.0), bound(9e4)],
            runs: 1,
        };
        let svg = timeline(&title(), &[track], &[]);
        assert!(svg.contains("\np99 &lt; 100ms\n") && svg.contains("promised p99 &lt; 90000ms lies above"), "{svg}");
        assert_eq!(svg.matches("class=\"says\"").count(), 120);
        assert!(svg.contains("<title>25 s to 25.5 s: x: 1000 set out, 230 of them not served (23.0 %), p50 "), "{svg}");
    }

    #[test]
    fn without_failures_there_is_no_strip() {
        let mut moments = sample::timeline(8.0, 2.4);
        for m in &mut moments {
            (m.failed, m.succeeded) = (0, m.arrived);
        }
        let svg = timeline(&title(), &[Track { name: "x".into(), moments, ..Track::default() }], &[]);
        assert!(!svg.contains("failed") && !svg.contains("answered"));
    }

    #[test]
    fn requests_in_flight_have_a_strip_where_somebody_looked() {
        let mut moments = sample::timeline(8.0, 2.4);
        assert!(
            !timeline(&title(), &[Track { name: "x".into(), moments: moments.clone(), ..Track::default() }], &[])
                .contains("in flight")
        );
        moments.iter_mut().enumerate().for_each(|(at, m)| m.in_flight = Some(at as f64));
        let svg = timeline(&title(), &[Track { name: "x".into(), moments, ..Track::default() }], &[]);
        assert!(svg.contains("in flight") && svg.contains("max 119"));
    }

    #[test]
    fn a_bin_without_successes_is_a_gap() {
        let mut moments = sample::timeline(8.0, 2.4);
        moments[60] = Moment { p50_ms: None, p99_ms: None, ..moments[60] };
        let whole = timeline(
            &title(),
            &[Track { name: "x".into(), moments: sample::timeline(8.0, 2.4), ..Track::default() }],
            &[],
        );
        let broken = timeline(&title(), &[Track { name: "x".into(), moments, ..Track::default() }], &[]);
        assert_eq!(whole.matches("<polygon").count() + 1, broken.matches("<polygon").count());
    }

    #[test]
    fn more_than_fit_are_counted() {
        let track = Track { name: "x".into(), moments: sample::timeline(8.0, 2.4), ..Track::default() };
        assert!(timeline(&title(), &vec![track; 6], &[]).contains("2 more not drawn"));
    }
}
