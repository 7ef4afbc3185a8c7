//! How causes are shown to people: a name in words, and on a terminal a character each, because colour alone tells nothing
//! to a reader without it.

use super::number::NONE;
use crate::experiment::summary::Parts;
use crate::model::Cause;

/// The name of a cause in words: `connection wait`.
pub fn name(cause: Cause) -> String {
    cause.word().replace('_', " ")
}

/// The character that stands for a cause in a bar: full where something is done, shaded or thin where it waits.
pub fn mark(cause: Cause) -> char {
    match cause {
        Cause::Work => '█',
        Cause::CpuWait => '▓',
        Cause::Queue => '░',
        Cause::Network => '─',
        Cause::Encode => '▒',
        Cause::Connect => '+',
        Cause::ConnectionWait => ':',
        Cause::Proxy => '═',
        Cause::Gateway => '▄',
        Cause::Discovery => '?',
        Cause::Broker => '≡',
        Cause::Database => '▀',
        Cause::Wait => '~',
        Cause::FailedTries => '≠',
        Cause::RetryWait => '^',
        Cause::HedgeWait => '/',
        Cause::Fault => '!',
    }
}

/// The ANSI colour of a cause's family: doing, waiting, under way, stores, trouble.
fn code(cause: Cause) -> &'static str {
    match cause {
        Cause::Work | Cause::Encode => "34",
        Cause::CpuWait | Cause::Queue | Cause::ConnectionWait => "33",
        Cause::Network | Cause::Connect | Cause::Proxy | Cause::Gateway | Cause::Discovery => "36",
        Cause::Broker | Cause::Database => "35",
        Cause::Wait => "2",
        Cause::FailedTries | Cause::RetryWait | Cause::HedgeWait | Cause::Fault => "31",
    }
}

/// Text in the colour of a cause.
pub fn paint(cause: Cause, text: &str, color: bool) -> String {
    if color && !text.is_empty() { format!("\x1b[{}m{text}\x1b[0m", code(cause)) } else { text.to_owned() }
}

/// A stacked bar: one column for every `per_column` ms, at least one where there is anything.
pub fn bar(parts: &Parts, per_column: f64, color: bool) -> String {
    let mut bar = String::new();
    for (cause, count) in Cause::ALL.into_iter().zip(columns(parts, per_column)) {
        bar.push_str(&paint(cause, &mark(cause).to_string().repeat(count), color));
    }
    bar
}

/// How many columns each cause gets. They add up to the rounded whole; what whole columns leave goes to those who miss most
/// (the method of the largest remainder), so that no small part is seen where a larger one is not.
fn columns(parts: &Parts, per_column: f64) -> [usize; Cause::ALL.len()] {
    let exact = parts.0.map(|ms| ms / per_column);
    let mut columns = exact.map(|columns| columns as usize);
    let whole = (parts.sum() / per_column).round() as usize;
    let whole = if parts.sum() > 0.0 { whole.max(1) } else { whole };
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let left = whole.saturating_sub(columns.iter().sum());
    for at in order.into_iter().take(left) {
        columns[at] += 1;
    }
    columns
}

/// The causes of which there is something in any of `all`, in the order of the output.
pub fn present<'a>(all: impl IntoIterator<Item = &'a Parts>) -> Vec<Cause> {
    let mut sum = Parts::default();
    for parts in all {
        for (sum, ms) in sum.0.iter_mut().zip(parts.0) {
            *sum += ms;
        }
    }
    Cause::ALL.into_iter().filter(|cause| sum.of(*cause) > 0.0).collect()
}

/// The causes of which at least one bar out of `all` shows something, where a bar shows no less than `least` of the longest.
/// A key that names more makes a reader search for what cannot be seen.
pub fn visible(all: &[&Parts], least: f64) -> Vec<Cause> {
    let longest = all.iter().map(|parts| parts.sum()).fold(0.0, f64::max);
    let seen = |cause: &Cause| all.iter().any(|parts| parts.of(*cause) > least * longest);
    present(all.iter().copied()).into_iter().filter(seen).collect()
}

/// The causes that have a column in a bar.
pub fn in_bar(parts: &Parts, per_column: f64) -> Vec<Cause> {
    Cause::ALL.into_iter().zip(columns(parts, per_column)).filter(|(_, n)| *n > 0).map(|(cause, _)| cause).collect()
}

/// Causes by size, the largest first; those of which there is nothing are left out.
pub fn by_size(parts: &Parts) -> Vec<Cause> {
    let mut causes = present([parts]);
    causes.sort_by(|a, b| parts.of(*b).total_cmp(&parts.of(*a)));
    causes
}

/// What the characters mean: `█ work`, one for each cause.
pub fn legend(causes: &[Cause], color: bool) -> Vec<(String, usize)> {
    let entry = |cause: &Cause| {
        let name = name(*cause);
        (format!("{} {name}", paint(*cause, &mark(*cause).to_string(), color)), name.len() + 2)
    };
    causes.iter().map(entry).collect()
}

/// A share in whole percent: `62 %`, `<1 %`.
pub fn share(part: f64, whole: f64) -> String {
    let percent = 100.0 * part / whole;
    match percent {
        _ if !percent.is_finite() => NONE.into(),
        0.0 => "0 %".into(),
        _ if percent < 0.5 => "<1 %".into(),
        _ => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::report::text::width;

    #[test]
    fn every_cause_has_a_character_of_its_own() {
        let mut marks: Vec<char> = Cause::ALL.map(mark).into();
        assert!(marks.iter().all(|mark| width(&mark.to_string()) == 1));
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), Cause::ALL.len());
    }

    #[test]
    fn the_columns_of_a_bar_add_up() {
        let parts = sample::parts(&[(Cause::Work, 1.4), (Cause::Network, 1.4), (Cause::Queue, 1.4)]);
        assert_eq!(bar(&parts, 1.0, false), "██░─");
        let parts = sample::parts(&[(Cause::Work, 2.4), (Cause::Queue, 0.2), (Cause::Network, 0.7)]);
        assert_eq!(bar(&parts, 1.0, false), "██─", "what is larger is seen first");
        assert_eq!(bar(&parts, 100.0, false).chars().count(), 1, "something is never nothing");
        assert_eq!(bar(&Parts::default(), 1.0, false), "");
    }

    #[test]
    fn shares_are_whole_and_never_quite_nothing() {
        assert_eq!(share(0.651, 1.0), "65 %");
        assert_eq!(share(0.001, 1.0), "<1 %");
        assert_eq!(share(0.0, 1.0), "0 %");
        assert_eq!(share(0.0, 0.0), "–");
    }

    #[test]
    fn what_cannot_be_seen_is_not_in_the_key() {
        let parts = sample::parts(&[(Cause::Work, 99.9), (Cause::Network, 0.1)]);
        assert_eq!(visible(&[&parts], 0.002), [Cause::Work]);
        assert_eq!(visible(&[&parts], 0.0005), [Cause::Work, Cause::Network]);
        assert_eq!(in_bar(&parts, 5.0), [Cause::Work]);
    }

    #[test]
    fn the_largest_comes_first() {
        let parts = sample::parts(&[(Cause::Work, 1.0), (Cause::Network, 3.0)]);
        assert_eq!(by_size(&parts), [Cause::Network, Cause::Work]);
    }
}
