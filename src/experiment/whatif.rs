//! What would change if one thing were a little otherwise: every node and edge a tenth faster and slower, every pool, limit,
//! timeout and number of replicas a notch up and down, each alone, under common random numbers.
//!
//! A notch is a tenth, of whole numbers rounded and at least one; timeouts are turned by a quarter; retries can only be turned
//! off. Differences are those of [`compare`](super::compare): replication by replication, with Student's t. Many are looked at,
//! so the ones that *stand* are those that Holm's correction leaves, and the best of them is run again on fresh seeds.

use serde::{Deserialize, Serialize};

use super::compare::{Difference, Figures, Verdict, compare};
use super::coupling::{Screen, Shelf};
use super::estimate::CONFIDENCE;
use super::run::{Failure, Watch, run};
use super::study::{Head, Part, Trouble, client};
use super::summary::Summary;
use crate::random::draw::name_hash;
use crate::scenario::Checked;
use crate::scenario::edit::{Knob, Way, knobs, turned};
use crate::scenario::written::Load;
use crate::stats::holm;

/// By what the changes are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// 99th percentile of all that arrive.
    #[default]
    P99,
    /// Median of all that arrive.
    P50,
    /// Mean of the answered.
    Mean,
    /// Share that succeeds.
    SuccessRate,
}

impl Of {
    /// That figure of a client.
    pub fn of(self, figures: &Figures) -> &Difference {
        match self {
            Self::P99 => &figures.p99_ms,
            Self::P50 => &figures.p50_ms,
            Self::Mean => &figures.mean_ms,
            Self::SuccessRate => &figures.success_rate,
        }
    }

    /// Whether more of it is better.
    pub fn rises(self) -> bool {
        self == Self::SuccessRate
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::P99 => "p99",
            Self::P50 => "p50",
            Self::Mean => "mean",
            Self::SuccessRate => "success",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose requests; the client with most of them where nobody is named.
    pub client: Option<String>,
    /// By what the changes are ranked.
    pub of: Of,
}

/// One thing turned by a notch.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// What was turned.
    pub what: String,
    /// Which way: `down` is faster, less or off.
    pub way: &'static str,
    /// By how much, such as `−10 %` or `10 → 11`.
    pub by: String,
    /// What it makes of the client's figures.
    pub figures: Figures,
    /// Whether the difference of the ranked figure is more than chance among all that were looked at.
    pub stands: bool,
    /// Whether nothing can differ, because nothing leads from the client there; then nothing was run.
    pub by_structure: bool,
}

/// The best change again.
#[derive(Clone, Debug, Serialize)]
pub struct Again {
    /// What was turned.
    pub what: String,
    /// By how much.
    pub by: String,
    /// Seed of the first replication: one that had no part in choosing it.
    pub seed: u64,
    /// The figure that they were ranked by.
    pub difference: Difference,
}

/// What would change.
#[derive(Clone, Debug, Serialize)]
pub struct WhatIf {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// Whose requests.
    pub client: String,
    /// Whether its users wait for their answers: then requests are not the same in both runs, only replications are paired.
    pub closed: bool,
    /// By what the changes are ranked.
    pub of: Of,
    /// What helps most first, then what changes most.
    pub changes: Vec<Change>,
    /// The best of them on fresh seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// What was not run because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub whatif: WhatIf,
    /// Whether everything was run.
    pub whole: bool,
}

