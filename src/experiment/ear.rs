//! What listens to runs that are copied on their way: one type, so that there is one machine for all such studies.

use super::coupling::{Roll, Visits};
use super::recover::Pulse;

/// Who is served; who crosses an edge, where edges are asked for; how one client fares, where that is.
pub(super) type Ear<'p> = (Roll, (Option<Visits<'p>>, Option<Pulse>));
