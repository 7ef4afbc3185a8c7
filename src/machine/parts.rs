//! The parts of a machine, listed once.
//!
//! A part owns its state and borrows the core; what several parts do at one event the machine says (`walk`, `hear`, `faults`).
//! Whatever concerns all of them goes through the one list at the end of this file: what is known from the beginning, whether
//! anything is left, the death of a replica, its absence and its return. A part that is missing there does not compile, and
//! one that is there has an answer to each of these questions.

use crate::model::Probe;

use super::Machine;
use super::calls::Calls;
use super::clients::Clients;
use super::core::Core;
use super::data::Data;
use super::fleet::Fleet;
use super::mail::Mail;
use super::stations::Stations;
use super::streams::Streams;

/// A replica that dies, and who dies with it.
#[derive(Debug)]
pub(crate) struct Death {
    pub(crate) replica: u32,
    /// Requests, branches, messages and records in progress there.
    pub(crate) victims: Vec<u32>,
}

/// A part, which may stand on another besides the core.
pub(crate) trait Part<Ground = Stations> {
    /// Puts on the agenda what is known from the beginning.
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>);

    /// Whether nothing is left in it.
    fn is_at_rest(&self) -> bool;

    /// Nobody who dies waits here any more.
    fn leave_lines<P: Probe>(&mut self, core: &mut Core<'_, P>, death: &Death);

    /// Nobody who died waits for a call any more: what the replica had here is free, and what it knew is gone.
    fn forget_dead<P: Probe>(&mut self, core: &mut Core<'_, P>, ground: &mut Ground, death: &Death);

    /// A replica can no longer be reached, which may have crashed.
    fn lose<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, crashed: bool);

    /// It can again.
    fn regain<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32);
}

impl Part<()> for Stations {
    fn set_up<P: Probe>(&mut self, _: &mut Core<'_, P>) {}

    fn is_at_rest(&self) -> bool {
        self.are_idle()
    }

    fn leave_lines<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &Death) {}

    fn forget_dead<P: Probe>(&mut self, core: &mut Core<'_, P>, (): &mut (), death: &Death) {
        self.forget_intake(core, death.replica);
    }

    fn lose<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32, _: bool) {}

    fn regain<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32) {}
}

impl Part for Calls {
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        self.wire.names.start_asking(core);
    }

    fn is_at_rest(&self) -> bool {
        self.are_settled() && self.wire.is_quiet()
    }

    fn leave_lines<P: Probe>(&mut self, core: &mut Core<'_, P>, death: &Death) {
        self.wire.forget_purses(core, death.replica, &death.victims);
        self.forget_lines(core, death.replica);
    }

    fn forget_dead<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, death: &Death) {
        self.forget_pools(core, stations, death.replica);
        self.forget_policies(core, death.replica);
        self.wire.names.forget_books(core, death.replica);
    }

    fn lose<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32, _: bool) {}

    fn regain<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32) {}
}

impl Part for Data {
    fn set_up<P: Probe>(&mut self, _: &mut Core<'_, P>) {}

    fn is_at_rest(&self) -> bool {
        self.is_free()
    }

    fn leave_lines<P: Probe>(&mut self, core: &mut Core<'_, P>, death: &Death) {
        self.forget_waits(core, &death.victims);
    }

    fn forget_dead<P: Probe>(&mut self, core: &mut Core<'_, P>, _: &mut Stations, death: &Death) {
        self.forget_locks_of(core, death.replica);
        self.forget_caches(core, death.replica);
    }

    fn lose<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32, _: bool) {}

    fn regain<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32) {}
}

impl Part for Fleet {
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        self.begin(core);
    }

    /// Whoever lives on at the end of a run is no loose end.
    fn is_at_rest(&self) -> bool {
        true
    }

    fn leave_lines<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &Death) {}

    /// A replica that crashed gets ready again when the fault is over: see [`restart`](Machine::restart).
    fn forget_dead<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &mut Stations, _: &Death) {}

    fn lose<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32, _: bool) {}

    fn regain<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32) {}
}

