//! On the way: how long messages take between a caller and its callee, and how callers learn from that.

use crate::machine::wire::Stage;
use crate::model::balance::Balancer;
use crate::model::plan::{Call, Pipe};
use crate::model::transport::RETRANSMISSION;
use crate::model::{Cause, Fact, LawId, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Origin};
use crate::machine::wire::Wire;

impl Wire {
    /// All messages of a stream but the last take their place on a link as if they followed the first at once; says how long
    /// that one waits for the link and takes on it.
    pub(crate) fn send_ahead<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        call: &Call,
        pipe: Pipe,
        messages: u32,
    ) -> Span {
        let each = pipe.takes(call.bytes[1] / u64::from(messages));
        let free = &mut self.pipes[call.link.index()][1];
        let first = (*free).max(core.now) + Span(each);
        *free = first + Span(each * u64::from(messages - 2));
        first.since(core.now)
    }

    /// A try leaves its caller's replica.
    #[inline(always)]
    pub(crate) fn send<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let site = &core.sites[core.frames[at].call as usize];
        let ways = site.ways;
        if site.tracks {
            self.names.track(core, at);
        }
        if ways.straight {
            core.schedule_steadily(ways.there, Event::Reach(at));
        } else {
            self.set_out(core, at);
        }
    }

    /// How long a request takes to its callee, where there is more to it than a latency.
    #[inline(never)]
    pub(crate) fn way_there<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Span {
        let frame = &core.frames[at];
        let (lineage, call) = (frame.lineage, &core.plan.calls[frame.call as usize]);
        let mut there = core.vary(core.way(at), lineage, Purpose::There, 0);
        if let Some(pipe) = core.plan.link(call.link).pipe {
            there += self.squeeze(core, call, pipe, lineage, Purpose::There);
        }
        if let Some(proxy) = call.proxy {
            there += core.pass_proxy(at, proxy, Purpose::There);
        }
        if core.is_troubled() {
            there += core.delay(at, false);
        }
        if call.segments[0] > 0 {
            there += self.start_slowly(core, at, call.segments[0], Purpose::There);
        }
        there
    }

    /// The time a message waits for its link and takes on it beyond the latency: bandwidth, first come, first served, and
    /// what is lost is sent again after the retransmission timeout (RFC 6298; Linux waits 200 ms at least, and doubles).
    #[inline(never)]
    fn squeeze<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        call: &Call,
        pipe: Pipe,
        lineage: Lineage,
        way: Purpose,
    ) -> Span {
        let back = usize::from(way == Purpose::Back);
        let mut extra = 0;
        if pipe.per_byte_ps > 0.0 {
            // The messages of a stream before its last have taken their place on the link.
            let messages =
                if back == 1 { core.plan.codecs.get(call.codec as usize).map_or(1, |c| c.messages) } else { 1 };
            let took = pipe.takes(call.bytes[back] / u64::from(messages));
            let free = &mut self.pipes[call.link.index()][back];
            *free = (*free).max(core.now) + Span(took);
            extra = free.since(core.now).0;
        }
        if pipe.loss > 0.0 && !core.is_in_order(call) {
            extra += timeouts(core.losses(lineage, way, pipe.loss)).0;
        }
        Span(extra)
    }

    /// How long an answer takes to its caller, where there is more to it than a latency.
    #[inline(never)]
    pub(crate) fn way_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Span {
        let frame = &core.frames[at];
        let (lineage, call) = (frame.lineage, &core.plan.calls[frame.call as usize]);
        let mut back = core.vary(core.way(at), lineage, Purpose::Back, 0);
        if let Some(pipe) = core.plan.link(call.link).pipe {
            back += self.squeeze(core, call, pipe, lineage, Purpose::Back);
        }
        if let Some(proxy) = call.proxy {
            back += core.pass_proxy(at, proxy, Purpose::Back);
        }
        if core.is_troubled() {
            back += core.delay(at, true);
        }
        if call.segments[1] > 0 {
            back += self.start_slowly(core, at, call.segments[1], Purpose::Back);
        }
        back
    }

    /// A try no longer counts as outstanding; its `outcome`, if anybody waited for it, may speak against its replica.
    #[inline(never)]
    pub(crate) fn untrack<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Option<Outcome>) {
        let frame = &core.frames[at];
        if frame.origin == Origin::Guard {
            return;
        }
        let (replica, caller, took) = (frame.replica, frame.caller, core.now.since(frame.trip.sent));
        let id = core.plan.calls[frame.call as usize].link;
        let link = core.plan.link(id);
        if self.is_sent(core, at) && frame.state.cut != Cut::Unsent {
            let (memory, pick) = (self.names.memory(core, id, caller), replica - link.first);
            let memory = &mut self.names.memories[memory];
            memory.outstanding[pick as usize] -= 1;
            match link.balancer {
                Balancer::P2cEwma => memory.learn(pick, took, core.now),
                _ if self.names.probing.is_on() => {
                    let tells = matches!(outcome, Some(Outcome::Succeeded | Outcome::Timeout));
                    self.names.probing.go(at, replica, tells.then_some(took));
                }
                _ => {}
            }
        }
        if let Some(outcome) = outcome {
            self.judge(core, at, outcome);
        }
    }

    /// A try has ended: its caller may leave the replica out from now on.
    pub(crate) fn judge<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) {
        let Some(spec) = &core.plan.discovery.outliers else { return };
        let frame = &core.frames[at];
        let (link, edge) = (core.plan.calls[frame.call as usize].link, core.plan.calls[frame.call as usize].edge);
        let measured = frame.whose.measured;
        let alone = frame.state.loan.is_wanting();
        if alone || core.is_wired(at) && matches!(self.holds.get(at).stage, Stage::Waiting | Stage::Asking) {
            // It waited for a connection of its own pool, or for a name: no replica had a part in that.
            return;
        }
        let replica = self.callee_of(core, at) - core.plan.link(link).first;
        let memory = self.names.memory(core, link, frame.caller);
        let memory = &mut self.names.memories[memory];
        if let Some(book) = &mut memory.book
            && book.judge(spec, replica, outcome, core.now)
        {
            memory.look();
            core.tell(Fact::LeftOut { edge, measured });
        }
    }

    /// A try no longer counts as outstanding, where somebody looks at that.
    pub(crate) fn uncount<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Option<Outcome>) {
        if core.sites[core.frames[at].call as usize].tracks {
            self.untrack(core, at, outcome);
        }
    }
}

/// The time that so many retransmission timeouts in a row take, each twice as long as the one before.
pub(crate) fn timeouts(losses: u32) -> Span {
    Span(RETRANSMISSION.0 * ((1 << losses) - 1))
}

impl<P: Probe> Core<'_, P> {
    /// How often a message is lost in a row.
    pub(crate) fn losses(&self, lineage: Lineage, way: Purpose, loss: f64) -> u32 {
        const MOST: u32 = 8;
        let mut draw = Draw::new(self.seed, lineage, way, 1 << 32);
        (0..MOST).take_while(|_| draw.unit() < loss).count() as u32
    }

    /// A message passes a proxy: its work, and one more hop.
    #[inline(never)]
    fn pass_proxy(&mut self, at: u32, [proxy, hop]: [LawId; 2], way: Purpose) -> Span {
        const PROXY: u32 = 1 << 16;
        let lineage = self.frames[at].lineage;
        let work = self.vary(proxy, lineage, way, PROXY);
        self.charge_for(at, Cause::Proxy, work);
        work + self.vary(hop, lineage, way, PROXY + 1)
    }
}
