//! A group of consumers: who is a member, who has which partition, and what happens when that changes.
//!
//! A rebalance begins when a member joins or leaves, or is thought to have left. Members hear of it with their next heartbeat
//! and join it when they are between two batches; when the last one has, partitions are assigned anew. Under `eager` a
//! member stops when it joins, so the whole group pauses until its slowest member is there. Under `cooperative`
//! members keep what they have and work on: the first round only takes away what has to move, a second one gives it to
//! its new owners; only those partitions pause.
//!
//! A member that crashed still counts as one until its session times out (45 s): its partitions wait, and a
//! rebalance that began meanwhile waits for it too. What comes back before that is, by default, somebody new (Kafka without
//! `group.instance.id`): it begins a rebalance, in which all wait for the session of the one it was (`AbstractCoordinator`: a
//! member that joins without an id is given one; `GroupMetadataManager`: a round ends when all members have joined, or their
//! sessions are over). Under `eager` the others have stopped by then; under `cooperative` they work on. With
//! `member = "static"` (KIP-345: `group.instance.id`) it has its old place again, without a rebalance, and does not
//! leave when it stops or is late: only the session ends its membership. A dynamic one that stops in good order leaves, and is
//! gone at once. The protocol's own messages take no time here, and an empty group does not wait for more members
//! before its first round (Kafka: `group.initial.rebalance.delay.ms`, 3 s).

use super::assign::{range, sticky};

/// How a rebalance goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// When everybody gives up everything first.
    #[default]
    Eager,
    /// When only what moves is given up.
    Cooperative,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// When it is no member.
    Out,
    /// When it is a member and alive.
    #[default]
    In,
    /// When it is dead and the group does not know.
    Silent,
}

/// A possible member.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    standing: Standing,
    /// Whether it has joined the rebalance under way.
    joined: bool,
}

/// A group of consumers of one topic.
#[derive(Clone, Debug)]
pub struct Group {
    protocol: Protocol,
    /// Those who may be members, and behind them those they were before they came back as somebody new.
    members: Vec<Member>,
    owners: Vec<Option<u32>>,
    /// Whether a rebalance is under way.
    gathering: bool,
}

impl Group {
    /// A group whose members are all there, with their partitions.
    pub fn new(protocol: Protocol, members: u32, partitions: u32) -> Self {
        let all: Vec<u32> = (0..members).collect();
        Self {
            protocol,
            members: [Member::default(), Member { standing: Standing::Out, joined: false }]
                .map(|member| vec![member; members as usize])
                .concat(),
            owners: range(&all, partitions as usize),
            gathering: false,
        }
    }

    /// Who has a partition; nobody, as long as it belongs to one who is no more.
    #[inline]
    pub fn owner(&self, partition: u32) -> Option<u32> {
        self.owners[partition as usize].filter(|member| *member < self.size())
    }

    fn size(&self) -> u32 {
        self.members.len() as u32 / 2
    }

    /// The one that a member was before it came back as somebody new.
    pub fn former(&self, member: u32) -> u32 {
        member + self.size()
    }

    /// Whether a rebalance is under way.
    pub fn is_gathering(&self) -> bool {
        self.gathering
    }

    /// Whether a member has stopped for a rebalance.
    pub fn pauses(&self, member: u32) -> bool {
        self.gathering && self.protocol == Protocol::Eager && self.members[member as usize].joined
    }

    /// Whether a member is alive and in the group.
    pub fn is_in(&self, member: u32) -> bool {
        self.members[member as usize].standing == Standing::In
    }

    /// Whether a member is to join the rebalance under way.
    pub fn is_awaited(&self, member: u32) -> bool {
        self.gathering && self.is_in(member) && !self.members[member as usize].joined
    }

    /// A member crashes: nobody knows yet.
    pub fn fall_silent(&mut self, member: u32) {
        let member = &mut self.members[member as usize];
        if member.standing == Standing::In {
            *member = Member { standing: Standing::Silent, joined: false };
        }
    }

    /// Whether a member is dead and the group does not know.
    pub fn is_silent(&self, member: u32) -> bool {
        self.members[member as usize].standing == Standing::Silent
    }

