//! Ways out are run beside the file as it is, and each node of each is taken down in turn.

use std::collections::BTreeMap;

use serde::Serialize;

use super::crash::{self, Crashes};
use super::seen::{LOOKS, Seen};
use super::undo::{Undone, undone};
use super::way::{Kind, Way, ways};
use super::{Interaction, Whole, cores, house, interaction, reason, seen};
use crate::diag::Source;
use crate::experiment::brief::Brief;
use crate::experiment::compare::{Figures, compare};
use crate::experiment::coupling::{self, Coupling, NoShelf};
use crate::experiment::diagnosis::diagnose;
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::patterns::{effects, ends};
use crate::experiment::run::{Watch, run};
use crate::experiment::study::{Head, Options, Part, Trouble, client, load};
use crate::experiment::summary::{Estimate, Summary};
use crate::scenario::edit::{struck, with_table, without};
use crate::scenario::written::{Fault, FaultKind, Node, NodeKind};
use crate::scenario::{Checked, processes};
use crate::stats::{holm, ratio};
use crate::units::Span;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose requests; the client with most of them where nobody is named.
    pub client: Option<String>,
    /// Whether ways out are tried; otherwise the rules alone are told, and nothing is run.
    pub tries: bool,
}

/// What became of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something gets better, and nothing worse.
    Better,
    /// The file as it is.
    AsItIs,
    /// Something gets better, and something worse.
    Trade,
    /// Nothing changes enough to be worth its doing.
    Nothing,
    /// Something gets worse, and nothing better.
    Worse,
}

/// What one way comes to, beside the file as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What was done.
    pub way: String,
    /// What kind of change; nothing: the file as it is.
    pub kind: Option<Kind>,
    /// The edge it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// Edges that it makes one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<String>,
    /// What that comes to.
    pub class: Class,
    /// The client's figures.
    pub client: Figures,
    /// Whether the p99 among them is that of the file without its faults: with them more than a hundredth is never served.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub p99_undisturbed: bool,
    /// Until the effect has happened: by flow.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<String, Figures>,
    /// Of those who look so long after their answer, the share that sees the old state, by flow: without the file's faults,
    /// request by request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub old_state: BTreeMap<String, Vec<Look>>,
    /// Answered but not yet done, on average at any moment (Little's law): the time from each answer to its effect, summed over
    /// the measured time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub open_effects: BTreeMap<String, f64>,
    /// Sum over all nodes and brokers of the share of all traffic that is lost, or late, while it alone is down and says
    /// nothing: in whole outages.
    pub blast: Estimate,
    /// Whether its interval lies apart from that of the file as it is.
    pub blast_differs: bool,
    /// How many services these are, really, read off the file; nothing where nothing binds or parts them.
    pub n_eff: Option<f64>,
    /// The same, what is one in fact counted as one.
    pub units: usize,
    /// Services, gateways, databases, caches, queues, topics, and the mesh.
    pub moving_parts: usize,
    /// Cores: of each service and gateway replicas × its `cores`, else replicas × what its workers are seen to need in the file as
    /// it is (mean working + 3 √mean, no more than there are workers). Every way has as many.
    pub cores: Option<f64>,
    /// By how much it is better, as the sum of the logarithms of what changes beyond chance; 0 for the file as it is.
    pub gain: f64,
    /// Money an hour: of each node its replicas × its `cost`; nothing where one of them does not say it. Third parties are counted
    /// where they say it; brokers say none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_hour: Option<f64>,
    /// What it takes away, or leaves to be decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where it is much worse than the file as it is: why, by its own runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Of a call that became a message: that its caller may read what the message has not yet done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads_back: Option<String>,
    /// The queue that stands for a table of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox: Option<String>,
    /// Of a call that became a message: what crashes of its sender between its commit and the message did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crashes: Option<Crashes>,
    /// Of a call that fails now and then and became a message: what was answered well and is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// Of a way by which services find each other: what one of them at another address costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// What a rule asks for and it takes away: then it is a trade at best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gives_up: Option<&'static str>,
    /// Hash of its scenario.
    pub hash: String,
}

/// What it costs that a service gets another address, from the beginning of the measured time on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Which service: the one that most others call.
    pub node: String,
    /// The share of all requests that is lost by it in the measured time, as the file is and with the way.
    pub lost: [f64; 2],
}

