//! The one clock of all processes of a run: `CLOCK_MONOTONIC`, ns since the machine was started.

use rustix::time::{ClockId, clock_gettime};

/// Now, ns.
pub(crate) fn now() -> u64 {
    nanos(ClockId::Monotonic)
}

/// CPU time that this thread has used, ns.
pub(crate) fn cpu() -> u64 {
    nanos(ClockId::ThreadCPUTime)
}

fn nanos(id: ClockId) -> u64 {
    let time = clock_gettime(id);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
