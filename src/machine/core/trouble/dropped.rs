//! What the network drops, and TCP sends again. See [`drop`](crate::model::fault::drop).
//!
//! A message that is dropped is one that is still on its way: it arrives again when it is sent again, and finds the network
//! whole, or not. Only where there are no connections it is kept until the fault is over.

use std::collections::BTreeMap;

use crate::model::fault::drop;
use crate::units::{Span, Time};

/// Messages that are dropped, and connections on which some are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped {
    /// By frame: how often its message was sent again.
    again: BTreeMap<u32, u8>,
    /// Connections for several requests, by pool, number and direction: how often the first message that is missing was
    /// sent again, and when it will be next.
    pub(crate) stalls: BTreeMap<(u32, u32, bool), (u8, Time)>,
    /// Messages without a connection, and whether they are answers.
    pub(crate) kept: Vec<(u32, bool)>,
}

impl Dropped {
    /// Whether nothing is sent again.
    pub(crate) fn is_empty(&self) -> bool {
        self.stalls.is_empty() && self.again.is_empty()
    }

    /// A message arrives where the network is `cut`, or on a connection that stands still: how often it was sent again, and how
    /// long until it is once more; `None`: it passes.
    pub(crate) fn next(
        &mut self,
        at: u32,
        shared: Option<(u32, u32, bool)>,
        cut: bool,
        now: Time,
    ) -> Option<(u8, Span)> {
        let Some(key) = shared else {
            let nth = self.again.remove(&at).unwrap_or(0);
            if !cut {
                return None;
            }
            if nth < drop::RESENT {
                self.again.insert(at, nth + 1);
            }
            return Some((nth, drop::retransmission(nth)));
        };
        match self.stalls.get(&key) {
            Some((_, next)) if *next > now => Some((0, next.since(now))),
            Some(_) if !cut => {
                self.stalls.remove(&key);
                None
            }
            None if !cut => None,
            found => {
                let nth = found.map_or(0, |(nth, _)| *nth);
                let wait = drop::retransmission(nth);
                self.stalls.insert(key, (nth + 1, now + wait));
                Some((nth, wait))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_again_until_the_network_is_whole() {
        let mut dropped = Dropped::default();
        assert_eq!(dropped.next(3, None, false, Time(0)), None);
        let waits: Vec<u64> =
            (0..3).filter_map(|_| dropped.next(3, None, true, Time(0))).map(|(_, wait)| wait.0).collect();
        assert!(waits[0] < waits[1] && waits[1] < waits[2], "{waits:?}");
        assert_eq!(dropped.next(3, None, false, Time(0)), None);
        assert!(dropped.is_empty());
    }

    #[test]
    fn what_shares_a_connection_waits_for_the_first_that_is_missing() {
        let mut dropped = Dropped::default();
        let shared = Some((0, 1, false));
        let (_, wait) = dropped.next(3, shared, true, Time(0)).unwrap();
        assert_eq!(dropped.next(4, shared, false, Time(1)), Some((0, Span(wait.0 - 1))));
        assert_eq!(dropped.next(4, shared, false, Time(wait.0)), None);
    }
}
