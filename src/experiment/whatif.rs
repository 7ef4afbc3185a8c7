//! What would change if one thing were a little otherwise: every node and edge a tenth faster and slower, every pool, limit,
//! timeout and number of replicas a notch up and down, each alone, under common random numbers.
//!
//! A notch is a tenth, of whole numbers rounded and at least one; timeouts are turned by a quarter; retries can only be turned
//! off. Differences are those of [`compare`](super::compare): replication by replication, with Student's t. Many are looked at,
//! so the ones that *stand* are those that Holm's correction leaves. The best few that would stand alone are run again on fresh
//! seeds, which had no part in choosing them: what is beyond chance there among these few stands too.

use serde::{Deserialize, Serialize};

use super::compare::{Difference, Figures, Verdict, compare};
use super::coupling::{Screen, Shelf};
use super::estimate::CONFIDENCE;
use super::run::{Failure, Watch, run};
use super::study::{Head, Part, Trouble, client, judged as judged_client};
use super::summary::{Estimate, Summary};
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
    /// Whether the difference of the ranked figure is more than chance: among all that were looked at, or on fresh seeds among
    /// the few that were run again.
    pub stands: bool,
    /// Whether it would be more than chance if nothing else had been looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stands_alone: bool,
    /// Whether nothing can differ, because nothing leads from the client there; then nothing was run.
    pub by_structure: bool,
}

/// A change again, on other seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Again {
    /// What was turned.
    pub what: String,
    /// By how much.
    pub by: String,
    /// Seed of the first replication: one that had no part in choosing it.
    pub seed: u64,
    /// Which figure: what they were ranked by; the success where that is never there.
    pub figure: Of,
    /// That figure.
    pub difference: Difference,
    /// Whether it is for the better beyond chance there, among those that were run again.
    pub holds: bool,
}

/// A client's figures with nothing turned.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AsItIs {
    /// 99th percentile of all that arrive, ms; none where it lies among those that fail.
    pub p99_ms: Estimate,
    /// Their median, ms.
    pub p50_ms: Estimate,
    /// Mean of the answered, ms.
    pub mean_ms: Estimate,
    /// Share that succeeds.
    pub success_rate: Estimate,
    /// Replications behind them: fewer than there were to be where it was stopped early.
    pub replications: u32,
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
    /// With nothing turned; nothing where it was stopped before any of that was run.
    pub as_it_is: Option<AsItIs>,
    /// What helps most first, then what changes most.
    pub changes: Vec<Change>,
    /// The best of them on fresh seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// The next best of them on the same fresh seeds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_again: Vec<Again>,
    /// What was not run because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Whether it was stopped before all of it was run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
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
    let named = wanted.client.as_deref();
    // Who is not there is told before anything is run.
    let likely = judged_client(checked, named)?;
    let of = turns.len() + 2 + AGAIN;
    let part = |at: usize| Part { whole: watch, at, of };
    let base = match run(checked, jobs, &part(0)) {
        Ok(base) if !base.run.partial => base,
        // Nothing was turned by then.
        other => {
            return Ok(Study { whatif: WhatIf::early(checked, wanted, (likely, &turns), other.ok()), whole: false });
        }
    };
    let screen = Screen::of(checked);
    let mut all =
        WhatIf { partial: false, ..WhatIf::early(checked, wanted, (client(&base, named)?, &[]), Some(base.clone())) };
    for (at, turn) in turns.iter().enumerate() {
        // Short runs say nothing on their way.
        watch.advanced((at + 1) as f64 / of as f64);
        let apart = turn.knob.place().is_some_and(|place| !screen.meet(place, &all.client));
        let key = turn.key(&all.client);
        if let Some(kept) = shelf.take(&key).and_then(|text| turn.read(&text, checked, &all.client)) {
            all.changes.push(kept);
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
                let change = turn.change(&base, &other, &all.client, apart);
                shelf.keep(&key, &Kept::of(checked, &all.client, &change));
                all.changes.push(change);
            }
            Ok(_) | Err(Failure::Interrupted) => all.missing.push(turn.told()),
        }
    }
    rank(&mut all.changes, wanted.of);
    all.partial = !all.missing.is_empty();
    if !all.partial {
        let best = candidates(&all.changes, &turns, wanted.of);
        match confirm(checked, &best, (&all.client, wanted.of), jobs, &|nth| part(of - 1 - AGAIN + nth)) {
            Ok(found) => all.hear(found),
            Err(_) => all.partial = true,
        }
    }
    Ok(Study { whole: !all.partial, whatif: all })
}

/// So many of the best are run again.
const AGAIN: usize = 3;

