//! Real brokers and databases, started for one run: from Debian's packages, as users of their own, listening on the loopback, in
//! folders that are thrown away, under a guard. What is not installed is not there; nothing of the machine's own is touched.

mod postgres;
mod rabbitmq;
mod redis;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::guard::{Guarded, Order};

/// So long one may take to start, ns: RabbitMQ takes 6 s on a quiet core.
const PATIENCE: u64 = 60_000_000_000;

/// How often it is started with other ports until it is given up.
const TRIES: usize = 3;

/// One of them, as a room of this folder knows it.
#[derive(Debug)]
pub(crate) struct Kind {
    /// As its users call it.
    pub(crate) name: &'static str,
    /// What installs it on Debian.
    pub(crate) install: &'static str,
    /// Whose user it runs as where we are root.
    user: &'static str,
    /// Its program.
    find: fn() -> Option<PathBuf>,
    /// Its version, by its program.
    version: fn(&Path) -> String,
    /// How it is started in a folder, with as many ports as it needs.
    order: fn(&Path, &Path, &[u16]) -> io::Result<Order>,
    /// Whether it answers.
    ready: fn(&Path, u16) -> bool,
}

/// All there are.
pub(crate) static KINDS: [&Kind; 3] = [&rabbitmq::RABBITMQ, &redis::REDIS, &postgres::POSTGRES];

pub(crate) use rabbitmq::RABBITMQ;
pub(crate) use redis::REDIS;

/// One that answers, until it is dropped.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) kind: &'static Kind,
    /// On 127.0.0.1.
    pub(crate) port: u16,
    /// As it tells it itself.
    pub(crate) version: String,
    guarded: Guarded,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// When it is not installed; the text says how it would be.
    Absent(String),
    /// When it does not start.
    Broken(String),
}

impl Kind {
    /// Starts one.
    pub(crate) fn start(&'static self) -> Result<Broker, Missing> {
        let program = (self.find)().ok_or_else(|| self.absent())?;
        let mut last = String::new();
        // A port that was free may have been taken meanwhile.
        let mut tries = (0..TRIES).map(|_| self.start_from(&program));
        let started = tries.find_map(|tried| tried.map_err(|why| last = why.to_string()).ok());
        started.ok_or_else(|| Missing::Broken(format!("{} does not start: {last}", self.name)))
    }

    fn absent(&self) -> Missing {
        Missing::Absent(format!("{} is not installed; install it with: {}", self.name, self.install))
    }

    fn start_from(&'static self, program: &Path) -> io::Result<Broker> {
        let ports = free_ports()?;
        let mut guarded = Guarded::open()?;
        let order = (self.order)(program, guarded.folder(), &ports)?;
        guarded.start(&Order { user: Some(user(self.user)), ..order })?;
        let late = clock::now() + PATIENCE;
        while !(self.ready)(program, ports[0]) {
            if !guarded.runs() || clock::now() > late {
                return Err(io::Error::other(guarded.last_words()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Broker { kind: self, port: ports[0], version: (self.version)(program), guarded })
    }
}

/// Three ports that are free just now.
fn free_ports() -> io::Result<[u16; 3]> {
    let all = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&all) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// User and group of a name, else those of nobody.
fn user(name: &str) -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
        Some((ids.next()?, ids.next()?))
    };
    of(name).or_else(|| of("nobody")).unwrap_or((65_534, 65_534))
}

/// A program on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// What a program says about its version, in its first line.
fn says(program: &Path, argument: &str) -> String {
    let said = std::process::Command::new(program).arg(argument).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    said.lines().next().unwrap_or_default().to_owned()
}

/// The part of a text that looks like a version.
fn number_in(text: &str) -> String {
    let begins = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split([' ', '=', '-', '\n']).find(begins).unwrap_or("?").to_owned()
}

/// Start a broker as the testbed does, tell its port and folder, and end it when stdin ends
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// rabbitmq, redis or postgres
    #[arg(value_parser = of_name)]
    kind: &'static Kind,
}

fn of_name(name: &str) -> Result<&'static Kind, String> {
    let known = KINDS.into_iter().find(|kind| kind.name.eq_ignore_ascii_case(name));
    known.ok_or_else(|| format!("there are {}", KINDS.map(|kind| kind.name).join(", ")))
}

/// Holds one open. Exit 2: it is not installed.
pub(crate) fn act(args: &Args) -> ExitCode {
    match args.kind.start() {
        Ok(broker) => {
            println!("{} {} {} {}", broker.kind.name, broker.version, broker.port, broker.guarded.folder().display());
            _ = io::copy(&mut io::stdin(), &mut io::sink());
            ExitCode::SUCCESS
        }
        Err(Missing::Absent(why)) => {
            eprintln!("skipped: {why}");
            ExitCode::from(2)
        }
        Err(Missing::Broken(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(number_in("Redis server v=7.0.15 sha=00000000:0"), "7.0.15");
        assert_eq!(number_in("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), "15.14");
        assert_eq!(number_in("nothing here"), "?");
    }

    #[test]
    fn what_is_not_installed_says_what_would_install_it() {
        let Missing::Absent(why) = REDIS.absent() else { panic!("it is absent") };
        assert!(why.contains("apt-get install redis-server"), "{why}");
    }

    #[test]
    fn ports_differ() {
        let [a, b, c] = free_ports().unwrap();
        assert!(a != b && b != c && a != c);
    }
}
