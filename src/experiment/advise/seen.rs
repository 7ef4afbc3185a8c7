//! What a client sees of what it was promised: how long after its good answer the effect has happened, how often it never
//! happens, and how often twice. Request by request: an answer that took long is no answer that came long before its effect.

use crate::experiment::parallel;
use crate::experiment::run::{Watch, threads};
use crate::experiment::study::Trouble;
use crate::graph::Arrow;
use crate::machine::{Machine, Stop, replication_seed};
use crate::model::{Aside, ClientId, EdgeId, Fact, Open, Plan, Probe};
use crate::scenario::{Checked, lower};
use crate::units::{Span, Time};

/// When somebody looks, ms after the answer.
pub(super) const LOOKS: [f64; 4] = [0.0, 10.0, 100.0, 1_000.0];

/// What became of one flow in one replication.
#[derive(Clone, Debug, Default)]
pub(super) struct Effect {
    /// Effects that had not happened so long after the answer as each of [`LOOKS`] says, those that never did included.
    pub(super) late: [u64; LOOKS.len()],
    /// Effects that happened, each once.
    pub(super) done: u64,
    /// Times that one happened once more.
    pub(super) again: u64,
    /// From the answers to the effects that came after them, s.
    pub(super) between_s: f64,
    /// Neither done nor given up when the run stopped.
    open: u64,
}

/// What a sender asks a database to write, and the broker to which it sends afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between<'a> {
    pub(super) sender: &'a str,
    pub(super) write: &'a str,
    pub(super) broker: &'a str,
}

/// What one replication shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Good answers by client.
    pub(super) answered: Vec<u64>,
    /// Requests by client that had no answer when the run stopped.
    unanswered: Vec<u64>,
    /// By flow.
    pub(super) effects: Vec<Effect>,
    /// Faults that began in the measured time.
    pub(super) struck: u64,
    /// From when a write leaves its sender to when the message does, summed over all, s.
    pub(super) between_s: f64,
    between: Option<(EdgeId, EdgeId)>,
    /// The measured time.
    within: (Time, Time),
}

impl Seen {
    fn of(plan: &Plan, between: Option<Between<'_>>) -> Self {
        let edge = |to: &str, sender: &str| {
            let named = Arrow { from: sender, to }.to_string();
            let at = plan.edges.iter().position(|edge| plan.edge_name(*edge) == named)?;
            Some(EdgeId(at as u32))
        };
        let both = |between: Between<'_>| edge(between.write, between.sender).zip(edge(between.broker, between.sender));
        Self {
            answered: vec![0; plan.clients.len()],
            unanswered: vec![0; plan.clients.len()],
            effects: vec![Effect::default(); plan.flows.len()],
            struck: 0,
            between_s: 0.0,
            between: between.and_then(both),
            within: (Time(plan.warmup.0), Time((plan.warmup + plan.duration).0)),
        }
    }

    /// What was still open when the run stopped, and answered, has not happened, whenever one looks.
    fn close(mut self, plan: &Plan) -> Self {
        for (effect, flow) in self.effects.iter_mut().zip(&plan.flows) {
            let open = effect.open.saturating_sub(self.unanswered[flow.client.index()]);
            effect.late.iter_mut().for_each(|late| *late += open);
        }
        self
    }
}

impl Probe for Seen {
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Answered { client, outcome, measured: true, .. } if outcome.is_good() => {
                self.answered[client.index()] += 1;
            }
            Fact::Ended { flow, outcome, measured: true, promised, .. } => {
                let effect = &mut self.effects[flow.index()];
                let good = outcome.is_good();
                effect.done += u64::from(good);
                // Without a good answer nobody was promised anything, or the effect was there before it.
                let Some(after) = promised else { return };
                effect.between_s += if good { after.as_secs_f64() } else { 0.0 };
                for (late, look) in effect.late.iter_mut().zip(LOOKS) {
                    *late += u64::from(!good || after > Span::from_secs_f64(look / 1e3));
                }
            }
            // Each write has one message, so that their moments apart add up to the difference of the sums.
            Fact::Called { edge, measured: true } => match self.between {
                Some((asked, _)) if edge == asked => self.between_s -= now.0 as f64 / 1e9,
                Some((_, sent)) if edge == sent => self.between_s += now.0 as f64 / 1e9,
                _ => {}
            },
            Fact::Again { flow, measured: true } => self.effects[flow.index()].again += 1,
            Fact::LeftOpen(Open::Flow(flow), _) => self.effects[flow.index()].open += 1,
            Fact::LeftOpen(Open::Request(ClientId(client)), _) => self.unanswered[client as usize] += 1,
            Fact::Struck { on: true, .. } if now >= self.within.0 && now < self.within.1 => self.struck += 1,
            _ => {}
        }
    }
}

/// Every replication of a scenario, and what lies between a commit and its message, where that is asked for.
pub(super) fn seen(
    checked: &Checked,
    between: Option<Between<'_>>,
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Result<Vec<Seen>, Trouble> {
    let plan = lower(checked);
    let all = parallel::each(checked.scenario.sim.replications.value, threads(checked, jobs), |nth| {
        let mut seen = Seen::of(&plan, between);
        let machine = Machine::new(&plan, replication_seed(plan.seed, nth), Aside(&mut seen));
        let stop = machine.run(|_| !watch.stopped()).stop;
        (stop != Stop::Interrupted).then(|| seen.close(&plan))
    });
    all.into_iter().collect::<Option<Vec<Seen>>>().ok_or(Trouble::Interrupted)
}
