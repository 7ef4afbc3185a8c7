//! Server streams: a caller decodes messages while the next ones are encoded and on their way.
//!
//! When the first message of a stream leaves, a frame of its own is made at the caller. It sleeps until that message is there,
//! then decodes all but the last: on the worker that its caller holds, on the turn of a branch, or on a worker that it asks for
//! like anybody who comes back. When the whole stream is there it stops; its caller decodes the last message and what is left
//! of the others. So N messages take first + (N − 1) · max(encode, decode), all of them are encoded and decoded, and the
//! caller's account shows only what it had to wait for.

use std::collections::BTreeMap;

use crate::model::id::NONE;
use crate::model::plan::Codec;
use crate::model::{CallId, Cause, Op, Outcome, Pc, Probe};
use crate::units::Span;

use crate::machine::core::frame::{Frame, Origin, Pose};
use crate::machine::core::frame::{State, Wait};
use crate::machine::core::{Core, Flow};
use crate::machine::stations::Stations;

/// What is decoded of streams under way, by the frame that waits for them.
pub(crate) type Aheads = BTreeMap<u32, Ahead>;

/// A stream that is decoded while it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// The try whose answer it is.
    stream: u32,
    /// The frame that decodes; `NONE` once it has stopped.
    frame: u32,
    /// What it has not decoded, ns; the last message does not count.
    left: u64,
    /// What it has, ns.
    spent: u64,
}

impl Codec {
    /// All messages of a stream but one.
    pub(crate) fn others(&self, each: Span) -> u64 {
        each.0 * u64::from(self.messages - 1)
    }
}

impl Stations {
    /// A caller begins to decode a stream as soon as its first message is there. Of several streams that it waits for, which
    /// hedges of one call are, it decodes one ahead.
    pub(crate) fn expect_stream<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        entry: Pc,
        back: Span,
        left: u64,
    ) {
        let Some(caller) = core.asker(at).filter(|caller| !self.aheads.contains_key(caller)) else {
            return;
        };
        let waiting = core.frames[caller];
        let frame = core.frames.insert(Frame {
            caller,
            pc: entry.0,
            replica: waiting.replica,
            call: core.frames[at].call,
            origin: Origin::Ahead,
            ..Frame::new(waiting.lineage, core.now, waiting.whose)
        });
        core.inherit_root(frame, caller);
        self.aheads.insert(caller, Ahead { stream: at, frame, left, spent: 0 });
        core.sleep(frame, back);
    }

    /// All messages of a stream but the last are decoded, as they come.
    pub(crate) fn decode_ahead<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, call: CallId, next: Pc) -> Flow {
        core.frames[at].pc = next.0;
        let work = core.codec_of_stream(call.0).map_or(0, |codec| codec.others(codec.decode));
        self.start(core, at, work, Cause::Encode)
    }

    /// They are.
    pub(crate) fn end_decoding<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let caller = core.frames[at].caller;
        if let Some(ahead) = self.aheads.get_mut(&caller) {
            *ahead = Ahead { frame: NONE, left: 0, spent: core.frames[at].load.spent, ..*ahead };
        }
        core.close_decoder(at);
        Flow::Stay
    }

    /// A whole stream is there: what is decoded of it by now is done.
    pub(crate) fn gather<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, call: CallId, next: Pc) -> Flow {
        if let Some(ahead) = self.stop_decoding(core, at) {
            debug_assert!(core.plan.call(call).ahead != Pc::default());
            core.frames[at].load.spent += ahead.spent;
            self.aheads.insert(at, ahead);
        }
        core.jump(at, next)
    }

    /// What is left to decode of a whole stream, ns.
    #[inline(never)]
    pub(crate) fn rest_of_stream<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, call: CallId) -> u64 {
        let Some(codec) = core.codec_of_stream(call.0) else { return 0 };
        let left = self.aheads.remove(&at).map_or(codec.others(codec.decode), |ahead| ahead.left);
        codec.decode.0 + left
    }

    /// A try is over without an answer that anybody waits for: what was decoded of it was done for nobody.
    #[inline(never)]
    pub(crate) fn stop_decoding_for<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if self.aheads.is_empty() {
            return;
        }
        let caller = core.asker(at).filter(|caller| self.aheads.get(caller).is_some_and(|a| a.stream == at));
        if let Some(ahead) = caller.and_then(|caller| self.stop_decoding(core, caller)) {
            core.frames[at].load.spent += ahead.spent;
        }
    }

    /// A replica dies: nothing is decoded there.
    pub(crate) fn stop_decoding_at<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let here = |caller: &u32| core.frames[*caller].replica == replica;
        let callers: Vec<u32> = self.aheads.keys().copied().filter(here).collect();
        for caller in callers {
            if let Some(ahead) = self.stop_decoding(core, caller) {
                core.frames[caller].load.spent += ahead.spent;
            }
        }
    }

    /// Nothing more is decoded ahead for a caller.
    fn stop_decoding<P: Probe>(&mut self, core: &mut Core<'_, P>, caller: u32) -> Option<Ahead> {
        let ahead = self.aheads.remove(&caller)?;
        let at = ahead.frame;
        if at == NONE {
            return Some(ahead);
        }
        let Frame { pc, call, state: State { pose, .. }, .. } = core.frames[at];
        let entry = core.plan.calls[call as usize].ahead.0;
        let asks = !matches!(core.ops[entry as usize], Op::DecodeAhead(_));
        let left = match pose {
            Pose::Working => self.interrupt(core, at),
            _ if pc > entry + u32::from(asks) => 0,
            _ => ahead.left,
        };
        if asks && pc > entry {
            self.give_worker_back(core, at, matches!(core.ops[entry as usize], Op::Turn));
        }
        core.ready.retain(|ready| *ready != at);
        core.trouble.parked.retain(|parked| *parked != at);
        let spent = core.frames[at].load.spent;
        core.close_decoder(at);
        Some(Ahead { frame: NONE, left, spent, ..ahead })
    }

    /// A decoder has no more need of the worker, or the turn, that it has or waits for.
    fn give_worker_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, turns: bool) {
        if core.frames[at].marks.waiting {
            self.step_out(core, at);
        } else if !turns {
            self.leave(core, core.frames[at].replica);
        } else if !self.leave_turn_line(core, at) {
            self.give_turn(core, at);
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// A decoder is over. Whoever stood in line for a request made it wait there, as far as its node knows.
    fn close_decoder(&mut self, at: u32) {
        let Frame { caller, wait: Wait { waited, .. }, .. } = self.frames[at];
        self.frames[caller].wait.waited += waited;
        self.close(at, Outcome::Succeeded);
    }
}