impl Part for Mail {
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        self.start_consumers(core);
        core.absent().into_iter().for_each(|replica| self.lose(core, replica, false));
    }

    fn is_at_rest(&self) -> bool {
        self.is_idle()
    }

    fn leave_lines<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &Death) {}

    /// Messages go back when the broker finds the connection gone: when the replica is [lost](Part::lose), which follows.
    fn forget_dead<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &mut Stations, _: &Death) {}

    fn lose<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, _: bool) {
        self.lose_consumers(core, replica);
    }

    fn regain<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        self.regain_consumers(core, replica);
    }
}

impl Part for Clients {
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        self.start_clients(core);
    }

    /// The core counts their requests in flight.
    fn is_at_rest(&self) -> bool {
        true
    }

    fn leave_lines<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &Death) {}

    fn forget_dead<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &mut Stations, _: &Death) {}

    fn lose<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32, _: bool) {}

    fn regain<P: Probe>(&mut self, _: &mut Core<'_, P>, _: u32) {}
}

impl Part for Streams {
    fn set_up<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        core.absent().into_iter().for_each(|replica| self.lose(core, replica, false));
        self.start_streams(core);
    }

    /// Logs are kept for groups that may come, and what they have not read is told of.
    fn is_at_rest(&self) -> bool {
        true
    }

    fn leave_lines<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &Death) {}

    /// Members and brokers notice that the replica is [lost](Part::lose), which follows.
    fn forget_dead<P: Probe>(&mut self, _: &mut Core<'_, P>, _: &mut Stations, _: &Death) {}

    fn lose<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, crashed: bool) {
        self.lose_streams(core, replica, crashed);
    }

    fn regain<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        self.regain_streams(core, replica);
    }
}

/// The list of all parts but the stations, on which the others stand. A machine with a part that is not in it does not
/// compile: the patterns below have no rest.
macro_rules! all_parts {
    ($($part:ident),*) => {
        impl<P: Probe> Machine<'_, P> {
            /// Puts on the agenda what is known from the beginning.
            pub(crate) fn set_up_parts(&mut self) {
                let Self { core, stations, $($part),* } = self;
                stations.set_up(core);
                $($part.set_up(core);)*
            }

            /// Whether nothing is left: no frame, no worker held, nobody in line, no join, no work on shared cores, nothing
            /// lent, nobody inside a bulkhead or a limit.
            pub(crate) fn is_at_rest(&self) -> bool {
                let Self { core, stations, $($part),* } = self;
                core.is_empty() && stations.is_at_rest() $(&& $part.is_at_rest())*
            }

            /// Nobody who dies waits anywhere any more.
            pub(crate) fn leave_lines(&mut self, death: &Death) {
                let Self { core, stations, $($part),* } = self;
                stations.leave_lines(core, death);
                $($part.leave_lines(core, death);)*
            }

            /// What a replica that died had is free, and what it knew is gone.
            pub(crate) fn forget_dead(&mut self, death: &Death) {
                let Self { core, stations, $($part),* } = self;
                $($part.forget_dead(core, stations, death);)*
                stations.forget_dead(core, &mut (), death);
            }

            /// A replica can no longer be reached.
            #[cold]
            pub(crate) fn lose(&mut self, replica: u32, crashed: bool) {
                let Self { core, stations, $($part),* } = self;
                stations.lose(core, replica, crashed);
                $($part.lose(core, replica, crashed);)*
            }

            /// It can again.
            #[cold]
            pub(crate) fn regain(&mut self, replica: u32) {
                let Self { core, stations, $($part),* } = self;
                stations.regain(core, replica);
                $($part.regain(core, replica);)*
            }
        }
    };
}

all_parts!(calls, data, fleet, mail, clients, streams);
