//! Lost messages on connections that carry many: what left behind one waits for it, as TCP delivers in order, and makes that it is
//! sent again sooner. See [`transport`](crate::model::transport).
//!
//! A gap is a message that is missing, with those that wait for it. Gaps of a connection and direction follow each other: what is behind
//! the second waits for the first, too.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::model::id::NONE;
use crate::model::plan::Call;
use crate::model::transport::{DUPLICATES, segments};
use crate::random::Purpose;
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::{Event, Rare};
use crate::machine::wire::way::timeouts;
use crate::machine::wire::{Hold, Wire};

/// A message that is missing.
#[derive(Clone, Debug)]
struct Gap {
    /// The pool and its connection, and the direction.
    place: (u32, u32, usize),
    /// When it will be there.
    due: Time,
    /// Whether it is.
    mended: bool,
    /// How often it was lost.
    losses: u32,
    /// Segments that left after it.
    behind: u32,
    /// The gaps before it and after it on its connection.
    before: u32,
    after: u32,
    /// It, and what waits for it: what happens when it arrives, and when that would be.
    held: Vec<(Event, Time)>,
}

/// All gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stalls {
    gaps: Vec<Gap>,
    free: Vec<u32>,
}

impl Stalls {
    /// Whether nothing is missing.
    pub(crate) fn are_quiet(&self) -> bool {
        self.gaps.len() == self.free.len()
    }

    fn put(&mut self, gap: Gap) -> u32 {
        if let Some(at) = self.free.pop() {
            self.gaps[at as usize] = gap;
            return at;
        }
        self.gaps.push(gap);
        self.gaps.len() as u32 - 1
    }
}

/// Names the draws of the ways of what a gap makes the receiver say, and of what is sent again for it.
const AGAIN: u32 = 1 << 19;

impl Wire {
    /// A message that takes so long is on its way; on a connection where messages may be lost it may have to wait for others.
    #[inline]
    pub(crate) fn carry<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, takes: Span, event: Event) {
        let call = &core.plan.calls[core.frames[at].call as usize];
        if core.is_in_order(call) && self.holds.get(at).conn != NONE {
            return self.keep_order(core, at, takes, event);
        }
        core.schedule_steadily(takes, event);
    }

    /// The same on a connection for many: it is lost, waits behind what is, or arrives.
    #[inline(never)]
    fn keep_order<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, takes: Span, event: Event) {
        let Hold { pool, conn, .. } = self.holds[at];
        let (lineage, call) = (core.frames[at].lineage, &core.plan.calls[core.frames[at].call as usize]);
        let back = matches!(event, Event::Return(_));
        let (way, side) = (if back { Purpose::Back } else { Purpose::There }, usize::from(back));
        let loss = core.plan.link(call.link).pipe.map_or(0.0, |pipe| pipe.loss);
        let losses = core.losses(lineage, way, loss);
        let last = self.pools[pool as usize].conns[conn as usize].gaps[side];
        if losses == 0 {
            // It arrives, and the receiver says that something is missing; that is sent again.
            let far = core.way(at);
            let word = core.vary(far, lineage, way, AGAIN) + core.vary(far, lineage, way, AGAIN + 1);
            self.push_on(core, last, segments(call.bytes[side]), takes + word);
            match self.stalls.gaps.get_mut(last as usize) {
                Some(gap) => gap.held.push((event, core.now + takes)),
                None => core.schedule_steadily(takes, event),
            }
            return;
        }
        let due = core.now + takes + timeouts(losses);
        let held = vec![(event, Time(0))];
        let place = (pool, conn, side);
        let gap = Gap { place, due, mended: false, losses, behind: 0, before: last, after: NONE, held };
        let new = self.stalls.put(gap);
        if let Some(gap) = self.stalls.gaps.get_mut(last as usize) {
            gap.after = new;
        }
        self.pools[pool as usize].conns[conn as usize].gaps[side] = new;
        core.agenda.push(due, Phase::Arrival, Rare::Mend(new).event());
    }

    /// Segments arrive behind gaps: one that has enough behind it now is closed after a while, if that is sooner.
    fn push_on<P: Probe>(&mut self, core: &mut Core<'_, P>, last: u32, segments: u32, after: Span) {
        let mut at = last;
        while let Some(gap) = self.stalls.gaps.get_mut(at as usize) {
            let before = gap.behind;
            gap.behind = before.saturating_add(segments);
            let due = core.now + after + timeouts(gap.losses - 1);
            if before < DUPLICATES && gap.behind >= DUPLICATES && due < gap.due {
                gap.due = due;
                core.agenda.push(due, Phase::Arrival, Rare::Mend(at).event());
            }
            at = gap.before;
        }
    }

    /// A gap may be closed: what waited for it, and for nothing before it, arrives.
    pub(crate) fn mend<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let gap = &mut self.stalls.gaps[at as usize];
        if gap.due != core.now || gap.mended {
            return;
        }
        gap.mended = true;
        if gap.before != NONE {
            return;
        }
        let mut first = at;
        while let Some(gap) = self.stalls.gaps.get_mut(first as usize).filter(|gap| gap.mended) {
            let (held, after, (pool, conn, side)) = (std::mem::take(&mut gap.held), gap.after, gap.place);
            // What came after a fault has forgotten the pool finds another connection there, or none.
            if let Some(conn) = self.pools[pool as usize].conns.get_mut(conn as usize)
                && conn.gaps[side] == first
            {
                conn.gaps[side] = NONE;
            }
            self.stalls.free.push(first);
            for (event, arrives) in held {
                core.agenda.push(arrives.max(core.now), Phase::Arrival, event);
            }
            first = after;
            if let Some(next) = self.stalls.gaps.get_mut(first as usize) {
                next.before = NONE;
            }
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// Whether the messages of a call wait for those that were lost before them.
    #[inline]
    pub(crate) fn is_in_order(&self, call: &Call) -> bool {
        let channel = self.plan.channels.get(call.channel as usize);
        channel.is_some_and(|channel| channel.ordered) && call.route == NONE
    }
}
