//! Probes: who is asked answers how many requests it has and how long they take, and the least loaded of the recent answers is
//! taken. Google's Prequal (Wydrowski and others, NSDI 2024: *Load is not what you should balance*).
//!
//! With every request a caller sends three probes to different replicas drawn at random, beside the request, which does not wait for
//! them. A replica answers with its requests in flight (RIF) and the median of what the latest requests took that came when it had
//! as many. Answers are kept in a pool, one of each replica, for a second at most. A replica is *hot* whose RIF is above
//! the quantile 0.84 (2^-0.25) of the RIFs in recent answers. Of those that are not hot the quickest is picked; if all are, the one
//! with the fewest. With fewer than two answers at hand any replica is as good. An answer that was used counts one request
//! more, and is used (1 + 1) ÷ ((1 − m/n)·3 − 1) times at most, m the size of the pool and n the number of replicas; with every request
//! one is dropped, the oldest and the worst by turns. The paper has hundreds of replicas. With few a pool of 16 knows all of them,
//! answers are used without end, and each caller sends to the quickest until it is no longer quick: so the pool has three eighths
//! of the replicas here, where these are fewer than 43, and two at least.
//!
//! After a second without requests a caller knows nothing, and its next one goes anywhere. With `idle_probes = "500ms"` in `[discovery]`
//! it probes without a request when it has not for so long, as the paper's clients may.
//!
//! A probe costs no CPU and takes the way there and back. Who is down, frozen or cut off does not answer. A try counts from when
//! it sets out until it ends well or times out, the way included, for the server as for its callers; what a replica still
//! does for callers that gave up is in its RIF (workers held and line), too.

use std::collections::VecDeque;

use crate::random::Draw;
use crate::units::{Span, Time};

use super::Memory;

/// Probes with every request.
pub(super) const PROBES: u32 = 3;

/// Answers that are kept at most.
const POOL: usize = 16;

/// Answers that are kept among so many replicas: three eighths of them.
fn room(replicas: usize) -> usize {
    (3 * replicas / 8).clamp(2, POOL)
}

/// How long an answer is good.
const AGE: Span = Span(1_000_000_000);

/// The quantile of the RIFs above which a replica is hot: 2^-0.25.
const HOT: f64 = 0.840_896_415_253_714_5;

/// Recent answers, of whose RIFs the quantile is taken.
const RECENT: usize = 64;

/// Times that are kept of tries that came when there were equally many, and that an estimate takes.
const LATEST: usize = 16;

/// Requests in flight beyond which a replica makes no difference.
const MOST: u32 = 1023;

/// Answers dropped with every request, and how quickly the pool may empty beyond that (the paper's δ).
const DROPPED: f64 = 1.0;
const DELTA: f64 = 1.0;

/// What a replica answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Busyness {
    /// Which.
    pub replica: u32,
    /// Its requests in flight.
    pub rif: u32,
    /// How long requests take there now.
    pub latency: Span,
    /// When the answer is back.
    pub at: Time,
    /// How often it was used.
    uses: u32,
}

impl Busyness {
    /// An answer that is back at a time.
    pub fn new(replica: u32, rif: u32, latency: Span, at: Time) -> Self {
        Self { replica, rif, latency, at, uses: 0 }
    }

    /// Whether it is there and not too old.
    fn is_good(&self, now: Time) -> bool {
        self.at <= now && now.since(self.at) <= AGE
    }
}

/// What a caller was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    answers: Vec<Busyness>,
    /// RIFs of recent answers, the oldest first.
    rifs: VecDeque<u32>,
    /// Whether the worst is dropped next, and not the oldest.
    worst: bool,
}

impl Pool {
    /// An answer is on its way back; it replaces what was known of the replica, and the oldest where there is no room.
    pub(super) fn hear(&mut self, answer: Busyness, replicas: usize) {
        self.answers.retain(|old| old.replica != answer.replica);
        if self.answers.len() >= room(replicas) {
            self.answers.remove(0);
        }
        self.answers.push(answer);
        if self.rifs.len() == RECENT {
            self.rifs.pop_front();
        }
        self.rifs.push_back(answer.rif);
    }

