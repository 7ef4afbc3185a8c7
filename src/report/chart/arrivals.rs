//! Requests per second over time: how many set out in each stretch, and how many of these were served well or not. Clients stand
//! below each other, each on its own scale, so that a small one is not flattened by a large one.

use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{FAILED, FAINT, Pen, hair, on_paper, pen};
use super::pressure::{between, head};
use super::shade::{Shade, shade};
use super::{Title, Track};
use crate::experiment::summary::Moment;
use crate::report::number::{count, plain};
use crate::report::text::cut;

/// Panels at most; more would be too flat to read.
const PANELS: usize = 6;

/// Where panels begin, how high each is, and from one to the next.
const TOP: f64 = 128.0;
const PANEL: f64 = 110.0;
const STEP: f64 = PANEL + 42.0;

/// Draws the clients below each other, over the times at which something was wrong.
pub fn arrivals(title: &Title, tracks: &[Track], shades: &[Shade]) -> String {
    let tracks: Vec<&Track> = tracks.iter().filter(|track| track.moments.iter().any(|m| m.arrived > 0)).collect();
    let (shown, hidden) = tracks.split_at(tracks.len().min(PANELS));
    let height = TOP + STEP * shown.len() as f64 + 52.0;
    picture(title, height, |canvas| {
        key(canvas, 98.0);
        for (nth, track) in shown.iter().enumerate() {
            let top = TOP + STEP * nth as f64 + 24.0;
            let panel = Area { left: 96.0, top, right: WIDTH - 118.0, bottom: top + PANEL };
            draw(canvas, track, panel, if nth == 0 { shades } else { &[] }, nth + 1 == shown.len());
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 20.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// What the areas mean, in one line.
fn key(canvas: &Canvas, middle: f64) {
    let mut left = 96.0;
    for (word, colour) in [("served well", on_paper(pen(0).colour, 0.45)), ("failed or never answered", FAILED)] {
        let patch = Area { left, right: left + 24.0, top: middle - 7.0, bottom: middle + 7.0 };
        canvas.rectangle(patch, colour, 1.0);
        canvas.text(word, (left + 32.0, middle), Type::of(size::SMALL));
        left += 32.0 + room(word, size::SMALL) + 22.0;
    }
    canvas.line(&[(left, middle), (left + 24.0, middle)], edge());
    canvas.text("set out", (left + 32.0, middle), Type::of(size::SMALL));
}

fn edge() -> Pen {
    Pen { dash: &[], width: 1.6, ..pen(0) }
}

fn draw(canvas: &Canvas, track: &Track, panel: Area, shades: &[Shade], last: bool) {
    let (begin, width) = track.moments.first().map_or((0.0, 1.0), |m| (m.from_s, m.width_s));
    let rate = |of: fn(&Moment) -> u64| -> Vec<f64> {
        track.moments.iter().map(|m| of(m) as f64 / (m.width_s * track.runs.max(1) as f64)).collect()
    };
    let (all, good) = (rate(|m| m.arrived), rate(|m| m.succeeded.min(m.arrived)));
    let most = all.iter().copied().fold(0.0, f64::max);
    let x = Scale::exact(begin, begin + width * all.len().max(1) as f64, panel.left, panel.right);
    let own = Scale::exact(0.0, width * all.len().max(1) as f64, panel.left, panel.right);
    let y = Scale::linear(1.08 * most, panel.bottom, panel.top);
    shade(canvas, panel, &x, shades);
    head(canvas, &cut(&track.name, 60), panel, &x, shades);
    canvas.ordinate(panel, &y, |n| if n < 10.0 { plain(n) } else { count(n.round() as u64) });
    canvas.area(&between(&good, None, width, &own, &y), on_paper(pen(0).colour, 0.45), 1.0);
    for stretch in all.iter().zip(&good).enumerate().filter(|(_, (all, good))| all > good).map(|(at, _)| at) {
        let (left, right) = (own.at(stretch as f64 * width), own.at((stretch + 1) as f64 * width));
        // Even one failure in a thousand must be seen.
        let bottom = y.at(good[stretch]).max(y.at(all[stretch]) + 1.5);
        canvas.rectangle(Area { left, right, top: y.at(all[stretch]), bottom }, FAILED, 1.0);
    }
    let line = between(&all, None, width, &own, &y);
    canvas.line(&line[..2 * all.len()], edge());
    canvas.text(&format!("max {}/s", plain(most)), (panel.right + 8.0, y.at(most)), Type::of(size::SMALL).faint());
    canvas.says_over(panel, &x, (begin, width, all.len()), |at| {
        format!("{}: {} set out/s, {} of these served well", track.name, plain(all[at]), plain(good[at]))
    });
    canvas.line(&[(panel.left, panel.bottom), (panel.right, panel.bottom)], hair(FAINT));
    if last {
        canvas.abscissa(panel, &x, false, seconds_of_tick);
        let below = (f64::midpoint(panel.left, panel.right), panel.bottom + 34.0);
        let text = "time at which requests set out; requests per second, mean over replications";
        canvas.text(text, below, Type::of(size::LABEL).faint().centred().hanging());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn rates_are_those_of_one_run() {
        let track =
            Track { name: "shoppers".into(), moments: sample::timeline(8.0, 2.4), runs: 10, ..Track::default() };
        let svg = arrivals(&Title::default(), &[track], &[]);
        // 1,000 in half a second, over ten runs; 770 of them served at 25 s.
        assert!(svg.contains("max 200/s"), "{svg}");
        let told = "<title>25 s to 25.5 s: shoppers: 200 set out/s, 154 of these served well</title>";
        assert!(svg.contains(told), "{svg}");
    }
}
