//! The interpreter: a frame walks its program until it has to wait.

use crate::model::{Cause, Fact, Op, Outcome, Pc, Probe};
use crate::random::{Draw, Purpose};

use super::Machine;
use super::frame::{Frame, Scope};
use super::station::Entry;

/// The program that opens a connection: its one operation stands first in every plan.
pub(super) const DIAL: Pc = Pc(0);

/// Where a try is whose answer has left, or which was turned back: at the end of all programs.
pub(super) const GONE: u32 = crate::model::id::NONE;

/// Whether a frame goes on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// When there is nothing to wait for.
    On,
    /// When something else will wake the frame, or it is gone.
    Stay,
}

impl<P: Probe> Machine<'_, P> {
    /// Walks a frame until it waits or is over.
    #[inline(never)]
    pub(super) fn walk(&mut self, at: u32) {
        self.stride(at);
    }

    /// Walks a frame, in the run loop itself: a call for every event would cost more than what many events do.
    #[inline(always)]
    pub(super) fn stride(&mut self, at: u32) {
        loop {
            let pc = self.frames[at].pc;
            let next = Pc(pc + 1);
            let flow = match self.ops[pc as usize] {
                Op::Admit => self.knock(at, next),
                Op::Enter => {
                    self.frames[at].pc = next.0;
                    match self.enter(at) {
                        Entry::Goes => Flow::On,
                        Entry::Waits => Flow::Stay,
                        Entry::Refused => self.turn_off(at),
                    }
                }
                Op::Begin { drops } => self.begin_work(at, drops, next),
                Op::Effect => {
                    self.have_effect(at);
                    self.jump(at, next)
                }
                Op::Resume => self.advance(at, next, Self::resume),
                Op::Leave => {
                    self.frames[at].pc = next.0;
                    self.leave(at);
                    // What mostly comes next is met in place.
                    match self.ops[next.index()] {
                        Op::Reply(outcome) => self.reply(at, outcome, true),
                        _ => Flow::On,
                    }
                }
                Op::Turn => self.advance(at, next, Self::take_turn),
                Op::GiveTurn => self.advance(at, next, Self::give_turn),
                op @ (Op::Work { .. }
                | Op::Encode(_)
                | Op::Receive
                | Op::Answer
                | Op::Decode(_)
                | Op::DecodeRest(_)) => self.burst(at, pc, op),
                Op::Stream => self.stream(at, next),
                Op::DecodeAhead(call) => self.decode_ahead(at, call, next),
                Op::DecodedAhead => self.end_decoding(at),
                Op::Gather(call) => self.gather(at, call, next),
                Op::Dial => self.step_out_to_wire(at),
                Op::Lock => self.advance(at, next, Self::lock),
                Op::Unlock => self.advance(at, next, Self::unlock),
                Op::Compare { fail } => self.compare(at, next, fail),
                Op::EndTransaction => self.advance(at, next, Self::end_transaction),
                Op::RollBack => self.advance(at, next, Self::roll_back),
                Op::Borrow { lender, edge, .. } => self.borrow(at, lender, edge),
                Op::GiveBack(lender) => self.give_back(at, lender),
                Op::Check { fail } => {
                    let to = if self.frames[at].canceled { fail } else { next };
                    self.jump(at, to)
                }
                Op::Wait { law, site } => {
                    let wait = self.vary(law, self.frames[at].lineage, Purpose::Work, site);
                    self.frames[at].pc = next.0;
                    self.sleep(at, wait);
                    Flow::Stay
                }
                Op::Call { call, .. } => self.call(at, call),
                Op::Look { lookup, hit } => self.look(at, lookup, hit),
                Op::Fetch { lookup, .. } => self.fetch(at, lookup),
                Op::Fill(lookup) => self.fill(at, lookup),
                Op::Forsake(lookup) => self.forsake(at, lookup),
                Op::Fork { fork, .. } => self.fork(at, fork),
                Op::Publish { post, .. } => self.publish(at, post),
                Op::Take => self.advance(at, next, Self::take),
                Op::Handled(outcome) => self.handled(at, outcome),
                Op::Descend { call } => self.descend(at, call, next),
                Op::Ascend { call, outcome } => self.ascend(at, call, outcome, next),
                Op::Jump(to) => self.jump(at, to),
                Op::Chance { share, site, skip } => {
                    let goes = self.chance(at, Purpose::Branch, site) < f64::from(share);
                    self.jump(at, if goes { next } else { skip })
                }
                Op::Fails { share, site, fail } => {
                    let fails = self.chance(at, Purpose::Failure, site) < f64::from(share);
                    self.jump(at, if fails { fail } else { next })
                }
                Op::Split { split, site } => {
                    let u = self.chance(at, Purpose::Branch, site);
                    let ways = &self.plan.split(split).ways;
                    let way = ways.iter().find(|w| u < w.0).or(ways.last());
                    let to = way.map_or(next, |w| w.1);
                    self.jump(at, to)
                }
                Op::Reply(outcome) => self.reply(at, outcome, true),
                Op::OwnUp => self.own_up(at),
                Op::Produce { producer, .. } => self.produce(at, producer),
                Op::Pass(outcome) => self.pass_record_on(at, outcome),
                Op::Conclude => self.conclude(at),
                Op::End(outcome) => self.end_branch(at, Some(outcome)),
                Op::Absent => self.end_branch(at, None),
            };
            if flow == Flow::Stay {
                return;
            }
        }
    }

    /// A request arrives at a node with a door, which does not hear of an answer of its own.
    #[inline(never)]
    fn knock(&mut self, at: u32, next: Pc) -> Flow {
        match self.admit(at, next) {
            None => Flow::On,
            Some(outcome) => self.answer(at, outcome, false),
        }
    }

    /// Work on a request is about to begin, unless it is not to be begun any more: then its worker is free at once.
    #[inline(never)]
    fn begin_work(&mut self, at: u32, drops: bool, next: Pc) -> Flow {
        self.frames[at].pc = next.0;
        let Some(outcome) = self.overtaken(at, drops) else { return Flow::On };
        self.leave(at);
        self.unlock(at);
        self.reply(at, outcome, true)
    }

    /// A record has been worked on; one that failed may go to the dead letters.
    #[inline(never)]
    fn pass_record_on(&mut self, at: u32, outcome: Outcome) -> Flow {
        let (outcome, grave) = self.weigh_record(at, outcome);
        if let Some((queue, poisoned)) = grave {
            self.bury(at, queue, poisoned);
        }
        self.finish_record(at, outcome)
    }

    /// A request finds the line full: its answer says so.
    #[inline(never)]
    fn turn_off(&mut self, at: u32) -> Flow {
        self.unlock(at);
        self.reply(at, Outcome::Overloaded, false)
    }

    /// Moves on to `next`, then does `act`, which may make the frame wait.
    #[inline(always)]
    fn advance(&mut self, at: u32, next: Pc, act: impl FnOnce(&mut Self, u32) -> Flow) -> Flow {
        self.frames[at].pc = next.0;
        act(self, at)
    }

    #[inline]
    pub(super) fn jump(&mut self, at: u32, to: Pc) -> Flow {
        self.frames[at].pc = to.0;
        Flow::On
    }

    /// CPU operations in a row are one stretch of work, and one event: work, and the messages around it.
    #[inline(always)]
    fn burst(&mut self, at: u32, mut pc: u32, mut op: Op) -> Flow {
        let ops = self.ops;
        let Frame { lineage, call: made_by, .. } = self.frames[at];
        let (mut work, mut coding) = (0_u64, 0_u64);
        loop {
            match op {
                Op::Work { law, site } => {
                    work += self.vary(law, lineage, Purpose::Work, site).0;
                }
                Op::Encode(call) => coding += self.sites[call.index()].coding.encode,
                Op::Receive => coding += self.sites[made_by as usize].coding.receive,
                Op::Answer => coding += self.sites[made_by as usize].coding.answer,
                Op::Decode(call) => coding += self.sites[call.index()].coding.decode,
                Op::DecodeRest(call) => coding += self.rest_of_stream(at, call),
                _ => break,
            }
            pc += 1;
            op = ops[pc as usize];
        }
        self.frames[at].pc = pc;
        if work == 0 {
            return self.start(at, coding, Cause::Encode);
        }
        if self.contends {
            work = self.contended(at, work);
        }
        self.frames[at].coding = coding;
        self.start(at, work + coding, Cause::Work)
    }

    /// A step of a frame has failed: it goes on where its operation sends failures.
    #[inline(never)]
    pub(super) fn fail_step(&mut self, at: u32, outcome: Outcome) -> Flow {
        let frame = &mut self.frames[at];
        frame.outcome = outcome;
        let op = self.plan.ops[frame.pc as usize];
        if P::TRACES {
            self.spurn(at, op, outcome);
        }
        let frame = &mut self.frames[at];
        if let Op::Call { fail, .. }
        | Op::Fork { fail, .. }
        | Op::Borrow { fail, .. }
        | Op::Publish { fail, .. }
        | Op::Produce { fail, .. }
        | Op::Fetch { fail, .. }
        | Op::Check { fail } = op
        {
            frame.pc = fail.0;
        }
        Flow::On
    }

    #[inline(never)]
    fn chance(&self, at: u32, purpose: Purpose, site: u32) -> f64 {
        // Which way a record takes is a matter of the record: every try takes the same.
        let of_record = purpose == Purpose::Branch && self.frames[at].origin == super::frame::Origin::Record;
        let lineage = if of_record { self.content_of(at) } else { self.frames[at].lineage };
        Draw::new(self.seed, lineage, purpose, u64::from(site)).unit()
    }

    /// Entry into a function call.
    #[inline(never)]
    fn descend(&mut self, at: u32, call: crate::model::CallId, next: Pc) -> Flow {
        let plan = self.plan.call(call);
        let (lineage, measured) = (self.frames[at].lineage, self.frames[at].measured);
        let since = self.now;
        self.frames.scopes(at).push(Scope { lineage, since, edge: plan.edge });
        self.frames[at].lineage = lineage.child(plan.site, 0);
        self.tell(Fact::Called { edge: plan.edge, measured });
        self.jump(at, next)
    }

    /// Return from a function call.
    #[inline(never)]
    fn ascend(&mut self, at: u32, call: crate::model::CallId, outcome: crate::model::Outcome, next: Pc) -> Flow {
        let (edge, endpoint) = (self.plan.call(call).edge, self.plan.call(call).endpoint);
        let measured = self.frames[at].measured;
        if self.roots.follows && outcome.is_good() {
            self.reach_goal(at, endpoint);
        }
        if let Some(scope) = self.frames.scopes(at).pop() {
            self.frames[at].lineage = scope.lineage;
            let latency = self.now.since(scope.since);
            self.tell(Fact::Settled { edge, outcome, latency, measured });
        }
        self.jump(at, next)
    }
}
