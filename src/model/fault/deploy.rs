//! `deploy` with a `duration`: a rolling restart. Replicas are gone one after the other (`replicas` at once, 1 unless said), all of
//! them within the `duration`, each for its part of it. Without one it is a rollout that waits for its replicas (`max_surge`).
//!
//! A replica that restarts takes no new work; what is in progress ends and is answered, as after a graceful shutdown.
//! Connections to it are closed, so that handshakes are paid again. Callers that do not know of it hear `connect_failed`.
//!
//! `breaking = true`: the release changes what the service says and understands, and versions misunderstand each other until
//! both sides are out. A replica speaks the new version from its restart on. Who calls it does from its own restart on, in a
//! deploy that begins no earlier than the callee's: an older release was written before the change. A call between
//! versions that differ fails at once with `error`, as a field that is missing does in JSON, where nobody looks before run
//! time. Rolled out in lockstep, that are two deploys at the same time; alone, all calls fail until the end of the run, or
//! until the callers follow. A compatible change is a deploy without the word.
//!
//! Over gRPC the contract is compiled into both sides: a breaking change does not get past the build, which is said by
//! `check`, and these calls go on as with a compatible one. So do those of clients, which are no part of any release,
//! function calls in one process, and messages.

use crate::units::Time;

/// Which versions a replica speaks, as far as deploys of the run have changed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Of its own contract: how many breaking deploys it has been through.
    pub own: u32,
    /// Of those of others: when the latest deploy began that it has been through.
    pub knows: Option<Time>,
}

impl Release {
    /// It has been through a deploy that began at a moment.
    pub fn went_through(&mut self, began: Time, breaking: bool) {
        self.own += u32::from(breaking);
        self.knows = self.knows.max(Some(began));
    }

    /// The version of a contract that its calls are written for, by when breaking deploys of it begin.
    fn speaks(self, contract: &[Time]) -> u32 {
        contract.iter().filter(|change| self.knows.is_some_and(|knows| **change <= knows)).count() as u32
    }

    /// Whether a caller with this release and a callee with that one understand each other.
    pub fn understands(self, callee: Release, contract: &[Time]) -> bool {
        self.speaks(contract) == callee.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_understand_each_other_when_both_are_old_or_both_are_new() {
        let contract = [Time(60), Time(90)];
        let (mut caller, mut callee) = (Release::default(), Release::default());
        assert!(caller.understands(callee, &contract));
        callee.went_through(Time(60), true);
        assert!(!caller.understands(callee, &contract));
        // A release from before the change does not know of it.
        caller.went_through(Time(59), false);
        assert!(!caller.understands(callee, &contract));
        caller.went_through(Time(60), false);
        assert!(caller.understands(callee, &contract));
        // One that is ahead of its callee misunderstands it, too.
        caller.went_through(Time(95), true);
        assert!(!caller.understands(callee, &contract));
        callee.went_through(Time(90), true);
        assert!(caller.understands(callee, &contract));
    }
}
