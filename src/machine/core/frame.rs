//! Frames: requests in flight, each a cursor on a program.

use crate::model::id::NONE;
use crate::model::{Cause, EdgeId, Outcome, Probe};
use crate::random::Lineage;
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::ledger::Row;
use crate::machine::core::side::Side;
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

/// The request behind something: whose it is, and what follows from that wherever it comes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(4))]
pub(crate) struct Whose {
    /// The client behind it.
    pub(crate) client: u16,
    /// 0 is served first.
    pub(crate) priority: u8,
    /// Whether it belongs to the measured cohort.
    pub(crate) measured: bool,
}

/// Where a frame has come from, in time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trip {
    /// When it arrived at the node; for a root, when it was meant to set out.
    pub(crate) arrived: Time,
    /// When the caller sent it.
    pub(crate) sent: Time,
}

/// What a frame has waited.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    /// Since when it is in line.
    pub(crate) since: Time,
    /// Time in lines so far, ns.
    pub(crate) waited: u64,
}

/// The CPU work of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// CPU demand of the work in progress, ns; after a preemption what is left of it.
    pub(crate) work: u64,
    /// Of that work, what goes into messages, ns; charged first.
    pub(crate) coding: u64,
    /// Work done for it so far, its callees' included, ns.
    pub(crate) spent: u64,
}

/// Where the time of a frame went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    /// Up to here all its time is accounted for.
    pub(crate) until: Time,
    /// What that was spent on.
    pub(crate) row: Row,
}

/// How a frame is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// What the CPU work in progress is charged as.
    pub(crate) doing: Cause,
    /// How it ended, or how its last failed call did.
    pub(crate) outcome: Outcome,
    /// What it has of a pool of database connections.
    pub(crate) loan: Loan,
    /// What it is doing.
    pub(crate) pose: Pose,
    /// Whether its caller can be reached.
    pub(crate) cut: Cut,
}

/// What has happened to a frame.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; they overlap")]
pub(crate) struct Marks {
    /// Whether its caller gave up.
    pub(crate) abandoned: bool,
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
    /// Whether its answer will be without a part that it may do without.
    pub(crate) partial: bool,
}

/// A request in flight, or a branch of one: two cache lines, no more.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Frame {
    /// Names its draws.
    pub(crate) lineage: Lineage,
    pub(crate) trip: Trip,
    pub(crate) wait: Wait,
    /// When what it waits for will be: its work's end, or the end of its patience in line. Whatever is pending for another
    /// time is void.
    pub(crate) due: Time,
    pub(crate) load: Load,
    pub(crate) account: Account,
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
    pub(crate) whose: Whose,
    /// Who waits.
    pub(crate) origin: Origin,
    pub(crate) state: State,
    pub(crate) marks: Marks,
}

impl Frame {
    /// A frame of nothing, that waits for nothing.
    const REST: Self = Self {
        lineage: Lineage(0),
        trip: Trip { arrived: Time(0), sent: Time(0) },
        wait: Wait { since: Time(0), waited: 0 },
        due: Time(0),
        load: Load { work: 0, coding: 0, spent: 0 },
        account: Account { until: Time(0), row: Row::EMPTY },
        caller: 0,
        pc: 0,
        child: NONE,
        replica: 0,
        call: 0,
        whose: Whose { client: 0, priority: 0, measured: false },
        origin: Origin::Root,
        state: State {
            doing: Cause::Work,
            outcome: Outcome::Succeeded,
            loan: Loan::None,
            pose: Pose::Idle,
            cut: Cut::Whole,
        },
        marks: Marks {
            abandoned: false,
            canceled: false,
            hears: false,
            answered: false,
            waiting: false,
            preempted: false,
            own_worker: false,
            partial: false,
        },
    };

    /// A frame that begins now.
    #[inline(always)]
    pub(crate) fn new(lineage: Lineage, now: Time, whose: Whose) -> Self {
        let (trip, account) = (Trip { sent: now, ..Self::REST.trip }, Account { until: now, ..Self::REST.account });
        Self { lineage, trip, account, whose, ..Self::REST }
    }
}

// Two cache lines, and not a third.
const _: () = assert!(size_of::<Frame>() == 128);

/// The slots of all frames, and the clocks of function calls under way in each.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    slots: Vec<Frame>,
    scopes: Side<Vec<Scope>>,
    free: Vec<u32>,
    /// Of each, the deadline it inherited; kept only where some policy passes its own on.
    pub(crate) deadlines: Side<Time>,
}

/// What a function call will restore when it returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) lineage: Lineage,
    pub(crate) since: Time,
    pub(crate) edge: EdgeId,
}

impl Frames {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), scopes: Side::default(), free: Vec::new(), deadlines: Side::new(Time::NEVER) }
    }

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
        let at = self.take_slot();
        (at, self.begin_in(at))
    }

    /// A slot that nobody has, as whoever had it left it.
    #[inline(always)]
    pub(crate) fn take_slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| self.grow())
    }

    /// A slot in which a frame begins.
    #[inline(always)]
    pub(crate) fn begin_in(&mut self, at: u32) -> &mut Frame {
        let slot = &mut self.slots[at as usize];
        *slot = Frame::REST;
        slot
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
        self.scopes.grow(at);
        &mut self.scopes[at]
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
            Origin::Try | Origin::Branch => *self.frames.deadlines.get(at),
            _ => Time::NEVER,
        }
    }

    /// A frame inherits a deadline, or that there is none.
    pub(crate) fn inherit_deadline(&mut self, at: u32, deadline: Time) {
        self.frames.deadlines.put(at, deadline);
    }
}
