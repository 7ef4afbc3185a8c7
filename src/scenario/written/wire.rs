//! How calls travel, as written: transports.

use super::TransportSpec;

/// The word for a call that is no transport at all, but a function call.
pub const IN_PROCESS: &str = "in-process";

/// How a call travels.
#[derive(Clone, Copy, Debug)]
pub enum How<'s> {
    /// When the callee's program runs on the caller's worker: a function call.
    InProcess,
    /// When the call crosses the network.
    Over(&'s TransportSpec),
}

impl How<'_> {
    /// Whether it is a function call.
    pub fn is_in_process(self) -> bool {
        matches!(self, How::InProcess)
    }
}
