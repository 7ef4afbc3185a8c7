//! How latencies are spread: the share of answered requests in each class of latency. Clients stand below each other on one scale of
//! time; what is beyond the last class is said.

use super::Title;
use super::axis::{Scale, percent_of_tick, time_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, size};
use super::palette::{FAINT, INK, Pen, hair, on_paper, pen};
use super::pressure::head;
use crate::report::number::{count, percent, time};
use crate::report::text::cut;
use crate::stats::Histogram;

/// Panels at most; more would be too flat to read.
const PANELS: usize = 6;

/// Classes of latency between the ends of the scale.
const CLASSES: usize = 72;

/// The scale ends where this share of all lies below; the rest is told in words.
const WITHIN: f64 = 0.999;

/// Where panels begin, how high each is, and from one to the next.
const TOP: f64 = 92.0;
const PANEL: f64 = 130.0;
const STEP: f64 = PANEL + 44.0;

/// The latencies of one client.
#[derive(Clone, Debug)]
pub struct Spread<'h> {
    /// Its name.
    pub name: String,
    /// Of its answered requests, ns.
    pub times: &'h Histogram,
}

/// Draws the clients below each other.
pub fn distribution(title: &Title, all: &[Spread<'_>]) -> String {
    let (shown, hidden) = all.split_at(all.len().min(PANELS));
    let height = TOP + STEP * shown.len() as f64 + 56.0;
    let edges = edges(shown);
    picture(title, height, |canvas| {
        for (nth, spread) in shown.iter().enumerate() {
            let top = TOP + STEP * nth as f64 + 24.0;
            let panel = Area { left: 96.0, top, right: WIDTH - 118.0, bottom: top + PANEL };
            draw(canvas, spread, panel, &edges, (nth, nth + 1 == shown.len()));
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 20.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// Where classes end, ms: equal steps, or equal factors where the largest is far from the least.
fn edges(all: &[Spread<'_>]) -> Vec<f64> {
    let ms = |ns: u64| ns as f64 / 1e6;
    let least = all.iter().map(|spread| ms(spread.times.quantile(0.001))).fold(f64::MAX, f64::min).max(1e-6);
    let most = all.iter().map(|spread| ms(spread.times.quantile(WITHIN))).fold(0.0, f64::max).max(least * 1.01);
    let share = |at: usize| at as f64 / CLASSES as f64;
    match most / least {
        far if far > 30.0 => (0..=CLASSES).map(|at| least * far.powf(share(at))).collect(),
        _ => (0..=CLASSES).map(|at| least + (most - least) * share(at)).collect(),
    }
}

fn draw(canvas: &Canvas, spread: &Spread<'_>, panel: Area, edges: &[f64], (nth, last): (usize, bool)) {
    let (least, most) = (edges[0], edges[CLASSES]);
    let x = if most > 30.0 * least {
        Scale::log(least, most, panel.left, panel.right)
    } else {
        Scale::exact(least, most, panel.left, panel.right)
    };
    let (total, below) =
        (spread.times.count().max(1) as f64, |ms: f64| spread.times.count_at_or_below((ms * 1e6) as u64));
    // The first class holds whatever is quicker, too.
    let first = |at: usize| if at == 0 { 0 } else { below(edges[at]) };
    let shares: Vec<f64> = (0..CLASSES).map(|at| (below(edges[at + 1]) - first(at)) as f64 / total).collect();
    let y = Scale::linear(shares.iter().copied().fold(0.0, f64::max), panel.bottom, panel.top + 14.0);
    head(canvas, &cut(&spread.name, 60), panel, &x, &[]);
    canvas.ordinate(panel, &y, percent_of_tick);
    for (at, share) in shares.iter().enumerate() {
        let (left, right) = (x.at(edges[at]), x.at(edges[at + 1]));
        let bar = Area { left, right: right - 0.4, top: y.at(*share), bottom: panel.bottom };
        canvas.rectangle(bar, on_paper(pen(nth).colour, 0.6), 1.0);
        let told = format!(
            "{}: {} of the answered took {} to {}",
            spread.name,
            percent(*share),
            time(edges[at]),
            time(edges[at + 1])
        );
        canvas.says(Area { left, right, ..panel }, &told);
    }
    quantiles(canvas, spread, panel, &x);
    let beyond = spread.times.count() - below(most);
    if beyond > 0 {
        let told = format!("{} beyond, up to {}", count(beyond), time(spread.times.max() as f64 / 1e6));
        for (line, text) in told.split(", ").enumerate() {
            canvas.text(
                text,
                (panel.right + 8.0, panel.bottom - 26.0 + 17.0 * line as f64),
                Type::of(size::SMALL).faint(),
            );
        }
    }
    canvas.abscissa(panel, &x, false, |ms| if last { time_of_tick(ms) } else { String::new() });
    if last {
        let below = (f64::midpoint(panel.left, panel.right), panel.bottom + 34.0);
        let text = "latency of answered requests; height: their share in each class";
        canvas.text(text, below, Type::of(size::LABEL).faint().centred().hanging());
    }
}

/// Marks of p50, p95 and p99, at heights in turn so that no two names touch.
fn quantiles(canvas: &Canvas, spread: &Spread<'_>, panel: Area, x: &Scale) {
    for (nth, (q, name)) in [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")].into_iter().enumerate() {
        let at = x.at(spread.times.quantile(q) as f64 / 1e6);
        let top = panel.top + 15.0 * nth as f64;
        canvas.line(&[(at, top), (at, panel.bottom)], Pen { colour: INK, dash: &[3.0, 3.0], width: 1.2 });
        canvas.text(name, (at + 4.0, top + 5.0), Type::of(size::SMALL));
    }
    canvas.line(&[(panel.left, panel.bottom), (panel.right, panel.bottom)], hair(FAINT));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_what_is_beyond_is_said() {
        let mut times = Histogram::default();
        times.record_n(5_000_000, 900);
        times.record_n(9_000_000, 99_098);
        times.record_n(700_000_000, 2);
        let svg = distribution(&Title::default(), &[Spread { name: "users".into(), times: &times }]);
        assert!(svg.contains("\n2 beyond\n") && svg.contains("\nup to 700 ms\n"), "{svg}");
        assert!(svg.contains("<title>users: 0.9 % of the answered took 5.00 ms to "), "{svg}");
        assert!(svg.contains("<title>users: 99.1 % of the answered took "), "{svg}");
        assert_eq!(svg.matches("class=\"says\"").count(), CLASSES);
    }
}
