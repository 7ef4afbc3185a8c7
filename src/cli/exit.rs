//! Exit codes, fixed for good, and what leads to them.

use std::io::Write as _;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// When all was done and every SLO was met.
    Done,
    /// When the program or a file failed.
    Broken,
    /// When the command line was wrong.
    Usage,
    /// When the scenario was wrong.
    Invalid,
    /// When a guard was hit or the run did not settle.
    Unsettled,
    /// When an SLO failed.
    SloFailed,
    /// When the user interrupted the run.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Unsettled => 4,
            Exit::SloFailed => 99,
            Exit::Interrupted => 130,
        }
    }

    /// The one that counts where several apply.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Interrupted => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Unsettled => 4,
            Exit::SloFailed => 5,
            Exit::Done => 6,
        }
    }
}

/// Why a verb ended without a result. Texts are lower-case fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// When the program or a file failed.
    Broken(String),
    /// When what was asked for makes no sense.
    Usage(String),
    /// When the scenario was wrong: the complaints as they are to be shown.
    Invalid(String),
    /// When the run would hit a guard before it begins: the complaints as they are to be shown.
    Guarded(String),
    /// When the user interrupted before there was anything to show.
    Interrupted,
}

impl Failure {
    /// The code that it leads to.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Failure::Broken(_) => Exit::Broken,
            Failure::Usage(_) => Exit::Usage,
            Failure::Invalid(_) => Exit::Invalid,
            Failure::Guarded(_) => Exit::Unsettled,
            Failure::Interrupted => Exit::Interrupted,
        }
    }
}

/// Makes a panic, in whatever thread, end with the code for an internal failure.
pub(super) fn on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(std::io::stderr(), "internal failure in hoptax {version}: {panic}");
        std::process::exit(Exit::Broken.code().into());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruption_counts_before_failure_before_guard_before_slo() {
        let order = [Exit::Interrupted, Exit::Broken, Exit::Unsettled, Exit::SloFailed, Exit::Done];
        for (i, first) in order.into_iter().enumerate() {
            for second in order.into_iter().skip(i) {
                assert_eq!(first.or(second), first);
                assert_eq!(second.or(first), first);
            }
        }
    }

    #[test]
    fn codes_are_fixed() {
        let all =
            [Exit::Done, Exit::Broken, Exit::Usage, Exit::Invalid, Exit::Unsettled, Exit::SloFailed, Exit::Interrupted];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 99, 130]);
    }
}
