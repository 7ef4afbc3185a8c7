//! Everything down in turn. What was before the outage is run once for all; what cannot differ is not run.

use serde::{Deserialize, Serialize};

use super::availability::{Availability, called};
use super::cast::{Kind, Target, targets};
use super::column::{Column, Pair, column};
use super::screen::Screen;
use super::slow::{Pace, Slowness};
use super::visits::{Crossing, Ends, Visits, crossing};
use super::{Party, Roll, Window};
use crate::experiment::ear::Ear;
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::parallel;
use crate::experiment::run::{Watch, threads};
use crate::experiment::study::Trouble;
use crate::experiment::summary::{ScenarioRef, Tool};
use crate::graph::Arrow;
use crate::machine::{Machine, Stop, replication_seed};
use crate::model::fault::When;
use crate::model::{FaultId, NodeId, Plan};
use crate::scenario::edit::{struck, with_tables};
use crate::scenario::written::{Client, Fault, Load, Metric};
use crate::scenario::{self, Checked, lower};
use crate::units::{Span, Time};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these nodes, brokers, zones and edges; none: all.
    pub only: Vec<String>,
    /// Whether what is down hangs instead of refusing. Edges do both.
    pub hangs: bool,
    /// When the outage begins, s from the start of the measured time, and how long it is; else its middle.
    pub window: Option<Window>,
    /// Whether nodes are slowed down, too.
    pub slow: bool,
}

/// Where finished columns are kept, so that a study can be stopped and resumed.
pub trait Shelf {
    /// What was kept under a key.
    fn take(&self, key: &str) -> Option<String>;
    /// Keeps it.
    fn keep(&self, key: &str, text: &str);
}

/// Nothing is kept.
#[derive(Clone, Copy, Debug)]
pub struct NoShelf;

impl Shelf for NoShelf {
    fn take(&self, _: &str) -> Option<String> {
        None
    }
    fn keep(&self, _: &str, _: &str) {}
}

/// How all of it was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Seed of the first replication, the same with and without.
    pub seed: u64,
    /// Pairs of runs for each thing that is down.
    pub replications: u32,
    /// Measured time, s.
    pub duration_s: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// When the outage begins, s from the start of the measured time.
    pub outage_at_s: f64,
    /// How long it is, s.
    pub outage_for_s: f64,
    /// What is paired.
    pub pairing: String,
    /// Closed clients: their requests are not the same in both runs, only successes are counted.
    pub closed_clients: Vec<String>,
    /// What kind of figures these are.
    pub note: String,
}

/// A client or a flow, and how its requests fare without any outage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whose {
    /// Its name.
    pub name: String,
    /// Whether it is a flow.
    pub flow: bool,
    /// An answer that is later by more than this is late, ms.
    pub late_after_ms: f64,
    /// Whether a promise says so; otherwise it is three times the median, at least 100 ms.
    pub promised: bool,
    /// Median of what arrives in the outage, without it, ms.
    pub p50_ms: Option<f64>,
    /// Requests that arrive in it and are served without it, over all replications.
    pub served: u64,
    /// Weight among the clients: as written, else the share of the traffic; 0 for a flow.
    pub weight: f64,
}

/// Who falls when something falls, and how far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Coupling {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What was simulated.
    pub scenario: ScenarioRef,
    /// How.
    pub run: Conditions,
    /// The file's own faults that are on during the outage, with and without it: what fails of them is not counted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub own_faults: Vec<String>,
    /// The file's random faults, which are left out of the matrix: how often they are on stands with the availability.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
    /// Clients, then flows.
    pub whose: Vec<Whose>,
    /// One thing down each; what costs most first.
    pub columns: Vec<Column>,
    /// One node slower each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub slowness: Vec<Slowness>,
    /// How available everything is, where the file says how often what fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub availability: Option<Availability>,
    /// What would bring down somebody on its own.
    pub single_points: Vec<SinglePoint>,
    /// What was not run because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<Target>,
    /// Nodes that were not slowed down because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_slowed: Vec<String>,
    /// Whether it was stopped before all of it was run.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partial: bool,
}

