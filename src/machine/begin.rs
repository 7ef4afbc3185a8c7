//! Just before the work on a request begins: it may be too late for it, or another try of the same call may be first.
//!
//! A deadline travels with a request where the policy of its caller says so (`propagate_deadline`), and from there on with all
//! that comes of it, as in gRPC: every call under it fails with `deadline` when it passes, whether or not it has a policy of
//! its own. A request that is past its deadline when it is about to be begun is dropped without work: gRPC's servers keep the
//! deadline too and end the call when it passes, and Google's SRE book asks for it. `drop_expired = false` works on it.

use crate::model::{CallId, Op, Outcome, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::Time;

use super::Machine;
use super::event::Rare;
use super::frame::Origin;
use super::walk::{DIAL, GONE};

/// Names the draw of the word that one try sends to another.
const WORD: u32 = 1 << 22;

/// Words on their way from a try that has been begun to one that is tied to it.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// To whom, and which frame that is.
    all: Vec<(u32, Lineage)>,
    free: Vec<u32>,
}

impl<P: Probe> Machine<'_, P> {
    /// Work on a request is about to begin; says how it ends if it is not to be begun any more.
    #[inline(never)]
    pub(super) fn overtaken(&mut self, at: u32, drops: bool) -> Option<Outcome> {
        let frame = &self.frames[at];
        if drops && self.deadline_of(at) <= self.now {
            return Some(Outcome::Deadline);
        }
        if frame.origin != Origin::Try || !self.is_tied(frame.call) {
            return None;
        }
        if frame.canceled {
            return Some(Outcome::Canceled);
        }
        if !frame.abandoned {
            let guard = frame.caller;
            let guarded = &mut self.guarded[guard as usize];
            guarded.begun = guarded.begun.min(self.now);
            for other in 0..self.guarded[guard as usize].open.len() {
                let other = self.guarded[guard as usize].open[other].frame;
                if other != at {
                    self.send_word(other, self.now);
                }
            }
        }
        None
    }

    /// Whether the tries of a call are tied.
    pub(super) fn is_tied(&self, call: u32) -> bool {
        let rules = self.plan.guards.get(self.plan.calls[call as usize].guard as usize);
        rules.is_some_and(|guard| self.plan.rules[guard.rules as usize].hedge.is_some_and(|hedge| hedge.tied))
    }

    /// A try hears, one way through the network later, that another was begun at `since`.
    pub(super) fn send_word(&mut self, to: u32, since: Time) {
        let (lineage, call) = (self.frames[to].lineage, CallId(self.frames[to].call));
        let way = self.vary(self.plan.call(call).there, lineage, Purpose::There, WORD);
        let word = self.words.free.pop().unwrap_or_else(|| {
            self.words.all.push((0, Lineage(0)));
            self.words.all.len() as u32 - 1
        });
        self.words.all[word as usize] = (to, lineage);
        self.schedule((since + way).since(self.now), Rare::Word(word).event());
    }

    /// Word reaches a replica that another try was begun: one that is not begun here is dropped.
    pub(super) fn hear_word(&mut self, word: u32) {
        let (at, lineage) = self.words.all[word as usize];
        self.words.free.push(word);
        let frame = self.frames[at];
        if frame.lineage != lineage || frame.origin != Origin::Try || frame.pc == GONE {
            return;
        }
        let entered = frame.waiting && !frame.preempted && self.plan.ops[frame.pc as usize - 1] == Op::Enter;
        if entered && !self.is_frozen(frame.replica) {
            self.leave_line(at);
            self.unlock(at);
            self.reply(at, Outcome::Canceled, true);
        } else if self.is_unbegun(frame.pc) {
            self.frames[at].canceled = true;
        }
    }

    fn is_unbegun(&self, pc: u32) -> bool {
        let before = |op: &&Op| matches!(op, Op::Lock | Op::Admit | Op::Enter | Op::Begin { .. });
        let mut ahead = self.plan.ops[pc as usize..].iter().take_while(before);
        pc == DIAL.0 || ahead.any(|op| matches!(op, Op::Begin { .. }))
    }

    /// The deadline that a frame inherited.
    pub(super) fn deadline_of(&self, at: u32) -> Time {
        match self.frames[at].origin {
            Origin::Try | Origin::Branch => self.deadlines.get(at as usize).copied().unwrap_or(Time::NEVER),
            _ => Time::NEVER,
        }
    }

    /// A frame inherits a deadline, or that there is none.
    pub(super) fn inherit_deadline(&mut self, at: u32, deadline: Time) {
        if self.deadlines.len() <= at as usize {
            self.deadlines.resize(self.frames.peak(), Time::NEVER);
        }
        self.deadlines[at as usize] = deadline;
    }
}
