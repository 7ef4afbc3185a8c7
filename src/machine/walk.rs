//! The interpreter: a frame walks its program until it has to wait.

use crate::model::stream::Grave;
use crate::model::{Cause, MeterId, Op, Outcome, Pc, Probe};
use crate::random::{Draw, Purpose};
use crate::units::Span;

use crate::machine::Machine;
use crate::machine::core::frame::Frame;
use crate::machine::core::{Cursor, Flow};

impl<P: Probe> Machine<'_, P> {
    /// Walks a frame, what mostly comes first in the run loop itself: a call for every event would cost more than what many
    /// events do.
    #[inline(always)]
    pub(crate) fn stride(&mut self, Cursor { at, pc, replica }: Cursor) {
        let flow = match self.core.ops[pc as usize] {
            Op::Leave => self.leave(at, replica, Pc(pc + 1)),
            Op::Call { call, .. } => self.calls.place(&mut self.core, &mut self.stations, at, call),
            op @ (Op::Work { .. } | Op::Encode(_) | Op::Decode(_) | Op::Answer) => self.burst(at, pc, op),
            Op::Conclude => self.clients.conclude(&mut self.core, at),
            _ => Flow::On,
        };
        if flow == Flow::On {
            self.walk(at);
        }
    }

    /// Walks a frame until it waits or is over.
    #[inline(never)]
    pub(crate) fn walk(&mut self, at: u32) {
        loop {
            let Cursor { pc, replica, .. } = self.core.cursor(at);
            let next = Pc(pc + 1);
            let flow = match self.core.ops[pc as usize] {
                Op::Enter => self.enter(at, replica, next),
                Op::Leave => self.leave(at, replica, next),
                op @ (Op::Work { .. }
                | Op::Encode(_)
                | Op::Receive
                | Op::Answer
                | Op::Decode(_)
                | Op::DecodeRest(_)) => self.burst(at, pc, op),
                Op::Call { call, .. } => self.calls.place(&mut self.core, &mut self.stations, at, call),
                Op::Reply(outcome) => self.calls.reply(&mut self.core, &mut self.stations, at, outcome, true),
                Op::Conclude => self.clients.conclude(&mut self.core, at),
                Op::Jump(to) => self.core.jump(at, to),
                op => self.step(at, op, next),
            };
            if flow == Flow::Stay {
                return;
            }
        }
    }

    /// A request has arrived: what mostly comes first, a worker, is asked for in place. Whether it goes on.
    #[inline(always)]
    pub(crate) fn begin_visit(&mut self, cursor: Cursor) -> Option<Cursor> {
        let Cursor { at, pc, replica } = cursor;
        match self.core.ops[pc as usize] {
            Op::Enter if !self.core.is_troubled() => {
                (self.enter(at, replica, Pc(pc + 1)) == Flow::On).then(|| self.core.cursor(at))
            }
            _ => Some(cursor),
        }
    }

    /// A request asks for a worker of its replica.
    #[inline(always)]
    fn enter(&mut self, at: u32, replica: u32, next: Pc) -> Flow {
        if !self.stations.take_worker(&mut self.core, at, replica) {
            return self.line_up(at, next);
        }
        match self.core.ops[next.index()] {
            // What mostly comes next is met in place here, too.
            op @ (Op::Work { .. } | Op::Receive) => self.burst(at, next.0, op),
            _ => self.core.jump(at, next),
        }
    }

    /// A request finds no worker: it waits for one, if there is room in line.
    #[inline(never)]
    fn line_up(&mut self, at: u32, next: Pc) -> Flow {
        self.core.frames[at].pc = next.0;
        if self.stations.enter_line(&mut self.core, at) { Flow::Stay } else { self.turn_off(at) }
    }

    /// A request gives its worker up; what mostly comes next, the answer, is met in place.
    #[inline(always)]
    fn leave(&mut self, at: u32, replica: u32, next: Pc) -> Flow {
        self.stations.leave(&mut self.core, replica);
        match self.core.ops[next.index()] {
            Op::Reply(outcome) => self.calls.reply(&mut self.core, &mut self.stations, at, outcome, true),
            _ => self.core.jump(at, next),
        }
    }

    /// One of the operations that a plain chain of calls does without.
    #[inline(never)]
    fn step(&mut self, at: u32, op: Op, next: Pc) -> Flow {
        let core = &mut self.core;
        match op {
            Op::Admit => self.knock(at, next),
            Op::Begin { drops } => self.begin_work(at, drops, next),
            Op::Effect => {
                self.calls.have_effect(core, at);
                core.jump(at, next)
            }
            Op::Missing => {
                core.tell_missing(at);
                core.jump(at, next)
            }
            Op::Dial => self.calls.step_out_to_wire(core, &mut self.stations, at),
            Op::Stream => self.calls.stream(core, &mut self.stations, at, next),
            Op::DecodeAhead(call) => self.stations.decode_ahead(core, at, call, next),
            Op::DecodedAhead => self.stations.end_decoding(core, at),
            Op::Gather(call) => self.stations.gather(core, at, call, next),
            Op::Compare { fail } => self.data.compare(core, at, next, fail),
            Op::Replicate(lag) => self.data.replicate(core, at, lag, next),
            Op::Borrow { lender, edge, .. } => self.calls.wire.borrow(core, at, lender, edge),
            Op::GiveBack(lender) => self.calls.wire.give_back(core, at, lender),
            Op::Look { lookup, hit } => self.data.look(core, at, lookup, hit),
            Op::Fetch { lookup, .. } => self.data.fetch(core, at, lookup),
            Op::Fill(lookup) => self.data.fill(core, at, lookup),
            Op::Forsake(lookup) => self.data.forsake(core, at, lookup),
            Op::Meter { meter, held } => self.count_in(at, meter, held, next),
            Op::Fork { fork, .. } => self.stations.fork(core, at, fork),
            Op::End(outcome) => self.stations.end_branch(core, at, Some(outcome)),
            Op::Absent => self.stations.end_branch(core, at, None),
            Op::Publish { post, .. } => self.mail.publish(core, at, post),
            Op::Handled(outcome) => self.mail.handled(core, at, outcome),
            Op::Produce { producer, .. } => self.streams.produce(core, at, producer),
            Op::Pass(outcome) => self.pass_record_on(at, outcome),
            Op::Descend { call } => core.descend(at, call, next),
            Op::Ascend { call, outcome } => core.ascend(at, call, outcome, next),
            Op::Relay => self.calls.relay(core, &mut self.stations, at),
            Op::OwnUp => self.calls.own_up(core, &mut self.stations, at),
            Op::Wait { law, site } => {
                let wait = core.vary(law, core.frames[at].lineage, Purpose::Work, site);
                core.frames[at].pc = next.0;
                core.sleep(at, wait);
                Flow::Stay
            }
            Op::Jump(_) | Op::Chance { .. } | Op::Fails { .. } | Op::Split { .. } | Op::Check { .. } => {
                let way = self.way(at, op, next);
                self.core.jump(at, way)
            }
            Op::Resume
            | Op::Turn
            | Op::GiveTurn
            | Op::Grip
            | Op::Lock
            | Op::Unlock
            | Op::EndTransaction
            | Op::RollBack
            | Op::Take => {
                core.frames[at].pc = next.0;
                self.past(at, op)
            }
            Op::Enter
            | Op::Leave
            | Op::Work { .. }
            | Op::Encode(_)
            | Op::Receive
            | Op::Answer
            | Op::Decode(_)
            | Op::DecodeRest(_)
            | Op::Call { .. }
            | Op::Reply(_)
            | Op::Conclude => unreachable!("met in the stride"),
        }
    }

    /// Where a frame goes on whose operation only says that.
    fn way(&self, at: u32, op: Op, next: Pc) -> Pc {
        match op {
            Op::Jump(to) => to,
            Op::Chance { share, skip, site } if self.toss(at, Purpose::Branch, site) >= f64::from(share) => skip,
            Op::Fails { share, fail, site } if self.toss(at, Purpose::Failure, site) < f64::from(share) => fail,
            Op::Check { fail } if self.core.frames[at].marks.canceled => fail,
            Op::Split { split, site } => {
                let u = self.toss(at, Purpose::Branch, site);
                let ways = &self.core.plan.split(split).ways;
                ways.iter().find(|w| u < w.0).or(ways.last()).map_or(next, |w| w.1)
            }
            _ => next,
        }
    }

    /// An operation that its frame is past already, whether that waits or not.
    fn past(&mut self, at: u32, op: Op) -> Flow {
        let core = &mut self.core;
        match op {
            Op::Resume => self.stations.resume(core, at),
            Op::Turn => self.stations.take_turn(core, at),
            Op::GiveTurn => self.stations.give_turn(core, at),
            Op::Grip => self.data.grip(core, at),
            Op::Lock => self.data.lock(core, at),
            Op::Unlock => self.data.unlock(core, at),
            Op::EndTransaction => self.data.end_transaction(core, at),
            Op::RollBack => self.data.roll_back(core, at),
            Op::Take => self.mail.take(core, at),
            _ => Flow::On,
        }
    }

    /// A request arrives at a node with a door, which does not hear of an answer of its own.
    #[inline(never)]
    fn knock(&mut self, at: u32, next: Pc) -> Flow {
        match self.stations.admit(&mut self.core, at, next) {
            None => Flow::On,
            Some(outcome) => self.calls.answer(&mut self.core, &mut self.stations, at, outcome, false),
        }
    }

    /// A request is counted with those of all replicas, and may be one too many.
    #[inline(never)]
    fn count_in(&mut self, at: u32, meter: MeterId, held: bool, next: Pc) -> Flow {
        let core = &mut self.core;
        if self.data.meters.admit(core.now, meter, core.frames[at].whose.client) {
            return core.jump(at, next);
        }
        core.frames[at].pc = next.0;
        if held {
            let replica = core.frames[at].replica;
            self.stations.leave(core, replica);
        }
        self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::RateLimited, true)
    }

    /// Work on a request is about to begin, unless it is not to be begun any more: then its worker is free at once.
    #[inline(never)]
    fn begin_work(&mut self, at: u32, drops: bool, next: Pc) -> Flow {
        self.core.frames[at].pc = next.0;
        let Some(outcome) = self.calls.overtaken(&mut self.core, at, drops) else { return Flow::On };
        let replica = self.core.frames[at].replica;
        self.stations.leave(&mut self.core, replica);
        self.data.unlock(&mut self.core, at);
        self.calls.reply(&mut self.core, &mut self.stations, at, outcome, true)
    }

    /// A record has been worked on; one that failed may go to the dead letters.
    #[inline(never)]
    fn pass_record_on(&mut self, at: u32, outcome: Outcome) -> Flow {
        let (outcome, grave) = self.streams.weigh_record(&mut self.core, at, outcome);
        match grave {
            Some((letter, poisoned)) => {
                let (lineage, way, word) = self.core.post_letter(at, letter);
                match letter.to {
                    Grave::Queue(queue) => self.mail.bury(&mut self.core, at, queue, (lineage, way, poisoned)),
                    Grave::Topic(topic) => self.streams.hand_on(&mut self.core, at, topic, (lineage, way, poisoned)),
                }
                self.streams.finish_record(&mut self.core, at, outcome, word)
            }
            None => self.streams.finish_record(&mut self.core, at, outcome, Span::ZERO),
        }
    }

    /// A request finds the line full: its answer says so, or that of one that matters less.
    #[inline(never)]
    fn turn_off(&mut self, at: u32) -> Flow {
        let displaced = self.stations.make_room(&mut self.core, at);
        let who = displaced.unwrap_or(at);
        self.data.unlock(&mut self.core, who);
        self.calls.reply(&mut self.core, &mut self.stations, who, Outcome::Overloaded, displaced.is_some())
    }

    /// CPU operations in a row are one stretch of work, and one event: work, and the messages around it.
    #[inline(always)]
    fn burst(&mut self, at: u32, mut pc: u32, mut op: Op) -> Flow {
        let ops = self.core.ops;
        let Frame { lineage, call: made_by, .. } = self.core.frames[at];
        let (mut work, mut coding) = (0_u64, 0_u64);
        loop {
            match op {
                Op::Work { law, site } => {
                    work += self.core.vary(law, lineage, Purpose::Work, site).0;
                }
                Op::Encode(call) => coding += self.core.sites[call.index()].coding.encode,
                Op::Receive => coding += self.core.sites[made_by as usize].coding.receive,
                Op::Answer => coding += self.core.sites[made_by as usize].coding.answer,
                Op::Decode(call) => coding += self.core.sites[call.index()].coding.decode,
                Op::DecodeRest(call) => coding += self.stations.rest_of_stream(&mut self.core, at, call),
                _ => break,
            }
            pc += 1;
            op = ops[pc as usize];
        }
        if work == 0 {
            self.core.frames[at].pc = pc;
            return self.stations.start(&mut self.core, at, coding, Cause::Encode);
        }
        if !P::CALM && self.stations.contends {
            work = self.stations.contended(&self.core, at, work);
        }
        self.stations.start_amending(&mut self.core, at, work + coding, Cause::Work, |frame| {
            frame.pc = pc;
            frame.load.coding = coding;
        })
    }

    #[inline(never)]
    fn toss(&self, at: u32, purpose: Purpose, site: u32) -> f64 {
        // Which way a record takes is a matter of the record: every try takes the same.
        let of_record = purpose == Purpose::Branch && self.core.frames[at].origin == super::core::frame::Origin::Record;
        let lineage = if of_record { self.streams.content_of(&self.core, at) } else { self.core.frames[at].lineage };
        Draw::new(self.core.seed, lineage, purpose, u64::from(site)).unit()
    }
}
