//! What may be pending.
//!
//! An event is a kind and the index of what it is about, nothing more. Whether it is stale the thing itself can tell: a
//! completion is live only at the instant for which its frame expects it, and a second one at that same instant would do
//! what the first one did.

use crate::kernel::Packed;

/// A pending event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    /// When CPU work of a frame on a worker's own core ends.
    Done(u32),
    /// When a request (a frame) arrives at the callee.
    Reach(u32),
    /// When an answer (a frame) arrives at the caller.
    Return(u32),
    /// When an open client sends.
    Arrive(u32),
    /// When a user of a closed client has thought enough.
    Send(u32),
    /// When a frame's wait without CPU is over.
    Wake(u32),
    /// When the first work on a replica's shared processor may be complete.
    Tick(u32),
    /// When a frame has been in line as long as it stays.
    Patience(u32),
    /// When a frame has waited long enough for a connection of a pool.
    Starve(u32),
    /// When a wait of a guarded call is over, or its deadline or next hedge is due.
    Alarm(u32),
    /// When a callee (a frame) hears that its caller gave up.
    Cancel(u32),
    /// When the first try in a lane of equal timeouts may be due.
    Lane(u32),
    /// When a boundary of the measured time passes, counted in [`Mark::ALL`](crate::model::Mark::ALL), or one between its
    /// stretches, counted on; [`EXHAUSTED`] when the run waits no longer for its last requests.
    Mark(u32),
    /// When something happens to a stream.
    Stream(u32),
    /// When a fault begins or ends.
    Fault(u32),
    /// When something rare happens, a packed [`Rare`].
    Rare(u32),
}

const _: () = assert!(size_of::<Event>() == 8);

/// The boundary after the last: the run waits no longer.
pub(crate) const EXHAUSTED: u32 = u32::MAX;

/// The mark at which the run looks whether calls and visits are still open.
pub(crate) const LINGER: u32 = u32::MAX - 1;

/// What may be pending more rarely: all of it one kind of event, of which there are few to spare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rare {
    /// When a message has arrived at its broker and is safe there.
    Post(u32),
    /// When a publisher (a frame) hears that.
    Confirm(u32),
    /// When the broker hears what became of a delivery.
    Ack(u32),
    /// When the first message of a queue may be too old, or its first delivery too long ago.
    Clock(u32),
    /// When a consumer asks for messages.
    Poll(u32),
    /// When word reaches a try that another, tied to it, has been begun.
    Word(u32),
    /// When callers of a node, or DNS, can see that its endpoints have changed.
    Change(u32),
    /// When a probe tells something of a replica.
    Probe(u32),
    /// When the autoscaler of a node looks.
    Look(u32),
    /// When a replica is ready.
    Ready(u32),
    /// When the next step of a replica's warm-up begins.
    Warm(u32),
    /// When a replica no longer takes anything.
    Close(u32),
    /// When a query (a frame) has waited so long for a lock that it looks for a deadlock.
    Suspect(u32),
    /// When a message of a try, or a delivery (a frame), arrives at a proxy.
    Pass(u32),
    /// When a broker's word to a publisher (a frame) arrives at the proxy beside it.
    Receipt(u32),
    /// When a replica is asked whether it works, or should have answered: twice its number, and one more for liveness.
    Ask(u32),
    /// When an answer about a name comes, or should have come.
    Named(u32),
    /// When a message that was lost may be there.
    Mend(u32),
    /// When the connection that a try (a frame) opens must be open.
    Expire(u32),
    /// When a connection ends that has come of age.
    End(u32),
    /// When a balancer's probe arrives at a replica.
    Asked(u32),
    /// When a consumer has kept an acknowledgement for as long as it does.
    Tell(u32),
    /// When a broker looks at its memory.
    Memory(u32),
    /// When a caller (a memory) may have probed nobody for too long.
    Idle(u32),
}

/// Bits of the index under a kind of [`Rare`].
const INDEX_BITS: u32 = 27;

impl Rare {
    /// The event of it.
    pub(crate) fn event(self) -> Event {
        let (kind, index) = match self {
            Self::Post(message) => (0, message),
            Self::Confirm(frame) => (1, frame),
            Self::Ack(delivery) => (2, delivery),
            Self::Clock(queue) => (3, queue),
            Self::Poll(member) => (4, member),
            Self::Word(word) => (5, word),
            Self::Change(node) => (6, node),
            Self::Probe(replica) => (7, replica),
            Self::Look(node) => (8, node),
            Self::Ready(replica) => (9, replica),
            Self::Warm(replica) => (10, replica),
            Self::Close(replica) => (11, replica),
            Self::Suspect(frame) => (12, frame),
            Self::Pass(frame) => (13, frame),
            Self::Receipt(frame) => (14, frame),
            Self::Ask(asked) => (15, asked),
            Self::Named(question) => (16, question),
            Self::Mend(gap) => (17, gap),
            Self::Expire(frame) => (18, frame),
            Self::End(place) => (19, place),
            Self::Asked(probe) => (20, probe),
            Self::Tell(member) => (21, member),
            Self::Memory(alarm) => (22, alarm),
            Self::Idle(memory) => (23, memory),
        };
        debug_assert!(index < 1 << INDEX_BITS);
        Event::Rare(kind << INDEX_BITS | index)
    }

