//! Replications on several threads: the only place that has any. Without the feature `parallel` they run one after the other;
//! the results are the same.

/// How many threads the machine can run at once.
#[cfg(feature = "parallel")]
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Threads for what is no replication of a scenario: as many as asked for, no more than there are.
pub(super) fn cores_for(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(cores).min(cores()).max(1)
}

/// What each of `0..count` comes to, in this order, computed on so many threads.
#[cfg(feature = "parallel")]
pub(super) fn each<T: Send>(count: u32, threads: usize, one: impl Fn(u32) -> T + Send + Sync) -> Vec<T> {
    use rayon::prelude::*;

    let all = || (0..count).into_par_iter().map(one).collect();
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(all),
        Err(_) => all(),
    }
}

/// One: nobody asks the machine.
#[cfg(not(feature = "parallel"))]
pub(super) fn cores() -> usize {
    1
}

/// What each of `0..count` comes to, in this order.
#[cfg(not(feature = "parallel"))]
pub(super) fn each<T: Send>(count: u32, _threads: usize, one: impl Fn(u32) -> T + Send + Sync) -> Vec<T> {
    (0..count).map(one).collect()
}
