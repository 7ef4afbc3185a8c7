//! The whole of a comparison: all are run, held against the first, and the winner is run again.

use super::{Cast, Comparison, Confirmed, WRITTEN, compare, confirm};
use crate::experiment::patterns;
use crate::experiment::run::{Watch, run};
use crate::experiment::study::{Part, Series, Trouble, each};
use crate::experiment::summary::Summary;
use crate::scenario::Checked;
use crate::scenario::written::{Client, Load};

/// What was compared, and what came of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures of each, under the names that they have in the comparison.
    pub summaries: Vec<Summary>,
    /// How the others differ from the first.
    pub comparison: Comparison,
    /// Whether all that belongs to it was run.
    pub whole: bool,
}

/// Runs a cast and compares. An interruption leaves what can be compared by then, if anything can.
///
/// ```
/// use hoptax::experiment::compare::{Cast, study};
/// use hoptax::experiment::study::Options;
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "2s", warmup = "0s", replications = 3 }
/// [clients.users]
/// calls = "web"
/// rate = "50/s"
/// [services.web]
/// work = "4ms"
/// concurrency = 2
/// [variants.quicker]
/// "services.web.work" = "1ms"
/// "#;
/// let cast = Cast::variants(&Source::text("web", text), None, None, &Options::default()).unwrap();
/// let study = study(&cast, None, &()).unwrap();
/// assert_eq!(study.comparison.total.quickest.as_deref(), Some("quicker"));
/// ```
pub fn study(cast: &Cast, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    let (names, checked): (Vec<String>, Vec<Checked>) = cast.scenarios.iter().cloned().unzip();
    // Where there is a choice, the winner is run again: two more.
    let choice = if checked.len() > 2 { 2 } else { 0 };
    let of = checked.len() + choice + if cast.edge.is_some() { checked.len() * patterns::RUNS } else { 0 };
    let Series { mut summaries, mut whole } = each(&checked, jobs, watch, of)?;
    // A run that was cut short has other replications than the rest: it cannot be paired.
    summaries.retain(|summary| !summary.run.partial);
    whole &= summaries.len() == checked.len();
    if summaries.len() < 2 {
        return Err(Trouble::Interrupted);
    }
    let mut comparison = told(&mut summaries, &names, closed_clients(&checked[0]), cast.notes.clone());
    let winner = names.iter().position(|name| comparison.total.quickest.as_deref() == Some(name));
    if let Some(winner) = winner.filter(|_| summaries.len() > 2) {
        let part = |at: usize| Part { whole: watch, at: checked.len() + at, of };
        match again(&checked[0], &checked[winner], jobs, [&part(0), &part(1)]) {
            Ok(confirmed) => comparison.total.confirmed = Some(confirmed),
            Err(_) => whole = false,
        }
    }
    if let (Some(edge), true) = (&cast.edge, whole) {
        match patterns::assess(edge, &cast.scenarios, &summaries, jobs, (watch, checked.len() + choice, of)) {
            Ok(patterns) => comparison.patterns = Some(patterns),
            Err(Trouble::Interrupted) => whole = false,
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(Study { summaries, comparison, whole })
}

/// Clients that wait for their answers.
fn closed_clients(checked: &Checked) -> Vec<String> {
    let closed = |client: &&Client| matches!(client.load, Load::Closed { .. });
    checked.scenario.clients.values().filter(closed).map(|client| client.name.value.clone()).collect()
}

/// The first against each of the others, under the names they have here.
fn told(
    summaries: &mut [Summary],
    names: &[String],
    closed_clients: Vec<String>,
    mut notes: Vec<String>,
) -> Comparison {
    for (summary, name) in summaries.iter_mut().zip(names) {
        summary.scenario.variant = (name != WRITTEN).then(|| name.clone());
    }
    let (base, others) = summaries.split_at(1);
    let lengths = |other: &&Summary| other.run.duration_s != base[0].run.duration_s;
    notes.extend(others.iter().filter(lengths).map(|other| {
        let (own, of) = (other.run.duration_s, base[0].run.duration_s);
        format!("{}: measured for {own} s, not {of} s", other.scenario.variant.as_deref().unwrap_or_default())
    }));
    compare(&base[0], others, closed_clients, notes)
}

/// The base and the winner again on the seed that follows, which had no part in choosing it.
fn again(
    base: &Checked,
    winner: &Checked,
    jobs: Option<usize>,
    watches: [&dyn Watch; 2],
) -> Result<Confirmed, Trouble> {
    let [base, winner] = [base, winner].map(|checked| {
        let mut fresh = checked.clone();
        fresh.scenario.sim.seed.value = fresh.scenario.sim.seed.value.wrapping_add(1);
        fresh
    });
    let (base, winner) = (run(&base, jobs, watches[0])?, run(&winner, jobs, watches[1])?);
    let whole = !base.run.partial && !winner.run.partial;
    if whole { Ok(confirm(&base, &winner)) } else { Err(Trouble::Interrupted) }
}
