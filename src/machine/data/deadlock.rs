//! Deadlocks: transactions that wait for one another's locks, in a circle.
//!
//! A transaction that has waited for a lock for `deadlock_timeout` (a second, as in PostgreSQL) looks whether it waits for
//! itself, once: then it is the victim. Its transaction is rolled back on the spot, so that the others go on; its query fails
//! with `deadlock`, and with that word the request it belongs to. Who called may try again: `on = ["deadlock"]`, which
//! `error` includes. A look follows the circle alone. `deadlock_timeout = "0s"` looks at once, as `InnoDB` does.
//!
//! A writer's turn comes when any of those who have one gives it back; a lock on a whole table (`mode = "exclusive"`) when all
//! who are in its way have, in the line, too. (PostgreSQL first looks whether another order of its line would do; here a circle
//! always has a victim.)
//!
//! Source: PostgreSQL, Lock Management, `deadlock_timeout`; `src/backend/storage/lmgr/README`, deadlock detection.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Cause, Outcome, Probe, TableId};
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::data::Data;

/// A query that waits for a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// The query.
    pub(crate) at: u32,
    /// Of which table.
    pub(crate) table: TableId,
    /// The place of its row, where it is not for the whole.
    pub(crate) place: u32,
    /// Whether for the whole of it; otherwise for one of its writers.
    pub(crate) whole: bool,
}

/// Transactions that cannot go on as things are: whom each waits for, and whether for all of them.
type Stuck = BTreeMap<u32, (Vec<u32>, bool)>;

impl Data {
    /// A query waits for a lock, on behalf of its transaction or of itself. Only one that holds another can be part of a circle.
    #[cold]
    pub(crate) fn await_lock<P: Probe>(&mut self, core: &mut Core<'_, P>, owner: u32, wait: Wait) {
        self.blocked.insert(owner, wait);
        let rows = &self.rows;
        let holds = rows.has_any(owner)
            || !rows.several && self.tables.iter().any(|table| table.holders.contains(&owner))
            || self.grips.iter().any(|grips| grips.is_held_by(owner));
        let look = holds.then_some(core.plan.tables[wait.table.index()].deadlock_timeout);
        let most = core.plan.calls[core.frames[wait.at].call as usize].lock_timeout;
        if let Some(most) = most {
            self.patience.insert(wait.at, core.now + most);
        }
        if let Some(soon) = look.into_iter().chain(most).min() {
            core.frames[wait.at].due = core.now + soon;
            core.schedule(soon, Rare::Suspect(wait.at).event());
        }
    }

    /// A query waits for no lock any more.
    pub(crate) fn end_wait<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        core.frames[at].due = Time::NEVER;
        self.patience.remove(&at);
        self.blocked.retain(|_, wait| wait.at != at);
    }

    /// The lock that a transaction waits for, if it waits for one.
    fn waits_for<P: Probe>(&self, core: &Core<'_, P>, owner: u32) -> Option<Wait> {
        // Its transaction may have given up on the query.
        let known = self.blocked.get(&owner).filter(|wait| core.owner(wait.at) == owner);
        known.copied().or_else(|| self.waits_alone(owner))
    }

    /// The lock that a query waits for on its own account: its transaction gave up on it and is over, and it stands in line as before,
    /// ahead of others.
    fn waits_alone(&self, at: u32) -> Option<Wait> {
        let whole = self.grips.iter().position(|grips| grips.in_line().any(|other| other == at));
        let one = || self.tables.iter().position(|table| table.waiting.contains(&at));
        let table = |nth: usize| TableId(nth as u32);
        whole.map(|nth| Wait { at, table: table(nth), place: 0, whole: true }).or_else(|| {
            // Of which table the place is nobody asks for whom it waits.
            one().map(|place| Wait { at, table: table(0), place: place as u32, whole: false })
        })
    }

    /// How a query fails that has waited long for a lock, if it does: because it would not wait longer, or because its
    /// transaction was rolled back that waited for itself.
    pub(crate) fn lose_patience<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Option<Outcome> {
        let patience = self.patience.get(&at).copied();
        // Its place may be another's by now, of which nothing is to be asked: a message's, who has no caller.
        if patience.is_none() && self.blocked.values().all(|wait| wait.at != at) {
            return None;
        }
        let owner = core.owner(at);
        let waits = self.blocked.get(&owner).is_some_and(|wait| wait.at == at);
        // Whoever has the lock by now may be due for something else at the same instant.
        if !(waits || patience.is_some()) || core.frames[at].due != core.now {
            return None;
        }
        if core.is_troubled() && core.mutes(Rare::Suspect(at).event(), at) {
            return None;
        }
        core.frames[at].due = Time::NEVER;
        if patience.is_some_and(|end| end <= core.now) {
            return Some(self.give_up_lock(core, at));
        }
        if let Some(end) = patience {
            core.frames[at].due = end;
            core.schedule(end.since(core.now), Rare::Suspect(at).event());
        }
        let looks = waits && self.waits_for(core, owner).is_some();
        (looks && self.is_sacrificed(core, at, owner)).then_some(Outcome::Deadlock)
    }

    /// Looks for a circle; if there is one, the transaction is rolled back for the others.
    fn is_sacrificed<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, owner: u32) -> bool {
        let stuck = self.stuck_behind(core, owner);
        if !waits_in_the_end(&stuck, owner, owner) {
            return false;
        }
        self.end_wait(core, at);
        self.leave_locks(core, &[at]);
        core.charge(at, Cause::Database);
        self.roll_back(core, owner);
        true
    }

    /// Of a transaction and those that it waits for, directly or not: who cannot go on as things are.
    fn stuck_behind<P: Probe>(&self, core: &Core<'_, P>, owner: u32) -> Stuck {
        let (mut stuck, mut open) = (Stuck::new(), vec![owner]);
        while let Some(one) = open.pop() {
            let Some(wait) = self.waits_for(core, one).filter(|_| !stuck.contains_key(&one)) else { continue };
            let of = if wait.whole {
                self.grips[wait.table.index()].kept_by(core, wait.at)
            } else {
                self.tables[wait.place as usize].holders.clone()
            };
            open.extend(&of);
            stuck.insert(one, (of, wait.whole));
        }
        // Who does not wait goes on, and then whoever waits for such.
        loop {
            let goes = |(of, all): &(Vec<u32>, bool)| {
                let mut free = of.iter().map(|other| !stuck.contains_key(other));
                if *all { free.all(|is| is) } else { free.any(|is| is) }
            };
            let free: Vec<u32> = stuck.iter().filter(|(_, waits)| goes(waits)).map(|(one, _)| *one).collect();
            if free.is_empty() {
                return stuck;
            }
            stuck.retain(|one, _| !free.contains(one));
        }
    }
}

/// Whether one who is stuck waits for another, directly or not.
fn waits_in_the_end(stuck: &Stuck, from: u32, to: u32) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(one) = open.pop() {
        for other in stuck.get(&one).iter().flat_map(|waits| &waits.0) {
            if *other == to {
                return true;
            }
            if seen.insert(*other) {
                open.push(*other);
            }
        }
    }
    false
}
