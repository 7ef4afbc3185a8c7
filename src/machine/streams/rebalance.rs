//! Members come and go, and partitions change hands.

use crate::model::id::NONE;
use crate::model::{Fact, GroupId, Probe};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::streams::HEARTBEAT;
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Fetch;
use crate::machine::streams::state::Streams;

impl Streams {
    /// A replica went down: that of a topic's broker, or one with members of groups.
    pub(crate) fn lose_streams<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, crashed: bool) {
        if core.plan.topics.is_empty() {
            return;
        }
        self.lose_broker(core, replica);
        self.lose_members(core, replica, crashed);
        if crashed {
            self.forget_publishers(core, replica);
        }
    }

    /// A replica is back.
    pub(crate) fn regain_streams<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        if !core.plan.topics.is_empty() {
            self.regain_broker(core, replica);
            self.regain_members(core, replica);
            self.let_out(core, replica);
        }
    }

    /// The members on a replica that went down: a crash leaves their group in the dark until their sessions are over.
    fn lose_members<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, crashed: bool) {
        for at in 0..self.members.len() as u32 {
            let member = &mut self.members[at as usize];
            if member.who.replica != replica || !member.up {
                continue;
            }
            member.up = false;
            self.strays -= u32::from(std::mem::take(&mut member.expelled));
            (member.record.frame, member.heard, member.request.fetch, member.asleep) =
                (NONE, false, Fetch::Asking, false);
            self.rise(core, at);
            self.settle_all(core, at);
            if !crashed {
                self.hand_over(at);
            }
            if crashed || self.keeps_its_name(core, at) {
                self.fall_silent(core, at);
            } else {
                let number = self.members[at as usize].who.number;
                self.part_member(core, at, number);
            }
            self.members[at as usize].clear();
        }
    }

    /// The members on a replica that is back.
    fn regain_members<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for at in 0..self.members.len() as u32 {
            let member = &mut self.members[at as usize];
            if member.who.replica != replica || member.up {
                continue;
            }
            member.up = true;
            member.request.asks_at = core.now;
            self.fall_out_of_step(core, at);
            self.come_again(core, at);
        }
    }

    /// Whether a member that comes back is the one it was.
    fn keeps_its_name<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        core.plan.groups[self.members[at as usize].who.group as usize].keeps_names
    }

    /// A group hears nothing more of a member: its session runs from its last heartbeat.
    fn fall_silent<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &self.members[at as usize];
        let (group, number, phase) = (member.who.group, member.who.number, member.phase);
        let since = core.now.0.saturating_sub(phase) % HEARTBEAT.0;
        let timeout = core.plan.groups[group as usize].session_timeout;
        let left = Span(timeout.0.saturating_sub(since));
        let crew = &mut self.crews[group as usize];
        crew.group.fall_silent(number);
        if crew.group.is_silent(number) {
            let due = core.now + left;
            self.members[at as usize].session = due;
            core.beat_at(due, Beat::Session(at));
        }
    }

    /// The session of a member of which nothing was heard is over, unless it is back; or that of the one it was before.
    pub(crate) fn end_session<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        let (group, number) = (member.who.group, member.who.number);
        let crew = &self.crews[group as usize].group;
        if member.session == core.now && crew.is_silent(number) {
            member.session = Time::NEVER;
            self.part_member(core, at, number);
        } else if member.former == core.now {
            member.former = Time::NEVER;
            let former = crew.former(number);
            self.part_member(core, at, former);
        }
    }

    /// A member is gone and its group knows.
    fn part_member<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, number: u32) {
        let group = self.members[at as usize].who.group;
        self.crews[group as usize].group.leave(number);
        self.summon_members(core, group);
        self.end_round(core, group);
    }

    /// A member comes up, or comes back after it was given up: in its old place, or as a newcomer.
    pub(crate) fn come_again<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let named = self.keeps_its_name(core, at);
        let member = &mut self.members[at as usize];
        self.strays -= u32::from(std::mem::take(&mut member.expelled));
        member.clear();
        let (group, number) = (member.who.group, member.who.number);
        let crew = &mut self.crews[group as usize];
        let silent = crew.group.is_silent(number);
        if silent && !named {
            // An older one that it was is over before.
            member.former = member.session;
        }
        member.session = Time::NEVER;
        let gathering = crew.group.come(number, named);
        if silent && named {
            let own = self.owned(at);
            own.into_iter().for_each(|partition| self.take_over(core, group, partition));
        }
        if gathering {
            self.members[at as usize].heard = silent && named;
            self.summon_members(core, group);
        }
        self.carry_on(core, at);
        self.end_round(core, group);
    }

    /// The partitions of a member.
    fn owned(&self, at: u32) -> Vec<u32> {
        let group = self.members[at as usize].who.group;
        let places = self.crews[group as usize].places.len() as u32;
        (0..places).filter(|p| self.reader_of(group, *p) == Some(at)).collect()
    }

    fn settle_all<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let group = self.members[at as usize].who.group;
        self.owned(at).into_iter().for_each(|partition| self.settle_commits(core, group, partition, at));
    }

    /// What a member has done in its partitions is committed.
    fn hand_over(&mut self, at: u32) {
        let group = self.members[at as usize].who.group;
        for partition in self.owned(at) {
            let place = &mut self.crews[group as usize].places[partition as usize];
            place.cursor.hand_over();
            (place.listed, place.stocked) = (false, false);
        }
    }

    /// Members that a rebalance waits for will hear of it with their next heartbeat.
    fn summon_members<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32) {
        let first = self.crews[group as usize].first_member;
        let members = core.plan.groups[group as usize].members();
        for at in first..first + members {
            let member = &self.members[at as usize];
            let awaited = self.crews[group as usize].group.is_awaited(member.who.number);
            if !awaited || member.summoned || member.heard {
                continue;
            }
            let since = (core.now.0 + HEARTBEAT.0 - member.phase) % HEARTBEAT.0;
            let due = core.now + Span(HEARTBEAT.0 - since);
            self.members[at as usize].summoned = true;
            core.beat_at(due, Beat::Heartbeat(at));
        }
    }

    /// A member hears of a rebalance; between two batches it joins at once.
    pub(crate) fn hear_heartbeat<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        if !std::mem::take(&mut member.summoned) || !member.up {
            return;
        }
        member.heard = true;
        if member.is_at_leisure(core.now) {
            self.join_round(core, at);
            self.carry_on(core, at);
        }
    }

    /// A member joins the rebalance under way; says whether it stops.
    pub(crate) fn join_round<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let member = &mut self.members[at as usize];
        member.heard = false;
        let (group, number) = (member.who.group, member.who.number);
        self.settle_all(core, at);
        let own = self.owned(at);
        let crew = &mut self.crews[group as usize];
        if !crew.group.join(number) {
            self.end_round(core, group);
            return false;
        }
        for partition in own {
            let place = &mut crew.places[partition as usize];
            place.cursor.hand_over();
            (place.listed, place.stocked) = (false, false);
        }
        self.members[at as usize].clear();
        self.end_round(core, group);
        true
    }

    /// When all are there, partitions change hands.
    fn end_round<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32) {
        let crew = &mut self.crews[group as usize];
        if !crew.group.is_complete() {
            return;
        }
        let before: Vec<Option<u32>> = (0..crew.places.len() as u32).map(|p| crew.group.owner(p)).collect();
        let first = crew.first_member;
        let changes = crew.group.complete();
        let again = crew.group.is_gathering();
        for (partition, to) in changes {
            match (to, before[partition as usize]) {
                (None, Some(from)) => self.revoke_partition(core, group, partition, first + from),
                (None, None) => {}
                (Some(_), _) => self.take_over(core, group, partition),
            }
        }
        if again {
            self.summon_members(core, group);
        } else {
            core.tell(Fact::Rebalanced { group: GroupId(group) });
        }
    }

    /// A partition is taken from a member, which joins the second round as soon as it is between two batches.
    fn revoke_partition<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32, partition: u32, from: u32) {
        let member = &mut self.members[from as usize];
        member.heard = true;
        let works = member.haul.hand.iter().any(|run| run.partition == partition);
        let place = &mut self.crews[group as usize].places[partition as usize];
        (place.listed, place.stocked) = (false, false);
        if !works {
            place.cursor.hand_over();
        }
        if self.members[from as usize].is_at_leisure(core.now) {
            self.join_round(core, from);
        }
    }

    /// A partition has a new owner, who begins at what is committed.
    fn take_over<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32, partition: u32) {
        let topic = core.topic_of(group);
        let place = &mut self.crews[group as usize].places[partition as usize];
        let before = place.cursor.position();
        let fallback = place.cursor.fall_back();
        place.tries += u32::from(fallback.again > 0);
        place.fails = 0;
        place.stock = place.cursor.position();
        (place.listed, place.stocked) = (false, false);
        let more = self.brokers[topic as usize].logs[partition as usize].watermark() > place.stock;
        let group_id = GroupId(group);
        if fallback.again > 0 {
            core.tell(Fact::Rewound { group: group_id, records: fallback.again });
        }
        if fallback.lost > 0 {
            for offset in before..before + fallback.lost {
                if let Some(record) = self.brokers[topic as usize].logs[partition as usize].read(offset) {
                    core.leave_root(record.root);
                }
            }
            core.tell(Fact::Skipped { group: group_id, records: fallback.lost, missed: fallback.lost });
        }
        if more {
            self.announce_records(core, group, partition);
        }
        if let Some(at) = self.reader_of(group, partition) {
            self.carry_on(core, at);
        }
    }

    /// A member that has not asked for more in time is given up: its heartbeats say that it leaves (or stop, if it keeps its
    /// name). Whoever works on the batch in hand does not know: the next poll, or a commit, will tell
    /// (`AbstractCoordinator.HeartbeatThread`, `handlePollTimeoutExpiry`).
    pub(crate) fn check_poll<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        let (group, number) = (member.who.group, member.who.number);
        let limit = core.plan.groups[group as usize].max_poll_interval;
        member.haul.watched = false;
        if member.haul.hand.is_empty() || !member.up || member.expelled {
            return;
        }
        let due = member.haul.polled + limit;
        if due > core.now {
            member.haul.watched = true;
            return core.beat_at(due, Beat::Overdue(at));
        }
        member.expelled = true;
        member.heard = false;
        self.strays += 1;
        if self.keeps_its_name(core, at) {
            self.fall_silent(core, at);
        } else if self.crews[group as usize].group.is_in(number) {
            self.part_member(core, at, number);
        }
    }

    /// A group seeks back in all its partitions.
    pub(crate) fn seek_back<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32) {
        let Some((_, from)) = core.plan.groups[group as usize].replay else { return };
        let topic = core.topic_of(group);
        for partition in 0..self.crews[group as usize].places.len() as u32 {
            let offset = self.brokers[topic as usize].logs[partition as usize].offset_at(from);
            let place = &mut self.crews[group as usize].places[partition as usize];
            let again = place.cursor.seek_back(offset);
            if again == 0 {
                continue;
            }
            place.tries += 1;
            place.fails = 0;
            place.stock = offset;
            (place.listed, place.stocked) = (false, false);
            core.tell(Fact::Rewound { group: GroupId(group), records: again });
            self.announce_records(core, group, partition);
        }
    }
}
