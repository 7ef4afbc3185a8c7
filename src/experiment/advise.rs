//! Which way of talking fits where, what is more than needed, and what would make it better: tried, not claimed.
//!
//! Each interaction is held against a short list of rules (is the answer used? how many want the same event? does it come
//! from outside?), and so is the file as a whole (how many services are there, what is their safety, who is the entry?). Then
//! *ways out* are made of the file, each a scenario that could be saved: a call that becomes a message, a database of one's
//! own, two services merged into one, a timeout or a bulkhead where there is none, a contract that old and new both
//! understand, a mesh or a transport less. All of them are run under common random numbers beside the file as it is, and each
//! node of each is taken down in turn as by `hoptax coupling`. They are ranked by what they change; leaving all as
//! it is stands among them, and wins where nothing else is worth its price. The best is run again on fresh seeds.
//!
//! Never made a message: a call whose answer is used. Always said: what a caller no longer learns, how long it takes until the
//! effect can be seen, and how many are answered but not yet done at any moment. Where the sender of a message writes before it,
//! crashes of it are run, with an *outbox* and without: what was written and never told, and what was told twice. An outbox before a
//! stream is none of the ways: its loop is that before a queue, and a crash parts the same two things. Where the callee fails
//! now and then, what its caller wrote before is taken back by a *compensation*, and told is how much of it and how late.

mod back;
mod cores;
mod crash;
mod grounds;
mod house;
mod interaction;
mod owners;
mod reason;
mod seen;
mod study;
mod undo;
mod way;

pub use crash::Crashes;
pub use house::{Subject, Whole};
pub use interaction::{By, Fit, Interaction};
pub use study::{Advice, Again, Class, Look, Moved, Outcome, Saved, Study, Wanted, study};
pub use undo::Undone;
pub use way::{Commit, Kind, Undo, Way};
