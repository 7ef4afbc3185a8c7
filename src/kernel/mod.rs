//! The kernel: what is to happen, in total order, and where the things live that it happens to.
//!
//! - [`Agenda`]: pending events, popped by time, then phase, then the order in which they were put down.
//! - [`Arena`]: slots that are used again, with ages, so that a stale [`Id`] finds nothing.
//! - [`Lanes`]: timeouts of constant delay, disarmed at no cost, with one agenda entry for each lane.

mod agenda;
mod arena;
mod lane;

pub use agenda::{Agenda, Packed, Phase};
pub use arena::{Arena, Id};
pub use lane::Lanes;