/// A look at what a request is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Look {
    /// So long after the request was answered, ms.
    pub after_ms: f64,
    /// Share of the requests answered well whose effect has not happened by then, or never will.
    pub share: f64,
    /// Its interval over replications; nothing where one alone was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<(f64, f64)>,
}

/// Who looks after the answer and sees the old state.
fn old_state(checked: &Checked, seen: &[Seen]) -> BTreeMap<String, Vec<Look>> {
    let names: Vec<&str> = checked.scenario.clients.keys().map(String::as_str).collect();
    let of = |(at, flow): (usize, &crate::scenario::written::Flow)| {
        let client = names.iter().position(|name| *name == flow.starts.value)?;
        let look = |(nth, after_ms): (usize, f64)| {
            let parts = seen.iter().map(|one| (one.effects[at].late[nth] as f64, one.answered[client] as f64));
            let share = ratio(&parts.collect::<Vec<_>>(), CONFIDENCE).clamped(0.0, 1.0);
            Some(Look { after_ms, share: share.value?, between: share.ends() })
        };
        let looks: Option<Vec<Look>> = LOOKS.into_iter().enumerate().map(look).collect();
        Some((flow.name.value.clone(), looks?))
    };
    checked.scenario.flows.iter().enumerate().filter_map(of).collect()
}

/// What was answered and has not happened, on average.
fn open_effects(checked: &Checked, seen: &[Seen]) -> BTreeMap<String, f64> {
    let time = checked.scenario.sim.duration.value.as_secs_f64() * seen.len() as f64;
    let of = |at: usize| seen.iter().map(|one| one.effects[at].between_s).sum::<f64>() / time;
    checked.scenario.flows.iter().zip(0..).map(|(flow, at)| (flow.name.value.clone(), of(at))).collect()
}

/// The best way on fresh seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Again {
    /// What was done.
    pub way: String,
    /// Seed of the first replication: one that had no part in choosing it.
    pub seed: u64,
    /// The client's figures.
    pub client: Figures,
    /// Sum over all nodes and brokers of what is lost while it is down: as it is, and with the change.
    pub blast: [Estimate; 2],
    /// Whether it is better there, too.
    pub holds: bool,
}

/// What fits, and what would make it better.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// Whose requests; nothing where nothing was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Who tells whom something, and what fits.
    pub interactions: Vec<Interaction>,
    /// What is said of the file as a whole.
    pub whole: Vec<Whole>,
    /// The file as it is among the ways, the best first.
    pub ways: Vec<Outcome>,
    /// The best of them on fresh seeds, where that is not to leave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Where the file would have taken too long: how much of it was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortened: Option<Brief>,
    /// What could not be tried, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// What was not run because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A way as a text that can be saved.
#[derive(Clone, Debug)]
pub struct Saved {
    /// What was done; nothing for the file as it was run.
    pub way: Option<String>,
    /// Its text.
    pub text: Source,
    /// The same without what goes wrong in it, where that was run as well.
    pub calm: Option<Source>,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub advice: Advice,
    /// Every way as it was run, the file as it is first.
    pub texts: Vec<Saved>,
    /// Whether everything was run.
    pub whole: bool,
}

/// What gets better or worse by less than this share is not worth a change.
const LEAST: f64 = 0.05;

/// Success that changes by less than this is none.
const LEAST_SUCCESS: f64 = 0.001;

