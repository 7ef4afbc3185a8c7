//! The request that was asked for, among all that were measured.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ClientId, Fact, Opening, Outcome, Plan, Probe, Trace as Moment};
use crate::units::Time;

use super::Pick;

/// A request that was found.
#[derive(Debug)]
pub(in crate::experiment) struct Found {
    pub(in crate::experiment) client: ClientId,
    /// Which of the client's requests, from 0.
    pub(in crate::experiment) nth: u64,
    /// Which of its measured ones, from 1.
    pub(in crate::experiment) measured: u64,
    /// Among which it was chosen, where nobody said whose it was to be.
    pub(super) among: Option<String>,
}

/// A measured request: which of its client's, how long it took, whether it ended well.
#[derive(Clone, Copy, Debug)]
struct Sent {
    nth: u64,
    latency: Option<u64>,
    failed: Option<Outcome>,
}

/// Hears of all measured requests.
#[derive(Debug)]
pub(in crate::experiment) struct Finder {
    /// By client.
    sent: Vec<Vec<Sent>>,
    /// Frames of requests under way: whose, where in `sent`, and since when.
    open: BTreeMap<u32, (usize, usize, Time)>,
}

impl Finder {
    pub(in crate::experiment) fn of(plan: &Plan) -> Self {
        Self { sent: vec![Vec::new(); plan.clients.len()], open: BTreeMap::new() }
    }

    /// How many requests were measured, of all clients.
    pub(super) fn measured(&self) -> u64 {
        self.sent.iter().map(|sent| sent.len() as u64).sum()
    }

    /// The request that was asked for. Where no client is named, the slowest and percentiles are those of all, a failure is
    /// one of the client with most of them, and a number counts the requests of the first.
    ///
    /// The error is a fragment that says why there is none.
    pub(super) fn choose(&self, plan: &Plan, pick: Pick, client: Option<&str>) -> Result<Found, String> {
        let (names, named) = names(plan, client)?;
        let whose: Vec<usize> = named.map_or_else(|| (0..names.len()).collect(), |at| vec![at]);
        let (client, at) = self.pick(pick, &whose).ok_or_else(|| self.missing(&names, named))?;
        let several = whose.len() > 1;
        let all = names.len();
        let among = several.then(|| match pick {
            Pick::Failed => format!("most failures of {all} clients"),
            Pick::Slowest => format!("slowest of {all} clients"),
            Pick::Quantile(_) => format!("all {all} clients together"),
            Pick::Nth(_) => format!("first of {all} clients"),
        });
        let measured = at as u64 + 1;
        Ok(Found { client: ClientId(client as u32), nth: self.sent[client][at].nth, measured, among })
    }

    /// Several requests, the slowest first: at a percentile, whatever took longer; of failures, all of that client. Where there
    /// are more than `most`, these are spread evenly among them; how many there are.
    ///
    /// The error is a fragment that says why there is none.
    pub(in crate::experiment) fn several(
        &self,
        plan: &Plan,
        (pick, client, most): (Pick, Option<&str>, usize),
    ) -> Result<(Vec<Found>, usize), String> {
        let (names, named) = names(plan, client)?;
        let whose: Vec<usize> = named.map_or_else(|| (0..names.len()).collect(), |at| vec![at]);
        let all: Vec<(usize, usize)> = match pick {
            Pick::Quantile(q) => {
                let mut good = self.good(&whose);
                let rank = (q * good.len() as f64).ceil() as usize;
                good.drain(..rank.clamp(1, good.len().max(1)) - 1);
                good.reverse();
                good
            }
            Pick::Failed => {
                let most = self.pick(pick, &whose).map(|(client, _)| client);
                let of = |c: usize| {
                    (0..).zip(&self.sent[c]).filter(|(_, s)| s.latency.is_none()).map(move |(at, _)| (c, at))
                };
                most.into_iter().flat_map(of).collect()
            }
            Pick::Slowest | Pick::Nth(_) => self.pick(pick, &whose).into_iter().collect(),
        };
        let found = |&(client, at): &(usize, usize)| Found {
            client: ClientId(client as u32),
            nth: self.sent[client][at].nth,
            measured: at as u64 + 1,
            among: None,
        };
        let some = all.len().min(most);
        let picked: Vec<Found> = (0..some).map(|nth| found(&all[nth * all.len() / some])).collect();
        if picked.is_empty() { Err(self.missing(&names, named)) } else { Ok((picked, all.len())) }
    }