    /// A member comes up: in its old place if it `keeps_its_name` and nobody had missed it, otherwise as a newcomer, which
    /// begins a rebalance. Says whether one is under way.
    pub fn come(&mut self, member: u32, keeps_its_name: bool) -> bool {
        match self.members[member as usize].standing {
            Standing::Silent if keeps_its_name => {
                self.members[member as usize] = Member { standing: Standing::In, joined: false };
            }
            Standing::Silent => {
                let former = self.former(member);
                self.members[former as usize] = Member { standing: Standing::Silent, joined: false };
                self.owners.iter_mut().filter(|o| **o == Some(member)).for_each(|o| *o = Some(former));
                self.welcome(member);
            }
            Standing::Out => self.welcome(member),
            Standing::In => {}
        }
        self.gathering
    }

    /// Somebody new.
    fn welcome(&mut self, member: u32) {
        self.gather();
        self.members[member as usize] = Member { standing: Standing::In, joined: true };
    }

    /// A member is gone and everybody knows: what it had is free, and a rebalance begins.
    pub fn leave(&mut self, member: u32) {
        let slot = &mut self.members[member as usize];
        if slot.standing == Standing::Out {
            return;
        }
        *slot = Member { standing: Standing::Out, joined: false };
        self.release(member);
        self.gather();
    }

    /// A member that has heard of the rebalance is between two batches. Says whether it stops.
    pub fn join(&mut self, member: u32) -> bool {
        if !self.is_awaited(member) {
            return false;
        }
        self.members[member as usize].joined = true;
        let stops = self.protocol == Protocol::Eager;
        if stops {
            self.release(member);
        }
        stops
    }

    /// Whether all whom the rebalance waits for are there.
    pub fn is_complete(&self) -> bool {
        self.gathering && self.members.iter().all(|m| m.standing == Standing::Out || m.joined)
    }

    /// Ends a round when all are there: partitions that go to another member than before, with that member (`None`: taken
    /// away, to be given in a second round). The rebalance is over if [`is_gathering`](Self::is_gathering) says so.
    pub fn complete(&mut self) -> Vec<(u32, Option<u32>)> {
        let there = (0..self.size()).filter(|m| self.is_in(*m)).collect::<Vec<_>>();
        let mut target = match self.protocol {
            Protocol::Eager => range(&there, self.owners.len()),
            Protocol::Cooperative => sticky(&self.owners, &there),
        };
        let mut again = false;
        for (target, owner) in target.iter_mut().zip(&self.owners) {
            if owner.is_some() && target != owner {
                *target = None;
                again = true;
            }
        }
        self.members.iter_mut().for_each(|m| m.joined = false);
        self.gathering = again;
        let changed =
            |(at, (new, old)): (usize, (&Option<u32>, &Option<u32>))| (new != old).then_some((at as u32, *new));
        let changes = target.iter().zip(&self.owners).enumerate().filter_map(changed).collect();
        self.owners = target;
        changes
    }

    /// A rebalance begins, unless one is under way.
    fn gather(&mut self) {
        if !self.gathering {
            self.members.iter_mut().for_each(|m| m.joined = false);
            self.gathering = true;
        }
    }

