//! What faults do to calls: messages are refused, dropped, turned back, and connections with them.

use crate::model::fault::drop;
use crate::model::{Cause, Fact, Outcome, Probe};
use crate::random::Purpose;
use crate::units::Span;

use crate::machine::calls::Calls;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Origin};
use crate::machine::core::{Core, Flow, GONE};
use crate::machine::stations::Stations;
use crate::machine::wire::loss::RESET;
use crate::machine::wire::{Hold, Stage};

/// How long a handshake waits for an answer from where nobody is: Linux sends SYN seven times (`tcp_syn_retries` = 6), which
/// takes 127 s.
pub(crate) const SYN_PATIENCE: Span = Span(127_000_000_000);

impl Calls {
    /// A request arrives: says whether a fault fails it at once.
    pub(crate) fn fails_at_once<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> bool {
        let frame = &core.frames[at];
        let (lineage, replica) = (frame.lineage, frame.replica);
        let link = core.plan.calls[frame.call as usize].link.index();
        let on = core.trouble.on_link[link].iter().chain(&core.trouble.on_replica[replica as usize]);
        let hit = |fault: &u32| {
            let fault = &core.plan.faults[*fault as usize];
            fault.effect.fails(fault.hash, core.seed, lineage)
        };
        if !on.into_iter().any(hit) && !core.is_misunderstood(at) {
            return false;
        }
        core.reach(at);
        let node = core.node_of(replica);
        core.tell(Fact::Refused { node });
        self.reply(core, stations, at, Outcome::Error, false);
        true
    }

