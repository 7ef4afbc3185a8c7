//! What went wrong: faults and who recovered from them, and who failed first.

use super::content::left_out;
use super::number::{NONE, count, percent, seconds};
use super::sheet::{Cell, Sheet, Tone};
use super::text::clean;
use crate::experiment::summary::{Failing, Fault};

/// What went wrong, and how long each client took to recover.
pub(super) fn faults(faults: &[Fault]) -> Sheet {
    let columns =
        [("fault", 9), ("begins", 6), ("lasts", 5), ("times", 2), ("client", 8), ("recovered", 7), ("after", 8)];
    let mut sheet = Sheet::new(&columns);
    for fault in faults {
        let when = |s: Option<f64>, none: &str| Cell::from(s.map_or_else(|| none.to_owned(), seconds));
        let random = fault.at_s.is_none();
        for (client, recovery) in &fault.recovery_s {
            let all = recovery.share_recovered.is_some_and(|share| share >= 1.0);
            let share = recovery.share_recovered.map_or(NONE.into(), percent);
            let tone = if all || recovery.share_recovered.is_none() { Tone::Plain } else { Tone::Bad };
            let after = recovery.median.map_or(NONE.into(), |s| if s > 0.0 { seconds(s) } else { "at once".into() });
            let begins = when(fault.at_s, "at random");
            let instant = fault.duration_s == Some(0.0);
            let lasts = when(fault.duration_s, if random { NONE } else { "to the end" });
            let lasts = if instant { "at once".into() } else { lasts };
            let cells = [begins, lasts, count(fault.struck).into(), clean(client).into()];
            sheet.push(&fault.name, cells.into_iter().chain([Cell::toned(share, tone), after.into()]));
        }
    }
    sheet
}

/// Who failed first.
pub(super) fn failing(all: &[Failing], shown: usize) -> Sheet {
    let mut sheet =
        Sheet::new(&[("failed first", 9), ("all held from", 6), ("for", 5), ("calls fail from", 7), ("at worst", 8)]);
    let from = |s: Option<f64>| Cell::from(s.map_or(NONE.into(), seconds));
    for node in all.iter().take(shown) {
        let worst =
            Cell::toned(percent(node.worst_share), if node.worst_share > 0.05 { Tone::Bad } else { Tone::Plain });
        let held = Cell::from(if node.saturated_for_s > 0.0 { seconds(node.saturated_for_s) } else { NONE.into() });
        sheet.push(&node.node, [from(node.saturated_s), held, from(node.failing_s), worst]);
    }
    sheet.note = left_out(all.len(), shown);
    sheet
}