    /// What [`event`](Self::event) packed.
    pub(crate) fn unpack(bits: u32) -> Self {
        let index = bits & ((1 << INDEX_BITS) - 1);
        match bits >> INDEX_BITS {
            0 => Self::Post(index),
            1 => Self::Confirm(index),
            2 => Self::Ack(index),
            3 => Self::Clock(index),
            4 => Self::Poll(index),
            5 => Self::Word(index),
            6 => Self::Change(index),
            7 => Self::Probe(index),
            8 => Self::Look(index),
            9 => Self::Ready(index),
            10 => Self::Warm(index),
            11 => Self::Close(index),
            12 => Self::Suspect(index),
            13 => Self::Pass(index),
            14 => Self::Receipt(index),
            15 => Self::Ask(index),
            16 => Self::Named(index),
            17 => Self::Mend(index),
            18 => Self::Expire(index),
            19 => Self::End(index),
            20 => Self::Asked(index),
            21 => Self::Tell(index),
            22 => Self::Memory(index),
            _ => Self::Idle(index),
        }
    }
}

impl Packed for Event {
    #[inline(always)]
    fn pack(self) -> u64 {
        // Numbered in the order of their declaration: then neither way needs a table.
        let (kind, index) = match self {
            Self::Done(frame) => (0, frame),
            Self::Reach(frame) => (1, frame),
            Self::Return(frame) => (2, frame),
            Self::Arrive(client) => (3, client),
            Self::Send(user) => (4, user),
            Self::Wake(frame) => (5, frame),
            Self::Tick(replica) => (6, replica),
            Self::Patience(frame) => (7, frame),
            Self::Starve(frame) => (8, frame),
            Self::Alarm(frame) => (9, frame),
            Self::Cancel(frame) => (10, frame),
            Self::Lane(lane) => (11, lane),
            Self::Mark(mark) => (12, mark),
            Self::Stream(beat) => (13, beat),
            Self::Fault(fault) => (14, fault),
            Self::Rare(rare) => (15, rare),
        };
        kind << 32 | u64::from(index)
    }

    #[inline]
    fn unpack(bits: u64) -> Self {
        let index = bits as u32;
        match bits >> 32 & 15 {
            0 => Self::Done(index),
            1 => Self::Reach(index),
            2 => Self::Return(index),
            3 => Self::Arrive(index),
            4 => Self::Send(index),
            5 => Self::Wake(index),
            6 => Self::Tick(index),
            7 => Self::Patience(index),
            8 => Self::Starve(index),
            9 => Self::Alarm(index),
            10 => Self::Cancel(index),
            11 => Self::Lane(index),
            12 => Self::Mark(index),
            13 => Self::Stream(index),
            14 => Self::Fault(index),
            _ => Self::Rare(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let all = [
            Event::Done(7),
            Event::Reach(u32::MAX),
            Event::Return(1),
            Event::Arrive(2),
            Event::Send(3),
            Event::Wake(4),
            Event::Tick(5),
            Event::Patience(6),
            Event::Lane(8),
            Event::Mark(1),
            Event::Mark(EXHAUSTED),
            Event::Starve(9),
            Event::Cancel(10),
            Event::Stream(u32::MAX),
            Event::Rare(6),
            Event::Alarm(11),
            Event::Fault(11),
        ];
        for event in all {
            assert_eq!(Event::unpack(event.pack()), event);
            assert!(event.pack() >> 36 == 0);
        }
    }

    #[test]
    fn what_is_rare_comes_back() {
        let all = [
            Rare::Post(1),
            Rare::Confirm(2),
            Rare::Ack((1 << 27) - 1),
            Rare::Clock(3),
            Rare::Poll(0),
            Rare::Word(7),
            Rare::Change(12),
            Rare::Probe((1 << 27) - 1),
            Rare::Look(0),
            Rare::Ready(12),
            Rare::Warm(13),
            Rare::Close((1 << 27) - 1),
            Rare::Suspect(14),
            Rare::Pass(15),
            Rare::Receipt(16),
            Rare::Ask(17),
            Rare::Named(18),
            Rare::Mend(19),
            Rare::Expire(20),
            Rare::End(21),
            Rare::Asked(22),
            Rare::Tell(23),
            Rare::Memory(24),
            Rare::Idle(25),
        ];
        for rare in all {
            let Event::Rare(bits) = rare.event() else { panic!("{rare:?}") };
            assert_eq!(Rare::unpack(bits), rare);
        }
    }
}