    /// A handshake finds that its replica is down or out of reach: it fails, is lost, or hears nothing until messages pass again.
    #[inline(never)]
    pub(crate) fn hang<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        if self.wire.is_unheard(core, at) && self.wire.holds[at].stage == Stage::Dialling(1) {
            self.wire.holds[at].stage = Stage::Dialling(2);
            core.sleep(at, SYN_PATIENCE);
            return Flow::Stay;
        }
        let astray = core.frames[at].state.cut == Cut::Astray;
        if !astray && self.wire.is_unanswered(core, at) {
            return self.dial_again(core, stations, at);
        }
        if !astray && self.wire.is_swallowed(core, at) {
            return if self.wire.swallow(core, at) { self.fail_dial(core, stations, at) } else { Flow::Stay };
        }
        if !core.is_stuck(at) || astray {
            return self.fail_dial(core, stations, at);
        }
        core.trouble.parked.push(at);
        Flow::Stay
    }

    /// A message of a try is lost for good: without a timeout its caller waits for ever.
    pub(crate) fn vanish<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        if core.frames[at].marks.abandoned {
            self.pass_away(core, stations, at);
        } else {
            core.frames[at].state.cut = Cut::Void;
        }
    }

    /// A request arrives: says whether its replica, being down, does not take it.
    #[inline(never)]
    pub(crate) fn turns_away<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> bool {
        if core.is_held_up(at, Event::Reach(at)) {
            return true;
        }
        let frame = &core.frames[at];
        // A broker knows of its consumers, and tells them apart itself.
        if frame.origin == Origin::Message {
            return false;
        }
        let plight = core.trouble.plights[frame.replica as usize];
        if frame.state.cut == Cut::Dead {
            self.pass_away(core, stations, at);
            return true;
        }
        if self.is_dropped(core, stations, at, false) {
            return true;
        }
        let frame = &core.frames[at];
        let silent = plight.holes > 0 || self.wire.is_unheard(core, at);
        if plight.down == 0 && frame.state.cut == Cut::Whole && !silent {
            return self.fails_at_once(core, stations, at);
        }
        let outcome = if frame.state.cut == Cut::Severed { Outcome::Reset } else { Outcome::ConnectFailed };
        core.charge(at, Cause::Network);
        self.turn_back(core, stations, at, outcome, silent);
        true
    }

    /// A try comes back with nothing but how it failed; or, where messages vanish, does not come back.
    pub(crate) fn turn_back<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
        vanishes: bool,
    ) {
        let frame = &mut core.frames[at];
        frame.pc = GONE;
        frame.state.outcome = outcome;
        frame.state.cut = Cut::Whole;
        if frame.marks.abandoned {
            return self.pass_away(core, stations, at);
        }
        if vanishes {
            frame.state.cut = Cut::Void;
            return;
        }
        let lineage = frame.lineage;
        let back = core.vary(core.way(at), lineage, Purpose::Back, RESET);
        core.schedule(back, Event::Return(at));
    }

    /// An answer leaves: says whether it goes nowhere.
    #[inline(never)]
    pub(crate) fn is_lost<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> bool {
        let frame = &mut core.frames[at];
        let plight = core.trouble.plights[frame.replica as usize];
        if frame.state.cut == Cut::Severed {
            frame.marks.answered = true;
            return true;
        }
        if plight.down == 0 || plight.holes == 0 && !frame.marks.abandoned {
            return false;
        }
        self.vanish(core, stations, at);
        true
    }

    /// An answer arrives: says whether it is none, or is not to arrive.
    #[inline(never)]
    pub(crate) fn intercept<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> bool {
        if core.is_held_up(at, Event::Return(at)) {
            return true;
        }
        let frame = &mut core.frames[at];
        match frame.state.cut {
            Cut::Severed => {
                frame.state.cut = Cut::Whole;
                self.hear_reset(core, stations, at);
                return true;
            }
            Cut::Dead => {
                self.pass_away(core, stations, at);
                return true;
            }
            Cut::Unsent if frame.marks.abandoned => {
                self.pass_away(core, stations, at);
                return true;
            }
            Cut::Unsent => return false,
            Cut::Whole | Cut::Void | Cut::Astray => {}
        }
        if self.is_dropped(core, stations, at, true) {
            return true;
        }
        let lost = core.trouble.plights[core.frames[at].replica as usize].holes > 0;
        if lost {
            self.vanish(core, stations, at);
        }
        lost
    }

    /// A message of a try arrives: says whether it does not, because it, or one before it on its connection, was dropped.
    pub(crate) fn is_dropped<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        back: bool,
    ) -> bool {
        let cut = self.wire.is_cut(core, at);
        if !cut && core.trouble.dropped.is_empty() {
            return false;
        }
        if !core.is_wired(at) {
            if cut {
                core.trouble.dropped.kept.push((at, back));
            }
            return cut;
        }
        let Some((nth, wait)) = core.trouble.dropped.next(at, self.wire.shared(core, at, back), cut, core.now) else {
            return false;
        };
        if nth >= drop::RESENT {
            self.lose_connection(core, stations, at, back);
        } else {
            core.schedule(wait, if back { Event::Return(at) } else { Event::Reach(at) });
        }
        true
    }

    /// A message was sent again for long enough: its sender gives the connection up.
    fn lose_connection<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, back: bool) {
        if let Some((pool, conn, _)) = self.wire.shared(core, at, back) {
            core.trouble.dropped.stalls.remove(&(pool, conn, back));
            let channel = core.plan.calls[core.frames[at].call as usize].channel;
            let on_it = |(_, hold): &(u32, Hold)| hold.stage == Stage::Sent && (hold.pool, hold.conn) == (pool, conn);
            let others: Vec<(u32, Hold)> = self.wire.wired_tries(core).into_iter().filter(on_it).collect();
            for (other, _) in &others {
                self.wire.holds[*other] = Hold::default();
            }
            self.wire.pools[pool as usize].lose(conn);
            for (other, _) in others.into_iter().filter(|(other, _)| *other != at) {
                self.hear_reset(core, stations, other);
                if core.frames[other].pc == GONE {
                    core.frames[other].state.cut = Cut::Dead;
                }
            }
            self.refill(core, stations, pool, &core.plan.channels[channel as usize]);
        }
        if back {
            // The caller has nothing unacknowledged: it goes on waiting.
            return self.vanish(core, stations, at);
        }
        let frame = &mut core.frames[at];
        frame.state.cut = Cut::Whole;
        frame.state.outcome = Outcome::Reset;
        frame.marks.answered = true;
        self.hear_reset(core, stations, at);
    }

    /// A handshake got no answer: the connection is asked for again, or given up.
    pub(crate) fn dial_again<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let hold = self.wire.holds[at];
        let channel = &core.plan.channels[core.plan.calls[core.frames[at].call as usize].channel as usize];
        let (asked, several) = (hold.asked, channel.streams > 1);
        if asked >= drop::ASKED {
            if several {
                self.wire.back_off(core, at, hold.pool);
            }
            return self.fail_dial(core, stations, at);
        }
        let waited: u64 = (0..asked).map(|nth| drop::question(nth).0).sum();
        let wait = drop::question(asked);
        let left = Span(drop::CONNECT.0.saturating_sub(waited));
        let last = several && wait >= left;
        self.wire.holds[at].asked = if last { drop::ASKED } else { asked + 1 };
        core.sleep(at, if last { left } else { wait });
        Flow::Stay
    }
}