/// Holds a file against the rules, and tries ways out of it. An interruption leaves the ways that are finished.
///
/// ```
/// use hoptax::experiment::advise::{Kind, Wanted, study};
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "10s", warmup = "1s", replications = 3 }
/// [clients.users]
/// calls = "orders"
/// rate = "40/s"
/// [services.orders]
/// work = "2ms"
/// steps = [{ call = "mail", uses_reply = false }]
/// [services.mail]
/// work = "30ms"
/// "#;
/// let checked = load(&Source::text("shop", text), None, &Options::default()).unwrap();
/// let advice = study(&checked, &Wanted { tries: true, ..Wanted::default() }, None, &()).unwrap().advice;
/// // Nobody uses what mail answers: whoever orders need not wait for it.
/// assert_eq!(advice.ways[0].kind, Some(Kind::Queue));
/// assert!(advice.again.unwrap().holds);
/// ```
pub fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    if !wanted.tries {
        let advice = told(checked, None, None);
        return Ok(Study { advice, texts: Vec::new(), whole: true });
    }
    let checked = with_effects(checked)?;
    let expected = ways(&checked, None);
    let of = expected.0.len() + 3;
    let brief = Brief::of(&checked, of as f64, of as f64 * runs(&checked));
    let checked = &brief.map_or(Ok(checked.clone()), |brief| fewer(brief, &checked))?;
    let bench = Bench { jobs, watch, brief };
    let base = match bench.both(checked, None, 0, of) {
        Err(Trouble::Interrupted) => return Ok(untried(checked, wanted, expected)),
        base => base?,
    };
    let client = client(&base.summary, wanted.client.as_deref())?;
    let (ways, refused) = ways(checked, Some((&base.undisturbed, &base.coupling)));
    let mut advice = told(checked, Some(&base.summary), Some(client.clone()));
    (advice.shortened, advice.refused) = (brief, refused);
    let mut outcomes = vec![outcome(checked, None, &base, &base, &client)];
    let mut texts = vec![saved(None, checked, &base)];
    let mut tried: BTreeMap<String, Checked> = BTreeMap::new();
    for (at, way) in ways.iter().enumerate() {
        if watch.stopped() {
            advice.missing.push(way.name.clone());
            continue;
        }
        let other = match load(&way.text, None, &Options::default()) {
            Ok(other) => other,
            Err(trouble) => {
                advice.refused.push(format!("{}: {}", way.name, first(&trouble)));
                continue;
            }
        };
        let other = Checked { ceiling: checked.ceiling, ..other };
        match bench.tried(&other, way, (&base, &client), (at + 1, of)) {
            Ok((run, Price { crashes, undone, moved })) => {
                outcomes.push(Outcome { crashes, undone, moved, ..outcome(&other, Some(way), &base, &run, &client) });
                texts.push(saved(Some(way), &other, &run));
                tried.insert(way.name.clone(), other);
            }
            Err(Trouble::Interrupted) => advice.missing.push(way.name.clone()),
            Err(trouble) => return Err(trouble),
        }
    }
    rank(&mut outcomes);
    let mut whole = advice.missing.is_empty();
    if let Some(best) = outcomes.first().filter(|best| whole && best.class == Class::Better) {
        match bench.again(checked, &tried[&best.way], best, &client, of) {
            Ok(again) => advice.again = Some(again),
            Err(Trouble::Interrupted) => whole = false,
            Err(trouble) => return Err(trouble),
        }
    }
    advice.ways = outcomes;
    Ok(Study { advice, texts, whole })
}

/// What was run, to be saved.
fn saved(way: Option<&Way>, checked: &Checked, run: &Run) -> Saved {
    let calm = (!checked.scenario.faults.is_empty()).then(|| run.calm.source.clone());
    Saved { way: way.map(|way| way.name.clone()), text: checked.source.clone(), calm }
}

/// Runs without the file's faults that a way takes, of all replications and roughly: one as it is, and of each node and broker
/// that is down the part from there on.
fn runs(checked: &Checked) -> f64 {
    let Checked { scenario, .. } = checked;
    1.0 + 0.7 * (scenario.nodes.len() + scenario.queues.len() + scenario.topics.len()) as f64
}

/// The file with no more replications than there is room for; what is saved says so, too.
fn fewer(brief: Brief, checked: &Checked) -> Result<Checked, Trouble> {
    let fewer = load(&brief.fewer(&checked.source)?, None, &Options::default())?;
    Ok(Checked { ceiling: checked.ceiling, variant: checked.variant.clone(), ..fewer })
}

/// What is known where an interruption came before the file had been run: what the rules say, and what would have been tried.
fn untried(checked: &Checked, wanted: &Wanted, (ways, refused): (Vec<Way>, Vec<String>)) -> Study {
    let missing = std::iter::once(AS_IT_IS.to_owned()).chain(ways.into_iter().map(|way| way.name)).collect();
    let advice = Advice { refused, missing, ..told(checked, None, wanted.client.clone()) };
    Study { advice, texts: Vec::new(), whole: false }
}

/// What the file is called among the ways out of it.
const AS_IT_IS: &str = "leave it as it is";

