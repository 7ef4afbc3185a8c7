//! Which member of a group gets which partition.

/// The range assignor: members in order get partitions in a row, the first ones one more where they do not go up evenly.
/// (Kafka's default list is `[Range, CooperativeSticky]`, of which Range is in effect.)
pub fn range(members: &[u32], partitions: usize) -> Vec<Option<u32>> {
    if members.is_empty() {
        return vec![None; partitions];
    }
    let (each, more) = (partitions / members.len(), partitions % members.len());
    let runs = members.iter().enumerate().map(|(at, m)| (*m, each + usize::from(at < more)));
    runs.flat_map(|(member, run)| std::iter::repeat_n(Some(member), run)).collect()
}

/// The sticky assignor: as even as the range, and no partition moves that need not.
pub fn sticky(owners: &[Option<u32>], members: &[u32]) -> Vec<Option<u32>> {
    if members.is_empty() {
        return vec![None; owners.len()];
    }
    let (each, more) = (owners.len() / members.len(), owners.len() % members.len());
    let held = |member: u32, owners: &[Option<u32>]| owners.iter().filter(|o| **o == Some(member)).count();
    let mut target: Vec<Option<u32>> = owners.iter().map(|o| o.filter(|m| members.contains(m))).collect();
    let mut rich: Vec<u32> = members.to_vec();
    // Who has most keeps one more than the others, where there is one more to keep.
    rich.sort_by_key(|m| std::cmp::Reverse(held(*m, &target)));
    for (rank, member) in rich.iter().enumerate() {
        let quota = each + usize::from(rank < more);
        let surplus = held(*member, &target).saturating_sub(quota);
        let own = target.iter_mut().rev().filter(|o| **o == Some(*member));
        own.take(surplus).for_each(|o| *o = None);
    }
    for (rank, member) in rich.iter().enumerate() {
        let quota = each + usize::from(rank < more);
        let missing = quota.saturating_sub(held(*member, &target));
        target.iter_mut().filter(|o| o.is_none()).take(missing).for_each(|o| *o = Some(*member));
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owners(of: &[u32]) -> Vec<Option<u32>> {
        of.iter().map(|m| Some(*m)).collect()
    }

    #[test]
    fn ranges_are_runs() {
        assert_eq!(range(&[4, 7], 5), owners(&[4, 4, 4, 7, 7]));
        assert_eq!(range(&[1, 2, 3], 2), owners(&[1, 2]));
        assert_eq!(range(&[], 2), [None, None]);
    }

    #[test]
    fn a_newcomer_gets_its_share_and_nothing_else_moves() {
        assert_eq!(sticky(&owners(&[0, 0, 1, 1]), &[0, 1, 2, 3]), owners(&[0, 2, 1, 3]));
    }

    #[test]
    fn what_a_leaver_had_is_shared_out() {
        assert_eq!(sticky(&owners(&[0, 0, 1, 1]), &[1]), owners(&[1, 1, 1, 1]));
    }

    proptest! {
        #[test]
        fn sticky_is_even_and_moves_no_more_than_it_must(
            before in prop::collection::vec(prop::option::of(0..6u32), 1..40), there in 1..6usize,
        ) {
            let members: Vec<u32> = (0..there as u32).collect();
            let after = sticky(&before, &members);
            let held: Vec<usize> =
                members.iter().map(|m| after.iter().filter(|o| **o == Some(*m)).count()).collect();
            prop_assert!(after.iter().all(Option::is_some));
            prop_assert!(held.iter().max().unwrap() - held.iter().min().unwrap() <= 1);
            let again = sticky(&after, &members);
            prop_assert_eq!(again, after);
        }
    }
}
