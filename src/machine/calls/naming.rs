//! Tries that have to ask for their callee's name: before they set out, or before they open a connection.

use crate::model::id::NONE;
use crate::model::transport::Channel;
use crate::model::{CallId, Cause, Outcome, Probe};

use crate::machine::calls::Calls;
use crate::machine::core::{Core, DIAL};
use crate::machine::stations::Stations;
use crate::machine::wire::{Hold, Stage};

impl Calls {
    /// A try knows of no replica: it asks for the name if it may, or fails.
    #[cold]
    pub(crate) fn set_off_nowhere<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: CallId) {
        let (link, caller) = (core.plan.call(id).link, core.frames[at].caller);
        let memory = self.wire.names.memory(core, link, caller);
        if !self.wire.names.has_to_ask(link, memory, core.now) {
            return self.wire.fail_unsent(core, at, Outcome::NoEndpoint);
        }
        self.wire.holds.put(at, Hold { stage: Stage::Asking, ..Hold::default() });
        self.wire.names.ask_for(core, at, link, memory);
    }

    /// A try that is to open a connection knows of no replica: it asks for the name if it may; says whether it does. The
    /// connection counts from now on, and others may wait for it.
    #[cold]
    pub(crate) fn dial_nowhere<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, channel: &Channel) -> bool {
        let memory = self.wire.names.memory(core, channel.link, core.frames[at].caller);
        if !self.wire.names.has_to_ask(channel.link, memory, core.now) {
            return false;
        }
        let hold = &mut self.wire.holds[at];
        let pool = &mut self.wire.pools[hold.pool as usize];
        hold.conn = pool.add(core.frames[at].replica);
        hold.stage = Stage::Asking;
        pool.fill(hold.conn, channel);
        core.frames[at].pc = DIAL.0;
        core.charge(at, Cause::ConnectionWait);
        self.wire.names.ask_for(core, at, channel.link, memory);
        true
    }

    /// An answer about a name has come, or none will: who waited for it goes on.
    pub(crate) fn hear_name<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, question: u32) {
        let Some((waiting, known, memory)) = self.wire.names.hear_answer(core, question) else { return };
        for at in waiting {
            if self.wire.holds[at].conn != NONE {
                self.dial_by_name(core, stations, at, known);
                continue;
            }
            core.charge(at, Cause::Connect);
            self.wire.holds[at] = Hold::default();
            if known {
                self.head_for(core, stations, at, CallId(core.frames[at].call));
            } else {
                self.wire.fail_unsent(core, at, Outcome::NoEndpoint);
            }
        }
        self.wire.names.forget_name(core, memory);
    }

    /// A try that has asked for a name opens its connection, whether or not anybody waits for it still.
    fn dial_by_name<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, known: bool) {
        let plan = core.plan;
        let channel = &plan.channels[plan.calls[core.frames[at].call as usize].channel as usize];
        let link = plan.link(channel.link);
        let Hold { pool, conn, .. } = self.wire.holds[at];
        let caller = link.first_caller + (pool - channel.first_pool) / channel.pools_per_caller;
        let lineage = if core.frames[at].caller == NONE { core.frames[at].lineage } else { core.call_lineage(at) };
        core.charge(at, Cause::Connect);
        let pick = if known { self.wire.names.pick(core, channel.link, caller, lineage) } else { None };
        let Some(replica) = pick else {
            return self.drop_dial(core, stations, at, Some(at), Outcome::NoEndpoint);
        };
        let conn = &mut self.wire.pools[pool as usize].conns[conn as usize];
        conn.replica = replica;
        for waiting in std::iter::once(&at).chain(&conn.pending) {
            core.frames[*waiting].replica = replica;
        }
        self.begin_dial(core, stations, at, channel);
    }
}