    /// The RIF above which a replica is hot.
    fn threshold(&self) -> u32 {
        let mut rifs: Vec<u32> = self.rifs.iter().copied().collect();
        rifs.sort_unstable();
        let at = (HOT * rifs.len() as f64).ceil() as usize;
        rifs.get(at.saturating_sub(1)).copied().unwrap_or(u32::MAX)
    }

    /// The better of two answers by the rule of hot and cold comes first.
    fn rank(answer: &Busyness, threshold: u32) -> (bool, u64, u32) {
        let hot = answer.rif > threshold;
        if hot { (true, u64::from(answer.rif), answer.replica) } else { (false, answer.latency.0, answer.rif) }
    }

    /// Picks among what was answered; `None` where that is too little.
    fn pick(&mut self, memory: &Memory, now: Time, draw: &mut Draw) -> Option<u32> {
        self.answers.retain(|answer| answer.at > now || now.since(answer.at) <= AGE);
        let threshold = self.threshold();
        let is_there = |replica: u32| (0..memory.count()).any(|place| memory.at(place) == replica);
        let good = |(_, answer): &(usize, &Busyness)| answer.is_good(now) && is_there(answer.replica);
        let all: Vec<(usize, &Busyness)> = self.answers.iter().enumerate().filter(good).collect();
        if all.len() < 2 {
            return None;
        }
        let (at, _) = *all.iter().min_by_key(|(_, answer)| Self::rank(answer, threshold))?;
        let answer = &mut self.answers[at];
        (answer.rif, answer.uses) = (answer.rif + 1, answer.uses + 1);
        let (replica, uses) = (answer.replica, answer.uses);
        if f64::from(uses) >= reuses(memory.outstanding.len(), draw) {
            self.answers.remove(at);
        }
        Some(replica)
    }

    /// With every request one answer goes.
    fn drop_one(&mut self, now: Time) {
        let threshold = self.threshold();
        let there = self.answers.iter().enumerate().filter(|(_, answer)| answer.is_good(now));
        let goes = if self.worst {
            there.max_by_key(|(_, answer)| Self::rank(answer, threshold)).map(|(at, _)| at)
        } else {
            there.min_by_key(|(_, answer)| answer.at).map(|(at, _)| at)
        };
        self.worst = !self.worst;
        goes.map(|at| self.answers.remove(at));
    }
}

/// How often an answer is used at most, among so many replicas.
fn reuses(replicas: usize, draw: &mut Draw) -> f64 {
    let fresh = (1.0 - room(replicas) as f64 / replicas.max(1) as f64) * f64::from(PROBES) - DROPPED;
    if fresh <= 0.0 {
        return f64::INFINITY;
    }
    // Rounded at random, so that it is right on average.
    let most = ((1.0 + DELTA) / fresh).max(1.0);
    most.floor() + f64::from(u8::from(draw.unit() < most.fract()))
}

/// Picks a replica, and drops an answer.
pub(super) fn pick(pool: &mut Pool, memory: &Memory, now: Time, draw: &mut Draw) -> u32 {
    let picked = pool.pick(memory, now, draw);
    pool.drop_one(now);
    picked.unwrap_or_else(|| memory.at(draw.below(memory.count())))
}

/// The replicas that are asked next: different ones, drawn at random among those in view.
pub(super) fn asked(memory: &Memory, draw: &mut Draw) -> Vec<u32> {
    let mut all: Vec<u32> = (0..memory.count()).map(|place| memory.at(place)).collect();
    for nth in 0..all.len().min(PROBES as usize) {
        let other = nth + draw.below((all.len() - nth) as u32) as usize;
        all.swap(nth, other);
    }
    all.truncate(PROBES as usize);
    all
}

/// What a replica knows of its requests.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Tries that are on their way to it, or there.
    pub rif: u32,
    /// By how many others there were when tries came: how long the latest of these took. What it was like with few is not forgotten
    /// while there are many: or who was too busy once would never be asked again, for nobody comes to find out.
    took: Vec<VecDeque<Span>>,
}

impl Load {
    /// A try that came when there were so many took so long.
    pub fn learn(&mut self, rif: u32, took: Span) {
        let rif = rif.min(MOST) as usize;
        if self.took.len() <= rif {
            self.took.resize(rif + 1, VecDeque::new());
        }
        let own = &mut self.took[rif];
        if own.len() == LATEST {
            own.pop_front();
        }
        own.push_back(took);
    }