    fn release(&mut self, member: u32) {
        self.owners.iter_mut().filter(|o| **o == Some(member)).for_each(|o| *o = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owners(group: &Group) -> Vec<Option<u32>> {
        (0..group.owners.len() as u32).map(|p| group.owner(p)).collect()
    }

    #[test]
    fn a_leaver_is_gone_at_once_and_the_group_waits_for_its_slowest_member() {
        let mut group = Group::new(Protocol::Eager, 3, 4);
        assert_eq!(owners(&group), [Some(0), Some(0), Some(1), Some(2)]);
        group.leave(0);
        assert!(group.is_gathering() && !group.is_complete());
        assert!(group.join(1) && group.pauses(1) && !group.pauses(2));
        assert_eq!(owners(&group), [None, None, None, Some(2)]);
        assert!(group.join(2) && group.is_complete());
        assert_eq!(group.complete().len(), 4);
        assert_eq!(owners(&group), [Some(1), Some(1), Some(2), Some(2)]);
        assert!(!group.is_gathering());
    }

    #[test]
    fn who_crashes_keeps_its_partitions_until_the_session_is_over() {
        let mut group = Group::new(Protocol::Eager, 2, 2);
        group.fall_silent(0);
        assert!(!group.is_gathering());
        assert_eq!(group.owner(0), Some(0));
        group.leave(0);
        group.join(1);
        group.complete();
        assert_eq!(owners(&group), [Some(1), Some(1)]);
    }

    #[test]
    fn who_keeps_its_name_and_is_back_before_has_its_old_place() {
        let mut group = Group::new(Protocol::Eager, 2, 2);
        group.fall_silent(0);
        assert!(!group.come(0, true));
        assert_eq!(owners(&group), [Some(0), Some(1)]);
    }

    #[test]
    fn who_is_somebody_new_waits_with_all_others_for_the_one_it_was() {
        let mut group = Group::new(Protocol::Eager, 2, 2);
        group.fall_silent(0);
        assert!(group.come(0, false));
        assert!(group.join(1) && !group.is_complete());
        assert_eq!(owners(&group), [None, None]);
        // It dies once more, and comes back once more: there is still one session to wait for.
        group.fall_silent(0);
        group.come(0, false);
        assert!(!group.is_complete());
        group.leave(group.former(0));
        assert!(group.is_complete());
        group.complete();
        assert_eq!(owners(&group), [Some(0), Some(1)]);
    }

    #[test]
    fn cooperative_members_work_on_while_they_wait_for_one_who_is_no_more() {
        let mut group = Group::new(Protocol::Cooperative, 2, 4);
        group.fall_silent(0);
        group.come(0, false);
        assert!(!group.join(1) && !group.pauses(1) && !group.is_complete());
        assert_eq!(owners(&group), [None, None, Some(1), Some(1)]);
        group.leave(group.former(0));
        assert_eq!(group.complete(), [(0, Some(0)), (1, Some(0))]);
        assert!(!group.is_gathering());
    }

    #[test]
    fn a_rebalance_waits_for_whoever_is_silent() {
        let mut group = Group::new(Protocol::Eager, 3, 3);
        group.fall_silent(0);
        group.leave(1);
        group.join(2);
        assert!(!group.is_complete());
        group.leave(0);
        assert!(group.is_complete());
    }

    #[test]
    fn cooperative_members_keep_what_they_have_and_only_what_moves_pauses() {
        let mut group = Group::new(Protocol::Cooperative, 2, 4);
        group.leave(1);
        assert!(!group.join(0) && group.is_complete());
        assert_eq!(group.complete(), [(2, Some(0)), (3, Some(0))]);
        assert!(!group.is_gathering(), "orphans need no second round");
        assert!(group.come(1, false));
        assert!(!group.join(0) && !group.pauses(0));
        assert_eq!(group.complete(), [(2, None), (3, None)]);
        assert!(group.is_gathering(), "what was taken away is given in a second round");
        group.join(0);
        group.join(1);
        assert_eq!(group.complete(), [(2, Some(1)), (3, Some(1))]);
        assert!(!group.is_gathering());
    }

    proptest! {
        /// Whatever happens to its members, in the end every partition has exactly one living owner.
        #[test]
        fn a_group_comes_to_rest(
            cooperative: bool, named: bool, members in 1..6u32, partitions in 1..12u32, steps in prop::collection::vec((0..4u8, 0..6u32), 0..40),
        ) {
            let protocol = if cooperative { Protocol::Cooperative } else { Protocol::Eager };
            let mut group = Group::new(protocol, members, partitions);
            for (step, member) in steps {
                let member = member % members;
                match step {
                    0 => group.leave(member),
                    1 => group.fall_silent(member),
                    2 => {
                        group.come(member, named);
                    }
                    _ => {
                        group.join(member);
                    }
                }
                if group.is_complete() {
                    group.complete();
                }
                let stray = |o: &Option<u32>| o.is_some_and(|m| group.members[m as usize].standing == Standing::Out);
                prop_assert!(!group.owners.iter().any(stray));
            }
            (0..2 * members).filter(|m| group.is_silent(*m)).collect::<Vec<_>>().into_iter().for_each(|m| group.leave(m));
            for _ in 0..3 {
                (0..members).for_each(|m| {
                    group.join(m);
                });
                if group.is_complete() {
                    group.complete();
                }
            }
            prop_assert!(!group.is_gathering());
            let alive = (0..members).any(|m| group.is_in(m));
            prop_assert!(owners(&group).iter().all(|o| o.is_some() == alive));
        }
    }
}