/// A node that nothing stands in for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinglePoint {
    /// The node or broker.
    pub target: String,
    /// Whose requests it takes down.
    pub of: String,
    /// Share that is lost with it.
    pub lost: crate::experiment::summary::Estimate,
    /// What can be reached through it only.
    pub only_way_to: Vec<String>,
    /// What was shown only by the run: nothing in the graph says that it stands between.
    pub by_run_alone: bool,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub coupling: Coupling,
    /// Whether everything that was asked for was run.
    pub whole: bool,
}

/// Runs without and with each thing down. An interruption leaves the columns that are finished.
///
/// ```
/// use hoptax::experiment::coupling::{NoShelf, Wanted, study};
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "10s", warmup = "0s", replications = 3 }
/// [clients.users]
/// calls = [{ to = "web.buy", share = "50%" }, { to = "web.look", share = "50%" }]
/// rate = "40/s"
/// [services.web.endpoints.buy]
/// steps = ["payments"]
/// [services.web.endpoints.look]
/// work = "1ms"
/// [services.payments]
/// work = "4ms"
/// "#;
/// let checked = load(&Source::text("shop", text), None, &Options::default()).unwrap();
/// let coupling = study(&checked, &Wanted::default(), None, &(), &NoShelf).unwrap().coupling;
/// let payments = coupling.columns.iter().find(|column| column.target.name == "payments").unwrap();
/// // Half of all requests go there, and nothing stands in for it.
/// let lost = payments.clients["users"].lost;
/// assert!((lost.value.unwrap() - 0.5).abs() < 0.1 && lost.contains(0.5) == Some(true));
/// ```
pub fn study(
    checked: &Checked,
    wanted: &Wanted,
    jobs: Option<usize>,
    watch: &dyn Watch,
    shelf: &dyn Shelf,
) -> Result<Study, Trouble> {
    let duration_s = checked.scenario.sim.duration.value.as_secs_f64();
    let window = wanted.window.unwrap_or_else(|| apart(checked, Window::of(duration_s), duration_s));
    within(window, duration_s)?;
    let targets = targets(checked, &wanted.only, wanted.hangs).map_err(Trouble::Absent)?;
    let screen = Screen::of(checked);
    let mut all = Coupling {
        schema_version: 1,
        tool: Tool::this(),
        scenario: ScenarioRef::of(checked),
        run: conditions(checked, window),
        own_faults: own_faults(checked, window),
        left_out: random(checked),
        whose: Vec::new(),
        columns: Vec::new(),
        slowness: Vec::new(),
        not_slowed: Vec::new(),
        availability: None,
        single_points: Vec::new(),
        missing: Vec::new(),
        partial: false,
    };
    let nodes = targets.iter().filter(|target| wanted.slow && target.kind == Kind::Node);
    let nodes: Vec<&str> = nodes.map(|target| target.name.as_str()).collect();
    let of = (targets.len() + nodes.len()) as f64;
    for (nth, some) in targets.chunks(AT_ONCE).enumerate() {
        if nth > 0 && watch.stopped() {
            all.missing.extend(some.iter().cloned());
            continue;
        }
        let (plan, faults) = plan(checked, some, window)?;
        let bench = Bench { checked, plan: &plan, window, counted: window, threads: threads(checked, jobs), watch };
        let progress = |at: usize| watch.advanced((nth * AT_ONCE + at) as f64 / of);
        match bench.columns((some, &faults), &screen, shelf, &progress, &mut all) {
            Err(Trouble::Interrupted) if nth > 0 => all.missing.extend(some.iter().cloned()),
            other => other?,
        }
    }
    let done = |at: usize| watch.advanced((targets.len() + at) as f64 / of);
    slow(checked, &nodes, (jobs, watch), (&screen, shelf, &done), &mut all);
    if all.columns.is_empty() && !all.missing.is_empty() {
        return Err(Trouble::Interrupted);
    }
    let known = if wanted.only.is_empty() { assess(checked, window, (jobs, watch), &screen) } else { Ok(None) };
    let assessed = !matches!(known, Err(Trouble::Interrupted));
    all.availability = if assessed { known? } else { None };
    all.columns.iter_mut().for_each(|column| column.weigh(all.availability.as_ref()));
    let cost = |column: &Column| column.blast.value.unwrap_or(0.0);
    all.columns.sort_by(|a, b| cost(b).total_cmp(&cost(a)).then_with(|| a.target.cmp(&b.target)));
    all.single_points = single_points(&screen, &all.columns);
    all.partial = !assessed || !all.missing.is_empty() || !all.not_slowed.is_empty();
    Ok(Study { whole: !all.partial, coupling: all })
}

