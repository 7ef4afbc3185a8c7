//! Timeouts of constant delay. They are armed in the order in which they fall due, so a queue is order enough, and most
//! are disarmed long before: a linked list over the items gives both at a fixed cost, and the agenda never sees them.
//!
//! The agenda holds *one* entry for each lane with something in it:
//!
//! 1. When [`arm`](Lanes::arm) returns true, push an entry for the lane at that deadline.
//! 2. When the entry is popped, take items with [`due`](Lanes::due) until it returns nothing. Handling an item may arm
//!    and disarm others, in the same lane too.
//! 3. Then, if [`head_deadline`](Lanes::head_deadline) gives a time, push the entry again for that time.
//!
//! The entry is not withdrawn when its item is disarmed: it is popped, finds nothing due, and goes on to the new head.
//! While it stands, [`arm`](Lanes::arm) asks for no other, even if the lane was empty for a while.

use crate::units::{Span, Time};

/// No item.
const NONE: u32 = u32::MAX;

/// An item's place in its lane.
#[derive(Clone, Copy, Debug)]
struct Link {
    deadline: Time,
    before: u32,
    after: u32,
    /// `NONE` when the item is in no lane.
    lane: u32,
}

/// A link of an item that is in no lane.
const LOOSE: Link = Link { deadline: Time(0), before: NONE, after: NONE, lane: NONE };

/// The two ends of a lane.
#[derive(Clone, Copy, Debug)]
struct Lane {
    delay: Span,
    head: u32,
    tail: u32,
    /// Whether the agenda has an entry for this lane.
    awaited: bool,
}

/// A lane for each distinct delay, over items that are known by an index (that of an arena slot). An item is in at most
/// one lane at a time.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    lanes: Vec<Lane>,
    links: Vec<Link>,
}

impl Lanes {
    /// No lanes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lane of a delay, opened if there is none; for setting up, as it looks through all lanes.
    pub fn open(&mut self, delay: Span) -> u32 {
        let lane = self.lanes.iter().position(|lane| lane.delay == delay).unwrap_or_else(|| {
            self.lanes.push(Lane { delay, head: NONE, tail: NONE, awaited: false });
            self.lanes.len() - 1
        });
        lane as u32
    }

    /// The delay of a lane.
    #[inline]
    pub fn delay(&self, lane: u32) -> Span {
        self.lanes[lane as usize].delay
    }

    /// Puts an item at the end of a lane. Its deadline is not before that of the item armed last, and the item is in no
    /// lane. Returns true when the caller must push the agenda entry of the lane, at this deadline.
    #[inline]
    #[must_use = "true asks for an agenda entry"]
    pub fn arm(&mut self, lane: u32, item: u32, deadline: Time) -> bool {
        if item as usize >= self.links.len() {
            self.links.resize(item as usize + 1, LOOSE);
        }
        debug_assert_eq!(self.links[item as usize].lane, NONE, "item {item} is armed already");
        let ends = &mut self.lanes[lane as usize];
        let before = ends.tail;
        ends.tail = item;
        let asks = !ends.awaited;
        ends.awaited = true;
        self.links[item as usize] = Link { deadline, before, after: NONE, lane };
        if before == NONE {
            ends.head = item;
        } else {
            let last = &mut self.links[before as usize];
            debug_assert!(last.deadline <= deadline, "lane {lane} is armed out of order");
            last.after = item;
        }
        asks
    }

    /// Takes an item out of its lane; returns whether it was in one.
    #[inline]
    pub fn disarm(&mut self, item: u32) -> bool {
        let Some(link) = self.links.get_mut(item as usize) else { return false };
        let Link { before, after, lane, .. } = *link;
        if lane == NONE {
            return false;
        }
        link.lane = NONE;
        let ends = &mut self.lanes[lane as usize];
        if before == NONE {
            ends.head = after;
        } else {
            self.links[before as usize].after = after;
        }
        if after == NONE {
            ends.tail = before;
        } else {
            self.links[after as usize].before = before;
        }
        true
    }

    /// Whether an item is in a lane.
    #[inline]
    pub fn is_armed(&self, item: u32) -> bool {
        self.links.get(item as usize).is_some_and(|link| link.lane != NONE)
    }

    /// Takes the first item of a lane if its deadline has come; only to be called when the lane's agenda entry is popped.
    #[inline]
    pub fn due(&mut self, lane: u32, now: Time) -> Option<u32> {
        let ends = &mut self.lanes[lane as usize];
        let item = ends.head;
        if item == NONE {
            // The entry was popped and will not be pushed again, so the next item armed must ask for one.
            ends.awaited = false;
            return None;
        }
        if self.links[item as usize].deadline > now {
            return None;
        }
        self.disarm(item);
        Some(item)
    }