/// Runs a scenario, and again with each thing turned. An interruption leaves the changes that are finished; what is on the
/// `shelf` from a study of the same scenario and client is not run again.
///
/// ```
/// use hoptax::experiment::coupling::NoShelf;
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::experiment::whatif::{Of, Wanted, study};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "20s", warmup = "2s", replications = 4 }
/// network = { same_zone = "0ms" }
/// [clients.users]
/// calls = "first"
/// rate = "50/s"
/// [services.first]
/// work = "1ms"
/// steps = ["second"]
/// [services.second]
/// work = "4ms"
/// "#;
/// let checked = load(&Source::text("tandem", text), None, &Options::default()).unwrap();
/// let wanted = Wanted { of: Of::Mean, ..Wanted::default() };
/// let whatif = study(&checked, &wanted, None, &(), &NoShelf).unwrap().whatif;
/// // Nobody queues, so a tenth of the longer work is what can be gained most.
/// let best = &whatif.changes[0];
/// assert_eq!((best.what.as_str(), best.way), ("second", "down"));
/// assert!((best.figures.mean_ms.difference.value.unwrap() + 0.4).abs() < 0.01);
/// ```
pub fn study(
    checked: &Checked,
    wanted: &Wanted,
    jobs: Option<usize>,
    watch: &dyn Watch,
    shelf: &dyn Shelf,
) -> Result<Study, Trouble> {
    let turns = turns(checked);
    let of = turns.len() + 3;
    let part = |at: usize| Part { whole: watch, at, of };
    let base = run(checked, jobs, &part(0))?;
    if base.run.partial {
        return Err(Trouble::Interrupted);
    }
    let client = client(&base, wanted.client.as_deref())?;
    let screen = Screen::of(checked);
    let mut changes = Vec::new();
    let mut missing = Vec::new();
    for (at, turn) in turns.iter().enumerate() {
        // Short runs say nothing on their way.
        watch.advanced((at + 1) as f64 / of as f64);
        let apart = turn.knob.place().is_some_and(|place| !screen.meet(place, &client));
        if let Some(kept) = shelf.take(&turn.key(&client)).and_then(|text| turn.read(&text, checked, &client)) {
            changes.push(kept);
            continue;
        }
        // Who has had enough does not wait until each of the rest is made ready.
        let found = match (apart, watch.stopped()) {
            (true, _) => Ok(base.clone()),
            (false, true) => Err(Failure::Interrupted),
            (false, false) => run(&turn.turned, jobs, &part(at + 1)),
        };
        match found {
            Ok(other) if !other.run.partial => {
                let change = turn.change(&base, &other, &client, apart);
                shelf.keep(&turn.key(&client), &Kept::of(checked, &client, &change));
                changes.push(change);
            }
            Ok(_) | Err(Failure::Interrupted) => missing.push(turn.told()),
        }
    }
    rank(&mut changes, wanted.of);
    let mut again = None;
    let mut whole = missing.is_empty();
    if let Some(best) = changes.first().filter(|best| whole && is_gain(best, wanted.of)) {
        let turn = turns.iter().find(|turn| turn.knob.to_string() == best.what && turn.word() == best.way);
        match turn.map(|turn| confirm(checked, turn, &client, wanted.of, jobs, [&part(of - 2), &part(of - 1)])) {
            Some(Ok(found)) => again = Some(found),
            Some(Err(_)) => whole = false,
            None => {}
        }
    }
    let closed = matches!(checked.scenario.clients[&client].load, Load::Closed { .. });
    let whatif =
        WhatIf { head: Head::of(checked, &base.run.note), client, closed, of: wanted.of, changes, again, missing };
    Ok(Study { whatif, whole })
}

/// A scenario with one thing turned.
struct Turn {
    knob: Knob,
    way: Way,
    by: String,
    turned: Checked,
}

fn turns(checked: &Checked) -> Vec<Turn> {
    let mut all = Vec::new();
    for knob in knobs(checked) {
        for way in [Way::Down, Way::Up] {
            if let Some((turned, by)) = turned(checked, &knob, way) {
                all.push(Turn { knob: knob.clone(), way, by, turned });
            }
        }
    }
    all
}

impl Turn {
    fn word(&self) -> &'static str {
        match self.way {
            Way::Down => "down",
            Way::Up => "up",
        }
    }

    fn told(&self) -> String {
        format!("{} {}", self.knob, self.by)
    }

    fn change(&self, base: &Summary, other: &Summary, client: &str, by_structure: bool) -> Change {
        Change {
            what: self.knob.to_string(),
            way: self.word(),
            by: self.by.clone(),
            figures: figures(base, other, client),
            stands: false,
            by_structure,
        }
    }
}

/// A change on a shelf, and of which scenario and client.
#[derive(Serialize, Deserialize)]
struct Kept {
    hash: String,
    client: String,
    what: String,
    by: String,
    figures: Figures,
    chances: [Option<f64>; 5],
}

impl Kept {
    fn of(checked: &Checked, client: &str, change: &Change) -> String {
        let kept = Self {
            hash: checked.hash.clone(),
            client: client.to_owned(),
            what: change.what.clone(),
            by: change.by.clone(),
            figures: change.figures,
            chances: change.figures.chances(),
        };
        serde_json::to_string_pretty(&kept).unwrap_or_default()
    }
}

impl Turn {
    /// What it is kept under.
    fn key(&self, client: &str) -> String {
        format!("turn-{:016x}", name_hash(&format!("{} {} {client}", self.knob, self.word())))
    }

    /// A change that was kept by a study of the same scenario and client.
    fn read(&self, text: &str, checked: &Checked, client: &str) -> Option<Change> {
        let kept: Kept = serde_json::from_str(text).ok()?;
        let same = kept.hash == checked.hash && kept.client == client && kept.what == self.knob.to_string();
        (same && kept.by == self.by).then(|| Change {
            what: kept.what,
            way: self.word(),
            by: kept.by,
            figures: kept.figures.with_chances(kept.chances),
            stands: false,
            by_structure: self.knob.place().is_some_and(|place| !Screen::of(checked).meet(place, client)),
        })
    }
}