/// Planned faults of the file that are on at some time of the window.
fn own_faults(checked: &Checked, window: Window) -> Vec<String> {
    let on = |fault: &&Fault| {
        let until = |at: Span| fault.duration.value.map_or(f64::INFINITY, |length| (at + length).as_secs_f64());
        let meets = |at: Span| at.as_secs_f64() < window.at_s + window.for_s && until(at) > window.at_s;
        fault.at().is_some_and(meets)
    };
    checked.scenario.faults.iter().filter(on).map(|fault| fault.name.value.clone()).collect()
}

/// Faults of the file that come at random. Were they on in the matrix, what fails of them without the outage, too, would be
/// nobody's loss, and what they strike would seem to cost less.
fn random(checked: &Checked) -> Vec<String> {
    let own = checked.scenario.faults.iter().filter(|fault| fault.at().is_none());
    own.map(|fault| fault.name.value.clone()).collect()
}

/// The usual window, or as soon after it as none of the file's own faults is on, or else as long before: what fails anyway is
/// nobody's loss. Where there is no such time it stays, and the faults are named.
fn apart(checked: &Checked, usual: Window, duration_s: f64) -> Window {
    let free = |at_s: &f64| {
        let window = Window { at_s: *at_s, ..usual };
        at_s + usual.for_s <= duration_s && own_faults(checked, window).is_empty()
    };
    let step = usual.for_s / 4.0;
    let later = (0..).map(|nth| usual.at_s + f64::from(nth) * step).take_while(|at_s| *at_s < duration_s);
    let sooner = (1..).map(|nth| usual.at_s - f64::from(nth) * step).take_while(|at_s| *at_s > 0.0);
    let at_s = later.chain(sooner).find(free).map(|at_s| (at_s * 1e3).round() / 1e3);
    Window { at_s: at_s.unwrap_or(usual.at_s), ..usual }
}

/// How available everything is, where random faults say how often what fails.
fn assess(
    checked: &Checked,
    window: Window,
    (jobs, watch): (Option<usize>, &dyn Watch),
    screen: &Screen,
) -> Result<Option<Availability>, Trouble> {
    let plan = lower(checked);
    let at = Time((plan.warmup + Span::from_secs_f64(window.at_s)).0);
    let (ending, faults) = called(plan.clone(), at + Span::from_secs_f64(window.for_s));
    if faults.is_empty() {
        return Ok(None);
    }
    let (lasting, _) = called(plan, Time::NEVER);
    let half = window.for_s / 2.0;
    let later = Window { at_s: window.at_s + half, for_s: half };
    let of = |plan, counted| Bench { checked, plan, window, counted, threads: threads(checked, jobs), watch };
    of(&lasting, later).availability(&of(&ending, window), faults, screen).map(Some)
}

/// So often somebody who has had enough is heard on the way to the outage.
const STRETCHES: u64 = 256;

/// So many faults stand in one plan; what they share is run again for the next.
const AT_ONCE: usize = 1_000;

/// One node slower each: what is kept is taken, what is not is run and kept.
fn slow(
    checked: &Checked,
    nodes: &[&str],
    (jobs, watch): (Option<usize>, &dyn Watch),
    (screen, shelf, progress): (&Screen, &dyn Shelf, &dyn Fn(usize)),
    all: &mut Coupling,
) {
    // What goes wrong besides would hide what is slower, or break the promise by itself.
    let calm = struck(checked, Vec::new());
    let pace = if nodes.is_empty() { None } else { Pace::of(&calm, jobs, watch) };
    for (at, node) in nodes.iter().enumerate() {
        progress(at);
        let key = format!("slow-{:016x}", crate::random::draw::name_hash(node));
        let kept = shelf.take(&key).and_then(|text| serde_json::from_str::<KeptSlow>(&text).ok());
        let kept = kept.filter(|kept| kept.hash == checked.hash && kept.slowness.node == *node);
        let notices = |client: &str| screen.meet(client, node);
        let fresh = || {
            let slowness = pace.as_ref()?.node(node, &notices)?;
            let kept = KeptSlow { hash: checked.hash.clone(), slowness };
            shelf.keep(&key, &serde_json::to_string_pretty(&kept).unwrap_or_default());
            Some(kept)
        };
        match kept.or_else(fresh) {
            Some(kept) if kept.slowness.clients.is_empty() => {}
            Some(kept) => all.slowness.push(kept.slowness),
            None => all.not_slowed.push((*node).to_owned()),
        }
    }
}

