//! How far a run has come, on standard error, and whether the user has had enough. The only place with a clock.
#![allow(clippy::disallowed_methods, reason = "progress is about wall-clock time and reaches no result")]

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::engine::{SoFar, Watch};
use super::exit::Exit;
use super::output::{Output, say};
use crate::report::number::{self, percent, time};
use crate::report::text::clean;

/// Shorter runs are over before a bar would help.
const PATIENCE: Duration = Duration::from_millis(400);

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// From an interruption until the program shows what there is, at most.
const HEARD_WITHIN: Duration = Duration::from_millis(900);

/// Steps of the bar.
const STEPS: u64 = 1_000;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// A bar on a terminal, nothing elsewhere.
    #[default]
    Auto,
    /// The first answer as soon as there is one, then a line every 10 s.
    Plain,
    /// Nothing.
    None,
}

/// Shows progress and listens for an interruption.
pub(super) struct Progress {
    face: Face,
    began: Instant,
}

/// Whether something runs that can be stopped in good order, and whether the user has had enough.
static RUNS: AtomicBool = AtomicBool::new(false);
static ENOUGH: AtomicBool = AtomicBool::new(false);

enum Face {
    Bar(ProgressBar),
    /// When the last line was said, and the first answer so far.
    Lines(Mutex<(Instant, String)>),
    Blank,
}

impl Progress {
    /// Progress of a run; from now on the first interruption stops it in good order, the second at once.
    pub(super) fn begin(mode: Mode, output: &Output) -> Self {
        let now = Instant::now();
        let face = match mode {
            _ if output.quiet() => Face::Blank,
            Mode::Auto if std::io::stderr().is_terminal() => Face::Bar(bar()),
            Mode::Plain => Face::Lines(Mutex::new((now, String::new()))),
            Mode::Auto | Mode::None => Face::Blank,
        };
        RUNS.store(true, Ordering::Relaxed);
        Self { face, began: now }
    }

    /// Clears the bar away; from now on an interruption ends the program at once.
    pub(super) fn end(&self) {
        RUNS.store(false, Ordering::Relaxed);
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn advanced(&self, share_done: f64) {
        let share = share_done.clamp(0.0, 1.0);
        match &self.face {
            Face::Blank => {}
            Face::Bar(bar) => {
                if bar.is_hidden() && self.began.elapsed() >= PATIENCE {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                }
                bar.set_position((share * STEPS as f64) as u64);
            }
            Face::Lines(last) => {
                let (last, answer) = &mut *last.lock().unwrap_or_else(PoisonError::into_inner);
                // The first answer does not wait for its turn.
                let at_first = *last == self.began && !answer.is_empty() && last.elapsed() >= PATIENCE;
                if at_first || last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    say(&format!("{}{answer}", plain(share, self.began.elapsed())));
                }
            }
        }
    }

    fn curious(&self) -> bool {
        !matches!(self.face, Face::Blank)
    }

    fn hear(&self, so_far: &SoFar) {
        match &self.face {
            Face::Blank => {}
            Face::Bar(bar) => bar.set_message(first(so_far)),
            Face::Lines(last) => last.lock().unwrap_or_else(PoisonError::into_inner).1 = first(so_far),
        }
    }

    fn stopped(&self) -> bool {
        ENOUGH.load(Ordering::Relaxed)
    }
}

/// A bar that stays hidden until the run has proved long.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{bar:20.cyan/dim} {percent:>3} % · {eta} left{wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"))
}

/// A line such as `42 % after 20 s, 28 s left`.
fn plain(share: f64, after: Duration) -> String {
    let seconds = after.as_secs_f64();
    let left = if share > 0.0 { format!(", {:.0} s left", seconds / share - seconds) } else { String::new() };
    let after = if seconds < 1.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") };
    format!("{:.0} % after {after} s{left}", share * 100.0)
}

