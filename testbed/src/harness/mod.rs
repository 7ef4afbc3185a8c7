//! A run: every replica is started as a process, load is put on, faults are done to processes, everything is collected and
//! stopped. Whatever was started dies with the harness, however that ends: each process sees its input end, and the kernel kills
//! what stands still.

mod child;
mod faults;
pub(crate) mod quality;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::brief::{self, Brief, Start, Tally};
use crate::broker::{Broker, Missing, RABBITMQ};
use crate::clock;
use crate::load::{DONE, Sent};
use crate::node::STOP;
use crate::prepare::Prepared;
use crate::wire::amqp;
use child::Child;
use quality::{Quality, Usage};

/// From the start of everything to time zero, ns.
const HEAD_START: u64 = 300_000_000;

/// How long a process may take to say what it is asked.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Which replication's draws it has.
    pub(crate) replication: u32,
    /// Whether work burns CPU.
    pub(crate) burn: bool,
}

/// What a run came to.
pub(crate) struct Measured {
    /// All measured requests that ended.
    pub(crate) sent: Vec<Sent>,
    /// What nodes counted, over their replicas; replicas that were killed have lost what they knew.
    pub(crate) nodes: BTreeMap<String, Tally>,
    /// How good the machine was.
    pub(crate) quality: Quality,
}

/// Why there is nothing to compare.
#[derive(Debug)]
pub(crate) enum Broken {
    /// When the user said so.
    Interrupted,
    /// When something did not work.
    Failed(String),
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// All processes that serve, by replica.
type Nodes = RefCell<BTreeMap<u32, Child>>;

/// Runs a scenario as processes, on a thread of its own: its faults strike in time, and what it started dies with it.
pub(crate) fn run(prepared: &Prepared, manner: Manner) -> Result<Measured, Broken> {
    let run = || {
        if !manner.burn {
            brief::go_first();
        }
        conduct(prepared, manner)
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_| Err("the harness broke".to_owned().into()))
}

fn conduct(prepared: &Prepared, manner: Manner) -> Result<Measured, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
        tokio::select! {
            done = play(prepared, manner) => done,
            _ = tokio::signal::ctrl_c() => Err(Broken::Interrupted),
            _ = term.recv() => Err(Broken::Interrupted),
        }
    })
}

async fn play(prepared: &Prepared, manner: Manner) -> Result<Measured, Broken> {
    let plan = &prepared.plan;
    let brief = Brief {
        scenario: prepared.text.clone(),
        replica: None,
        seed: prepared.seed(manner.replication),
        burn: manner.burn,
        port: 0,
        not_before: 0,
    };
    let served = plan.nodes[..plan.servers()].iter().map(|node| node.replicas).sum::<u32>();
    let mut nodes = BTreeMap::new();
    for replica in 0..served {
        let child = Child::start(&Brief { replica: Some(replica), ..brief.clone() }).await?;
        nodes.insert(replica, child);
    }
    let broker = if plan.queues.is_empty() { None } else { Some(broker(plan).await?) };
    let mut load = Child::start(&brief).await?;
    let mut ports = Vec::new();
    for child in nodes.values_mut() {
        ports.push(in_time(child.ready()).await?.port);
    }
    in_time(load.ready()).await?;
    // Brokers come after what serves: all queues are one broker's.
    ports.extend(broker.iter().flat_map(|broker| plan.queues.iter().map(|_| broker.port)));
    let start = Start { epoch: clock::now() + HEAD_START, ports };
    for child in nodes.values_mut().chain([&mut load]) {
        child.tell(&start).await?;
    }
    let nodes: Nodes = RefCell::new(nodes);
    let (sent, quality) = tokio::select! {
        collected = collect(&mut load, plan, start.epoch) => collected?,
        broken = faults::strike(plan, &nodes, &brief, &start) => return Err(broken),
    };
    Ok(Measured { quality: quality.with(&sent), sent, nodes: tallies(plan, nodes.into_inner()).await })
}

/// RabbitMQ with the queues of a plan. It starts on a thread of its own, so that an interrupt is heard meanwhile: its guard ends it.
async fn broker(plan: &hoptax::model::Plan) -> Result<Broker, Broken> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || _ = tell.send(RABBITMQ.start()));
    let started = told.await.map_err(|error| error.to_string())?;
    let broker = started.map_err(|missing| match missing {
        Missing::Absent(why) | Missing::Broken(why) => Broken::Failed(why),
    })?;
    amqp::declare(plan, broker.port).await?;
    Ok(broker)
}

/// All requests, as they end, and what the machine did meanwhile.
async fn collect(load: &mut Child, plan: &hoptax::model::Plan, epoch: u64) -> Result<(Vec<Sent>, Quality), Broken> {
    let from = epoch + plan.warmup.0;
    let reads = async {
        let mut sent = Vec::new();
        loop {
            match load.line().await? {
                line if line == DONE => return Ok::<_, Broken>(sent),
                line => sent.extend(Sent::read(&line)),
            }
        }
    };
    let watches = async {
        sleep_until(from).await;
        let before = Usage::read();
        sleep_until(from + plan.duration.0).await;
        Quality::between(before, Usage::read())
    };
    let (sent, quality) = tokio::join!(reads, watches);
    Ok((sent?, quality))
}

/// Waits until a moment of the common clock; some ms late.
async fn sleep_until(at: u64) {
    tokio::time::sleep(Duration::from_nanos(at.saturating_sub(clock::now()))).await;
}

/// What all nodes have counted; who was killed, or says nothing, has counted less.
async fn tallies(plan: &hoptax::model::Plan, nodes: BTreeMap<u32, Child>) -> BTreeMap<String, Tally> {
    let mut all: BTreeMap<String, Tally> = BTreeMap::new();
    for (replica, mut child) in nodes {
        let node =
            plan.nodes.iter().find(|node| (node.first_replica..node.first_replica + node.replicas).contains(&replica));
        let Some(node) = node else { continue };
        let Ok(tally) = in_time(child.ask::<Tally>(STOP)).await else { continue };
        let sum = all.entry(node.name.clone()).or_default();
        sum.arrivals += tally.arrivals;
        sum.refused += tally.refused;
        sum.busy += tally.busy;
        sum.queued += tally.queued;
    }
    all
}

/// Something that a process does soon, or it is broken.
async fn in_time<T>(doing: impl Future<Output = Result<T, String>>) -> Result<T, Broken> {
    match tokio::time::timeout(PATIENCE, doing).await {
        Ok(done) => done.map_err(Broken::Failed),
        Err(_) => Err(Broken::Failed(format!("a process said nothing for {} s", PATIENCE.as_secs()))),
    }
}