/// What a slower node does, on a shelf, and of which scenario.
#[derive(Serialize, Deserialize)]
struct KeptSlow {
    hash: String,
    slowness: Slowness,
}

/// An outage has to lie within the measured time.
fn within(window: Window, duration_s: f64) -> Result<(), Trouble> {
    if window.for_s > 0.0 && window.at_s + window.for_s <= duration_s {
        return Ok(());
    }
    let why = format!(
        "an outage from {} s for {} s does not lie within the measured time, which is {duration_s} s",
        window.at_s, window.for_s
    );
    Err(Trouble::Absent(why))
}

/// The plan with a fault for each target that only comes when it is called, and which these are.
fn plan(checked: &Checked, targets: &[Target], window: Window) -> Result<(Plan, Vec<FaultId>), Trouble> {
    let [at, length] = [window.at_s, window.for_s].map(|s| format!("{}ns", (s * 1e9).round()));
    let tables: Vec<_> = targets.iter().map(|target| target.table((&at, &length))).collect();
    let all = scenario::load(&with_tables(&checked.source, "faults", &tables), &[])?;
    let mut plan = lower(&all);
    for fault in &mut plan.faults {
        if matches!(fault.when, When::Random { .. }) {
            fault.when = When::Once { from: Time::NEVER, until: Time::NEVER };
        }
    }
    let mut called = Vec::new();
    for target in targets {
        let name = target.fault();
        let found = plan.faults.iter_mut().zip(0..).find(|(fault, _)| fault.name == name);
        let Some((fault, id)) = found else {
            return Err(Trouble::Absent(format!("{} does not begin within the measured time", target.name)));
        };
        if let When::Once { from, .. } = &mut fault.when {
            *from = Time::NEVER;
        }
        called.push(FaultId(id));
    }
    Ok((plan, called))
}

/// Nodes and brokers that take more than half of somebody's requests down.
fn single_points(screen: &Screen, columns: &[Column]) -> Vec<SinglePoint> {
    let mut all = Vec::new();
    for column in columns.iter().filter(|column| matches!(column.target.kind, Kind::Node | Kind::Broker)) {
        let name = &column.target.name;
        for (of, cell) in &column.clients {
            if cell.lost.low.is_some_and(|low| low >= MOST) {
                let only_way_to: Vec<String> = screen.only_by(of, name).into_iter().cloned().collect();
                let by_run_alone = !screen.reached(of).contains(name);
                all.push(SinglePoint {
                    target: name.clone(),
                    of: of.clone(),
                    lost: cell.lost,
                    only_way_to,
                    by_run_alone,
                });
            }
        }
    }
    all
}

/// Who takes so many requests down is a single point of failure.
const MOST: f64 = 0.5;

/// Nothing is late by less, where no promise says so, ms.
const LEAST_LATE_MS: f64 = 100.0;

/// What all runs share.
pub(super) struct Bench<'b> {
    pub(super) checked: &'b Checked,
    pub(super) plan: &'b Plan,
    window: Window,
    /// Whose requests are looked at: those that arrive in it.
    counted: Window,
    pub(super) threads: usize,
    watch: &'b dyn Watch,
}

/// Every replication at the moment before the outage, and what became of it without one.
pub(super) struct Stand<'p> {
    pub(super) whose: Vec<(Whose, Party)>,
    pub(super) rolls: Vec<Roll>,
    pub(super) plain: Vec<Machine<'p, Ear<'p>>>,
    visits: Vec<Visits<'p>>,
    traced: Vec<Machine<'p, Ear<'p>>>,
}