/// What the rules say.
fn told(checked: &Checked, summary: Option<&Summary>, client: Option<String>) -> Advice {
    let still = if checked.scenario.clients.is_empty() {
        "not simulated: there is no client, so that nothing could be tried"
    } else {
        "not simulated"
    };
    Advice {
        head: Head::of(checked, summary.map_or(still, |summary| &summary.run.note)),
        client,
        interactions: interaction::interactions(checked, summary),
        whole: house::whole(checked),
        ways: Vec::new(),
        again: None,
        shortened: None,
        refused: Vec::new(),
        missing: Vec::new(),
    }
}

/// The file with a flow to every callee whose answer nobody uses, so that it is seen when the effect happens.
fn with_effects(checked: &Checked) -> Result<Checked, Trouble> {
    let mut text = without(&checked.source, "variants");
    let mut added: Vec<String> = Vec::new();
    for one in interaction::interactions(checked, None) {
        if one.by != interaction::By::Call || one.uses_reply {
            continue;
        }
        let Some((_, callee)) = ends(&one.edge) else { continue };
        for effect in effects(checked, &one.edge).into_iter().filter(|effect| !effect.written) {
            if !added.contains(&effect.name) {
                let keys = [("name", effect.name.as_str()), ("starts", effect.client.as_str()), ("ends", callee)];
                text = with_table(&text, "flows", &keys);
                added.push(effect.name);
            }
        }
    }
    let with = load(&text, None, &Options::default())?;
    Ok(Checked { ceiling: checked.ceiling, variant: checked.variant.clone(), ..with })
}

/// What is wrong first of all.
fn first(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Rejected(rejected) => {
            let error = rejected.complaints.iter().find(|complaint| complaint.is_error());
            error.map_or_else(String::new, |error| error.message.clone())
        }
        other => other.to_string(),
    }
}

/// The file without what goes wrong in it and what is asked of that: outages of one thing at a time are told apart from it.
fn calm(checked: &Checked) -> Result<Checked, Trouble> {
    if checked.scenario.faults.is_empty() {
        return Ok(checked.clone());
    }
    let text = without(&without(&checked.source, "faults"), "slos");
    let mut calm = load(&text, None, &Options::default())?;
    calm.scenario.sim.seed.value = checked.scenario.sim.seed.value;
    Ok(Checked { ceiling: checked.ceiling, ..calm })
}

/// A scenario run as it is and without what goes wrong in it, and everything in it down in turn.
struct Run {
    summary: Summary,
    undisturbed: Summary,
    coupling: Coupling,
    /// Without what goes wrong in it, and what clients see of it; nobody where nothing is to happen later.
    calm: Checked,
    seen: Vec<Seen>,
}

/// Steps of the work that a way is: as it is, without what goes wrong in it, everything down in turn, what clients see of it, and of
/// whoever sends messages no crashes and some, or of whom is found by another way another address of one before and with it, and refusals
/// that are taken back.
const STEPS: usize = 7;

/// What a way costs that only runs of its own show.
#[derive(Default)]
struct Price {
    crashes: Option<Crashes>,
    undone: Option<Undone>,
    moved: Option<Moved>,
}

struct Bench<'b> {
    jobs: Option<usize>,
    watch: &'b dyn Watch,
    brief: Option<Brief>,
}

