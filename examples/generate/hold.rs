//! What must hold in every scenario.

use hoptax::diag::Severity;
use hoptax::experiment;
use hoptax::experiment::summary::{Estimate, Summary};
use hoptax::machine::{Machine, replication_seed};
use hoptax::model::{Answer, Aside, Cell, Fact, Probe};
use hoptax::report::json;
use hoptax::scenario::{Checked, Edit, Rejected, Source, canonical, hash, load, lower};
use hoptax::units::{Span, Time};

/// Events of one replication at most: the scenarios are small, but retries multiply.
const EVENTS: u64 = 300_000;

/// What became of a drawn scenario in which everything holds.
pub(crate) enum Held {
    /// It was run: events.
    Run(u64),
    /// It was refused, as it would have needed more than [`EVENTS`]; what can be held without running it was.
    TooLong,
}

/// Runs a scenario and says what became of it, or what does not hold.
pub(crate) fn all(text: &str) -> Result<Held, String> {
    let source = Source::text("drawn", text);
    let refused = |r: Rejected| format!("refused: {:?}", r.complaints);
    reads_back(&load(&source, &[]).map_err(refused)?)?;
    let short = Edit::parse(&format!("sim.max_events={EVENTS}"))?;
    let checked = match load(&source, &[short]) {
        Err(rejected) if too_long(&rejected) => return Ok(Held::TooLong),
        other => other.map_err(refused)?,
    };
    adds_up(&checked)?;
    let one = experiment::run(&checked, Some(1), &()).map_err(|why| format!("{why:?}"))?;
    let two = experiment::run(&checked, Some(2), &()).map_err(|why| format!("{why:?}"))?;
    let events = one.run.events;
    counts(&one)?;
    if json::render(&[one]) != json::render(&[two]) {
        return Err("other bytes on two threads".into());
    }
    Ok(Held::Run(events))
}

/// Its length is all that speaks against it.
fn too_long(rejected: &Rejected) -> bool {
    rejected.complaints.iter().filter(|c| c.severity == Severity::Error).all(|c| c.code.name == "too-long-a-run")
}

/// The canonical form says the same and is its own canonical form.
fn reads_back(checked: &Checked) -> Result<(), String> {
    let text = canonical(checked.scenario());
    let again = load(&Source::text("drawn", &text), &[])
        .map_err(|r| format!("the canonical form does not read back: {:?}\n{text}", r.complaints))?;
    if hash(again.scenario()) != checked.hash() {
        return Err("the canonical form means something else".into());
    }
    // Once everything is said nothing is a default any more.
    let said = canonical(again.scenario());
    let third = load(&Source::text("drawn", &said), &[])
        .map_err(|r| format!("it does not read back twice: {:?}", r.complaints))?;
    if canonical(third.scenario()) != said {
        return Err("the canonical form of the canonical form is another".into());
    }
    Ok(())
}

/// The parts of the ledger of every answer add up to its latency.
fn adds_up(checked: &Checked) -> Result<(), String> {
    let plan = lower(checked);
    let mut sums = Sums::default();
    Machine::new(&plan, replication_seed(plan.seed, 0), Aside(&mut sums)).run(|_| true);
    let Sums { answers, wrong } = sums;
    if wrong > 0 { Err(format!("the ledger of {wrong} of {answers} answers does not add up")) } else { Ok(()) }
}

#[derive(Default)]
struct Sums {
    answers: u64,
    wrong: u64,
}

impl Probe for Sums {
    fn accounts(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        self.answers += 1;
        self.wrong += u64::from(parts.map(|part| part.1.0).sum::<u64>() != answer.latency.0);
    }
}

/// Every request is counted once, and no share is above 1.
fn counts(summary: &Summary) -> Result<(), String> {
    if !summary.conservation.holds {
        return Err(format!("not conserved: {:?}", summary.conservation));
    }
    let share = |what: &str, of: &str, share: Estimate| match share.value {
        Some(value) if !(-1e-9..=1.0 + 1e-9).contains(&value) => Err(format!("{what} of {of} is {value}")),
        _ => Ok(()),
    };
    for (name, node) in &summary.nodes {
        share("utilization", name, node.utilization)?;
        share("wasted_share", name, node.wasted_share)?;
        share("p_wait", name, node.p_wait)?;
        share("p_full", name, node.p_full)?;
    }
    for (name, stats) in summary.clients.iter().chain(&summary.flows).chain(&summary.edges).chain(&summary.endpoints) {
        share("success_rate", name, stats.success_rate)?;
        // Who has no answer is among the failed.
        let ended = stats.succeeded + stats.failed.values().sum::<u64>();
        let open = stats.failed.get("unanswered").copied().unwrap_or(0);
        if ended != stats.arrived || open != stats.in_flight_at_end {
            return Err(format!("{name}: {} arrived, {ended} are told of, {open} have no answer", stats.arrived));
        }
    }
    Ok(())
}