impl<'b> Bench<'b> {
    pub(super) fn begins(&self) -> Time {
        Time((self.plan.warmup + Span::from_secs_f64(self.window.at_s)).0)
    }

    /// One thing down each: what is kept is taken, what is not is run and kept.
    fn columns(
        &self,
        (targets, faults): (&[Target], &[FaultId]),
        screen: &Screen,
        shelf: &dyn Shelf,
        progress: &dyn Fn(usize),
        all: &mut Coupling,
    ) -> Result<(), Trouble> {
        let stand = self.stand(targets.iter().any(|target| target.kind == Kind::Edge))?;
        for (at, (target, fault)) in targets.iter().zip(faults).enumerate() {
            progress(at);
            let key = key(target);
            let kept = shelf.take(&key).and_then(|text| self.read(&text, target));
            let fresh = || (!self.watch.stopped()).then(|| self.column(&stand, screen, target, *fault))?;
            match kept.or_else(|| fresh().inspect(|column| shelf.keep(&key, &self.written(column)))) {
                Some(column) => all.columns.push(column),
                None => all.missing.push(target.clone()),
            }
        }
        all.whose = stand.whose.into_iter().map(|(who, _)| who).collect();
        Ok(())
    }

    pub(super) fn replications(&self) -> u32 {
        self.checked.scenario.sim.replications.value
    }

    /// A replication at the moment before the outage; `None` where it was stopped on the way there.
    fn before(&self, index: u32, ear: Ear<'b>) -> Option<Machine<'b, Ear<'b>>> {
        let mut machine = Machine::new(self.plan, replication_seed(self.plan.seed, index), ear);
        let last = self.begins().0.saturating_sub(1);
        for stretch in (0..STRETCHES).rev() {
            if self.watch.stopped() {
                return None;
            }
            machine.run_to(Time(last - last / STRETCHES * stretch));
        }
        Some(machine)
    }