impl WhatIf {
    /// With nothing turned yet: what there is to turn is missing.
    fn early(checked: &Checked, wanted: &Wanted, (client, turns): (String, &[Turn]), base: Option<Summary>) -> Self {
        let closed = matches!(checked.scenario.clients[&client].load, Load::Closed { .. });
        let as_it_is = base.as_ref().and_then(|base| {
            let Figures { p99_ms, p50_ms, mean_ms, success_rate, .. } = figures(base, base, &client);
            let [p99_ms, p50_ms, mean_ms, success_rate] = [p99_ms, p50_ms, mean_ms, success_rate].map(|of| of.base);
            let replications = base.run.replications;
            (base.clients.get(&client)?.arrived > 0).then_some(AsItIs {
                p99_ms,
                p50_ms,
                mean_ms,
                success_rate,
                replications,
            })
        });
        Self {
            head: Head::of(checked, base.as_ref().map_or("simulated, not measured", |base| &base.run.note)),
            client,
            closed,
            of: wanted.of,
            as_it_is,
            changes: Vec::new(),
            again: None,
            also_again: Vec::new(),
            missing: turns.iter().map(Turn::told).collect(),
            partial: true,
        }
    }

    /// The figure of which differences can be drawn: the success, where the one they are ranked by is never there.
    pub fn drawn(&self) -> Of {
        let never = self.changes.iter().any(|change| self.of.of(&change.figures).never[0]);
        if never { Of::SuccessRate } else { self.of }
    }

    /// Takes in what fresh seeds said: what holds there stands.
    fn hear(&mut self, found: Vec<Again>) {
        let holds = |change: &Change| {
            found.iter().any(|again| again.holds && again.what == change.what && again.by == change.by)
        };
        self.changes.iter_mut().for_each(|change| change.stands |= holds(change));
        order(&mut self.changes, self.of);
        let mut found = found.into_iter();
        self.again = found.next();
        self.also_again = found.collect();
    }
}

/// The best few of those that stand alone and are for the better.
fn candidates<'t>(changes: &[Change], turns: &'t [Turn], of: Of) -> Vec<&'t Turn> {
    let mut best: Vec<&Change> = changes.iter().filter(|change| change.stands_alone && is_better(change, of)).collect();
    best.sort_by(|a, b| gain(b, of).total_cmp(&gain(a, of)));
    let turn =
        |change: &&Change| turns.iter().find(|turn| turn.knob.to_string() == change.what && turn.word() == change.way);
    best.iter().filter_map(turn).take(AGAIN).collect()
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
            stands_alone: false,
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
            stands_alone: false,
            by_structure: self.knob.place().is_some_and(|place| !Screen::of(checked).meet(place, client)),
        })
    }
}

/// The figures of a client, the one run against the other.
fn figures(base: &Summary, other: &Summary, client: &str) -> Figures {
    let mut comparison = compare(base, std::slice::from_ref(other), Vec::new(), Vec::new());
    comparison.others.pop().and_then(|mut versus| versus.clients.remove(client)).unwrap_or_default()
}

/// Says what stands among all, and puts them in order.
fn rank(changes: &mut [Change], of: Of) {
    // What is the same in every replication is no matter of chance.
    let differs = |change: &&mut Change| judged(&change.figures, of).1.verdict != Verdict::Same;
    let mut looked_at: Vec<&mut Change> = changes.iter_mut().filter(differs).collect();
    let chances: Vec<Option<f64>> = looked_at.iter().map(|change| judged(&change.figures, of).1.chance).collect();
    for (change, stands) in looked_at.iter_mut().zip(holm(&chances, CONFIDENCE)) {
        change.stands_alone = judged(&change.figures, of).1.is_significant();
        change.stands = stands && change.stands_alone;
    }
    order(changes, of);
}

/// What helps first, by how much; then what harms, the most first; what does not stand comes last.
fn order(changes: &mut [Change], of: Of) {
    changes.sort_by(|a, b| {
        let harm = |change: &Change| !is_gain(change, of);
        // What stands and is worse: the worst first; of all else the best.
        let key = |change: &Change| if change.stands && harm(change) { gain(change, of) } else { -gain(change, of) };
        (!a.stands)
            .cmp(&!b.stands)
            .then(harm(a).cmp(&harm(b)))
            .then(key(a).total_cmp(&key(b)))
            .then_with(|| a.what.cmp(&b.what))
    });
}

