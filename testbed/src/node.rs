//! `hoptax-testbed node`: one replica as a process.

use std::rc::Rc;

use hoptax::model::Plan;
use hoptax::model::fault::Mode;
use hoptax::scenario::{self, Source};
use tokio::net::TcpListener;

use crate::brief::{self, Brief, Ready, Start};
use crate::site::{Site, fault};
use crate::timer::Timers;
use crate::wire::amqp;
use crate::wire::server::{Door, listener};
use crate::{clock, load};

/// What the process that puts load on is asked to do last.
pub(crate) const STOP: &str = "stop";

/// How often somebody who comes back asks for its port again while the one before it still has it, ns.
const AGAIN: u64 = 1_000_000;

/// A process of a run: a replica, or all clients.
pub(crate) fn run() -> Result<(), String> {
    brief::die_with_parent();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    tokio::task::LocalSet::new().block_on(&runtime, live())
}

/// The plan of a scenario that was checked before.
pub(crate) fn plan_of(text: &str) -> Result<Plan, String> {
    let checked = scenario::load(&Source::text("scenario", text), &[]).map_err(|rejected| rejected.to_string())?;
    Ok(scenario::lower(&checked))
}

async fn live() -> Result<(), String> {
    let mut lines = brief::listen();
    let told: Brief = brief::heard(&mut lines).await?;
    if !told.burn {
        brief::go_first();
    }
    let plan = Rc::new(plan_of(&told.scenario)?);
    let timers = Timers::start().map_err(|error| format!("no timers: {error}"))?;
    timers.calibrate().await;
    let Some(replica) = told.replica else {
        brief::say(&Ready { port: 0 });
        return load::run(plan, &told, timers, &mut lines).await;
    };
    let site = Site::new(plan, replica, told.seed, told.burn, Rc::clone(&timers));
    timers.until(told.not_before).await;
    let listener = bound(&timers, told.port).await?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    brief::say(&Ready { port });
    let start: Start = brief::heard(&mut lines).await?;
    site.begin(start);
    tokio::task::spawn_local(serve(Rc::clone(&site), listener, port));
    tokio::task::spawn_local(mail(Rc::clone(&site)));
    while let Some(line) = lines.recv().await {
        if line == STOP {
            brief::say(&site.tally());
            break;
        }
    }
    std::process::exit(0);
}

/// Connects to the broker where the plan has one, and consumes what is this replica's.
async fn mail(site: Rc<Site>) {
    let Some(queue) = site.plan.queues.first() else { return };
    if !site.plan.posts.is_empty() {
        _ = site.mailer.open(&site, queue).await;
    }
    amqp::consume(Rc::clone(&site)).await;
}

/// Listens on a port; on one that is to come back as soon as it is free.
async fn bound(timers: &Rc<Timers>, port: u16) -> Result<TcpListener, String> {
    for _ in 0..1_000 {
        match listener(port) {
            Err(_) if port != 0 => timers.until(clock::now() + AGAIN).await,
            other => return other.map_err(|error| format!("no port on 127.0.0.1: {error}")),
        }
    }
    Err(format!("port {port} of 127.0.0.1 stays taken"))
}

/// Takes requests, but while the file says that it refuses them.
async fn serve(site: Rc<Site>, listener: TcpListener, port: u16) {
    let door = Rc::new(Door::default());
    let mut open = tokio::task::spawn_local(Rc::clone(&door).open(Rc::clone(&site), listener));
    let mut outages = fault::outages(&site.plan, site.replica, Mode::Refuse);
    outages.sort_unstable();
    for (from, until) in outages {
        site.until(from).await;
        open.abort();
        // The listener is closed when its task has ended.
        _ = (&mut open).await;
        door.break_all();
        site.until(until).await;
        let Ok(again) = bound(&site.timers, port).await else { return };
        open = tokio::task::spawn_local(Rc::clone(&door).open(Rc::clone(&site), again));
    }
}