impl Bench<'_> {
    fn both(&self, checked: &Checked, beside: Option<&str>, at: usize, of: usize) -> Result<Run, Trouble> {
        let part = |nth: usize| Part { whole: self.watch, at: STEPS * at + nth, of: STEPS * of };
        let whole = |summary: Summary| if summary.run.partial { Err(Trouble::Interrupted) } else { Ok(summary) };
        let summary = whole(run(checked, self.jobs, &part(0))?)?;
        let calm = self.brief.map_or_else(|| calm(checked), |brief| brief.calm(checked))?;
        let same = self.brief.is_none() && checked.scenario.faults.is_empty();
        let undisturbed = if same { summary.clone() } else { whole(run(&calm, self.jobs, &part(1))?)? };
        let scenario = &calm.scenario;
        let all = scenario.nodes.keys().chain(scenario.queues.keys()).chain(scenario.topics.keys());
        // What stands for a table is down with its database.
        let only = all.filter(|name| Some(name.as_str()) != beside).cloned().collect();
        // Who says nothing at all is worse than who refuses, and what guards are for.
        let wanted = coupling::Wanted { only, hangs: true, ..coupling::Wanted::default() };
        let study = coupling::study(&calm, &wanted, self.jobs, &part(2), &NoShelf)?;
        if !study.whole {
            return Err(Trouble::Interrupted);
        }
        let follows = !scenario.flows.is_empty();
        let seen = if follows { seen::seen(&calm, None, self.jobs, &part(3))? } else { Vec::new() };
        Ok(Run { summary, undisturbed, coupling: study.coupling, calm, seen })
    }

    /// A way, and what only runs of its own show of its price: crashes of whoever sends what was a call, what is taken back, what
    /// another address costs.
    fn tried(
        &self,
        other: &Checked,
        way: &Way,
        (base, client): (&Run, &str),
        (at, of): (usize, usize),
    ) -> Result<(Run, Price), Trouble> {
        let run = self.both(other, way.outbox(), at, of)?;
        let part = |nth: usize| Part { whole: self.watch, at: STEPS * at + nth, of: STEPS * of };
        if let Some(node) = &way.moves {
            let lost = [(base, part(4)), (&run, part(5))].map(|(run, part)| self.moved(run, node, &part));
            let [before, after] = lost;
            let moved = Moved { node: node.clone(), lost: [before?, after?] };
            return Ok((run, Price { moved: Some(moved), ..Price::default() }));
        }
        let Some(commit) = &way.commit else { return Ok((run, Price::default())) };
        let mean = run.undisturbed.clients.get(client).and_then(|stats| stats.latency_ms.mean.value);
        let whose = (client, mean.unwrap_or(0.0) / 1e3);
        let crashes = crash::crashes(&run.calm, commit, whose, self.jobs, [&part(4), &part(5)])?;
        let undo = way.undo.as_ref();
        let undone = undo.map(|undo| undone(&run.calm, undo, client, self.jobs, &part(6))).transpose()?;
        Ok((run, Price { crashes, undone: undone.flatten(), moved: None }))
    }

    /// The share of all requests that is lost because a service gets another address when the measured time begins.
    fn moved(&self, run: &Run, node: &str, watch: &dyn Watch) -> Result<f64, Trouble> {
        let moved = struck(&run.calm, vec![Fault::once(FaultKind::Move, node, Span::ZERO, None)]);
        let moved = crate::experiment::run::run(&moved, self.jobs, watch)?;
        if moved.run.partial {
            return Err(Trouble::Interrupted);
        }
        let served = |summary: &Summary| {
            let all = summary.clients.values();
            all.fold((0, 0), |sum, stats| (sum.0 + stats.succeeded, sum.1 + stats.arrived))
        };
        let share = |(good, all): (u64, u64)| good as f64 / all.max(1) as f64;
        Ok((share(served(&run.undisturbed)) - share(served(&moved))).max(0.0))
    }

    /// The best way on the seed that follows, which had no part in choosing it.
    fn again(
        &self,
        checked: &Checked,
        other: &Checked,
        best: &Outcome,
        client: &str,
        of: usize,
    ) -> Result<Again, Trouble> {
        let fresh = |checked: &Checked| {
            let mut fresh = checked.clone();
            fresh.scenario.sim.seed.value = fresh.scenario.sim.seed.value.wrapping_add(1);
            fresh
        };
        let base = self.both(&fresh(checked), None, of - 2, of)?;
        let run = self.both(&fresh(other), best.outbox.as_deref(), of - 1, of)?;
        let again = outcome(other, None, &base, &run, client);
        let mut both = [
            outcome(checked, None, &base, &base, client),
            Outcome { kind: best.kind, way: best.way.clone(), gives_up: best.gives_up, ..again },
        ];
        rank(&mut both);
        let again = both.iter().find(|one| one.way == best.way);
        Ok(Again {
            way: best.way.clone(),
            seed: base.summary.run.seed,
            client: again.map(|one| one.client).unwrap_or_default(),
            blast: [blast(&base.coupling), blast(&run.coupling)],
            holds: again.is_some_and(|one| one.class == Class::Better),
        })
    }
}

