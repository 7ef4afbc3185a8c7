//! Just before the work on a request begins: it may be too late for it, or another try of the same call may be first.
//!
//! A deadline travels with a request where the policy of its caller says so (`propagate_deadline`), and from there on with all
//! that comes of it, as in gRPC: every call under it fails with `deadline` when it passes, whether or not it has a policy of
//! its own. A request that is past its deadline when it is about to be begun is dropped without work: gRPC's servers keep the
//! deadline too and end the call when it passes, and Google's SRE book asks for it. `drop_expired = false` works on it.

use crate::model::{Outcome, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::Time;

use crate::machine::calls::Calls;
use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::core::frame::Origin;

/// Names the draw of the word that one try sends to another.
const WORD: u32 = 1 << 22;

/// Words on their way from a try that has been begun to one that is tied to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// To whom, and which frame that is.
    pub(crate) all: Vec<(u32, Lineage)>,
    pub(crate) free: Vec<u32>,
}

impl Calls {
    /// Work on a request is about to begin; says how it ends if it is not to be begun any more.
    #[inline(never)]
    pub(crate) fn overtaken<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, drops: bool) -> Option<Outcome> {
        let frame = &core.frames[at];
        if drops && core.deadline_of(at) <= core.now {
            return Some(Outcome::Deadline);
        }
        if frame.origin != Origin::Try || !core.is_tied(frame.call) {
            return None;
        }
        if frame.marks.canceled {
            return Some(Outcome::Canceled);
        }
        if !frame.marks.abandoned {
            let guard = frame.caller;
            let guarded = &mut self.guarded[guard];
            guarded.begun = guarded.begun.min(core.now);
            for other in 0..self.guarded[guard].open.len() {
                let other = self.guarded[guard].open[other].frame;
                if other != at {
                    self.send_word(core, other, core.now);
                }
            }
        }
        None
    }

    /// A try hears, one way through the network later, that another was begun at `since`.
    pub(crate) fn send_word<P: Probe>(&mut self, core: &mut Core<'_, P>, to: u32, since: Time) {
        let lineage = core.frames[to].lineage;
        let way = core.vary(core.way(to), lineage, Purpose::There, WORD);
        let word = self.words.free.pop().unwrap_or_else(|| {
            self.words.all.push((0, Lineage(0)));
            self.words.all.len() as u32 - 1
        });
        self.words.all[word as usize] = (to, lineage);
        core.schedule((since + way).since(core.now), Rare::Word(word).event());
    }
}