    /// Runs a replication to its end; `None` where it was stopped.
    pub(super) fn end(&self, machine: Machine<'b, Ear<'b>>) -> Option<Ear<'b>> {
        // A run looks up now and then only: who has had enough does not wait for that in each of many.
        if self.watch.stopped() {
            return None;
        }
        let finished = machine.run(|_| !self.watch.stopped());
        (finished.stop != Stop::Interrupted && !self.watch.stopped()).then_some(finished.probe)
    }

    pub(super) fn stand(&self, edges: bool) -> Result<Stand<'b>, Trouble> {
        let each = |index: u32| {
            let roll = Roll::of(self.plan, self.counted);
            let window = roll.window;
            let plain = self.before(index, (roll.clone(), (None, None)))?;
            let (without, _) = self.end(plain.clone())?;
            let visits = || (roll, (Some(Visits::of(self.plan, window)), None));
            let traced = if edges { Some(self.before(index, visits())?) } else { None };
            let visits = traced.clone().map(|machine| self.end(machine)).map_or(Some(None), |end| end.map(Some))?;
            Some((plain, without, traced, visits.and_then(|(_, (visits, _))| visits)))
        };
        let all: Option<Vec<_>> = parallel::each(self.replications(), self.threads, each).into_iter().collect();
        let mut stand =
            Stand { whose: Vec::new(), rolls: Vec::new(), plain: Vec::new(), visits: Vec::new(), traced: Vec::new() };
        for (plain, roll, traced, visits) in all.ok_or(Trouble::Interrupted)? {
            stand.plain.push(plain);
            stand.rolls.push(roll);
            stand.traced.extend(traced);
            stand.visits.extend(visits);
        }
        stand.whose = self.whose(&stand.rolls);
        Ok(stand)
    }

    /// One thing down; `None` where it was stopped.
    fn column(&self, stand: &Stand<'b>, screen: &Screen, target: &Target, fault: FaultId) -> Option<Column> {
        let places = target.nodes(&self.checked.scenario);
        let differs: Vec<bool> = stand.whose.iter().map(|(who, _)| self.may_differ(screen, who, &places)).collect();
        if differs.iter().all(|differs| !differs) {
            let nothing: Vec<Option<Vec<Pair>>> = vec![None; differs.len()];
            return Some(self.placed(column(target, &stand.whose, &nothing, None, self.window.for_s), screen));
        }
        let ends = self.ends(target, screen).filter(|_| target.kind == Kind::Edge);
        let each = |index: u32| self.pair(stand, index as usize, fault, ends);
        let all: Option<Vec<_>> = parallel::each(self.replications(), self.threads, each).into_iter().collect();
        let all = all?;
        let of = |at: usize| differs[at].then(|| all.iter().map(|(pairs, _)| pairs[at]).collect());
        let pairs: Vec<Option<Vec<Pair>>> = (0..differs.len()).map(of).collect();
        let crossings: Option<Vec<Crossing>> = all.iter().map(|(_, crossing)| *crossing).collect();
        let column = column(target, &stand.whose, &pairs, crossings.as_deref(), self.window.for_s);
        Some(self.placed(column, screen))
    }

    fn may_differ(&self, screen: &Screen, who: &Whose, places: &[&str]) -> bool {
        let client = self.client_of(&who.name, who.flow);
        places.iter().any(|place| screen.meet(client, place))
    }

    /// The client whose requests are meant: a flow's is the one that starts it.
    fn client_of<'n>(&'n self, name: &'n str, flow: bool) -> &'n str {
        let flow = self.checked.scenario.flows.iter().find(|own| flow && own.name.value == name);
        flow.map_or(name, |flow| flow.starts.value.as_str())
    }

    /// With where it stands: whether clients call it, and the brokers between.
    fn placed(&self, mut column: Column, screen: &Screen) -> Column {
        let scenario = &self.checked.scenario;
        let calls = |client: &Client| client.calls.iter().any(|to| to.target.value.node == column.target.name);
        column.entry = scenario.clients.values().any(calls);
        if column.target.kind != Kind::Node {
            return column;
        }
        let to = column.target.name.clone();
        for (all, flow) in [(&mut column.clients, false), (&mut column.flows, true)] {
            for (name, cell) in all.iter_mut() {
                cell.sheltered_by = screen.sheltered(self.client_of(name, flow), &to, scenario);
            }
        }
        column
    }

    /// A replication with the outage, against the same without.
    fn pair(
        &self,
        stand: &Stand<'b>,
        index: usize,
        fault: FaultId,
        ends: Option<Ends>,
    ) -> Option<(Vec<Pair>, Option<Crossing>)> {
        let without = &stand.rolls[index];
        let (with, crossing) = match ends {
            None => {
                let mut machine = stand.plain[index].clone();
                machine.call_down(fault, self.begins());
                (self.end(machine)?.0, None)
            }
            Some(ends) => {
                let mut machine = stand.traced[index].clone();
                if let Some(visits) = &mut machine.probe_mut().1.0 {
                    visits.follow(ends.from);
                }
                machine.call_down(fault, self.begins());
                let (roll, (visits, _)) = self.end(machine)?;
                (roll, visits.map(|visits| crossing(&stand.visits[index], &visits, ends)))
            }
        };
        let theta = |who: &Whose| Span((who.late_after_ms * 1e6) as u64);
        let pairs = stand.whose.iter().map(|(who, party)| Pair::of(without, &with, *party, theta(who))).collect();
        Some((pairs, crossing))
    }

    /// Caller and callee of an edge, and who stands behind them.
    fn ends(&self, target: &Target, screen: &Screen) -> Option<Ends> {
        let arrow = Arrow::of(&target.name)?;
        let find = |name: &str| self.plan.nodes.iter().position(|node| node.name == name).map(|at| NodeId(at as u32));
        let clients = self.checked.scenario.clients.iter();
        let mut waiting = clients.filter(|(_, client)| matches!(client.load, Load::Closed { .. }));
        let closed = waiting.any(|(name, _)| screen.reached(name).contains(&arrow.from.to_owned()));
        Some(Ends { from: find(arrow.from)?, to: find(arrow.to)?, closed })
    }

    /// Clients and flows, and how they fare without any outage.
    fn whose(&self, rolls: &[Roll]) -> Vec<(Whose, Party)> {
        let clients = (0..self.plan.clients.len() as u32).map(Party::Client);
        let flows = (0..self.plan.flows.len() as u32).map(Party::Flow);
        let each =
            |party: Party| rolls.iter().flat_map(move |roll| roll.ends(party)).map(|(_, ends)| ends.len() as f64);
        let traffic: f64 = clients.clone().flat_map(each).sum();
        let one = |party| (self.one(rolls, party, traffic), party);
        let mut all: Vec<(Whose, Party)> = clients.chain(flows).map(one).collect();
        let sum: f64 = all.iter().map(|(who, _)| who.weight).sum();
        all.iter_mut().for_each(|(who, _)| who.weight /= if sum > 0.0 { sum } else { 1.0 });
        all
    }

    fn one(&self, rolls: &[Roll], party: Party, traffic: f64) -> Whose {
        let (name, flow) = match party {
            Party::Client(at) => (self.plan.node(self.plan.clients[at as usize].node).name.clone(), false),
            Party::Flow(at) => (self.plan.flows[at as usize].name.clone(), true),
        };
        let ends: Vec<(bool, Span)> =
            rolls.iter().flat_map(|roll| roll.ends(party)).flat_map(|(_, ends)| ends.clone()).collect();
        let mut good: Vec<Span> = ends.iter().filter(|end| end.0).map(|end| end.1).collect();
        good.sort_unstable();
        let p50_ms = good.get(good.len().saturating_sub(1) / 2).map(|span| span.as_millis_f64());
        let promise = self.promise(&name);
        let client = self.checked.scenario.clients.get(&name).filter(|_| !flow);
        let share = ends.len() as f64 / traffic.max(1.0);
        Whose {
            late_after_ms: promise.unwrap_or_else(|| (3.0 * p50_ms.unwrap_or_default()).max(LEAST_LATE_MS)),
            promised: promise.is_some(),
            p50_ms,
            served: good.len() as u64,
            weight: client.map_or(0.0, |client| client.weight.value.unwrap_or(share)),
            name,
            flow,
        }
    }

    /// The tightest promise about the latency of somebody's requests, ms.
    fn promise(&self, name: &str) -> Option<f64> {
        let own = self.checked.scenario.slos.iter().filter(|slo| slo.of.value == name);
        let bounds = own.filter_map(|slo| match slo.promise.metric {
            Metric::Percentile(_) | Metric::Max | Metric::Mean => Some(slo.promise.bound),
            Metric::Good(within) => Some(within),
            _ => None,
        });
        bounds.reduce(f64::min)
    }

    fn written(&self, column: &Column) -> String {
        let kept = Kept {
            hash: self.checked.hash.clone(),
            run: conditions(self.checked, self.window),
            column: column.clone(),
        };
        serde_json::to_string_pretty(&kept).unwrap_or_default()
    }

    /// A column that was kept by a study of the same scenario under the same conditions.
    fn read(&self, text: &str, target: &Target) -> Option<Column> {
        let kept: Kept = serde_json::from_str(text).ok()?;
        let same = kept.hash == self.checked.hash
            && kept.run == conditions(self.checked, self.window)
            && kept.column.target == *target;
        same.then_some(kept.column)
    }
}

fn conditions(checked: &Checked, window: Window) -> Conditions {
    let sim = &checked.scenario.sim;
    let clients = checked.scenario.clients.values();
    let closed = clients.filter(|client| matches!(client.load, Load::Closed { .. }));
    Conditions {
        seed: sim.seed.value,
        replications: sim.replications.value,
        duration_s: sim.duration.value.as_secs_f64(),
        confidence: CONFIDENCE,
        outage_at_s: window.at_s,
        outage_for_s: window.for_s,
        pairing: "common random numbers, request by request".into(),
        closed_clients: closed.map(|client| client.name.value.clone()).collect(),
        note: "simulated, not measured".into(),
    }
}

/// Under which name a column is kept.
fn key(target: &Target) -> String {
    let name = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
    let word = if target.hangs { "hangs" } else { "refuses" };
    let hash = crate::random::draw::name_hash(&target.fault());
    format!("{}-{word}-{hash:016x}", target.name.chars().map(name).take(80).collect::<String>())
}

/// A column on a shelf, and of what it is.
#[derive(Serialize, Deserialize)]
struct Kept {
    hash: String,
    run: Conditions,
    column: Column,
}
