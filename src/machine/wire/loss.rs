//! What faults do to what is on the wire.

use crate::model::Probe;
use crate::model::fault::{Effect, drop};
use crate::model::id::NONE;
use crate::random::{Draw, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Origin};
use crate::machine::core::{Core, DIAL, GONE};
use crate::machine::wire::{Hold, Stage, Wire};

/// Names the draw of a reset's way to the caller.
pub(crate) const RESET: u32 = 1 << 21;

/// Names the draw of how long a caller waits before it connects again.
const CONNECTS: u32 = 1 << 22;

impl Wire {
    /// Whether a handshake gets no answer.
    #[inline(never)]
    pub(crate) fn is_refused<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let frame = &core.frames[at];
        let plight = core.trouble.plights[frame.replica as usize];
        let accepted = plight.hangs > 0 && plight.hangs == plight.down;
        frame.state.cut == Cut::Astray
            || core.is_stuck(at)
            || self.is_unanswered(core, at)
            || self.is_swallowed(core, at)
            || plight.down > 0 && !accepted
            || self.is_unpassable(core, at, core.caller_of(at))
    }

    /// Whether nobody answers a handshake, not even a kernel.
    pub(crate) fn is_unanswered<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let plight = core.trouble.plights[core.frames[at].replica as usize];
        plight.holes > plight.hangs || self.is_cut(core, at)
    }

    /// Whether a handshake wants something of a process that hangs, or did: its kernel takes the connection and no more, so
    /// that TLS is never agreed on, and HTTP/2 never hears the callee's settings.
    pub(crate) fn is_swallowed<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let hangs = core.trouble.plights[core.frames[at].replica as usize].hangs > 0;
        let channel = core.channel_of(at);
        let wants = channel.streams > 1 || channel.round_trips > 1 || channel.callee_cpu > Span::ZERO;
        self.holds[at].asked == drop::SWALLOWED || hangs && wants
    }

    /// Whether nobody will ever answer a handshake.
    pub(crate) fn is_hopeless<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let swallowed = self.holds[at].asked == drop::SWALLOWED;
        self.is_unheard(core, at) || swallowed && core.channel_of(at).streams == 1
    }

    /// A handshake is lost in a process that hangs, for good, as a request is: says whether it is over by now. Where it is for
    /// several requests the library gives it up after a while; for one, nobody but its caller does.
    pub(crate) fn swallow<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let hold = &mut self.holds[at];
        if hold.asked == drop::SWALLOWED {
            let pool = hold.pool;
            self.back_off(core, at, pool);
            return true;
        }
        hold.asked = drop::SWALLOWED;
        if core.channel_of(at).streams > 1 {
            core.sleep(at, drop::CONNECT);
        }
        false
    }

    /// Callers of whatever is in flight to a replica, or in progress there, are to hear that it is lost; the work goes on.
    pub(crate) fn sever<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for at in core.frames.live_slots() {
            let frame = &core.frames[at];
            let here = frame.origin == Origin::Try && (frame.replica == replica || core.passes(at, replica));
            if here && self.is_sent(core, at) {
                core.sever(at);
            }
        }
    }

    /// A connection is closed by its callee: whoever waits for an answer on it hears of that.
    pub(crate) fn close_under<P: Probe>(&mut self, core: &mut Core<'_, P>, pool: u32, conn: u32) {
        for (at, hold) in self.wired_tries(core) {
            if hold.stage == Stage::Sent && (hold.pool, hold.conn) == (pool, conn) {
                self.holds[at] = Hold::default();
                core.sever(at);
            }
        }
        self.pools[pool as usize].lose(conn);
    }

    /// Handshakes with a replica that moved lead nowhere.
    pub(crate) fn mislead<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for (at, hold) in self.wired_tries(core) {
            let dials = matches!(hold.stage, Stage::Dialling(_));
            if dials && self.pools[hold.pool as usize].conns[hold.conn as usize].replica == replica {
                core.frames[at].state.cut = Cut::Astray;
            }
        }
    }

    /// Whether a try goes to an old address where nothing answers.
    pub(crate) fn is_unheard<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        core.frames[at].state.cut == Cut::Astray && self.names.silent[self.callee_of(core, at) as usize]
    }

    /// The replica that a try is meant for: in the middle of a handshake its frame may be at work at the caller's.
    pub(crate) fn callee_of<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> u32 {
        let hold = self.holds.get(at);
        if core.is_wired(at) && matches!(hold.stage, Stage::Dialling(_)) {
            self.pools[hold.pool as usize].conns[hold.conn as usize].replica
        } else {
            core.frames[at].replica
        }
    }

    /// Whether the network between a try's caller and its callee drops messages.
    pub(crate) fn is_cut<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let frame = &core.frames[at];
        let link = core.plan.calls[frame.call as usize].link.index();
        let parts = |fault: &u32| {
            let fault = &core.plan.faults[*fault as usize];
            fault.effect == Effect::Partition && (fault.inside.is_empty() || core.is_across(fault, at))
        };
        let cut = |replica: u32| core.trouble.plights[replica as usize].cuts > 0;
        let calls = || !frame.marks.abandoned && cut(core.frames[frame.caller].replica);
        core.trouble.on_link[link].iter().any(parts) || cut(self.callee_of(core, at)) || calls()
    }

    /// The connection that a try shares with others, and the direction.
    pub(crate) fn shared<P: Probe>(&self, core: &Core<'_, P>, at: u32, back: bool) -> Option<(u32, u32, bool)> {
        let channel = &core.plan.channels[core.plan.calls[core.frames[at].call as usize].channel as usize];
        let hold = self.holds[at];
        (channel.streams > 1 && hold.conn != NONE).then_some((hold.pool, hold.conn, back))
    }

    /// A fault is over: what was kept goes on, where nothing else holds it.
    pub(crate) fn deliver_kept<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        for (at, back) in std::mem::take(&mut core.trouble.dropped.kept) {
            if self.is_cut(core, at) {
                core.trouble.dropped.kept.push((at, back));
            } else {
                core.schedule(Span::ZERO, if back { Event::Return(at) } else { Event::Reach(at) });
            }
        }
    }

    /// Connecting failed: it is not tried again for a while, counted from when it was begun.
    pub(crate) fn back_off<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, pool: u32) {
        let uniform = Draw::new(core.seed, core.frames[at].lineage, Purpose::Jitter, u64::from(CONNECTS)).unit();
        let pool = &mut self.pools[pool as usize];
        pool.fails += 1;
        let begun = core.now.0.saturating_sub(drop::CONNECT.0);
        pool.not_before = Time(begun) + drop::backoff(pool.fails, uniform);
    }
}

impl<P: Probe> Core<'_, P> {
    /// The caller of a try that was sent is to hear that its connection is lost; the work goes on.
    fn sever(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        if frame.pc == GONE || frame.marks.abandoned || frame.state.cut != Cut::Whole {
            return;
        }
        frame.state.cut = Cut::Severed;
        if frame.pc != DIAL.0 {
            let lineage = frame.lineage;
            let back = self.vary(self.way(at), lineage, Purpose::Back, RESET);
            self.schedule(back, Event::Return(at));
        }
    }
}
