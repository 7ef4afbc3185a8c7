//! Who failed first: a lane per node, the darker the larger the share of calls to it that failed, the first to suffer on
//! top. A mark stands where all its workers were held for the first time.

use super::Title;
use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, size};
use super::palette::{FAILED, FAINT, GRID, hair};
use super::shade::{Shade, names, shade};
use crate::experiment::summary::Failing;
use crate::report::number::percent;
use crate::report::text::{clean, cut};

/// Lanes at most.
const LANES: usize = 16;

/// Height of a lane and of the gap below it.
const LANE: f64 = 26.0;
const GAP: f64 = 8.0;

/// Draws the lanes.
pub fn lanes(title: &Title, all: &[Failing], shades: &[Shade]) -> String {
    let (shown, hidden) = all.split_at(all.len().min(LANES));
    let top = 104.0;
    let bottom = top + shown.len() as f64 * (LANE + GAP);
    let height = bottom + 92.0;
    picture(title, height, |canvas| {
        let area = Area { left: 190.0, top, right: WIDTH - 108.0, bottom };
        let end = shown.iter().map(|f| f.width_s * f.lane.len() as f64).fold(1e-9, f64::max);
        let x = Scale::exact(0.0, end, area.left, area.right);
        shade(canvas, Area { top: top - 20.0, ..area }, &x, shades);
        names(canvas, top - 10.0, (area.left, area.right), &x, shades);
        for (nth, failing) in shown.iter().enumerate() {
            let top = top + nth as f64 * (LANE + GAP);
            lane(canvas, failing, Area { top, bottom: top + LANE, ..area }, &x);
        }
        canvas.abscissa(area, &x, false, seconds_of_tick);
        let below = (f64::midpoint(area.left, area.right), bottom + 34.0);
        let words = "time; share of calls that failed: grey none, black all, nothing where none ended; triangle: all workers held";
        canvas.text(words, below, Type::of(size::LABEL).faint().centred().hanging());
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 22.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

fn lane(canvas: &Canvas, failing: &Failing, area: Area, x: &Scale) {
    let middle = f64::midpoint(area.top, area.bottom);
    canvas.text(&cut(&clean(&failing.node), 22), (area.left - 10.0, middle), Type::of(size::LABEL).ending());
    let mut from = 0;
    // Equal neighbours are one piece, or light shines through between them.
    for piece in failing.lane.chunk_by(|a, b| a == b) {
        let until = from + piece.len();
        let (left, right) = (x.at(from as f64 * failing.width_s), x.at(until as f64 * failing.width_s));
        let part = Area { left, right, ..area };
        match piece[0] {
            Some(share) if share > 0.0 => canvas.rectangle(part, FAILED, share.max(0.06)),
            Some(_) => canvas.rectangle(part, GRID, 0.8),
            // No call ended: nobody knows.
            None => {}
        }
        let told = piece[0].map_or_else(|| "no call ended".into(), |share| format!("{} failed", percent(share)));
        let span = (from as f64 * failing.width_s, piece.len() as f64 * failing.width_s, 1);
        canvas.says_over(area, x, span, |_| format!("{}: {told}", clean(&failing.node)));
        from = until;
    }
    canvas.line(&[(area.left, area.bottom), (area.right, area.bottom)], hair(FAINT));
    if let Some(full) = failing.saturated_s {
        let at = x.at(full).clamp(area.left, area.right);
        let mark = [(at - 5.0, area.top - 3.0), (at + 5.0, area.top - 3.0), (at, area.top + 6.0)];
        canvas.area(&mark, FAILED, 1.0);
    }
    let worst = format!("max {}", percent(failing.worst_share));
    canvas.text(&worst, (area.right + 8.0, middle), Type::of(size::SMALL).faint());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_names_its_node_and_marks_when_it_was_full() {
        let lane = |node: &str, saturated_s| Failing {
            faults: Vec::new(),
            node: node.into(),
            saturated_s,
            saturated_for_s: 0.0,
            failing_s: Some(20.0),
            worst_share: 0.8,
            lane: (0..60).map(|bin| (bin != 30).then_some(if bin > 20 { 0.8 } else { 0.0 })).collect(),
            width_s: 1.0,
        };
        let shades = [Shade { name: "payments down".into(), from_s: 20.0, until_s: 40.0 }];
        let svg = lanes(&Title::default(), &[lane("payments", None), lane("orders", Some(22.0))], &shades);
        for word in ["payments", "orders", "payments down", "max 80", "60 s"] {
            assert!(svg.contains(word), "{word}");
        }
        assert_eq!(svg.matches("<polygon").count(), 1, "one of them was full");
    }
}
