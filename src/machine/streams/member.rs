//! A member of a group at work: it asks for records, works on them one after the other, and commits.
//!
//! A poll takes up to `batch` records of what has arrived, partition after partition until it is full (Kafka's
//! `FetchCollector.collectFetch` and `max.poll.records`); they are handled one after the other, and committed together. A
//! member that takes longer for them than its poll interval is given up by its group, but finishes the batch in hand before it
//! learns of that; what it does meanwhile gets the group no further, and comes again. A record that fails and is tried again
//! is a poll of its own (Spring's `DefaultErrorHandler` seeks back to it).

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::policy::Backoff;
use crate::model::stream::{Grave, Letter, OnError};
use crate::model::{CallId, ClientId, EndpointId, Fact, GroupId, Opening, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::frame::{Frame, Origin};
use crate::machine::core::frame::{Trip, Whose};
use crate::machine::core::{Core, Flow};
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::InHand;
use crate::machine::streams::state::Streams;
use crate::machine::streams::state::{Fetch, Record, Run};

impl Streams {
    /// There is something to read in a partition: its owner is to know.
    pub(crate) fn announce_records<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32, partition: u32) {
        let Some(member) = self.reader_of(group, partition) else { return };
        let place = &mut self.crews[group as usize].places[partition as usize];
        if !place.listed {
            place.listed = true;
            self.members[member as usize].known.waiting.push_back(partition);
        }
        if self.seat_of(core, member).poll.is_none() {
            self.serve_member(core, member);
        }
    }

    /// A member without a record in hand takes the next; without any it asks for more.
    pub(crate) fn carry_on<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &self.members[at as usize];
        if !member.is_at_leisure(core.now) || !member.up {
            return;
        }
        if member.expelled {
            return if !self.take_record(core, at) {
                self.come_again(core, at);
            };
        }
        let number = member.who.number;
        let group = member.who.group;
        loop {
            if self.take_record(core, at) {
                return;
            }
            if self.end_batch(core, at) || self.crews[group as usize].group.pauses(number) {
                return;
            }
            if !self.take_batch(core, at) {
                break;
            }
        }
        if self.seat_of(core, at).poll.is_some() && self.members[at as usize].request.fetch == Fetch::Asking {
            self.ask_again(core, at);
        }
    }

    /// A member takes a batch from its partitions, one after the other until it is full.
    fn take_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let group = self.members[at as usize].who.group;
        let (mut room, commits) = (u64::from(self.seat_of(core, at).batch), self.commits_of(core, at));
        let mut early = Vec::new();
        while room > 0
            && let Some(partition) = self.members[at as usize].known.stocked.pop_front()
        {
            if self.reader_of(group, partition) != Some(at) {
                continue;
            }
            self.settle_commits(core, group, partition, at);
            let place = &mut self.crews[group as usize].places[partition as usize];
            place.stocked = false;
            let next = place.cursor.position();
            let most = place.stock.saturating_sub(next).min(room);
            let taken = self.due_of(core, at, partition, (next, most));
            if taken < most && taken == 0 {
                early.push(partition);
            }
            let place = &mut self.crews[group as usize].places[partition as usize];
            if taken > 0 {
                place.cursor.take(taken, commits);
                room -= taken;
                self.members[at as usize].haul.hand.push(Run { partition, next, end: next + taken });
            }
        }
        for partition in early {
            self.crews[group as usize].places[partition as usize].stocked = true;
            self.members[at as usize].known.stocked.push_back(partition);
        }
        if self.members[at as usize].haul.hand.is_empty() {
            return false;
        }
        self.start_watch(core, at);
        true
    }

    /// The next record in the hands of a member; what the group has gone away from, or was deleted unread, is passed over.
    fn next_in_hand<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Option<(Run, Record)> {
        loop {
            let member = &mut self.members[at as usize];
            let (group, stray) = (member.who.group, member.expelled);
            let run = *member.haul.hand.get(member.haul.run as usize)?;
            if run.next >= run.end {
                member.haul.run += 1;
                continue;
            }
            let log = &self.brokers[core.topic_of(group) as usize].logs[run.partition as usize];
            let owner = self.reader_of(group, run.partition);
            let place = &self.crews[group as usize].places[run.partition as usize];
            let own = owner.is_none_or(|owner| owner == at) && place.cursor.position() == run.next;
            match log.read(run.next) {
                Some(record) if own || stray => return Some((run, record)),
                None if own && !stray => self.skip_deleted(core, at, group, run.partition),
                _ => {}
            }
            self.members[at as usize].haul.run += 1;
        }
    }

    /// A member begins to work on the next record of its batch.
    fn take_record<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let Some((Run { partition, next: offset, .. }, record)) = self.next_in_hand(core, at) else { return false };
        let group = self.members[at as usize].who.group;
        let place = &self.crews[group as usize].places[partition as usize];
        let repeats = place.cursor.has_seen(offset);
        let again = if repeats || place.retries { place.tries } else { 0 };
        let name = core.plan.groups[group as usize].hash;
        let lineage = if again == 0 { core.first_try(group, &record) } else { record.lineage.child(name, again) };
        let root = if repeats { NONE } else { record.root };
        let seat = self.seat_of(core, at);
        let (entry, endpoint, call) = (seat.entry, seat.endpoint, seat.call);
        let replica = self.members[at as usize].who.replica;
        let frame = core.frames.insert(Frame {
            trip: Trip { arrived: core.now, sent: core.now },
            caller: at,
            pc: entry.0,
            replica,
            call: call.0,
            origin: Origin::Record,
            ..Frame::new(lineage, core.now, record.whose)
        });
        if core.follows_roots() {
            core.assign_root(frame, root);
        }
        core.open_account(frame, || Opening::Message { message: record.lineage, endpoint });
        let member = &mut self.members[at as usize];
        (member.record.frame, member.record.partition, member.record.offset) = (frame, partition, offset);
        member.record.published = record.published;
        let node = core.node_of(replica);
        core.tell(Fact::Read { group: GroupId(group), published: record.published, repeats });
        core.tell(Fact::Called { edge: core.plan.call(call).edge, measured: record.whose.measured });
        core.tell_load(replica, || Fact::Reached { node, endpoint });
        core.tell_load(replica, || Fact::Entered { node });
        if again == 0 {
            core.ready.push_back(frame);
        } else {
            // An event of its own: who fails in no time, and tries for ever, is heard of by the guard on instants.
            core.sleep(frame, Span::ZERO);
        }
        true
    }

    /// The first try at the record that a frame is a try at.
    pub(crate) fn content_of<P: Probe>(&self, core: &Core<'_, P>, frame: u32) -> Lineage {
        let Frame { caller: at, lineage, .. } = core.frames[frame];
        let member = &self.members[at as usize];
        let log = &self.brokers[core.topic_of(member.who.group) as usize].logs[member.record.partition as usize];
        match log.read(member.record.offset) {
            Some(record) if member.record.frame == frame => core.first_try(member.who.group, &record),
            _ => lineage,
        }
    }

    /// The record in the hands of a frame, as long as its member has it.
    fn record_of<P: Probe>(&self, core: &Core<'_, P>, frame: u32) -> Option<Record> {
        let member = &self.members[core.frames[frame].caller as usize];
        let log = &self.brokers[core.topic_of(member.who.group) as usize].logs[member.record.partition as usize];
        log.read(member.record.offset).filter(|_| member.record.frame == frame)
    }

    /// A batch is done: it is committed, and a rebalance the member has heard of is joined. Says whether the member stops.
    fn end_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let member = &mut self.members[at as usize];
        let group = member.who.group;
        member.haul.run = 0;
        let mut hand = std::mem::take(&mut member.haul.hand);
        for run in hand.drain(..) {
            self.end_run(core, at, group, run.partition);
        }
        let member = &mut self.members[at as usize];
        member.haul.hand = hand;
        member.heard && self.join_round(core, at)
    }

    /// What a member has done in a partition is done.
    fn end_run<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, group: u32, partition: u32) {
        let commits = self.commits_of(core, at);
        self.settle_commits(core, group, partition, at);
        let owner = self.reader_of(group, partition);
        let place = &mut self.crews[group as usize].places[partition as usize];
        if owner == Some(at) {
            place.cursor.finish(commits);
            if place.stock > place.cursor.position() && !std::mem::replace(&mut place.stocked, true) {
                self.members[at as usize].known.stocked.push_back(partition);
            }
        } else if owner.is_none() {
            place.cursor.hand_over();
        }
        self.forget_records(core, core.topic_of(group), partition);
    }

    /// A record has been worked on: how that ended, and how it is handed over as one that failed, and whether nobody can work on it.
    pub(crate) fn weigh_record<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        frame: u32,
        outcome: Outcome,
    ) -> (Outcome, Option<(Letter, bool)>) {
        let Frame { caller: at, whose: Whose { client, measured, .. }, .. } = core.frames[frame];
        let poisoned = self.record_of(core, frame).is_some_and(|record| record.poisoned);
        let outcome = if poisoned { Outcome::Error } else { outcome };
        let (endpoint, idempotent) = (self.seat_of(core, at).endpoint, self.seat_of(core, at).idempotent);
        if outcome.is_good() && core.follows_roots() {
            core.reach_goal(frame, endpoint);
        }
        if outcome.is_good() && !idempotent && self.is_second_time(at) {
            let client = ClientId(u32::from(client));
            let edge = core.plan.call(CallId(core.frames[frame].call)).edge;
            core.tell(Fact::Duplicate { client, endpoint, edge, measured });
        }
        let mourned = !outcome.is_good() && self.members[at as usize].record.frame == frame;
        let letter = mourned.then(|| self.letter_of(core, at)).flatten();
        (outcome, letter.map(|letter| (letter, poisoned)))
    }

    /// The frame of a record is over; its member goes on, after the `word` of a broker that it waits for.
    pub(crate) fn finish_record<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        frame: u32,
        outcome: Outcome,
        word: Span,
    ) -> Flow {
        let Frame { caller: at, lineage, trip: Trip { arrived, .. }, .. } = core.frames[frame];
        let endpoint = self.seat_of(core, at).endpoint;
        let root = core.root_of(frame);
        core.leave_consumer(frame, outcome, endpoint, arrived);
        if self.members[at as usize].record.frame != frame {
            // Its member is gone, or has begun anew; nobody wants to know.
            return Flow::Stay;
        }
        self.members[at as usize].record.frame = NONE;
        let done = outcome.is_good() || self.gives_up(core, at);
        if self.members[at as usize].expelled {
            if done { self.pass_astray(core, at, root) } else { self.members[at as usize].clear() }
        } else if done {
            self.pass_record(core, at, root);
            if word > Span::ZERO {
                self.rest(core, at, word);
            }
        } else {
            self.stay_with(core, at, lineage);
        }
        self.carry_on(core, at);
        Flow::Stay
    }

    /// A member dies at work on a record.
    pub(crate) fn die_reading<P: Probe>(&mut self, core: &mut Core<'_, P>, frame: u32) {
        let Frame { caller: at, trip: Trip { arrived, .. }, .. } = core.frames[frame];
        let endpoint = self.seat_of(core, at).endpoint;
        if self.members[at as usize].record.frame == frame {
            self.members[at as usize].record.frame = NONE;
        }
        core.leave_consumer(frame, Outcome::Reset, endpoint, arrived);
    }

    /// Whether the record in a member's hands has been worked on before.
    fn is_second_time(&self, at: u32) -> bool {
        let member = &self.members[at as usize];
        let cursor = &self.crews[member.who.group as usize].places[member.record.partition as usize].cursor;
        cursor.has_seen(member.record.offset)
    }

    /// Whether the group is still where the record was that a member had in hand; if not, the run is over.
    fn is_still_at(&mut self, at: u32) -> bool {
        let member = &mut self.members[at as usize];
        let place = &self.crews[member.who.group as usize].places[member.record.partition as usize];
        let there = place.cursor.position() == member.record.offset;
        member.haul.run += u32::from(!there);
        there
    }

    /// The group is past a record.
    fn pass_record<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, root: u32) {
        if !self.is_still_at(at) {
            return;
        }
        let member = &mut self.members[at as usize];
        member.advance();
        let (group, partition, published) = (member.who.group, member.record.partition, member.record.published);
        self.settle_commits(core, group, partition, at);
        let place = &mut self.crews[group as usize].places[partition as usize];
        let repeats = place.cursor.repeats();
        place.cursor.pass();
        (place.retries, place.fails) = (false, 0);
        core.tell(Fact::Passed { group: GroupId(group), published, stale: false, repeats });
        if !repeats {
            core.leave_root(root);
        }
    }

    /// A member that its group has given up is past a record, and the group is not.
    fn pass_astray<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, root: u32) {
        let member = &mut self.members[at as usize];
        member.advance();
        let (group, InHand { partition, offset, published, .. }) = (member.who.group, member.record);
        let place = &mut self.crews[group as usize].places[partition as usize];
        let repeats = !place.cursor.notice(offset);
        core.tell(Fact::Passed { group: GroupId(group), published, stale: true, repeats });
        if !repeats {
            core.leave_root(root);
        }
    }

    /// The first record, of those that only strays have in hand, of a partition.
    pub(crate) fn held_by_strays<P: Probe>(&self, core: &Core<'_, P>, topic: u32, partition: u32) -> u64 {
        let strays = self.members.iter().filter(|m| m.expelled && core.topic_of(m.who.group) == topic);
        let runs = strays.flat_map(|m| &m.haul.hand).filter(|run| run.partition == partition);
        runs.map(|run| run.next).min().unwrap_or(u64::MAX)
    }

    /// Whether a record that failed is passed over.
    fn gives_up<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let (seat, member) = (self.seat_of(core, at), &self.members[at as usize]);
        let place = &self.crews[member.who.group as usize].places[member.record.partition as usize];
        match &seat.retries {
            // A member that its group has given up will hear of that with its next poll, which another try is.
            Some(rule) if member.expelled => rule.max == 0,
            Some(rule) => place.fails >= rule.max && rule.max != NONE,
            None => !matches!(seat.on_error, OnError::Retry),
        }
    }

    /// How the record in a member's hands is handed over when it is passed over for having failed.
    fn letter_of<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Option<Letter> {
        match self.seat_of(core, at).on_error {
            OnError::DeadLetter(letter) if self.gives_up(core, at) => Some(letter),
            _ => None,
        }
    }

    /// A record has failed and comes again, at once or after a wait; `last` names the draws of the try that failed.
    fn stay_with<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, last: Lineage) {
        if !self.is_still_at(at) {
            return;
        }
        let wait = self.rest_before(core, at, last);
        let member = &mut self.members[at as usize];
        let place = &mut self.crews[member.who.group as usize].places[member.record.partition as usize];
        place.tries += 1;
        place.retries = true;
        place.fails += 1;
        place.waited = wait;
        if wait == Span::ZERO {
            member.haul.polled = core.now;
            return;
        }
        self.rest(core, at, wait);
    }

    /// A member sleeps for a while.
    fn rest<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, wait: Span) {
        let member = &mut self.members[at as usize];
        let (due, replica) = (core.now + wait, member.who.replica);
        member.record.rests = due;
        core.beat_at(due, Beat::Resume(at));
        // It sleeps and is held: no other record can have it.
        let node = core.node_of(replica);
        core.tell_load(replica, || Fact::Entered { node });
    }

    /// A member does not sleep any more, if it did.
    pub(crate) fn rise<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        let replica = member.who.replica;
        if std::mem::take(&mut member.record.rests) != Time(0) {
            let node = core.node_of(replica);
            core.tell_load(replica, || Fact::Left { node });
        }
    }

    /// How long a member waits before it tries a record again.
    fn rest_before<P: Probe>(&self, core: &mut Core<'_, P>, at: u32, last: Lineage) -> Span {
        let Some(rule) = self.seat_of(core, at).retries else { return Span::ZERO };
        let member = &self.members[at as usize];
        let place = &self.crews[member.who.group as usize].places[member.record.partition as usize];
        match rule.backoff {
            Backoff::Exponential(growing) => {
                growing.wait(place.fails, place.waited, Draw::new(core.seed, last, Purpose::Jitter, 0).unit())
            }
            Backoff::Law(law) => core.vary(law, last, Purpose::Jitter, 0),
        }
    }

    /// A member has waited long enough: the next try is a poll, with which it hears of what became of its group.
    pub(crate) fn get_up<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &self.members[at as usize];
        if !member.up {
            return;
        }
        if member.record.rests == core.now {
            self.rise(core, at);
            let member = &mut self.members[at as usize];
            member.haul.polled = core.now;
            if member.expelled {
                member.clear();
            } else if member.heard && self.join_round(core, at) {
                return;
            }
        }
        self.carry_on(core, at);
    }

    /// Of so many records at hand in a partition, how many are due; if none is, somebody will look again.
    fn due_of<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, partition: u32, (next, most): (u64, u64)) -> u64 {
        let delay = self.seat_of(core, at).delay;
        if delay == Span::ZERO || most == 0 {
            return most;
        }
        let log = &self.brokers[core.topic_of(self.members[at as usize].who.group) as usize].logs[partition as usize];
        // What is gone is passed over at once.
        let due = |offset| log.read(offset).map_or(Time(0), |record| record.published + delay);
        let ready = (next..next + most).take_while(|offset| due(*offset) <= core.now).count() as u64;
        let first = due(next);
        if ready == 0 {
            let member = &mut self.members[at as usize];
            if member.known.wakes <= core.now || member.known.wakes > first {
                member.known.wakes = first;
                core.beat_at(first, Beat::Resume(at));
            }
        }
        ready
    }

    /// The next poll is to come in time.
    fn start_watch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let limit = core.plan.groups[self.members[at as usize].who.group as usize].max_poll_interval;
        let member = &mut self.members[at as usize];
        member.haul.polled = core.now;
        if !std::mem::replace(&mut member.haul.watched, true) {
            let due = core.now + limit;
            core.agenda.push(due, Phase::Arrival, crate::machine::core::event::Event::Stream(Beat::Overdue(at).code()));
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// A record that failed is handed over as a message is published: its name, how long it travels, and how long its consumer
    /// waits for the broker's word (Spring Kafka's `DeadLetterPublishingRecoverer` waits for the result of the send).
    pub(crate) fn post_letter(&self, frame: u32, letter: Letter) -> (Lineage, Span, Span) {
        let node = match letter.to {
            Grave::Queue(queue) => self.plan.queue(queue).node,
            Grave::Topic(topic) => self.plan.topics[topic as usize].node,
        };
        let lineage = self.frames[frame].lineage.child(self.plan.node(node).hash, 0);
        let way = self.vary(letter.there, lineage, Purpose::There, 0);
        let safe = self.vary(letter.safe, lineage, Purpose::Broker, 0);
        (lineage, way, way + safe + self.vary(letter.back, lineage, Purpose::Back, 0))
    }

    /// Names the draws of a group's first try at a record: what a single group does is what a call in its place would do.
    fn first_try(&self, group: u32, record: &Record) -> Lineage {
        let plan = &self.plan.groups[group as usize];
        let alone = self.plan.topics[plan.topic as usize].groups.len() == 1;
        if alone { record.lineage } else { record.lineage.child(plan.hash, 0) }
    }

    /// A consumer is done with a frame.
    fn leave_consumer(&mut self, frame: u32, outcome: Outcome, endpoint: EndpointId, arrived: Time) {
        let replica = self.frames[frame].replica;
        let node = self.node_of(replica);
        let sojourn = self.now.since(arrived);
        let replied = Fact::Replied { node, endpoint, outcome, joined: true, sojourn, waited: Span::ZERO };
        self.tell_load(replica, || replied);
        self.tell_load(replica, || Fact::Left { node });
        let (edge, measured) =
            (self.plan.call(CallId(self.frames[frame].call)).edge, self.frames[frame].whose.measured);
        self.tell(Fact::Settled { edge, outcome, latency: sojourn, measured });
        self.close(frame, outcome);
    }
}
