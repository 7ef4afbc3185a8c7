//! What may be pending.

use crate::model::Mark;

/// A pending event. `turn` and `epoch` tell a stale one from a live one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    /// When CPU work on a worker's own core ends.
    Done { frame: u32, turn: u32 },
    /// When a request arrives at the callee.
    Reach { frame: u32 },
    /// When an answer arrives at the caller.
    Return { frame: u32 },
    /// When an open client sends.
    Arrive { client: u32 },
    /// When a user of a closed client has thought enough.
    Send { client: u32, user: u32 },
    /// When a wait without CPU is over.
    Wake { frame: u32 },
    /// When the first work on a shared processor may be complete.
    Tick { replica: u32, epoch: u32 },
    /// When a request has been in line as long as it stays.
    Patience { frame: u32, turn: u32 },
    /// When the first try in a lane of equal timeouts may be due.
    Lane { lane: u32 },
    /// When a boundary of the measured time passes.
    Mark(Mark),
    /// When the run waits no longer for its last requests.
    Exhausted,
}
