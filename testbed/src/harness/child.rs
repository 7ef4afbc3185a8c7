//! A process of a run, as its harness sees it.

use std::process::Stdio;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};

use rustix::process::{Pid, Signal, kill_process};

use crate::brief::{Brief, Ready};

/// The hidden verb that a process is started with.
pub(crate) const NODE: &str = "node";

/// A process, killed when it is dropped.
pub(crate) struct Child {
    process: Process,
    told: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts one and tells it who it is.
    pub(crate) async fn start(brief: &Brief) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
        let mut command = Command::new(program);
        command.arg(NODE).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // An interrupt from the keyboard is for the harness alone, which stops its processes itself.
        command.process_group(0);
        let mut process = command.spawn().map_err(|error| format!("a process did not start: {error}"))?;
        let (Some(told), Some(says)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a process has no pipes".into());
        };
        let mut child = Self { process, told, says: BufReader::new(says).lines() };
        child.tell(brief).await?;
        Ok(child)
    }

    /// Tells it something.
    pub(crate) async fn tell<T: Serialize>(&mut self, what: &T) -> Result<(), String> {
        let line = serde_json::to_string(what).map_err(|error| error.to_string())?;
        self.tell_line(&line).await
    }

    async fn tell_line(&mut self, line: &str) -> Result<(), String> {
        let line = format!("{line}\n");
        self.told.write_all(line.as_bytes()).await.map_err(|error| format!("a process does not listen: {error}"))
    }

    /// The next line that it says.
    pub(crate) async fn line(&mut self) -> Result<String, String> {
        let line = self.says.next_line().await.map_err(|error| format!("a process is not heard: {error}"))?;
        line.ok_or_else(|| "a process ended before it was to; what it said of that is above".to_owned())
    }

    /// Where it listens, as soon as it does.
    pub(crate) async fn ready(&mut self) -> Result<Ready, String> {
        self.hear().await
    }

    /// Asks it something; what it said before that nobody heard (that it is ready again) is passed over.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, word: &str) -> Result<T, String> {
        self.tell_line(word).await?;
        loop {
            if let Ok(answer) = serde_json::from_str(&self.line().await?) {
                return Ok(answer);
            }
        }
    }

    async fn hear<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let line = self.line().await?;
        serde_json::from_str(&line).map_err(|error| format!("a process says what nobody understands: {error}"))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            _ = kill_process(pid, signal);
        }
    }
}