/// What one way comes to; its class is found when all are known.
fn outcome(checked: &Checked, way: Option<&Way>, base: &Run, other: &Run, client: &str) -> Outcome {
    let mut comparison = compare(&base.summary, std::slice::from_ref(&other.summary), Vec::new(), Vec::new());
    let mut versus = comparison.others.pop();
    let mut figures = versus.as_mut().and_then(|versus| versus.clients.remove(client)).unwrap_or_default();
    let p99 = |summary: &Summary| summary.clients.get(client).and_then(|stats| stats.latency_arrived_ms.p99.value);
    let p99_undisturbed = p99(&base.summary).is_none() && p99(&base.undisturbed).is_some();
    if p99_undisturbed {
        let calm = compare(&base.undisturbed, std::slice::from_ref(&other.undisturbed), Vec::new(), Vec::new());
        let calm = calm.others.into_iter().next().and_then(|mut versus| versus.clients.remove(client));
        figures.p99_ms = calm.unwrap_or_default().p99_ms;
    }
    let runs = [&base.summary, &other.summary];
    let p99_of = if p99_undisturbed { [&base.undisturbed, &other.undisturbed] } else { runs };
    let reasons = way.map(|_| reason::reasons(runs, p99_of, client, &figures)).unwrap_or_default();
    let flows = versus.map(|versus| versus.flows).unwrap_or_default();
    let (before, after) = (blast(&base.coupling), blast(&other.coupling));
    let found = diagnose(checked);
    let apart = before.ends().zip(after.ends()).is_some_and(|(a, b)| a.1 < b.0 || b.1 < a.0);
    Outcome {
        way: way.map_or_else(|| AS_IT_IS.into(), |way| way.name.clone()),
        kind: way.map(|way| way.kind),
        edge: way.and_then(|way| way.edge.clone()),
        together: way.map(|way| way.together.clone()).unwrap_or_default(),
        class: Class::AsItIs,
        client: figures,
        p99_undisturbed,
        flows,
        old_state: old_state(&other.calm, &other.seen),
        open_effects: open_effects(&other.calm, &other.seen),
        blast: after,
        blast_differs: apart,
        n_eff: found.n_eff,
        units: found.apart(),
        // A table is no part that has to be run.
        moving_parts: moving_parts(checked) - usize::from(way.and_then(Way::outbox).is_some()),
        outbox: way.and_then(Way::outbox).map(str::to_owned),
        cores: cores::all(checked, &base.undisturbed, &other.undisturbed),
        gain: 0.0,
        cost_per_hour: cost(checked, &other.summary),
        notes: way.map(|way| way.notes.clone()).unwrap_or_default(),
        reasons,
        reads_back: way.and_then(|way| way.reads_back.clone()),
        crashes: None,
        undone: None,
        moved: None,
        gives_up: way.and_then(|way| way.gives_up),
        hash: checked.hash.clone(),
    }
}

/// What of all traffic is lost or late while one thing is down, summed over everything that may be; its ends are those of the
/// parts together.
fn blast(coupling: &Coupling) -> Estimate {
    let sum = |of: fn(&Estimate) -> Option<f64>| -> Option<f64> {
        let mut all = 0.0;
        for column in &coupling.columns {
            for who in coupling.whose.iter().filter(|who| !who.flow && who.served > 0) {
                let cell = column.clients.get(&who.name)?;
                // Of users who wait for their answers none is late: fewer come, which is lost.
                let late = if cell.late.value.is_none() { 0.0 } else { of(&cell.late)? };
                all += who.weight * (of(&cell.lost)? + late).min(1.0);
            }
        }
        Some(all)
    };
    Estimate { value: sum(|e| e.value), low: sum(|e| e.low), high: sum(|e| e.high), ..Estimate::NONE }
}

/// What has to be run, counted; a service that is called as a function is a part of another.
fn moving_parts(checked: &Checked) -> usize {
    let scenario = &checked.scenario;
    processes(scenario).count() + scenario.queues.len() + scenario.topics.len() + usize::from(scenario.mesh.is_some())
}

/// Money an hour, where every node says what it costs; of third parties, what they say.
fn cost(checked: &Checked, summary: &Summary) -> Option<f64> {
    let of = |(name, node): (&str, &Node)| {
        let replicas = summary.nodes.get(name).and_then(|node| node.replicas.mean.value);
        Some(node.cost.value? * replicas.unwrap_or(f64::from(node.replicas.value)))
    };
    let own: Option<f64> = processes(&checked.scenario).map(of).sum();
    let others = checked.scenario.nodes.iter().filter(|(_, node)| node.kind == NodeKind::External);
    Some(own? + others.filter_map(|(name, node)| of((name, node))).sum::<f64>())
}

