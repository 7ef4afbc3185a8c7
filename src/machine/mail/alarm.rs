//! A broker whose memory fills stops reading from whoever publishes.
//!
//! Queues that name one `broker` share its `alarm`: with more messages than that in all of them, ready or with consumers, the broker no
//! longer reads from connections that publish, to whichever of these queues, and consumers go on. So one queue that nobody empties
//! stops the publishers of all the others. That is `RabbitMQ`'s memory alarm (`vm_memory_high_watermark`, which counts bytes): it looks once
//! a second (`vm_memory_monitor`, `DEFAULT_MEMORY_CHECK_INTERVAL` in `rabbit_memory.hrl`), so that more come in before the alarm is on, and all
//! who wait go on at once when it is off. Its disk alarm does the same, and looks the oftener the less is left, every 10 s to 100 ms
//! (`rabbit_disk_monitor`); here both look once a second. Whoever publishes waits, whether it waits for the broker's answer or not; what was on its way is not lost, and comes
//! in then. Dead letters go on: they are within the broker. Consumers have connections of their own, as `RabbitMQ`'s documentation
//! asks for: over one that publishes as well, acknowledgements would wait, too. Kafka has no such alarm; there the `buffer` of
//! each producer fills.

use crate::kernel::Phase;
use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::mail::{Mail, Whereabouts};
use crate::model::id::NONE;
use crate::model::queue::WhenFull;
use crate::model::{Fact, Probe, QueueId};
use crate::units::Time;

/// How often a broker looks at its memory, ns.
const LOOKS: u64 = 1_000_000_000;

/// An alarm at work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    /// Messages in the queues of its broker, those with consumers included.
    messages: u32,
    /// Whether publishers wait.
    on: bool,
    /// Whether the broker has a reason to look.
    watched: bool,
}

impl Mail {
    /// Whether whoever publishes to a queue has to wait for its broker.
    pub(crate) fn is_alarmed<P: Probe>(&self, core: &Core<'_, P>, queue: QueueId) -> bool {
        let alarm = core.plan.queue(queue).alarm;
        alarm != NONE && self.alarms[alarm as usize].on
    }

    /// A queue has taken a message.
    pub(crate) fn count_in<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        let number = core.plan.queue(queue).alarm;
        if number == NONE {
            return;
        }
        let alarm = &mut self.alarms[number as usize];
        alarm.messages += 1;
        if alarm.messages > core.plan.alarms[number as usize] && !std::mem::replace(&mut alarm.watched, true) {
            core.look_at_memory(number);
        }
    }

    /// A message is gone from its queue, if it was there.
    pub(crate) fn count_out<P: Probe>(&mut self, core: &Core<'_, P>, at: u32) {
        let message = self.message(at);
        let (queue, place) = (message.queue, message.place);
        let number = core.plan.queue(queue).alarm;
        if number != NONE && matches!(place, Whereabouts::Ready | Whereabouts::Delivered) {
            self.alarms[number as usize].messages -= 1;
        }
    }

    /// A broker looks at its memory: publishers wait from now on, or all who did go on, by turns.
    pub(crate) fn weigh_memory<P: Probe>(&mut self, core: &mut Core<'_, P>, number: u32) {
        let most = core.plan.alarms[number as usize];
        let alarm = &mut self.alarms[number as usize];
        alarm.on = alarm.messages > most;
        if !alarm.on {
            let all = (0..).map(QueueId).zip(&core.plan.queues);
            let mut own: Vec<QueueId> = all.filter(|(_, queue)| queue.alarm == number).map(|(id, _)| id).collect();
            while !own.is_empty() {
                own.retain(|queue| self.let_one_in(core, *queue));
            }
        }
        let alarm = &mut self.alarms[number as usize];
        alarm.watched = alarm.messages > most;
        if alarm.watched {
            core.look_at_memory(number);
        }
    }

    /// The first message that waits at the door of a queue comes in, if there is one, and room for it; says whether it did.
    pub(crate) fn let_one_in<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) -> bool {
        let plan = core.plan.queue(queue);
        let store = &mut self.queues[queue.index()];
        let full = plan.when_full == WhenFull::Block && !store.has_room(plan.capacity);
        if full || store.blocked.is_empty() || self.is_alarmed(core, queue) {
            return false;
        }
        let Some(message) = self.queues[queue.index()].blocked.pop_front() else { return false };
        core.tell(Fact::Blocked { queue, up: false });
        if plan.when_full == WhenFull::Block {
            self.accept(core, message);
        } else {
            self.admit(core, message, false);
        }
        true
    }
}

impl<P: Probe> Core<'_, P> {
    /// A broker will look at its memory with the next second.
    fn look_at_memory(&mut self, number: u32) {
        let next = Time((self.now.0 / LOOKS + 1) * LOOKS);
        self.agenda.push(next, Phase::Arrival, Rare::Memory(number).event());
    }
}