/// The figures of a client, the one run against the other.
fn figures(base: &Summary, other: &Summary, client: &str) -> Figures {
    let mut comparison = compare(base, std::slice::from_ref(other), Vec::new(), Vec::new());
    comparison.others.pop().and_then(|mut versus| versus.clients.remove(client)).unwrap_or_default()
}

/// What helps first, by how much; then what harms, the most first; what does not stand comes last.
fn rank(changes: &mut [Change], of: Of) {
    // What is the same in every replication is no matter of chance.
    let differs = |change: &&mut Change| of.of(&change.figures).verdict != Verdict::Same;
    let mut looked_at: Vec<&mut Change> = changes.iter_mut().filter(differs).collect();
    let chances: Vec<Option<f64>> = looked_at.iter().map(|change| of.of(&change.figures).chance).collect();
    for (change, stands) in looked_at.iter_mut().zip(holm(&chances, CONFIDENCE)) {
        change.stands = stands && of.of(&change.figures).is_significant();
    }
    let gain = |change: &Change| {
        let value = of.of(&change.figures).difference.value.unwrap_or(0.0);
        if of.rises() { value } else { -value }
    };
    changes.sort_by(|a, b| {
        let harm = |change: &Change| !is_gain(change, of);
        // What stands and is worse: the worst first; of all else the best.
        let key = |change: &Change| if change.stands && harm(change) { gain(change) } else { -gain(change) };
        (!a.stands)
            .cmp(&!b.stands)
            .then(harm(a).cmp(&harm(b)))
            .then(key(a).total_cmp(&key(b)))
            .then_with(|| a.what.cmp(&b.what))
    });
}

/// Whether a change stands and is one for the better.
pub fn is_gain(change: &Change, of: Of) -> bool {
    let better = if of.rises() { Verdict::Higher } else { Verdict::Lower };
    change.stands && of.of(&change.figures).verdict == better
}

/// The best change on the seed that follows, which had no part in choosing it.
fn confirm(
    checked: &Checked,
    turn: &Turn,
    client: &str,
    of: Of,
    jobs: Option<usize>,
    watches: [&dyn Watch; 2],
) -> Result<Again, Trouble> {
    let [base, turned] = [checked, &turn.turned].map(|checked| {
        let mut fresh = checked.clone();
        fresh.scenario.sim.seed.value = fresh.scenario.sim.seed.value.wrapping_add(1);
        fresh
    });
    let (base, other) = (run(&base, jobs, watches[0])?, run(&turned, jobs, watches[1])?);
    if base.run.partial || other.run.partial {
        return Err(Trouble::Interrupted);
    }
    let difference = *of.of(&figures(&base, &other, client));
    Ok(Again { what: turn.knob.to_string(), by: turn.by.clone(), seed: base.run.seed, difference })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::Estimate;

    /// A change of p99 by so many ms, and how often chance alone gives as much.
    fn change(what: &str, by_ms: f64, chance: f64) -> Change {
        let verdict = match by_ms {
            _ if chance > 0.05 => Verdict::NoSignificantDifference,
            less if less < 0.0 => Verdict::Lower,
            _ => Verdict::Higher,
        };
        let difference =
            Difference { difference: Estimate::point(by_ms), verdict, chance: Some(chance), ..Difference::default() };
        let figures = Figures { p99_ms: difference, ..Figures::default() };
        let (what, by) = (what.to_owned(), "−10 %".to_owned());
        Change { what, way: "down", by, figures, stands: false, by_structure: false }
    }

    #[test]
    fn what_helps_most_comes_first_then_what_harms_most_then_what_may_be_chance() {
        let mut all = vec![
            change("noise", -90.0, 0.4),
            change("harms a little", 3.0, 1e-6),
            change("helps a little", -4.0, 1e-6),
            change("noise that harms", 80.0, 0.4),
            change("harms much", 50.0, 1e-6),
            change("helps much", -40.0, 1e-6),
        ];
        rank(&mut all, Of::P99);
        let order: Vec<&str> = all.iter().map(|change| change.what.as_str()).collect();
        let expected = ["helps much", "helps a little", "harms much", "harms a little", "noise", "noise that harms"];
        assert_eq!(order, expected);
        assert!(all[..4].iter().all(|change| change.stands) && !all[4].stands);
        // Of many looked at, one in twenty is no news (Holm).
        let mut many: Vec<Change> = (0..20).map(|nth| change(&format!("{nth:02}"), -1.0, 0.04)).collect();
        rank(&mut many, Of::P99);
        assert!(many.iter().all(|change| !change.stands));
    }
}