    /// How long requests take that come when there are so many: the median of the latest that came when there were so many, and
    /// where these are few one more and one fewer, and so on. Nobody knows where there was none: no time at all, so that somebody tries.
    pub fn latency(&self, rif: u32) -> Span {
        let rif = rif.min(MOST) as usize;
        let at = |rif: Option<usize>| rif.and_then(|rif| self.took.get(rif)).into_iter().flatten().copied();
        let mut times: Vec<Span> = at(Some(rif)).collect();
        for apart in 1..=rif.max(self.took.len()) {
            if times.len() >= LATEST {
                break;
            }
            times.extend(at(rif.checked_sub(apart)).chain(at(Some(rif + apart))));
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(Span::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    const MS: u64 = 1_000_000;

    fn draw() -> Draw {
        Draw::new(7, Lineage(1), Purpose::Balance, 0)
    }

    fn pool(answers: &[(u32, u32, u64)]) -> Pool {
        let mut pool = Pool::default();
        for (replica, rif, ms) in answers {
            pool.hear(Busyness::new(*replica, *rif, Span(ms * MS), Time(0)), 16);
        }
        pool
    }

    #[test]
    fn the_quickest_that_is_not_hot_is_picked_and_the_emptiest_where_all_are() {
        let memory = Memory::new(4);
        // The quantile of 1, 2, 3 and 9 is 9: nobody is above it, and the quickest is taken though it has most to do.
        let mut quick = pool(&[(0, 1, 30), (1, 2, 20), (2, 3, 40), (3, 9, 10)]);
        assert_eq!(quick.pick(&memory, Time(MS), &mut draw()), Some(3));
        // Of a run of small ones it is hot, and so are all whose RIF is above 1.
        quick.rifs.extend([1; 40]);
        assert_eq!(quick.pick(&memory, Time(MS), &mut draw()), Some(0));
    }

    #[test]
    fn an_answer_ages_and_counts_what_it_was_used_for() {
        let memory = Memory::new(2);
        let mut pool = pool(&[(0, 0, 10), (1, 0, 10)]);
        pool.rifs = [0; 10].into();
        let picks: Vec<Option<u32>> = (0..4).map(|_| pool.pick(&memory, Time(MS), &mut draw())).collect();
        // Alike at first; then each has as many as the other, by turns.
        assert_eq!(picks, [Some(0), Some(1), Some(0), Some(1)]);
        assert_eq!(pool.pick(&memory, Time(2_000 * MS), &mut draw()), None, "too old");
    }

    #[test]
    fn a_replica_says_what_requests_take_that_come_now() {
        let mut load = Load::default();
        assert_eq!(load.latency(5), Span::ZERO);
        let told = |load: &Load| [0, 1, 5, 10, 50, 5_000].map(|rif| load.latency(rif).0 / MS);
        (0..LATEST as u64).for_each(|nth| load.learn(1, Span((10 + nth % 3) * MS)));
        assert_eq!(told(&load), [11; 6], "others do not know better");
        // A hundred others that came when there was much to do: what it is like with little is as it was.
        (0..100).for_each(|nth| load.learn(9 + nth % 3, Span(100 * MS)));
        assert_eq!(told(&load), [11, 11, 100, 100, 100, 100]);
        // With one the latest count.
        (0..LATEST).for_each(|_| load.learn(1, Span(14 * MS)));
        assert_eq!(load.latency(1).0 / MS, 14);
    }

    #[test]
    fn answers_are_used_as_often_as_the_paper_says() {
        let mean = |replicas: usize| {
            let draws = (0..4_000).map(|nth| Draw::new(7, Lineage(nth), Purpose::Balance, 0));
            draws.map(|mut draw| reuses(replicas, &mut draw)).sum::<f64>() / 4e3
        };
        // 2 ÷ (0.84·3 − 1) = 1.316 of a hundred, 2 ÷ 0.875 of sixteen; of two the pool holds both, and there is no end to it.
        assert!(
            (mean(100) - 2.0 / 1.52).abs() < 0.03 && (mean(16) - 2.0 / 0.875).abs() < 0.03,
            "{} {}",
            mean(100),
            mean(16)
        );
        assert_eq!(mean(2), f64::INFINITY);
    }
}
