//! What may be pending.
//!
//! An event is a kind and the index of what it is about, nothing more. Whether it is stale the thing itself can tell: a
//! completion is live only at the instant for which its frame expects it, and a second one at that same instant would do
//! what the first one did.

use crate::kernel::Packed;

/// A pending event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
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
    /// When a frame has waited long enough for a database connection.
    Starve(u32),
    /// When a wait of a guarded call is over, or its deadline or next hedge is due.
    Alarm(u32),
    /// When a callee (a frame) hears that its caller gave up.
    Cancel(u32),
    /// When the first try in a lane of equal timeouts may be due.
    Lane(u32),
    /// When a boundary of the measured time passes, counted in [`Mark::ALL`].
    Mark(u32),
    /// When something happens to a stream.
    Stream(u32),
    /// When a fault begins or ends.
    Fault(u32),
    /// When the run waits no longer for its last requests.
    Exhausted,
    /// When something happens to a message.
    Mail(Mail),
    /// When something becomes known of endpoints.
    News(News),
    /// When something happens to the replicas of a node.
    Scale(Scale),
}

/// What may be pending about replicas: it shares a kind of event with faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// When the autoscaler of a node looks.
    Look(u32),
    /// When a replica is ready.
    Ready(u32),
    /// When the next step of a replica's warm-up begins.
    Warm(u32),
    /// When a replica no longer takes anything.
    Close(u32),
}

/// Tells what is pending about replicas from faults.
const SCALE: u32 = 1 << 31;

/// Bits of the index under a kind of [`Scale`].
const SCALE_BITS: u32 = 29;

impl Scale {
    fn pack(self) -> u32 {
        let (kind, index) = match self {
            Self::Look(node) => (0, node),
            Self::Ready(replica) => (1, replica),
            Self::Warm(replica) => (2, replica),
            Self::Close(replica) => (3, replica),
        };
        debug_assert!(index < 1 << SCALE_BITS);
        SCALE | kind << SCALE_BITS | index
    }

    fn unpack(bits: u32) -> Self {
        let index = bits & ((1 << SCALE_BITS) - 1);
        match bits >> SCALE_BITS & 3 {
            0 => Self::Look(index),
            1 => Self::Ready(index),
            2 => Self::Warm(index),
            _ => Self::Close(index),
        }
    }
}

/// What may be pending about messages: all of it one kind of event, of which there are few to spare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mail {
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
}

/// What may become known of endpoints: rare, so it shares a kind with the marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum News {
    /// When callers of a node, or DNS, can see that its endpoints have changed.
    Change(u32),
    /// When a probe tells something of a replica.
    Probe(u32),
}

/// Where the kinds of [`News`] begin among the marks.
const CHANGE: u32 = 1 << 30;
const PROBE: u32 = 2 << 30;

impl News {
    fn pack(self) -> u32 {
        match self {
            Self::Change(node) => CHANGE | node,
            Self::Probe(replica) => PROBE | replica,
        }
    }

    fn unpack(bits: u32) -> Self {
        if bits & PROBE == 0 { Self::Change(bits & !CHANGE) } else { Self::Probe(bits & !PROBE) }
    }
}

/// Bits of the index under a kind of [`Mail`].
const MAIL_BITS: u32 = 29;

impl Mail {
    fn pack(self) -> u32 {
        let (kind, index) = match self {
            Self::Post(message) => (0, message),
            Self::Confirm(frame) => (1, frame),
            Self::Ack(delivery) => (2, delivery),
            Self::Clock(queue) => (3, queue),
            Self::Poll(member) => (4, member),
        };
        debug_assert!(index < 1 << MAIL_BITS);
        kind << MAIL_BITS | index
    }

    fn unpack(bits: u32) -> Self {
        let index = bits & ((1 << MAIL_BITS) - 1);
        match bits >> MAIL_BITS {
            0 => Self::Post(index),
            1 => Self::Confirm(index),
            2 => Self::Ack(index),
            3 => Self::Clock(index),
            _ => Self::Poll(index),
        }
    }
}

impl Packed for Event {
    #[inline(always)]
    fn pack(self) -> u64 {
        let (kind, index) = match self {
            Self::Done(frame) => (0, frame),
            Self::Reach(frame) => (1, frame),
            Self::Return(frame) => (2, frame),
            Self::Arrive(client) => (3, client),
            Self::Send(user) => (4, user),
            Self::Wake(frame) => (5, frame),
            Self::Tick(replica) => (6, replica),
            Self::Patience(frame) => (7, frame),
            Self::Lane(lane) => (8, lane),
            Self::Mark(mark) => (9, mark),
            Self::News(news) => (9, news.pack()),
            Self::Exhausted => (9, u32::MAX),
            Self::Starve(frame) => (11, frame),
            Self::Cancel(frame) => (12, frame),
            Self::Stream(beat) => (10, beat),
            Self::Mail(mail) => (14, mail.pack()),
            Self::Alarm(frame) => (13, frame),
            Self::Fault(fault) => (15, fault),
            Self::Scale(scale) => (15, scale.pack()),
        };
        kind << 32 | u64::from(index)
    }

    #[inline]
    fn unpack(bits: u64) -> Self {
        let index = bits as u32;
        match bits >> 32 {
            0 => Self::Done(index),
            1 => Self::Reach(index),
            2 => Self::Return(index),
            3 => Self::Arrive(index),
            4 => Self::Send(index),
            5 => Self::Wake(index),
            6 => Self::Tick(index),
            7 => Self::Patience(index),
            8 => Self::Lane(index),
            9 if index == u32::MAX => Self::Exhausted,
            9 if index >= CHANGE => Self::News(News::unpack(index)),
            9 => Self::Mark(index),
            11 => Self::Starve(index),
            12 => Self::Cancel(index),
            13 => Self::Alarm(index),
            14 => Self::Mail(Mail::unpack(index)),
            15 if index & SCALE != 0 => Self::Scale(Scale::unpack(index)),
            15 => Self::Fault(index),
            _ => Self::Stream(index),
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
            Event::Exhausted,
            Event::Starve(9),
            Event::Cancel(10),
            Event::Stream(u32::MAX),
            Event::Mail(Mail::Post(1)),
            Event::Mail(Mail::Confirm(2)),
            Event::Mail(Mail::Ack((1 << 29) - 1)),
            Event::Mail(Mail::Clock(3)),
            Event::Mail(Mail::Poll(0)),
            Event::Alarm(11),
            Event::Fault(11),
            Event::News(News::Change(12)),
            Event::News(News::Probe((1 << 30) - 1)),
            Event::Scale(Scale::Look(0)),
            Event::Scale(Scale::Ready(12)),
            Event::Scale(Scale::Warm(13)),
            Event::Scale(Scale::Close((1 << 29) - 1)),
        ];
        for event in all {
            assert_eq!(Event::unpack(event.pack()), event);
            assert!(event.pack() >> 36 == 0);
        }
    }
}
