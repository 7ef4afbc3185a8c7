//! What went wrong: faults and who recovered from them, and who failed first.

use super::content::left_out;
use super::number::{NONE, count, percent, seconds};
use super::sheet::{Cell, Sheet, Tone};
use super::text::clean;
use crate::experiment::summary::{Failing, Fault, Recovery};

/// What went wrong, and how long each client took to recover; whoever else was not back at once.
pub(super) fn faults(faults: &[Fault]) -> Sheet {
    let columns = [("fault", 9), ("begins", 6), ("lasts", 5), ("times", 2), ("who", 8), ("recovered", 7), ("after", 8)];
    let mut sheet = Sheet::new(&columns);
    for fault in faults {
        let when = |s: Option<f64>, none: &str| Cell::from(s.map_or_else(|| none.to_owned(), seconds));
        let random = fault.at_s.is_none();
        let told = |who: &&String| fault.clients.contains(who) || !is_back_at_once(&fault.recovery_s[*who]);
        for who in fault.recovery_s.keys().filter(told) {
            let begins = when(fault.at_s, "at random");
            let instant = fault.duration_s == Some(0.0);
            let took = fault.took_s.as_ref().and_then(|took| took.value);
            let lasts = when(fault.duration_s.or(took), if random { NONE } else { "to the end" });
            let lasts = if instant { "at once".into() } else { lasts };
            let cells = [begins, lasts, count(fault.struck).into(), clean(who).into()];
            sheet.push(&fault.name, cells.into_iter().chain(recovery(&fault.recovery_s[who])));
        }
    }
    sheet
}

fn is_back_at_once(recovery: &Recovery) -> bool {
    let none = recovery.not_seen.is_none_or(|share| share == 0.0);
    none && recovery.share_recovered.is_none_or(|share| share >= 1.0) && recovery.median.is_none_or(|s| s == 0.0)
}

/// The share that recovered, and after how long; or why that was not seen.
fn recovery(recovery: &Recovery) -> [Cell; 2] {
    let Some(share) = recovery.share_recovered else {
        let why = recovery.reason.as_deref().filter(|_| recovery.not_seen.is_some());
        return [why.map_or(NONE, |_| "not seen").into(), why.unwrap_or(NONE).into()];
    };
    let unseen = recovery.not_seen.unwrap_or(0.0);
    let median = recovery.median.map(|s| if s > 0.0 { seconds(s) } else { "at once".into() });
    let after = match (median, unseen > 0.0) {
        (Some(after), false) => after,
        (Some(after), true) => format!("{after} ({} not seen)", percent(unseen)),
        (None, true) => format!("{} not seen: {}", percent(unseen), recovery.reason.as_deref().unwrap_or(NONE)),
        (None, false) => NONE.into(),
    };
    // Of all times that the fault struck, like what was not seen.
    let recovered = percent(share * (1.0 - unseen));
    [Cell::toned(recovered, if share >= 1.0 { Tone::Plain } else { Tone::Bad }), after.into()]
}

/// Who failed first; nothing where faults struck and nobody suffered.
pub(super) fn failing(all: &[Failing], shown: usize) -> Sheet {
    let columns =
        [("failed first", 9), ("fault", 4), ("all held from", 6), ("for", 5), ("calls fail from", 7), ("at worst", 8)];
    let mut sheet = Sheet::new(&columns);
    let from = |s: Option<f64>| Cell::from(s.map_or(NONE.into(), seconds));
    let suffered = |node: &Failing| {
        node.saturated_s.is_some() || node.saturated_for_s > 0.0 || node.failing_s.is_some() || node.worst_share > 0.0
    };
    if !all.iter().any(suffered) {
        return sheet;
    }
    for node in all.iter().take(shown) {
        let worst =
            Cell::toned(percent(node.worst_share), if node.worst_share > 0.05 { Tone::Bad } else { Tone::Plain });
        let held = Cell::from(if node.saturated_for_s > 0.0 { seconds(node.saturated_for_s) } else { NONE.into() });
        let fault = if node.faults.is_empty() { NONE.into() } else { clean(&node.faults.join(", ")) };
        sheet.push(&node.node, [fault.into(), from(node.saturated_s), held, from(node.failing_s), worst]);
    }
    sheet.note = left_out(all.len(), shown);
    sheet
}
