//! How late timers go off, and what a look at the clock costs: the testbed's own timers, a timerfd that epoll waits for.

use std::io;

use super::blocks::{BLOCKS, Figure, quantile};
use super::http::on_own_runtime;
use crate::clock;
use crate::timer::Timers;

/// Sleeps of a block, and how long each is, ns.
const SLEEPS: usize = 100;
const SLEEP: u64 = 2_000_000;

/// Looks of a block.
const LOOKS: u64 = 100_000;

/// What timers and clocks showed, ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lateness {
    pub(crate) p50: Figure,
    pub(crate) p99: Figure,
    /// A look at the clock.
    pub(crate) look: Figure,
}

/// Measures them.
pub(crate) fn measure() -> io::Result<Lateness> {
    let late = on_own_runtime(async {
        let timers = Timers::start()?;
        let mut blocks = Vec::new();
        for _ in 0..BLOCKS {
            let mut late = Vec::with_capacity(SLEEPS);
            for _ in 0..SLEEPS {
                let due = clock::now() + SLEEP;
                timers.until(due).await;
                late.push(clock::now().saturating_sub(due) as f64);
            }
            blocks.push(late);
        }
        Ok(blocks)
    });
    let blocks = late.unwrap_or_else(|| Err(io::Error::other("no runtime")))?;
    Ok(Lateness { p50: quantile(&blocks, 0.5), p99: quantile(&blocks, 0.99), look: looks() })
}

fn looks() -> Figure {
    let block = || {
        let begin = clock::now();
        for _ in 0..LOOKS {
            std::hint::black_box(clock::now());
        }
        (clock::now() - begin) as f64 / LOOKS as f64
    };
    Figure::of(&[(); BLOCKS].map(|()| block()))
}
