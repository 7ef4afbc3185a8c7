//! What the network drops, and TCP sends again. See [`drop`](crate::model::fault::drop).
//!
//! A message that is dropped is one that is still on its way: it arrives again when it is sent again, and finds the network
//! whole, or not. Only where there are no connections it is kept until the fault is over.

use std::collections::BTreeMap;

use crate::model::fault::{Effect, drop};
use crate::model::id::NONE;
use crate::model::{Outcome, Probe};
use crate::random::{Draw, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::channel::{Hold, Stage};
use super::event::Event;
use super::frame::Cut;
use super::walk::{Flow, GONE};

/// Names the draw of how long a caller waits before it connects again.
const CONNECTS: u32 = 1 << 22;

/// Messages that are dropped, and connections on which some are.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// By frame: how often its message was sent again.
    again: BTreeMap<u32, u8>,
    /// Connections for several requests, by pool, number and direction: how often the first message that is missing was
    /// sent again, and when it will be next.
    stalls: BTreeMap<(u32, u32, bool), (u8, Time)>,
    /// Messages without a connection, and whether they are answers.
    kept: Vec<(u32, bool)>,
}

impl<P: Probe> Machine<'_, P> {
    /// A fault cuts a replica off its network, or is over.
    pub(super) fn cut_off(&mut self, replica: u32, on: bool) {
        let plight = &mut self.trouble.plights[replica as usize];
        plight.cuts = if on { plight.cuts + 1 } else { plight.cuts - 1 };
        if on && plight.cuts == 1 {
            self.lose_consumers(replica, false);
        } else if plight.cuts == 0 && self.is_ready(replica) {
            self.regain_consumers(replica);
        }
        self.watch(replica);
        self.recount(self.replicas[replica as usize].node);
    }

    /// Whether the network between a try's caller and its callee drops messages.
    pub(super) fn is_cut(&self, at: u32) -> bool {
        let frame = &self.frames[at];
        let link = self.plan.calls[frame.call as usize].link.index();
        let parts = |fault: &u32| matches!(self.plan.faults[*fault as usize].effect, Effect::Partition);
        let cut = |replica: u32| self.trouble.plights[replica as usize].cuts > 0;
        let calls = || !frame.abandoned && cut(self.frames[frame.caller].replica);
        self.trouble.on_link[link].iter().any(parts) || cut(self.callee_of(at)) || calls()
    }

    /// A message of a try arrives: says whether it does not, because it, or one before it on its connection, was dropped.
    pub(super) fn is_dropped(&mut self, at: u32, back: bool) -> bool {
        let cut = self.is_cut(at);
        if !cut && self.trouble.dropped.is_empty() {
            return false;
        }
        if !self.is_wired(at) {
            if cut {
                self.trouble.dropped.kept.push((at, back));
            }
            return cut;
        }
        let Some((nth, wait)) = self.trouble.dropped.next(at, self.shared(at, back), cut, self.now) else {
            return false;
        };
        if nth >= drop::RESENT {
            self.lose_connection(at, back);
        } else {
            self.schedule(wait, if back { Event::Return(at) } else { Event::Reach(at) });
        }
        true
    }

    /// The connection that a try shares with others, and the direction.
    fn shared(&self, at: u32, back: bool) -> Option<(u32, u32, bool)> {
        let channel = &self.plan.channels[self.plan.calls[self.frames[at].call as usize].channel as usize];
        let hold = self.holds[at as usize];
        (channel.streams > 1 && hold.conn != NONE).then_some((hold.pool, hold.conn, back))
    }

    /// A fault is over: what was kept goes on, where nothing else holds it.
    pub(super) fn deliver_kept(&mut self) {
        for (at, back) in std::mem::take(&mut self.trouble.dropped.kept) {
            if self.is_cut(at) {
                self.trouble.dropped.kept.push((at, back));
            } else {
                self.schedule(Span::ZERO, if back { Event::Return(at) } else { Event::Reach(at) });
            }
        }
    }

    /// A message was sent again for long enough: its sender gives the connection up.
    fn lose_connection(&mut self, at: u32, back: bool) {
        if let Some((pool, conn, _)) = self.shared(at, back) {
            self.trouble.dropped.stalls.remove(&(pool, conn, back));
            let channel = self.plan.calls[self.frames[at].call as usize].channel;
            let on_it = |(_, hold): &(u32, Hold)| hold.stage == Stage::Sent && (hold.pool, hold.conn) == (pool, conn);
            let others: Vec<(u32, Hold)> = self.wired_tries().into_iter().filter(on_it).collect();
            for (other, _) in &others {
                self.holds[*other as usize] = Hold::default();
            }
            self.pools[pool as usize].lose(conn);
            for (other, _) in others.into_iter().filter(|(other, _)| *other != at) {
                self.hear_reset(other);
                if self.frames[other].pc == GONE {
                    self.frames[other].cut = Cut::Dead;
                }
            }
            self.refill(pool, &self.plan.channels[channel as usize]);
        }
        if back {
            // The caller has nothing unacknowledged: it goes on waiting.
            return self.vanish(at);
        }
        let frame = &mut self.frames[at];
        frame.cut = Cut::Whole;
        frame.outcome = Outcome::Reset;
        frame.answered = true;
        self.hear_reset(at);
    }

    /// A handshake got no answer: the connection is asked for again, or given up.
    pub(super) fn dial_again(&mut self, at: u32) -> Flow {
        let hold = self.holds[at as usize];
        let channel = &self.plan.channels[self.plan.calls[self.frames[at].call as usize].channel as usize];
        let (asked, several) = (hold.asked, channel.streams > 1);
        if asked >= drop::ASKED {
            if several {
                self.back_off(at, hold.pool);
            }
            return self.fail_dial(at);
        }
        let waited: u64 = (0..asked).map(|nth| drop::question(nth).0).sum();
        let wait = drop::question(asked);
        let left = Span(drop::CONNECT.0.saturating_sub(waited));
        let last = several && wait >= left;
        self.holds[at as usize].asked = if last { drop::ASKED } else { asked + 1 };
        self.sleep(at, if last { left } else { wait });
        Flow::Stay
    }

    /// Connecting failed: it is not tried again for a while, counted from when it was begun.
    fn back_off(&mut self, at: u32, pool: u32) {
        let uniform = Draw::new(self.seed, self.frames[at].lineage, Purpose::Jitter, u64::from(CONNECTS)).unit();
        let pool = &mut self.pools[pool as usize];
        pool.fails += 1;
        let begun = self.now.0.saturating_sub(drop::CONNECT.0);
        pool.not_before = Time(begun) + drop::backoff(pool.fails, uniform);
    }
}

impl Dropped {
    /// Whether nothing is sent again.
    fn is_empty(&self) -> bool {
        self.stalls.is_empty() && self.again.is_empty()
    }

    /// A message arrives where the network is `cut`, or on a connection that stands still: how often it was sent again, and how
    /// long until it is once more; `None`: it passes.
    fn next(&mut self, at: u32, shared: Option<(u32, u32, bool)>, cut: bool, now: Time) -> Option<(u8, Span)> {
        let Some(key) = shared else {
            let nth = self.again.remove(&at).unwrap_or(0);
            if !cut {
                return None;
            }
            if nth < drop::RESENT {
                self.again.insert(at, nth + 1);
            }
            return Some((nth, drop::retransmission(nth)));
        };
        match self.stalls.get(&key) {
            Some((_, next)) if *next > now => Some((0, next.since(now))),
            Some(_) if !cut => {
                self.stalls.remove(&key);
                None
            }
            None if !cut => None,
            found => {
                let nth = found.map_or(0, |(nth, _)| *nth);
                let wait = drop::retransmission(nth);
                self.stalls.insert(key, (nth + 1, now + wait));
                Some((nth, wait))
            }
        }
    }
}
