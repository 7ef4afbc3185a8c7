//! Queries and transactions: connections are borrowed and given back, on every way out.

use crate::model::id::NONE;
use crate::model::plan::{Callee, Grip, Lender};
use crate::model::{EdgeId, LenderId, Op, Pc, TableId};
use crate::units::Span;

use super::super::walk;
use super::super::written::{Call, Mode, Pooling, Step};
use super::Lowering;
use super::program::{Code, Sites};

impl<'s> Lowering<'s> {
    /// Who lends the tries of a query their connections: nobody where a transaction around it holds one.
    pub(super) fn lender_of(&mut self, code: &Code<'s>, call: &'s Call) -> Option<LenderId> {
        let database = call.target.value.node.as_str();
        if code.transaction != Some(database) {
            return self.lender(code, database);
        }
        let pooler = self.scenario.nodes.get(database).and_then(|node| node.pooler.as_ref());
        let each = pooler.is_some_and(|pooler| pooler.mode.value == Pooling::Statement);
        if each { self.pooler(database) } else { None }
    }

    /// The shared pool of the pooler before a database.
    fn pooler(&mut self, database: &'s str) -> Option<LenderId> {
        let node = self.scenario.nodes.get(database)?;
        let pooler = node.pooler.as_ref()?;
        if let Some(known) = self.poolers.get(database) {
            return Some(*known);
        }
        let id = self.nodes[database];
        let (first_caller, replicas) = (self.plan.node(id).first_replica, self.plan.node(id).replicas);
        self.plan.lenders.push(Lender {
            database: id,
            connections: pooler.connections.value,
            wait: pooler.wait.value,
            max_connections: node.max_connections.value.unwrap_or(NONE),
            first_caller,
            first_purse: self.purses,
            behind: NONE,
            shared: true,
        });
        self.purses += replicas;
        let lender = LenderId(self.plan.lenders.len() as u32 - 1);
        self.poolers.insert(database, lender);
        Some(lender)
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
                let behind = self.plan.lenders[lender.index()].behind;
                let pooler = self.scenario.nodes.get(database).and_then(|node| node.pooler.as_ref());
                if pooler.is_some_and(|pooler| pooler.mode.value == Pooling::Transaction) {
                    let whole = |this: &mut Self, code: &mut Code<'s>| {
                        this.borrowed(code, LenderId(behind), edge, &[Op::EndTransaction], body);
                    };
                    self.borrowed(code, lender, edge, &[], whole);
                } else {
                    self.borrowed(code, lender, edge, &[Op::EndTransaction], body);
                }
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
        ends: &[Op],
        body: impl FnOnce(&mut Self, &mut Code<'s>),
    ) {
        self.release(code);
        let at = self.emit(Op::Borrow { lender, edge, fail: Pc::default() });
        code.fails.push((at, code.held));
        self.guarded(code, &[ends, &[Op::GiveBack(lender)]].concat(), body);
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
        let behind = self.pooler(database);
        // Those to a pooler are none of the database's.
        let room = scenario.nodes[database].max_connections.value.filter(|_| behind.is_none());
        let lender = (pool.is_some() || room.is_some() || behind.is_some()).then(|| {
            self.plan.lenders.push(Lender {
                database: self.nodes[database],
                connections: pool.map_or(NONE, |p| p.connections.value),
                wait: pool.map_or(Span::ZERO, |p| p.wait.value),
                max_connections: room.unwrap_or(NONE),
                first_caller,
                first_purse: self.purses,
                behind: behind.map_or(NONE, |lender| lender.0),
                shared: false,
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
