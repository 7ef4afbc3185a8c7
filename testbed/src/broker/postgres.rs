//! PostgreSQL: a cluster of its own. It refuses to run as root, so it is somebody else then; `fsync` is as usual, because what a
//! commit waits for is what one measures. Shared memory is in the folder (`dynamic_shared_memory_type = mmap`), and what is not goes
//! with an immediate shutdown (SIGQUIT; "Shutting Down the Server").

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Kind, number_in, on_path, says};
use crate::guard::Order;

pub(crate) static POSTGRES: Kind = Kind {
    name: "PostgreSQL",
    install: "apt-get install postgresql",
    user: "postgres",
    find,
    version: |program| number_in(&says(program, "--version")),
    order: |program, folder, ports| {
        let inside = |name: &str| folder.join(name).display().to_string();
        let data = inside("data");
        let initdb = program.with_file_name("initdb").display().to_string();
        let words = [
            &program.display().to_string(),
            "-D",
            &data,
            "-p",
            &ports[0].to_string(),
            "-h",
            "127.0.0.1",
            "-k",
            &folder.display().to_string(),
            "-c",
            "dynamic_shared_memory_type=mmap",
        ];
        let made = [&initdb, "-D", &data, "-U", "hoptax", "--auth=trust", "--encoding=UTF8", "--no-sync"];
        let before = vec![made.map(str::to_owned).to_vec()];
        Ok(Order { before, program: words.map(str::to_owned).to_vec(), quits: true, ..Order::default() })
    },
    ready: |program, port| {
        let mut asks = Command::new(program.with_file_name("pg_isready"));
        asks.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        asks.status().is_ok_and(|status| status.success())
    },
};

/// Debian keeps it off PATH, a folder for each version: the newest.
fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin/postgres"))))
        .filter(|(_, program): &(u32, PathBuf)| program.is_file())
        .collect();
    programs.sort();
    programs.pop().map(|(_, program)| program).or_else(|| on_path("postgres"))
}
