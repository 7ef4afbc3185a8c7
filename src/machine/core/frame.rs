//! Frames: requests in flight, each a cursor on a program.

use crate::model::id::NONE;
use crate::model::{Cause, EdgeId, Outcome, Probe};
use crate::random::Lineage;
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::ledger::Row;
use crate::machine::wire::lend::Loan;

/// Who waits for a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody: a client's own request. `caller` is the user, for a closed client.
    #[default]
    Root,
    /// A frame (`caller`) that made a call.
    Try,
    /// A frame (`caller`) that made a call under a policy: it waits for its tries.
    Guard,
    /// A join (`caller`) that waits for branches.
    Branch,
    /// Nobody: a record in the hands of a member (`caller`) of a group.
    Record,
    /// A broker that waits for the acknowledgement of a delivery (`caller`).
    Message,
    /// Nobody: what a caller decodes of a stream while it comes. `caller` is that caller.
    Ahead,
}

/// What a frame is doing, as far as its `due` is about that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pose {
    /// When it waits for something else, or for nothing.
    #[default]
    Idle,
    /// When CPU work of it is in progress.
    Working,
    /// When it waits for time to pass.
    Asleep,
    /// When it waits for a broker to say that what it published is safe.
    Publishing,
}

/// What a fault has done to the way between a try and its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// When nothing has.
    #[default]
    Whole,
    /// When the connection was reset; the caller is to hear of it.
    Severed,
    /// When a message was lost; the caller will hear nothing.
    Void,
    /// When it never left: its connection could not be opened.
    Unsent,
    /// When it goes to an address that its callee has left.
    Astray,
    /// When its connection was given up while a message of it was dropped; its caller knows.
    Dead,
}

/// A request in flight, or a branch of one: two cache lines, no more.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Frame {
    /// Names its draws.
    pub(crate) lineage: Lineage,
    /// When it arrived at the node; for a root, when it was meant to set out.
    pub(crate) arrived: Time,
    /// When the caller sent it.
    pub(crate) sent: Time,
    /// Since when it is in line.
    pub(crate) since: Time,
    /// When what it waits for will be: its work's end, or the end of its patience in line. Whatever is pending for another
    /// time is void.
    pub(crate) due: Time,
    /// Time in lines so far, ns.
    pub(crate) waited: u64,
    /// CPU demand of the work in progress, ns; after a preemption what is left of it.
    pub(crate) work: u64,
    /// Of that work, what goes into messages, ns; charged first.
    pub(crate) coding: u64,
    /// Work done for it so far, its callees' included, ns.
    pub(crate) spent: u64,
    /// Up to here all its time is accounted for.
    pub(crate) until: Time,
    /// What that was spent on.
    pub(crate) row: Row,
    /// The frame or join that waits for it, or the user.
    pub(crate) caller: u32,
    /// Next operation; while a call or fork is open, that operation.
    pub(crate) pc: u32,
    /// The try it waits for, while a call is open; `NONE` otherwise.
    pub(crate) child: u32,
    /// Where it runs.
    pub(crate) replica: u32,
    /// The call-site that made it.
    pub(crate) call: u32,
    /// The client behind it.
    pub(crate) client: u16,
    /// 0 is served first.
    pub(crate) priority: u8,
    /// Who waits.
    pub(crate) origin: Origin,
    /// What the CPU work in progress is charged as.
    pub(crate) doing: Cause,
    /// How it ended, or how its last failed call did.
    pub(crate) outcome: Outcome,
    /// Whether the request behind it belongs to the measured cohort.
    pub(crate) measured: bool,
    /// Whether its caller gave up.
    pub(crate) abandoned: bool,
    /// What it has of a pool of database connections.
    pub(crate) loan: Loan,
    /// Whether it is to stop at its next step.
    pub(crate) canceled: bool,
    /// Whether a message that its caller gave up is on the way.
    pub(crate) hears: bool,
    /// Whether its answer is back, and only that message keeps its slot.
    pub(crate) answered: bool,
    /// Whether it is in line.
    pub(crate) waiting: bool,
    /// Whether it lost its worker in the middle of work.
    pub(crate) preempted: bool,
    /// Branches: whether it took a worker of its own because its parent went on.
    pub(crate) own_worker: bool,
    /// What it is doing.
    pub(crate) pose: Pose,
    /// Whether its caller can be reached.
    pub(crate) cut: Cut,
}

