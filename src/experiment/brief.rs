//! A file that runs long, run no longer than an answer needs. A study runs it many times over, and shows that something happens
//! and how much of it, not the last digit. Where all of its runs together would take more events than [`MOST`], there are fewer
//! replications first, then, of runs without the file's faults and with a load that does not change, less measured time. By the
//! forecast of the file alone, so that the same file is always shortened alike.

use serde::Serialize;

use super::study::{Options, Trouble, load};
use crate::diag::{Complaint, Source};
use crate::scenario::edit::{Edit, apply, calmed, without};
use crate::scenario::{Checked, forecast};
use crate::units::Span;

/// Events of a whole study: a few minutes of one core.
pub const MOST: f64 = 1.5e9;

/// No fewer replications than the first are left while time can be taken away; no fewer than the second at all, of as many as the file has.
const REPLICATIONS: [u32; 2] = [5, 3];

/// Not less measured time than this, s.
const LEAST_S: f64 = 60.0;

/// How much is run of what the file says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Brief {
    /// Replications: of the file, and that were run.
    pub replications: [u32; 2],
    /// Measured time of the runs without the file's faults, s: of the file, and that was run.
    pub duration_s: [f64; 2],
    /// Events that all runs together would take as the file stands, roughly.
    pub events: f64,
}

impl Brief {
    /// For a study of so many runs of all replications: as the file is, and without its faults. `None`: nothing is taken away.
    pub(super) fn of(checked: &Checked, whole: f64, calm: f64) -> Option<Self> {
        let sim = &checked.scenario.sim;
        let (replications, duration_s) = (sim.replications.value, sim.duration.value.as_secs_f64());
        let warmup_s = sim.warmup.value.span().as_secs_f64();
        let each = forecast(&checked.scenario).events;
        let share = |length_s: f64| (warmup_s + length_s) / (warmup_s + duration_s);
        // Of one replication, so long where it is calm.
        let cost = |length_s: f64| each * (whole + calm * share(length_s));
        let events = f64::from(replications) * cost(duration_s);
        if events.is_nan() || events <= MOST {
            return None;
        }
        let fits = |length_s: f64| ((MOST / cost(length_s)) as u32).min(replications);
        let [some, few] = REPLICATIONS.map(|least| least.min(replications));
        let steady = checked.scenario.clients.values().all(|client| !client.load.changes());
        let mut length_s = duration_s;
        if fits(duration_s) < some && steady {
            // Whole seconds, as many as there is room for.
            let room = (MOST / (each * f64::from(some)) - whole) / calm;
            let longest = (room * (warmup_s + duration_s) - warmup_s).floor();
            length_s = longest.clamp(LEAST_S.min(duration_s), duration_s);
        }
        let left = if length_s < duration_s { fits(length_s).clamp(few, some) } else { fits(duration_s).max(few) };
        Some(Self { replications: [replications, left], duration_s: [duration_s, length_s], events })
    }

    fn replications(self) -> Edit {
        edit("sim.replications", self.replications[1].to_string())
    }

    /// A text with fewer replications, its faults and its time as they are.
    pub(super) fn fewer(self, source: &Source) -> Result<Source, Trouble> {
        let told = |all: Vec<Complaint>| Trouble::Absent(all.into_iter().map(|one| one.message).collect());
        apply(source, &[self.replications()]).map(|(text, _)| text).map_err(told)
    }

    /// A file without its faults and what is promised of their time, as often and as long as there is room for.
    pub(super) fn calm(self, checked: &Checked) -> Result<Checked, Trouble> {
        let text = without(&checked.source, "variants");
        let length = Span::from_secs_f64(self.duration_s[1]);
        let edits = [self.replications(), edit("sim.duration", format!("{}ms", length.as_millis_f64()))];
        let options = Options { edits: edits.to_vec(), ..Options::default() };
        // What else hangs on the faults goes with all promises.
        let calm = load(&calmed(&text), None, &options)
            .or_else(|_| load(&without(&without(&text, "faults"), "slos"), None, &options))?;
        Ok(Checked { ceiling: checked.ceiling, variant: checked.variant.clone(), ..calm })
    }
}

fn edit(path: &str, value: String) -> Edit {
    Edit { path: path.into(), value, origin: "a study's length".into() }
}