/// How much better a change makes the ranked figure: from never to once is more than any difference, and more the sooner.
fn gain(change: &Change, of: Of) -> f64 {
    match of.of(&change.figures) {
        Difference { never: [true, false], other, .. } => f64::MAX / (1.0 + other.value.unwrap_or(0.0)),
        Difference { never: [false, true], .. } => f64::MIN,
        Difference { never: [true, true], .. } => change.figures.success_rate.difference.value.unwrap_or(0.0),
        difference if of.rises() => difference.difference.value.unwrap_or(0.0),
        difference => -difference.difference.value.unwrap_or(0.0),
    }
}

/// By what a change is judged: the figure they are ranked by; where that lies among what never ends well on any side, the success.
pub fn judged(figures: &Figures, of: Of) -> (Of, &Difference) {
    let difference = of.of(figures);
    if difference.never == [false, false] { (of, difference) } else { (Of::SuccessRate, &figures.success_rate) }
}

/// What is told of a change: the figure they are ranked by; where that is never there, the success.
pub fn told(figures: &Figures, of: Of) -> (Of, &Difference) {
    if of.of(figures).never == [true, true] { judged(figures, of) } else { (of, of.of(figures)) }
}

/// Whether a change stands and is one for the better.
pub fn is_gain(change: &Change, of: Of) -> bool {
    change.stands && is_better(change, of)
}

/// Whether a change would stand alone, is one for the better, and was not shown among all that were looked at.
pub fn is_open(change: &Change, of: Of) -> bool {
    !change.stands && change.stands_alone && is_better(change, of)
}

fn is_better(change: &Change, of: Of) -> bool {
    better(&change.figures, of)
}

/// Whether the ranked figure is better.
fn better(figures: &Figures, of: Of) -> bool {
    match of.of(figures).never {
        [true, false] => true,
        [false, true] => false,
        _ => {
            let (of, figure) = judged(figures, of);
            figure.verdict == if of.rises() { Verdict::Higher } else { Verdict::Lower }
        }
    }
}

/// Changes on the seed that follows, which had no part in choosing them.
fn confirm<'w>(
    checked: &Checked,
    turns: &[&Turn],
    (client, of): (&str, Of),
    jobs: Option<usize>,
    part: &dyn Fn(usize) -> Part<'w>,
) -> Result<Vec<Again>, Trouble> {
    if turns.is_empty() {
        return Ok(Vec::new());
    }
    let fresh = |checked: &Checked, nth: usize| {
        let mut fresh = checked.clone();
        fresh.scenario.sim.seed.value = fresh.scenario.sim.seed.value.wrapping_add(1);
        let found = run(&fresh, jobs, &part(nth))?;
        if found.run.partial { Err(Trouble::Interrupted) } else { Ok(found) }
    };
    let base = fresh(checked, 0)?;
    let others = turns.iter().zip(1..).map(|(turn, nth)| fresh(&turn.turned, nth));
    let all: Vec<Figures> = others.map(|other| Ok(figures(&base, &other?, client))).collect::<Result<_, Trouble>>()?;
    let chances: Vec<Option<f64>> = all.iter().map(|figures| judged(figures, of).1.chance).collect();
    let again = |((turn, figures), beyond): ((&&Turn, &Figures), bool)| {
        let (figure, difference) = told(figures, of);
        let holds = beyond && judged(figures, of).1.is_significant() && better(figures, of);
        let what = turn.knob.to_string();
        Again { what, by: turn.by.clone(), seed: base.run.seed, figure, difference: *difference, holds }
    };
    Ok(turns.iter().zip(&all).zip(holm(&chances, CONFIDENCE)).map(again).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        Change { what, way: "down", by, figures, stands: false, stands_alone: false, by_structure: false }
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
        // What never ended well and does now comes before all that, if more ends well beyond chance.
        let mut from_never = change("from never", 0.0, 1.0);
        from_never.figures.p99_ms =
            Difference { never: [true, false], other: Estimate::point(168.0), ..Difference::default() };
        let mut by_luck = from_never.clone();
        from_never.figures.success_rate = change("", 1.0, 1e-6).figures.p99_ms;
        by_luck.what = "by luck".into();
        by_luck.figures.success_rate = change("", 1.0, 0.4).figures.p99_ms;
        all.extend([by_luck, from_never]);
        rank(&mut all, Of::P99);
        assert!(all[0].what == "from never" && is_gain(&all[0], Of::P99), "{:?}", all[0]);
        assert!(all.iter().all(|change| change.what != "by luck" || !change.stands));
        // Of many looked at, one in twenty is no news (Holm).
        let mut many: Vec<Change> = (0..20).map(|nth| change(&format!("{nth:02}"), -1.0, 0.04)).collect();
        rank(&mut many, Of::P99);
        assert!(many.iter().all(|change| !change.stands));
    }
}
