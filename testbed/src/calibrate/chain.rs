//! The hop inside a chain that does no work, at a rate: how long a message is on its way, and the CPU that it costs at both ends.
//! An idle hop is slower than one of a busy process, and a round trip back to back is quicker than either, so it is measured
//! where the scenario has it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hoptax::random::{Draw, Lineage, Purpose};
use tokio::task::JoinSet;

use super::blocks::{self, BLOCKS, Figure};
use super::http::{Client, Legs, Log, Service, Wire, on_own_runtime};
use crate::clock;
use crate::timer::Timers;

/// Services in a row.
const HOPS: usize = 4;

/// Before anything is counted, ns: connections are opened, pages touched.
const WARM_UP: u64 = 500_000_000;

/// What a chain over one wire showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// One way, encoding and decoding included, ns; a list for each block.
    pub(crate) legs: Vec<Vec<f64>>,
    /// From a request to its answer, down the whole chain and back, ns; a list for each block.
    pub(crate) whole: Vec<Vec<f64>>,
    /// CPU of one message at one end at this rate, ns: half of what the last service spends on a request.
    pub(crate) message: Figure,
    /// Bytes of a message on the wire.
    pub(crate) bytes: f64,
}

impl Chain {
    /// A quantile of how long messages were on their way, ns.
    pub(crate) fn leg(&self, q: f64) -> Figure {
        blocks::quantile(&self.legs, q)
    }
}

/// Sends requests down a chain, so many a second (Poisson), for so long in all.
pub(crate) fn measure(wire: Wire, rate: f64, time: Duration) -> io::Result<Chain> {
    let legs = Legs::default();
    let mut services: Vec<Service> = Vec::new();
    for _ in 0..HOPS {
        let next = services.last().map(|next| (next.address, Arc::clone(&legs)));
        services.push(Service::start(wire, next)?);
    }
    let [last, .., first] = services.as_slice() else { return Err(io::Error::other("no chain")) };
    let block = time.as_nanos() as u64 / BLOCKS as u64;
    let sent = on_own_runtime(async {
        let client = Rc::new(Client::new(wire, first.address, Arc::clone(&legs)));
        let timers = Timers::start()?;
        let mut chain = Chain { bytes: wire.encode(&Log::of(1)).len() as f64, ..Chain::default() };
        send(&client, &timers, rate, WARM_UP, 0).await?;
        let mut cpu = Vec::new();
        for nth in 1..=BLOCKS as u64 {
            legs.lock().map_err(|_| io::Error::other("a thread of the chain died"))?.clear();
            let before = last.used();
            chain.whole.push(send(&client, &timers, rate, block, nth).await?);
            let after = last.used();
            if after.1 == before.1 {
                return Err(io::Error::other("no request came in a fifth of the time; give it more with --time"));
            }
            cpu.push((after.0 - before.0) / (after.1 - before.1) / 2.0);
            chain.legs.push(legs.lock().map_err(|_| io::Error::other("a thread of the chain died"))?.clone());
        }
        chain.message = Figure::of(&cpu);
        Ok(chain)
    });
    sent.unwrap_or_else(|| Err(io::Error::other("no runtime")))
}

/// Open load for so long, ns, and until all are answered: how long each took, ns.
async fn send(client: &Rc<Client>, timers: &Rc<Timers>, rate: f64, length: u64, block: u64) -> io::Result<Vec<f64>> {
    let mut tries = JoinSet::new();
    let begin = clock::now();
    let mut at = 0.0;
    for nth in 0.. {
        at += -Draw::new(block, Lineage::root(0, nth), Purpose::Arrival, 0).unit_open().ln() * 1e9 / rate;
        if at > length as f64 {
            break;
        }
        timers.until(begin + at as u64).await;
        let client = Rc::clone(client);
        tries.spawn_local(async move {
            let sent = clock::now();
            client.call(&Log::of(1), 1).await.map(|()| (clock::now() - sent) as f64)
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = tries.join_next().await {
        times.push(ended.map_err(io::Error::other)??);
    }
    Ok(times)
}