    /// The deadline of the first item of a lane.
    #[inline]
    pub fn head_deadline(&self, lane: u32) -> Option<Time> {
        let head = self.lanes[lane as usize].head;
        (head != NONE).then(|| self.links[head as usize].deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Packed;

    /// An entry of a lane, or an item's own.
    impl Packed for Result<u32, (u32, u32)> {
        fn pack(self) -> u64 {
            match self {
                Ok(lane) => u64::from(lane),
                Err((lane, item)) => 1 << 32 | u64::from(lane) << 24 | u64::from(item),
            }
        }

        fn unpack(bits: u64) -> Self {
            let low = bits as u32;
            if bits >> 32 == 0 { Ok(low) } else { Err((low >> 24, low & 0xff_ffff)) }
        }
    }
    use crate::kernel::{Agenda, Phase};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_lane_for_each_distinct_delay() {
        let mut lanes = Lanes::new();
        let (a, b) = (lanes.open(Span(5)), lanes.open(Span(7)));
        assert_ne!(a, b);
        assert_eq!(lanes.open(Span(5)), a);
        assert_eq!(lanes.delay(b), Span(7));
    }

    #[test]
    fn items_fall_due_in_the_order_they_were_armed() {
        let mut lanes = Lanes::new();
        let lane = lanes.open(Span(10));
        assert!(lanes.arm(lane, 3, Time(10)));
        assert!(!lanes.arm(lane, 1, Time(10)));
        assert!(!lanes.arm(lane, 2, Time(12)));
        assert_eq!(lanes.due(lane, Time(9)), None);
        assert_eq!([10, 10, 10].map(|now| lanes.due(lane, Time(now))), [Some(3), Some(1), None]);
        assert_eq!(lanes.head_deadline(lane), Some(Time(12)));
        assert!(lanes.is_armed(2) && !lanes.is_armed(3) && !lanes.is_armed(99));
    }

    #[test]
    fn an_item_is_disarmed_wherever_it_stands() {
        for gone in 0..3 {
            let mut lanes = Lanes::new();
            let lane = lanes.open(Span(10));
            for item in 0..3 {
                let _ = lanes.arm(lane, item, Time(10));
            }
            assert!(lanes.disarm(gone));
            assert!(!lanes.disarm(gone));
            let left: Vec<u32> = std::iter::from_fn(|| lanes.due(lane, Time(10))).collect();
            assert_eq!(left, (0..3).filter(|item| *item != gone).collect::<Vec<_>>());
        }
        assert!(!Lanes::new().disarm(4));
    }

    #[test]
    fn a_lane_asks_for_one_entry_only_while_it_stands() {
        let mut lanes = Lanes::new();
        let lane = lanes.open(Span(10));
        assert!(lanes.arm(lane, 0, Time(10)));
        lanes.disarm(0);
        assert!(!lanes.arm(lane, 0, Time(15)), "the entry at 10 still stands");
        assert_eq!((lanes.due(lane, Time(10)), lanes.head_deadline(lane)), (None, Some(Time(15))));
        lanes.disarm(0);
        assert_eq!((lanes.due(lane, Time(15)), lanes.head_deadline(lane)), (None, None));
        assert!(lanes.arm(lane, 0, Time(30)), "no entry stands");
    }

    proptest! {
        /// By the protocol, with two lanes and items disarmed at random, every item left fires at its deadline, and the
        /// agenda never has more than an entry for each lane besides the steps.
        #[test]
        fn the_protocol_fires_what_was_not_disarmed(steps in prop::collection::vec((0..6u64, 0..2usize, 0..40u32), 1..300)) {
            let mut lanes = Lanes::new();
            let of = [lanes.open(Span(20)), lanes.open(Span(55))];
            let (mut agenda, mut armed, mut at) = (Agenda::new(), BTreeMap::new(), Time(0));
            for (gap, lane, item) in steps {
                at = at + Span(gap);
                agenda.push(at, Phase::Sample, Err((of[lane], item)));
            }
            let mut left = agenda.len();
            while let Some((now, event)) = agenda.pop() {
                match event {
                    Err((lane, item)) => {
                        left -= 1;
                        prop_assert_eq!(lanes.disarm(item), armed.remove(&item).is_some());
                        if item % 3 > 0 {
                            let deadline = now + lanes.delay(lane);
                            armed.insert(item, deadline);
                            if lanes.arm(lane, item, deadline) {
                                agenda.push(deadline, Phase::Arrival, Ok(lane));
                            }
                        }
                    }
                    Ok(lane) => {
                        while let Some(item) = lanes.due(lane, now) {
                            prop_assert_eq!(armed.remove(&item), Some(now));
                        }
                        if let Some(next) = lanes.head_deadline(lane) {
                            agenda.push(next, Phase::Arrival, Ok(lane));
                        }
                    }
                }
                prop_assert!(agenda.len() <= left + 2);
            }
            prop_assert!(armed.is_empty());
        }
    }
}
