//! Queries and transactions: connections are borrowed and given back, on every way out.

use crate::model::id::NONE;
use crate::model::plan::{Callee, Grip, Lender};
use crate::model::{EdgeId, LenderId, Op, Pc, TableId};
use crate::units::Span;

use super::super::walk;
use super::super::written::{Call, Mode, Step};
use super::Lowering;
use super::program::{Code, Sites};

impl<'s> Lowering<'s> {
    /// Who lends the tries of a query their connections: nobody where a transaction around it holds one.
    pub(super) fn lender_of(&mut self, code: &Code<'s>, call: &'s Call) -> Option<LenderId> {
        let database = call.target.value.node.as_str();
        let inside = code.transaction == Some(database);
        if inside { None } else { self.lender(code, database) }
    }

    /// Steps that hold one connection, and the locks of what they write.
    pub(super) fn transaction(&mut self, code: &mut Code<'s>, sites: &mut Sites, database: &'s str, steps: &'s [Step]) {
        let outer = (code.transaction.replace(database), code.writes);
        code.writes = walk::writes(steps, database);
        let lender = self.lender(code, database);
        let body = |this: &mut Self, code: &mut Code<'s>| {
            for step in steps {
                this.step(code, sites, step, step.times.value);
            }
        };
        match lender {
            Some(lender) => {
                let callee = self.nodes[database];
                let edge = self.edge(self.nodes[code.place.caller], Callee::Endpoint(self.endpoints[&(callee, "")]));
                self.borrowed(code, lender, edge, body);
            }
            None => self.guarded(code, &[Op::EndTransaction], body),
        }
        (code.transaction, code.writes) = outer;
    }

    /// `body` with a connection: given back after it, and where it fails.
    fn borrowed(
        &mut self,
        code: &mut Code<'s>,
        lender: LenderId,
        edge: EdgeId,
        body: impl FnOnce(&mut Self, &mut Code<'s>),
    ) {
        self.release(code);
        let at = self.emit(Op::Borrow { lender, edge, fail: Pc::default() });
        code.fails.push((at, code.held));
        self.guarded(code, &[Op::EndTransaction, Op::GiveBack(lender)], body);
    }

    /// `body`, then `closing`; where `body` fails, `closing` comes before the failure goes on.
    fn guarded(&mut self, code: &mut Code<'s>, closing: &[Op], body: impl FnOnce(&mut Self, &mut Code<'s>)) {
        let outer = std::mem::take(&mut code.fails);
        body(self, code);
        let fails = std::mem::replace(&mut code.fails, outer);
        closing.iter().for_each(|op| _ = self.emit(*op));
        let over = self.emit(Op::Jump(Pc::default()));
        for held in [true, false] {
            let here = self.here();
            let mut any = false;
            for (at, _) in fails.iter().filter(|f| f.1 == held) {
                self.land(*at, here);
                any = true;
            }
            if any {
                let undone = |op: &Op| if *op == Op::EndTransaction { Op::RollBack } else { *op };
                closing.iter().for_each(|op| _ = self.emit(undone(op)));
                let at = self.emit(Op::Jump(Pc::default()));
                code.fails.push((at, held));
            }
        }
        let here = self.here();
        self.land(over, here);
    }

    /// Who lends this code connections to a database: the pool of the node that runs it, or, without one, the database
    /// itself where it has no more than so many.
    fn lender(&mut self, code: &Code<'s>, database: &'s str) -> Option<LenderId> {
        let host = code.place.host;
        if let Some(known) = self.lenders.get(&(host, database)) {
            return *known;
        }
        let caller = self.plan.node(host);
        let (first_caller, replicas) = (caller.first_replica, caller.replicas);
        let scenario = self.scenario;
        let pool = scenario.nodes.get(&caller.name).and_then(|n| n.pools.get(database));
        let room = scenario.nodes[database].max_connections.value;
        let lender = (pool.is_some() || room.is_some()).then(|| {
            self.plan.lenders.push(Lender {
                database: self.nodes[database],
                connections: pool.map_or(NONE, |p| p.connections.value),
                wait: pool.map_or(Span::ZERO, |p| p.wait.value),
                max_connections: room.unwrap_or(NONE),
                first_caller,
                first_purse: self.purses,
            });
            self.purses += replicas;
            LenderId(self.plan.lenders.len() as u32 - 1)
        });
        self.lenders.insert((host, database), lender);
        lender
    }

    /// The table whose lock a query needs, if writers are few there.
    pub(super) fn writes(&self, call: &Call) -> Option<TableId> {
        matches!(call.mode.value, Mode::Write | Mode::ConditionalWrite).then(|| self.table_of(call)).flatten()
    }

    /// The lock on its whole table that a query needs: where nobody wants one alone, none.
    pub(super) fn grip(&self, call: &Call) -> Option<Grip> {
        let table = call.table.as_ref()?;
        let gripped = self.callers.gripped.get(&call.target.value.node)?;
        let alone = call.mode.value == Mode::Exclusive;
        gripped.contains(&table.value).then(|| self.table_of(call)).flatten().map(|table| Grip { table, alone })
    }

    /// The table whose version a query looks at, if any write of the database is conditional.
    pub(super) fn compares(&self, call: &Call) -> Option<TableId> {
        let versioned = self.callers.compared.contains(&call.target.value.node);
        if call.mode.value == Mode::Write || !versioned { None } else { self.table_of(call) }
    }

    fn table_of(&self, call: &Call) -> Option<TableId> {
        let table = call.table.as_ref()?;
        let database = call.target.value.node.as_str();
        let at = self.tables.iter().position(|t| t.0 == database && t.1 == table.value)?;
        Some(TableId(at as u32))
    }
}
