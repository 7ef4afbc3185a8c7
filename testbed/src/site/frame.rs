//! A request under way.

use std::rc::Rc;

use hoptax::model::{CallId, Outcome};
use hoptax::random::Lineage;

use super::fork::Turns;
use super::stop::Stop;
use super::workers::Permit;

/// What a request has with it.
pub(crate) struct Frame {
    /// What names its draws; that of a function call while it is in one.
    pub(crate) lineage: Lineage,
    /// What is inherited downstream.
    pub(crate) whose: Whose,
    /// The call-site it comes from; `None` for a client's.
    pub(crate) made_by: Option<CallId>,
    /// How the last thing ended that it waited for.
    pub(crate) outcome: Outcome,
    /// The worker it holds.
    pub(crate) permit: Option<Permit>,
    /// Lineages of the callers of the function calls that it is in.
    pub(crate) scopes: Vec<Lineage>,
    /// Whether it is to stop, as its caller said.
    pub(crate) stop: Rc<Stop>,
    /// Whose worker its branches take turns on; a branch's is its parent's.
    pub(crate) turns: Option<Rc<Turns>>,
    /// The turn it has.
    pub(crate) turn: Option<tokio::sync::OwnedMutexGuard<()>>,
}

/// What a request inherits from the one that caused it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose {
    /// The smaller, the more important.
    pub(crate) priority: u8,
    /// When it is too late, ns since time zero; [`u64::MAX`]: never.
    pub(crate) deadline: u64,
}

impl Frame {
    /// A request that has just begun.
    pub(crate) fn new(lineage: Lineage, whose: Whose, made_by: Option<CallId>, stop: Rc<Stop>) -> Self {
        Self {
            lineage,
            whose,
            made_by,
            outcome: Outcome::Succeeded,
            permit: None,
            scopes: Vec::new(),
            stop,
            turns: None,
            turn: None,
        }
    }
}