/// The first answer: ` · after 2.50 s of a run: web p99 41.2 ms`, ` · 3 of 10 runs: web p99 41.2 ms, 2.0 % lost` (of the client with most requests), ` · at 140/s 72 of 72 runs keep all promises`,
/// ` · at 100/s: web p99 41.2 ms`.
fn first(so_far: &SoFar) -> String {
    match so_far {
        SoFar::Within { measured_s, clients } => match clients.first() {
            Some((name, well, p99)) => {
                format!(" · after {} of a run: {}", time(measured_s * 1e3), fares(name, *well, *p99))
            }
            None => String::new(),
        },
        SoFar::Runs { ended, of, clients } => match clients.first() {
            Some((name, well, p99)) => format!(" · {ended} of {of} runs: {}", fares(name, *well, *p99)),
            None => String::new(),
        },
        SoFar::Load { per_s, kept, of } => {
            format!(" · at {}/s {kept} of {of} runs keep all promises", number::plain(*per_s))
        }
        SoFar::Point { at, client, well, p99_ms } => format!(" · at {}: {}", clean(at), fares(client, *well, *p99_ms)),
    }
}

/// How a client fares: `web p99 41.2 ms, 2.0 % lost`.
fn fares(name: &str, well: f64, p99_ms: Option<f64>) -> String {
    let p99 = p99_ms.map_or_else(|| "p99 among the lost".to_owned(), |ms| format!("p99 {}", time(ms)));
    let lost = if well < 1.0 { format!(", {} lost", percent(1.0 - well)) } else { String::new() };
    format!("{} {p99}{lost}", clean(name))
}

/// From now on an interruption (Ctrl-C, SIGTERM) ends the program; the first one during a run stops that in good order, if
/// that can be done within a second.
pub(super) fn listen() {
    let end = || std::process::exit(Exit::Interrupted.code().into());
    // Where no listener can be set up, an interruption just ends the program.
    let _ = ctrlc::set_handler(move || {
        if !RUNS.load(Ordering::Relaxed) || ENOUGH.swap(true, Ordering::Relaxed) {
            end();
        }
        say("\ninterrupted: showing what there is; once more to stop at once");
        // The listener has a thread of its own: it sees to it that nothing is deaf, a long instant or a large summary.
        std::thread::sleep(HEARD_WITHIN);
        if RUNS.load(Ordering::Relaxed) {
            say("what there is takes longer to show than an interruption may: nothing is shown");
            end();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_say_what_is_left() {
        assert_eq!(plain(0.25, Duration::from_secs(10)), "25 % after 10 s, 30 s left");
        assert_eq!(plain(0.0, Duration::from_secs(10)), "0 % after 10 s");
        assert_eq!(plain(0.1, Duration::from_millis(400)), "10 % after 0.4 s, 4 s left");
    }

    #[test]
    fn the_first_answer_is_that_of_the_busiest_client() {
        let told = |clients| first(&SoFar::Runs { ended: 3, of: 10, clients });
        assert_eq!(
            told(vec![("web".into(), 1.0, Some(41.2)), ("cron".into(), 0.5, None)]),
            " · 3 of 10 runs: web p99 41.2 ms"
        );
        assert_eq!(told(vec![("web".into(), 0.5, None)]), " · 3 of 10 runs: web p99 among the lost, 50.0 % lost");
        assert_eq!(told(Vec::new()), "");
        let within = SoFar::Within { measured_s: 2.5, clients: vec![("web".into(), 0.98, Some(41.2))] };
        assert_eq!(first(&within), " · after 2.50 s of a run: web p99 41.2 ms, 2.0 % lost");
        let load = SoFar::Load { per_s: 140.0, kept: 71, of: 72 };
        assert_eq!(first(&load), " · at 140/s 71 of 72 runs keep all promises");
        let point = SoFar::Point { at: "100/s 2".into(), client: "web".into(), well: 1.0, p99_ms: Some(41.2) };
        assert_eq!(first(&point), " · at 100/s 2: web p99 41.2 ms");
    }
}