impl Frame {
    /// A frame of nothing, that waits for nothing.
    const REST: Self = Self {
        lineage: Lineage(0),
        arrived: Time(0),
        sent: Time(0),
        since: Time(0),
        due: Time(0),
        waited: 0,
        work: 0,
        coding: 0,
        spent: 0,
        until: Time(0),
        row: Row::EMPTY,
        caller: 0,
        pc: 0,
        child: NONE,
        replica: 0,
        call: 0,
        client: 0,
        priority: 0,
        origin: Origin::Root,
        doing: Cause::Work,
        outcome: Outcome::Succeeded,
        measured: false,
        abandoned: false,
        loan: Loan::None,
        canceled: false,
        hears: false,
        answered: false,
        waiting: false,
        preempted: false,
        own_worker: false,
        pose: Pose::Idle,
        cut: Cut::Whole,
    };
}

impl Default for Frame {
    fn default() -> Self {
        Self::REST
    }
}

/// The slots of all frames, and the clocks of function calls under way in each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    slots: Vec<Frame>,
    scopes: Vec<Vec<Scope>>,
    free: Vec<u32>,
    /// Of each, the deadline it inherited; kept only where some policy passes its own on.
    pub(crate) deadlines: Vec<Time>,
}

/// What a function call will restore when it returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) lineage: Lineage,
    pub(crate) since: Time,
    pub(crate) edge: EdgeId,
}

impl Frames {
    /// A slot for `frame`.
    #[inline]
    pub(crate) fn insert(&mut self, frame: Frame) -> u32 {
        let (at, slot) = self.fresh();
        *slot = frame;
        at
    }

    /// A slot with a frame at rest, to be filled where it is: a frame that is put together elsewhere is copied.
    #[inline(always)]
    pub(crate) fn fresh(&mut self) -> (u32, &mut Frame) {
        let at = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.slots[at as usize];
        *slot = Frame::REST;
        (at, slot)
    }

    /// One slot more.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> u32 {
        let at = self.slots.len() as u32;
        debug_assert!(at != NONE);
        self.slots.push(Frame::REST);
        at
    }

    /// Frees a slot; whatever is pending for it is void.
    #[inline]
    pub(crate) fn remove(&mut self, at: u32) {
        self.slots[at as usize].due = Time::NEVER;
        self.free.push(at);
    }

    /// Slots ever used at once.
    #[inline]
    pub(crate) fn peak(&self) -> usize {
        self.slots.len()
    }

    /// The slots in use, in order.
    pub(crate) fn live_slots(&self) -> Vec<u32> {
        let mut used = vec![true; self.slots.len()];
        self.free.iter().for_each(|at| used[*at as usize] = false);
        (0..self.slots.len() as u32).filter(|at| used[*at as usize]).collect()
    }

    /// Slots in use.
    pub(crate) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The function calls under way in a frame.
    pub(crate) fn scopes(&mut self, at: u32) -> &mut Vec<Scope> {
        if self.scopes.len() <= at as usize {
            self.scopes.resize_with(at as usize + 1, Vec::new);
        }
        &mut self.scopes[at as usize]
    }
}

impl std::ops::Index<u32> for Frames {
    type Output = Frame;
    #[inline]
    fn index(&self, at: u32) -> &Frame {
        &self.slots[at as usize]
    }
}

impl std::ops::IndexMut<u32> for Frames {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Frame {
        &mut self.slots[at as usize]
    }
}

impl<P: Probe> Core<'_, P> {
    /// The deadline that a frame inherited.
    pub(crate) fn deadline_of(&self, at: u32) -> Time {
        match self.frames[at].origin {
            Origin::Try | Origin::Branch => self.frames.deadlines.get(at as usize).copied().unwrap_or(Time::NEVER),
            _ => Time::NEVER,
        }
    }

    /// A frame inherits a deadline, or that there is none.
    pub(crate) fn inherit_deadline(&mut self, at: u32, deadline: Time) {
        if self.frames.deadlines.len() <= at as usize {
            self.frames.deadlines.resize(self.frames.peak(), Time::NEVER);
        }
        self.frames.deadlines[at as usize] = deadline;
    }
}
