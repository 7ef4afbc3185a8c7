//! Answers of more than one message, and of those who fell victim to a deadlock.

use crate::model::{CallId, Cause, Fact, Outcome, Pc, Probe};
use crate::random::Purpose;
use crate::units::Span;

use crate::machine::calls::Calls;
use crate::machine::core::{Core, Flow};
use crate::machine::stations::Stations;

impl Calls {
    /// The first message of a stream leaves, the rest of it is encoded; an answer of one message has no rest.
    #[inline(never)]
    pub(crate) fn stream<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        next: Pc,
    ) -> Flow {
        core.frames[at].pc = next.0;
        let frame = core.frames[at];
        let Some(codec) = core.codec_of_stream(frame.call) else {
            return Flow::On;
        };
        let call = core.plan.call(CallId(frame.call));
        let mut back = core.vary(core.way(at), frame.lineage, Purpose::Back, 0);
        if let Some(pipe) = core.plan.link(call.link).pipe {
            back += self.wire.send_ahead(core, call, pipe, codec.messages);
        }
        let latency = core.now.since(frame.trip.sent) + back + codec.decode;
        let (edge, measured) = (call.edge, frame.whose.measured && !frame.marks.abandoned);
        core.tell(Fact::Streamed { edge, latency, measured });
        let rest = codec.others(codec.answer);
        if rest > 0 && codec.decode > Span::ZERO && !frame.marks.abandoned {
            stations.expect_stream(core, at, call.ahead, back, codec.others(codec.decode));
        }
        stations.start(core, at, rest, Cause::Encode)
    }

    /// A request fails whose transaction may have been a victim: then with that word.
    pub(crate) fn own_up<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let victim = core.frames[at].state.outcome == Outcome::Deadlock;
        self.reply(core, stations, at, if victim { Outcome::Deadlock } else { Outcome::Error }, true)
    }
}
