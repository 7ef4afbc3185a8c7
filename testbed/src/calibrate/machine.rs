//! The machine that is measured, and how much of it others kept busy meanwhile: `/proc/stat` (proc(5)), because load averages
//! count who waits for disks too and look back by minutes.

use std::fs;

/// Others may keep so much of the machine busy until what was measured is not trusted.
const QUIET: f64 = 0.1;

/// What it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    /// The processor's name, `?` where the kernel does not tell.
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// The kernel's version.
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let of = |line: &str| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned());
        Self {
            processor: text("/proc/cpuinfo").lines().find_map(of).unwrap_or_else(|| "?".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// Ticks since the machine was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks {
    /// Of all cores.
    all: u64,
    /// Idle, or waiting for a disk.
    idle: u64,
    /// Taken by the machine below a virtual one.
    stolen: u64,
    /// Of this process and of children that ended.
    own: u64,
}

/// Shares of the machine between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    /// Kept busy by others.
    pub(crate) others: f64,
    /// Taken by the machine below.
    pub(crate) stolen: f64,
}

impl Ticks {
    /// Now; nothing where there is no `/proc`.
    pub(crate) fn now() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        Self::read(&text("/proc/stat"), &text("/proc/self/stat"))
    }

    fn read(all: &str, own: &str) -> Self {
        let first = all.lines().next().unwrap_or_default();
        let of: Vec<u64> = first.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        let nth = |n: usize| of.get(n).copied().unwrap_or_default();
        // The name of a process may hold spaces: fields are counted from behind its bracket, utime being the 14th of all.
        let behind = own.rsplit_once(')').map_or("", |(_, rest)| rest);
        let own = behind.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<u64>().ok()).sum();
        Self { all: of.iter().take(8).sum(), idle: nth(3) + nth(4), stolen: nth(7), own }
    }

    /// What was, since an earlier look.
    pub(crate) fn since(self, earlier: Self) -> Shares {
        let all = self.all.saturating_sub(earlier.all).max(1) as f64;
        let [idle, stolen, own] = [
            self.idle.saturating_sub(earlier.idle),
            self.stolen.saturating_sub(earlier.stolen),
            self.own.saturating_sub(earlier.own),
        ]
        .map(|ticks| ticks as f64 / all);
        Shares { others: (1.0 - idle - own).clamp(0.0, 1.0), stolen }
    }
}

impl Shares {
    /// Whether the machine was quiet enough for what was measured to be trusted.
    pub(crate) fn quiet(self) -> bool {
        self.others <= QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_idle_nor_our_own_is_of_others() {
        let look = |user, idle, steal, own| {
            let all = format!("cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 1 1");
            Ticks::read(&all, &format!("7 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 {own} 0 0 0 20 0"))
        };
        let shares = look(150, 220, 10, 60).since(look(50, 130, 0, 10));
        assert!((shares.others - 0.3).abs() < 1e-9 && (shares.stolen - 0.05).abs() < 1e-9, "{shares:?}");
        assert!(!shares.quiet() && look(1000, 220, 0, 980).since(look(0, 130, 0, 0)).quiet());
    }
}
