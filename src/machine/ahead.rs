//! Server streams: a caller decodes messages while the next ones are encoded and on their way.
//!
//! When the first message of a stream leaves, a frame of its own is made at the caller. It sleeps until that message is there,
//! then decodes all but the last: on the worker that its caller holds, on the turn of a branch, or on a worker that it asks for
//! like anybody who comes back. When the whole stream is there it stops; its caller decodes the last message and what is left
//! of the others. So N messages take first + (N − 1) · max(encode, decode), all of them are encoded and decoded, and the
//! caller's account shows only what it had to wait for.

use std::collections::BTreeMap;

use crate::model::id::NONE;
use crate::model::plan::{Call, Codec, Pipe};
use crate::model::{CallId, Cause, Fact, Op, Outcome, Pc, Probe};
use crate::random::Purpose;
use crate::units::Span;

use super::Machine;
use super::frame::{Frame, Origin, Pose};
use super::walk::Flow;

/// What is decoded of streams under way, by the frame that waits for them.
pub(super) type Aheads = BTreeMap<u32, Ahead>;

/// A stream that is decoded while it comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
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
    fn others(&self, each: Span) -> u64 {
        each.0 * u64::from(self.messages - 1)
    }
}

impl<P: Probe> Machine<'_, P> {
    fn codec_of_stream(&self, call: u32) -> Option<Codec> {
        let codec = self.plan.codecs.get(self.plan.calls[call as usize].codec as usize);
        codec.filter(|codec| codec.messages > 1).copied()
    }

    /// The first message of a stream leaves, the rest of it is encoded; an answer of one message has no rest.
    #[inline(never)]
    pub(super) fn stream(&mut self, at: u32, next: Pc) -> Flow {
        self.frames[at].pc = next.0;
        let frame = self.frames[at];
        let Some(codec) = self.codec_of_stream(frame.call) else {
            return Flow::On;
        };
        let call = self.plan.call(CallId(frame.call));
        let mut back = self.vary(call.back, frame.lineage, Purpose::Back, 0);
        if let Some(pipe) = self.plan.link(call.link).pipe {
            back += self.send_ahead(call, pipe, codec.messages);
        }
        let latency = self.now.since(frame.sent) + back + codec.decode;
        let (edge, measured) = (call.edge, frame.measured && !frame.abandoned);
        self.tell(Fact::Streamed { edge, latency, measured });
        let rest = codec.others(codec.answer);
        if rest > 0 && codec.decode > Span::ZERO && !frame.abandoned {
            self.expect_stream(at, call.ahead, back, codec.others(codec.decode));
        }
        self.start(at, rest, Cause::Encode)
    }

    /// All messages of a stream but the last take their place on a link as if they followed the first at once; says how long
    /// that one waits for the link and takes on it.
    fn send_ahead(&mut self, call: &Call, pipe: Pipe, messages: u32) -> Span {
        let each = pipe.takes(call.bytes[1] / u64::from(messages));
        let free = &mut self.pipes[call.link.index()][1];
        let first = (*free).max(self.now) + Span(each);
        *free = first + Span(each * u64::from(messages - 2));
        first.since(self.now)
    }

    /// A caller begins to decode a stream as soon as its first message is there. Of several streams that it waits for, which
    /// hedges of one call are, it decodes one ahead.
    fn expect_stream(&mut self, at: u32, entry: Pc, back: Span, left: u64) {
        let Some(caller) = self.asker(at).filter(|caller| !self.aheads.contains_key(caller)) else {
            return;
        };
        let waiting = self.frames[caller];
        let frame = self.frames.insert(Frame {
            lineage: waiting.lineage,
            sent: self.now,
            until: self.now,
            caller,
            pc: entry.0,
            replica: waiting.replica,
            call: self.frames[at].call,
            client: waiting.client,
            priority: waiting.priority,
            origin: Origin::Ahead,
            measured: waiting.measured,
            child: NONE,
            ..Frame::default()
        });
        self.inherit_root(frame, caller);
        self.aheads.insert(caller, Ahead { stream: at, frame, left, spent: 0 });
        self.sleep(frame, back);
    }

    /// All messages of a stream but the last are decoded, as they come.
    pub(super) fn decode_ahead(&mut self, at: u32, call: CallId, next: Pc) -> Flow {
        self.frames[at].pc = next.0;
        let work = self.codec_of_stream(call.0).map_or(0, |codec| codec.others(codec.decode));
        self.start(at, work, Cause::Encode)
    }

    /// They are.
    pub(super) fn end_decoding(&mut self, at: u32) -> Flow {
        let caller = self.frames[at].caller;
        if let Some(ahead) = self.aheads.get_mut(&caller) {
            *ahead = Ahead { frame: NONE, left: 0, spent: self.frames[at].spent, ..*ahead };
        }
        self.close_decoder(at);
        Flow::Stay
    }

    /// A decoder is over. Whoever stood in line for a request made it wait there, as far as its node knows.
    fn close_decoder(&mut self, at: u32) {
        let Frame { caller, waited, .. } = self.frames[at];
        self.frames[caller].waited += waited;
        self.close(at, Outcome::Succeeded);
    }

    /// A whole stream is there: what is decoded of it by now is done.
    pub(super) fn gather(&mut self, at: u32, call: CallId, next: Pc) -> Flow {
        if let Some(ahead) = self.stop_decoding(at) {
            debug_assert!(self.plan.call(call).ahead != Pc::default());
            self.frames[at].spent += ahead.spent;
            self.aheads.insert(at, ahead);
        }
        self.jump(at, next)
    }

    /// What is left to decode of a whole stream, ns.
    #[inline(never)]
    pub(super) fn rest_of_stream(&mut self, at: u32, call: CallId) -> u64 {
        let Some(codec) = self.codec_of_stream(call.0) else { return 0 };
        let left = self.aheads.remove(&at).map_or(codec.others(codec.decode), |ahead| ahead.left);
        codec.decode.0 + left
    }

    /// A try is over without an answer that anybody waits for: what was decoded of it was done for nobody.
    #[inline(never)]
    pub(super) fn stop_decoding_for(&mut self, at: u32) {
        if self.aheads.is_empty() {
            return;
        }
        let caller = self.asker(at).filter(|caller| self.aheads.get(caller).is_some_and(|a| a.stream == at));
        if let Some(ahead) = caller.and_then(|caller| self.stop_decoding(caller)) {
            self.frames[at].spent += ahead.spent;
        }
    }

    /// A replica dies: nothing is decoded there.
    pub(super) fn stop_decoding_at(&mut self, replica: u32) {
        let here = |caller: &u32| self.frames[*caller].replica == replica;
        let callers: Vec<u32> = self.aheads.keys().copied().filter(here).collect();
        for caller in callers {
            if let Some(ahead) = self.stop_decoding(caller) {
                self.frames[caller].spent += ahead.spent;
            }
        }
    }

    /// Nothing more is decoded ahead for a caller.
    fn stop_decoding(&mut self, caller: u32) -> Option<Ahead> {
        let ahead = self.aheads.remove(&caller)?;
        let at = ahead.frame;
        if at == NONE {
            return Some(ahead);
        }
        let Frame { pc, pose, call, .. } = self.frames[at];
        let entry = self.plan.calls[call as usize].ahead.0;
        let asks = !matches!(self.ops[entry as usize], Op::DecodeAhead(_));
        let left = match pose {
            Pose::Working => self.interrupt(at),
            _ if pc > entry + u32::from(asks) => 0,
            _ => ahead.left,
        };
        if asks && pc > entry {
            self.give_worker_back(at, matches!(self.ops[entry as usize], Op::Turn));
        }
        self.ready.retain(|ready| *ready != at);
        self.trouble.parked.retain(|parked| *parked != at);
        let spent = self.frames[at].spent;
        self.close_decoder(at);
        Some(Ahead { frame: NONE, left, spent, ..ahead })
    }

    /// A decoder has no more need of the worker, or the turn, that it has or waits for.
    fn give_worker_back(&mut self, at: u32, turns: bool) {
        if self.frames[at].waiting {
            self.step_out(at);
        } else if !turns {
            self.leave(at);
        } else if !self.leave_turn_line(at) {
            self.give_turn(at);
        }
    }
}