    /// Forgets those under way: of a run that was stopped nobody knows how they would have ended.
    pub(in crate::experiment) fn forget_open(&mut self) {
        let open: BTreeSet<(usize, usize)> = self.open.values().map(|(client, at, _)| (*client, *at)).collect();
        for (client, sent) in self.sent.iter_mut().enumerate() {
            let all = std::mem::take(sent).into_iter().enumerate();
            sent.extend(all.filter(|(at, _)| !open.contains(&(client, *at))).map(|(_, one)| one));
        }
    }

    fn pick(&self, pick: Pick, whose: &[usize]) -> Option<(usize, usize)> {
        let first = *whose.first()?;
        match pick {
            Pick::Nth(n) => (n as usize).checked_sub(1).filter(|at| *at < self.sent[first].len()).map(|at| (first, at)),
            Pick::Failed => {
                let failures = |at: usize| self.sent[at].iter().filter(|sent| sent.latency.is_none()).count();
                let most = whose.iter().copied().max_by_key(|at| (failures(*at), Reverse(*at)))?;
                self.failed(most).map(|at| (most, at))
            }
            Pick::Slowest => self.good(whose).last().copied(),
            Pick::Quantile(q) => {
                let good = self.good(whose);
                let rank = (q * good.len() as f64).ceil() as usize;
                good.get(rank.clamp(1, good.len().max(1)) - 1).copied()
            }
        }
    }

    /// The successes of these clients, the quickest first.
    fn good(&self, whose: &[usize]) -> Vec<(usize, usize)> {
        let all = whose.iter().flat_map(|c| (0..).zip(&self.sent[*c]).map(|(at, sent)| (sent.latency, *c, at)));
        let mut good: Vec<(u64, usize, usize)> = all.filter_map(|(latency, c, at)| Some((latency?, c, at))).collect();
        good.sort_unstable();
        good.into_iter().map(|(_, c, at)| (c, at)).collect()
    }

    /// The first of those that failed as most did.
    fn failed(&self, client: usize) -> Option<usize> {
        // What never ended is a way to fail of its own.
        let mut ways: BTreeMap<Option<Outcome>, (u64, usize)> = BTreeMap::new();
        for (at, sent) in self.sent[client].iter().enumerate().filter(|(_, sent)| sent.latency.is_none()) {
            ways.entry(sent.failed).or_insert((0, at)).0 += 1;
        }
        ways.into_values().max_by_key(|(count, first)| (*count, Reverse(*first))).map(|(_, first)| first)
    }

    /// Why there is none: what there was of the client that was named, and of the others.
    fn missing(&self, names: &[&str], named: Option<usize>) -> String {
        let told = |at: usize| {
            let (all, good) = (self.sent[at].len(), self.good(&[at]).len());
            format!("of `{}` {all} were measured, {good} of them ended well, {} failed", names[at], all - good)
        };
        let others = (0..names.len()).filter(|at| Some(*at) != named);
        let parts: Vec<String> = named.into_iter().chain(others).take(MOST).map(told).collect();
        format!("no such request in this replication; {}", parts.join("; "))
    }
}

/// The clients, and which of them was named.
fn names<'p>(plan: &'p Plan, client: Option<&str>) -> Result<(Vec<&'p str>, Option<usize>), String> {
    let names: Vec<&str> = plan.clients.iter().map(|c| plan.node(c.node).name.as_str()).collect();
    let place = |name: &str| names.iter().position(|n| *n == name);
    let named =
        client.map(|name| place(name).ok_or_else(|| format!("no client `{name}`; there are {}", names.join(", "))));
    let named = named.transpose()?;
    Ok((names, named))
}

/// Clients that a message names.
const MOST: usize = 6;

impl Probe for Finder {
    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Moment) {
        match moment {
            Moment::Opened { frame, opening: Opening::Root { client, nth, measured: true }, at } => {
                let sent = &mut self.sent[client.index()];
                self.open.insert(frame, (client.index(), sent.len(), at));
                sent.push(Sent { nth, latency: None, failed: None });
            }
            Moment::Closed { frame, outcome, at, .. } => {
                if let Some((client, sent, since)) = self.open.remove(&frame) {
                    let good = outcome.is_good();
                    let sent = &mut self.sent[client][sent];
                    sent.latency = good.then(|| at.since(since).0);
                    sent.failed = (!good).then_some(outcome);
                }
            }
            _ => {}
        }
    }
}
