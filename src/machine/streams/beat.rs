//! What may be pending about streams: all of it one kind of event, of which there are few to spare.

/// What happens next to a stream; packed into the index of one kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// When an open batch (of a batcher) has waited long enough.
    Linger(u32),
    /// When a batch arrives at the broker.
    Append(u32),
    /// When a batch is safe.
    Safe(u32),
    /// When a publisher (a frame) hears that its record is safe.
    Confirmed(u32),
    /// When a member's request is at the broker.
    Ask(u32),
    /// When records arrive at a member.
    Fetched(u32),
    /// When a member hears what its group is up to.
    Heartbeat(u32),
    /// When the session of a member that crashed is over.
    Session(u32),
    /// When a member should have asked for more.
    Overdue(u32),
    /// When a group seeks back.
    Seek(u32),
    /// When a topic has a new leader.
    Elected(u32),
    /// When a topic's broker looks for records that are too old.
    Retain(u32),
    /// When a producer (an outlet) may have room again.
    Wake(u32),
    /// When a producer (an outlet) looks for records that are too late.
    Late(u32),
    /// When a publisher (a frame) has waited long enough for room.
    Blocked(u32),
    /// When a member has waited before another try, or a record in one of its partitions is due.
    Resume(u32),
}

impl Beat {
    /// As an index: the kind above 28 bits.
    pub(crate) fn code(self) -> u32 {
        let (kind, index) = match self {
            Self::Linger(i) => (0, i),
            Self::Append(i) => (1, i),
            Self::Safe(i) => (2, i),
            Self::Confirmed(i) => (3, i),
            Self::Ask(i) => (4, i),
            Self::Fetched(i) => (5, i),
            Self::Heartbeat(i) => (6, i),
            Self::Session(i) => (7, i),
            Self::Overdue(i) => (8, i),
            Self::Seek(i) => (9, i),
            Self::Elected(i) => (10, i),
            Self::Retain(i) => (11, i),
            Self::Wake(i) => (12, i),
            Self::Late(i) => (13, i),
            Self::Blocked(i) => (14, i),
            Self::Resume(i) => (15, i),
        };
        debug_assert!(index < 1 << 28, "so many of one kind at once do not fit into memory");
        kind << 28 | index
    }

    /// What was packed.
    pub(crate) fn decode(code: u32) -> Self {
        let index = code & ((1 << 28) - 1);
        match code >> 28 {
            0 => Self::Linger(index),
            1 => Self::Append(index),
            2 => Self::Safe(index),
            3 => Self::Confirmed(index),
            4 => Self::Ask(index),
            5 => Self::Fetched(index),
            6 => Self::Heartbeat(index),
            7 => Self::Session(index),
            8 => Self::Overdue(index),
            9 => Self::Seek(index),
            10 => Self::Elected(index),
            11 => Self::Retain(index),
            12 => Self::Wake(index),
            13 => Self::Late(index),
            14 => Self::Blocked(index),
            _ => Self::Resume(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let all = [
            Beat::Linger(1),
            Beat::Append((1 << 28) - 1),
            Beat::Safe(3),
            Beat::Confirmed(4),
            Beat::Ask(5),
            Beat::Fetched(6),
            Beat::Heartbeat(7),
            Beat::Session(8),
            Beat::Overdue(9),
            Beat::Seek(10),
            Beat::Elected(0),
            Beat::Retain(1),
            Beat::Wake(2),
            Beat::Late(3),
            Beat::Blocked(4),
            Beat::Resume(5),
        ];
        all.into_iter().for_each(|beat| assert_eq!(Beat::decode(beat.code()), beat));
    }
}
