//! What a process is told when it starts, and what it says: one line of JSON each over its standard input and output. When its
//! input ends, whoever started it is gone, and so is it at once.

use std::io::{BufRead, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How a process of a run is placed among others where it cannot go before all of them: −20 is first.
const NICE: i32 = -15;

/// Who a process is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Brief {
    /// The scenario, as TOML that says everything: all processes lower it to the same plan.
    pub(crate) scenario: String,
    /// Which replica of all nodes it is; `None`: it is all clients.
    pub(crate) replica: Option<u32>,
    /// The seed of the replication.
    pub(crate) seed: u64,
    /// Whether work burns CPU, or sleeps.
    pub(crate) burn: bool,
    /// The port it listens on; 0: any.
    pub(crate) port: u16,
    /// Not before this moment, ns of the common clock: who comes back from the dead is ready before, and waits.
    pub(crate) not_before: u64,
}

/// Where a process listens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Its port; 0: nowhere.
    pub(crate) port: u16,
}

/// When it begins, and where the others are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The moment that is time zero, ns of the common clock.
    pub(crate) epoch: u64,
    /// The ports of all replicas.
    pub(crate) ports: Vec<u16>,
}

/// What a process has counted in the measured time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Requests that arrived.
    pub(crate) arrivals: u64,
    /// Requests that were refused at once because the line was full.
    pub(crate) refused: u64,
    /// Workers held, times ns.
    pub(crate) busy: f64,
    /// Requests in line, times ns.
    pub(crate) queued: f64,
}

/// Lines from whoever started this process, the word by which it is told to stop among them. The process ends with them.
pub(crate) fn listen() -> UnboundedReceiver<String> {
    let (told, hears) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line {
                Ok(line) => _ = told.send(line),
                Err(_) => break,
            }
        }
        std::process::exit(0);
    });
    hears
}

/// The next line, as what it is to say.
pub(crate) async fn heard<T: DeserializeOwned>(lines: &mut UnboundedReceiver<String>) -> Result<T, String> {
    let line = lines.recv().await.ok_or("nothing was said")?;
    serde_json::from_str(&line).map_err(|error| format!("{error} in {line:.80}"))
}

/// Says something.
pub(crate) fn say<T: Serialize>(what: &T) {
    if let Ok(line) = serde_json::to_string(what) {
        say_line(&line);
    }
}

/// Says a line; nobody to hear it is the end.
pub(crate) fn say_line(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// This thread goes before whatever else the machine does, where that is allowed: what sleeps for most of its time takes nothing from
/// others, and is not late because of them. (Without it a process that wakes waits for 3 to 4 ms where all cores are busy.)
pub(crate) fn go_first() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    if set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_err() {
        _ = rustix::process::setpriority_process(None, NICE);
    }
}

/// Dies with whoever started it, even while it stands still (a stopped process does not see its input end).
pub(crate) fn die_with_parent() {
    _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
