//! What holds of every balancer, whatever the replicas, their loads and who is gone.

use proptest::prelude::*;

use super::*;
use crate::model::discovery::Address;
use crate::random::{Lineage, Purpose};

/// All balancers.
fn balancer() -> impl Strategy<Value = Balancer> {
    prop_oneof![
        Just(Balancer::RoundRobin),
        Just(Balancer::Random),
        (1..5u32, any::<bool>()).prop_map(|(choices, distinct)| Balancer::LeastRequest { choices, distinct }),
        Just(Balancer::LeastRequest { choices: u32::MAX, distinct: false }),
        Just(Balancer::PickFirst),
        Just(Balancer::P2cEwma),
        Just(Balancer::Prequal),
        (1..500u32).prop_map(|keys| Balancer::Hash { keys }),
        Just(Balancer::Hash { keys: u32::MAX }),
    ]
}

fn draw(nth: u64, place: u64) -> Draw {
    Draw::new(11, Lineage(nth), Purpose::Balance, place)
}

/// Some of so many, at least one.
fn some(of: u32) -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::btree_set(0..of, 1..=of as usize).prop_map(|set| set.into_iter().collect())
}

fn replicas() -> impl Strategy<Value = (u32, Vec<u32>, Vec<u32>)> {
    (2..12u32).prop_flat_map(|of| (Just(of), some(of), proptest::collection::vec(0..9u32, of as usize)))
}

fn ease() -> SlowStart {
    SlowStart { window: Span(60_000_000_000), aggression: 1.0, least: 0.1 }
}

/// A caller that has known all but `late` from the beginning.
fn caller(of: u32, listed: &[u32], late: u32) -> Memory {
    let address = |replica: &u32| Address { replica: *replica, moves: 0, ready: true };
    let mut book = Book::new(of, None, 0.0);
    let early: Vec<Address> = listed.iter().filter(|replica| **replica != late).map(address).collect();
    book.learn(&early, Time(0));
    book.learn(&listed.iter().map(address).collect::<Vec<_>>(), Time(1));
    let mut memory = Memory { book: Some(Box::new(book)), leanings: Some(Box::default()), ..Memory::new(of) };
    memory.look();
    memory
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every request goes to exactly one replica, and that is one of the list; also while one is new, and by zone.
    #[test]
    fn a_pick_is_one_of_the_list((of, listed, loads) in replicas(), balancer in balancer(), zones in 1..4u16, rule in 0..4usize) {
        let rule = [Rule::ZoneAware, Rule::Failover, Rule::Weighted, Rule::SameZone][rule];
        let spec = Locality { rule, overprovisioning: 1.4, panic: 0.0, least: 2 };
        for zoned in [false, true] {
            let mut memory = caller(of, &listed, listed[0]);
            memory.outstanding.clone_from(&loads);
            if zoned {
                let host = |replica: &u32| Host { replica: *replica, zone: 1 + (*replica as u16) % zones, healthy: true };
                let hosts: Vec<Host> = listed.iter().map(host).collect();
                let (near, weights) = ([0, 0, 1, 2], [0.0, 1.0, 2.0, 3.0]);
                let around = Around { own: 1, near: &near, weights: &weights, callers: &[[0, 0], [3, 3], [1, 1], [1, 1]] };
                memory.leanings.as_mut().unwrap().ways = Some(spec.ways(&hosts, around));
            }
            for nth in 0..60 {
                let now = Time(2_000_000_000 * nth);
                let place = (nth % listed.len() as u64) as usize;
                memory.note_answer(Busyness::new(listed[place], loads[listed[place] as usize], Span(nth), now));
                memory.note_answer(Busyness::new((nth % u64::from(of)) as u32, 0, Span(0), now));
                let pick = balancer.pick_leaning(&mut memory, now, Some(&ease()), |place| draw(nth, place));
                prop_assert!(pick.is_some_and(|pick| listed.contains(&pick)), "{pick:?} {listed:?}");
                let plain = balancer.pick(&mut memory, now, || draw(nth, 0));
                prop_assert!(plain.is_some_and(|pick| listed.contains(&pick)));
            }
        }
    }

    /// Where nothing tells replicas apart all balancers but `pick_first` and few keys give each the same.
    #[test]
    fn equal_replicas_get_equal_shares((of, listed, _) in replicas(), balancer in balancer()) {
        let few = matches!(balancer, Balancer::PickFirst) || matches!(balancer, Balancer::Hash { keys } if keys != u32::MAX);
        if !few {
            let mut memory = caller(of, &listed, of);
            let picks = 3_000 * listed.len();
            let mut seen = vec![0_usize; of as usize];
            for nth in 0..picks as u64 {
                let pick = balancer.pick(&mut memory, Time(1), || draw(nth, 0));
                seen[pick.unwrap() as usize] += 1;
            }
            // Six standard deviations of a binomial count of mean 3,000.
            prop_assert!(listed.iter().all(|replica| seen[*replica as usize].abs_diff(3_000) < 330), "{seen:?}");
            prop_assert_eq!(seen.iter().sum::<usize>(), picks);
        }
    }

    /// When a replica goes the keys that it had move, and no others: about 1/n of them.
    #[test]
    fn a_removal_moves_the_keys_of_who_is_gone((of, listed, _) in replicas(), gone in 0..12usize) {
        if listed.len() > 1 {
            let gone = listed[gone % listed.len()];
            let left: Vec<u32> = listed.iter().copied().filter(|replica| *replica != gone).collect();
            let keys = |view: &[u32]| -> Vec<u32> {
                let mut memory = caller(of, view, of);
                let all = Balancer::Hash { keys: u32::MAX };
                (0..4_000).map(|nth| all.pick(&mut memory, Time(1), || draw(nth, 0)).unwrap()).collect()
            };
            let (before, after) = (keys(&listed), keys(&left));
            let moved: Vec<u32> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(a, _)| *a).collect();
            prop_assert!(moved.iter().all(|from| *from == gone));
            let share = moved.len() as f64 / 4_000.0;
            prop_assert!((share - 1.0 / listed.len() as f64).abs() < 0.05, "{share} of {}", listed.len());
        }
    }

    /// While one is new the others share what it does not get, and it gets its weight's part.
    #[test]
    fn a_new_replica_gets_what_it_weighs((of, listed, _) in replicas(), seconds in 1..60u64) {
        if listed.len() > 1 {
            let late = listed[listed.len() - 1];
            let mut memory = caller(of, &listed, late);
            let now = Time(1 + seconds * 1_000_000_000);
            let mut seen = vec![0_f64; of as usize];
            for nth in 0..4_000 {
                let pick = Balancer::RoundRobin.pick_leaning(&mut memory, now, Some(&ease()), |place| draw(nth, place));
                seen[pick.unwrap() as usize] += 1.0;
            }
            let weight = (seconds as f64 / 60.0).max(0.1);
            let due = 4_000.0 * weight / (listed.len() as f64 - 1.0 + weight);
            prop_assert!((seen[late as usize] - due).abs() < 2.0, "{} for {due}", seen[late as usize]);
            let others: Vec<f64> = listed.iter().filter(|one| **one != late).map(|one| seen[*one as usize]).collect();
            prop_assert!(others.iter().all(|one| (one - others[0]).abs() <= 2.0), "{others:?}");
        }
    }
}
