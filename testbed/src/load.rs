//! All clients of a scenario in one process: they send when the plan says, whatever comes back (open), or think and wait for their
//! answers (closed). Every request is told when it has ended, with the moment at which it was meant to set out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hoptax::model::source::{Closed, Naming, Pace, Source};
use hoptax::model::{ClientId, Outcome, Plan};
use hoptax::random::Lineage;
use hoptax::units::Time;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::brief::{self, Brief, Start};
use crate::site::Site;
use crate::site::frame::{Frame, Whose};
use crate::site::stop::Stop;
use crate::site::walk;
use crate::timer::Timers;

/// The last line.
pub(crate) const DONE: &str = "done";

/// A request that has ended; times in ns since time zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The client.
    pub(crate) client: u32,
    /// Which of its requests, from 0.
    pub(crate) nth: u64,
    /// When it was meant to set out.
    pub(crate) intended: u64,
    /// When it did.
    pub(crate) started: u64,
    /// When its client knew how it ended; 0: it was left open.
    pub(crate) ended: u64,
    /// How, by its place among all outcomes.
    pub(crate) outcome: u8,
}

impl Sent {
    /// As a line.
    fn line(&self) -> String {
        let Self { client, nth, intended, started, ended, outcome } = self;
        format!("{client} {nth} {intended} {started} {ended} {outcome}")
    }

    /// From a line.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut next = || words.next()?.parse::<u64>().ok();
        Some(Self {
            client: next()? as u32,
            nth: next()?,
            intended: next()?,
            started: next()?,
            ended: next()?,
            outcome: next()? as u8,
        })
    }

    /// How it ended; `None`: it was left open.
    pub(crate) fn how(&self) -> Option<Outcome> {
        let all = std::iter::once(Outcome::Succeeded).chain(Outcome::FAILURES);
        (self.ended > 0).then(|| all.into_iter().find(|outcome| *outcome as u8 == self.outcome))?
    }
}

/// Measured requests that are open, by client and number: when each was meant to set out, and when it did.
type Open = RefCell<BTreeMap<(u32, u64), [u64; 2]>>;

/// A client under way.
struct Sender {
    client: ClientId,
    site: Rc<Site>,
    /// Requests so far.
    roots: Cell<u64>,
    open: Rc<Open>,
    ended: Rc<Notify>,
}

/// Puts load on until all measured requests have ended, or the scenario's patience has.
pub(crate) async fn run(
    plan: Rc<Plan>,
    told: &Brief,
    timers: Rc<Timers>,
    lines: &mut UnboundedReceiver<String>,
) -> Result<(), String> {
    let start: Start = brief::heard(lines).await?;
    let (open, ended) = (Rc::<Open>::default(), Rc::new(Notify::new()));
    let mut clock = None;
    for (at, client) in plan.clients.iter().enumerate() {
        let replica = plan.node(client.node).first_replica;
        let site = Site::new(Rc::clone(&plan), replica, told.seed, told.burn, Rc::clone(&timers));
        site.begin(start.clone());
        clock = Some(Rc::clone(&site));
        let sender = Sender {
            client: ClientId(at as u32),
            site,
            roots: Cell::new(0),
            open: Rc::clone(&open),
            ended: Rc::clone(&ended),
        };
        Rc::new(sender).begin();
    }
    let Some(site) = clock else { return Err("no client sends anything".into()) };
    let close = plan.warmup.0 + plan.duration.0;
    site.until(close).await;
    let patience = close.saturating_add(plan.patience.0);
    while !open.borrow().is_empty() && site.now() < patience {
        tokio::select! {
            () = ended.notified() => {}
            () = site.until(patience) => {}
        }
    }
    // Nothing that did not end may be missing.
    for ((client, nth), [intended, started]) in open.take() {
        brief::say_line(&Sent { client, nth, intended, started, ended: 0, outcome: 0 }.line());
    }
    brief::say_line(DONE);
    while lines.recv().await.is_some() {}
    Ok(())
}

impl Sender {
    fn begin(self: Rc<Self>) {
        let plan = Rc::clone(&self.site.plan);
        match &plan.clients[self.client.index()].source {
            Source::Closed(closed) => {
                for user in 0..closed.users {
                    tokio::task::spawn_local(Rc::clone(&self).user(user));
                }
            }
            _ => _ = tokio::task::spawn_local(self.open_load()),
        }
    }

    fn naming(&self) -> Naming {
        Naming { seed: self.site.seed(), source: self.site.plan.clients[self.client.index()].hash }
    }

    /// Sends at the very moments of the simulated run.
    async fn open_load(self: Rc<Self>) {
        let plan = Rc::clone(&self.site.plan);
        let source = &plan.clients[self.client.index()].source;
        let (mut pace, mut now, naming) = (Pace::default(), Time(0), self.naming());
        loop {
            let Some(at) = source.next(now, &mut pace, naming) else { return };
            now = at;
            self.site.until(at.0).await;
            for _ in 0..source.batch(pace.arrivals, naming) {
                let lineage = Lineage::root(naming.source, self.roots.get());
                let sender = Rc::clone(&self);
                let root = sender.set_out(at.0);
                tokio::task::spawn_local(async move { sender.request(root, at.0, lineage).await });
            }
        }
    }

    /// One of the users of a closed client.
    async fn user(self: Rc<Self>, user: u32) {
        let plan = Rc::clone(&self.site.plan);
        let Source::Closed(closed) = &plan.clients[self.client.index()].source else { return };
        let closed: &Closed = closed;
        for round in 0.. {
            let think = closed.think(user, round, self.naming());
            let at = self.site.now() + think;
            self.site.until(at).await;
            let lineage = Lineage::root(self.naming().source, u64::from(user) << 40 | (round + 1));
            let root = self.set_out(at);
            self.request(root, at, lineage).await;
        }
    }

    /// A request is meant to set out; which of its client's it is.
    fn set_out(&self, intended: u64) -> u64 {
        let nth = self.roots.replace(self.roots.get() + 1);
        if self.site.is_measured(intended) {
            self.open.borrow_mut().insert((self.client.0, nth), [intended; 2]);
        }
        nth
    }

    async fn request(&self, nth: u64, intended: u64, lineage: Lineage) {
        let started = self.site.now();
        self.open.borrow_mut().entry((self.client.0, nth)).and_modify(|open| open[1] = started);
        let client = &self.site.plan.clients[self.client.index()];
        let whose = Whose { priority: client.priority, deadline: u64::MAX };
        let mut frame = Frame::new(lineage, whose, None, Rc::new(Stop::default()));
        let outcome = walk::walk(&self.site, &mut frame, client.entry.0).await.unwrap_or_default();
        let ended = self.site.now();
        // Whoever comes back after all was told as open is late for good.
        if self.open.borrow_mut().remove(&(self.client.0, nth)).is_some() {
            let sent = Sent { client: self.client.0, nth, intended, started, ended, outcome: outcome as u8 };
            brief::say_line(&sent.line());
            self.ended.notify_waiters();
        }
    }
}