/// What changed beyond chance, as the logarithm of a ratio, more is better; nothing where it did not.
struct Gains {
    latency: Option<f64>,
    effect: Option<f64>,
    success: Option<f64>,
    blast: Option<f64>,
    apart: Option<f64>,
    moved: Option<f64>,
}

impl Gains {
    fn all(&self) -> [Option<f64>; 6] {
        [self.latency, self.effect, self.success, self.blast, self.apart, self.moved]
    }
}

/// Classes, gains and the order.
fn rank(outcomes: &mut [Outcome]) {
    let chances: Vec<Option<f64>> = outcomes.iter().map(|one| one.client.p99_ms.chance).collect();
    let stands = holm(&chances, CONFIDENCE);
    let before = outcomes.first().map(|base| (base.blast, base.n_eff, base.units)).unwrap_or_default();
    for (one, stands) in outcomes.iter_mut().zip(stands) {
        if one.kind.is_none() {
            continue;
        }
        let gains = gains(one, before, stands);
        let worth = |gain: &f64| gain.abs() >= LEAST;
        let all: Vec<f64> = gains.all().into_iter().flatten().filter(worth).collect();
        one.gain = all.iter().sum();
        one.class = match (all.iter().any(|gain| *gain > 0.0), all.iter().any(|gain| *gain < 0.0)) {
            (true, false) if one.gives_up.is_none() => Class::Better,
            (true, _) => Class::Trade,
            (false, true) => Class::Worse,
            (false, false) => Class::Nothing,
        };
    }
    // A gain that differs by less than what is worth a change is none: then fewer parts are better.
    let step = |one: &Outcome| (one.gain / LEAST).round() as i64;
    outcomes.sort_by(|a, b| {
        (a.class.cmp(&b.class))
            .then(step(b).cmp(&step(a)))
            .then(a.moving_parts.cmp(&b.moving_parts))
            .then_with(|| a.way.cmp(&b.way))
    });
}

fn gains(one: &Outcome, (before, n_eff, units): (Estimate, Option<f64>, usize), stands: bool) -> Gains {
    let ratio = |difference: &crate::experiment::compare::Difference| {
        let (a, b) = difference.base.value.zip(difference.other.value)?;
        (difference.is_significant() && a > 0.0 && b > 0.0).then(|| (a / b).ln())
    };
    let success = &one.client.success_rate;
    let apart = success.difference.value.filter(|apart| success.is_significant() && apart.abs() >= LEAST_SUCCESS);
    // What fails counts, not what succeeds: from 99 to 99.9 % is ten times better.
    let failing = |value: Option<f64>| value.map(|share| (1.0 - share).max(LEAST_SUCCESS / 10.0));
    let success = apart.and_then(|_| Some((failing(success.base.value)? / failing(success.other.value)?).ln()));
    // What is answered well and taken back later is no gain.
    let success = success.filter(|gain| *gain < 0.0 || one.undone.is_none());
    let flows: Vec<f64> = one.flows.values().filter_map(|figures| ratio(&figures.p99_ms)).collect();
    let blast = before.value.zip(one.blast.value).filter(|_| one.blast_differs);
    // A merge makes fewer services; it takes away what could do without each other, not what was one already.
    let apart = match one.kind {
        Some(Kind::Merge) => Some((units as f64, one.units as f64)).filter(|(_, after)| *after > 0.0),
        // How much of what is asked is found there is a guess: what it binds less by that is one, too.
        Some(Kind::Cache) => None,
        _ => n_eff.zip(one.n_eff),
    };
    Gains {
        latency: stands.then(|| ratio(&one.client.p99_ms)).flatten(),
        effect: (!flows.is_empty()).then(|| flows.iter().sum::<f64>() / flows.len() as f64),
        success,
        blast: blast.map(|(a, b)| ((a + LEAST) / (b + LEAST)).ln()),
        apart: apart.map(|(a, b)| (b / a).ln()),
        moved: one.moved.as_ref().map(|moved| ((moved.lost[0] + LEAST) / (moved.lost[1] + LEAST)).ln()),
    }
}
