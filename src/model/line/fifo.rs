//! First come, first served: the order of nearly every thread pool and accept queue.

use super::{Links, List};

/// Joins at the end.
pub(super) fn join(list: &mut List, frame: u32, links: &mut Links) {
    list.push_back(frame, links);
}
