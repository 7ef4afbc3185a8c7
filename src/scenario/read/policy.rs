//! Policies, and what a call says inline.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use toml::de::{DeTable, DeValue};

use super::law::law;
use super::transport::CANCELS;
use super::value::{array, count, duration, flag, number, rate, share, text};
use super::view::{View, unknown_word};
use super::{Desk, Value, budget, value};
use crate::diag::{Complaint, code};
use crate::model::Outcome;
use crate::model::policy::{Jitter, LimitKind, Refill, Stage};
use crate::scenario::vocab::{self, FAILURES, LIBRARIES, Shape, Table};
use crate::scenario::written::{
    AdaptiveThrottle, Algorithm, Bulkhead, CircuitBreaker, ConcurrencyLimit, Given, Guards, Hedge, Policy, RateLimit,
    Retries, Rule, Shed,
};
use crate::units::Span;

/// The stages by their words.
pub(in crate::scenario) const STAGES: [(&str, Stage); 7] = [
    ("retries", Stage::Retry),
    ("rate_limit", Stage::RateLimit),
    ("bulkhead", Stage::Bulkhead),
    ("circuit_breaker", Stage::Breaker),
    ("adaptive_throttle", Stage::Throttle),
    ("concurrency_limit", Stage::Limit),
    ("timeout", Stage::Timer),
];

/// The adaptive limits by their words.
pub(in crate::scenario) const LIMITS: [(&str, LimitKind); 3] =
    [("gradient", LimitKind::Gradient), ("vegas", LimitKind::Vegas), ("aimd", LimitKind::Aimd)];

/// The ways to measure a rate by their words.
pub(in crate::scenario) const ALGORITHMS: [(&str, Algorithm); 3] = [
    ("token_bucket", Algorithm::TokenBucket),
    ("fixed_window", Algorithm::FixedWindow),
    ("sliding_window", Algorithm::SlidingWindow),
];

/// Jitters without a number by their words.
pub(in crate::scenario) const JITTERS: [(&str, Jitter); 5] = [
    ("none", Jitter::None),
    ("full", Jitter::Full),
    ("equal", Jitter::Equal),
    ("decorrelated", Jitter::Decorrelated),
    ("envoy", Jitter::Envoy),
];

const PER: [(&str, bool); 2] = [("replica", false), ("client", true)];

const REFILLS: [(&str, Refill); 2] = [("continuous", Refill::Continuous), ("discrete", Refill::Discrete)];

/// One policy; what it does not say is as in the library it is like.
pub(super) fn policy(desk: &mut Desk<'_>, name: Given<String>, view: View<'_>) -> Policy {
    super::file::check_name(desk, &name);
    let like = view.read(desk, "like", |desk, key, value| {
        let word = text(desk, key, value)?;
        let known = LIBRARIES.iter().any(|library| library.name == word);
        if !known {
            let Some(Shape::TextOr(words)) = vocab::POLICY.find("like").map(|key| key.shape) else { return None };
            unknown_word(desk, key, value, &word, words);
        }
        known.then_some(word)
    });
    let view = match &like {
        Some(like) => view.over(libraries().get(like.value.as_str())),
        None => view,
    };
    let mut guards = guards(desk, &view);
    guards.order = view.read(desk, "order", order);
    Policy { name, like, guards }
}

/// The libraries as tables.
fn libraries() -> &'static BTreeMap<&'static str, DeTable<'static>> {
    static ALL: OnceLock<BTreeMap<&'static str, DeTable<'static>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parsed = LIBRARIES.iter().map(|library| {
            let (table, errors) = DeTable::parse_recoverable(library.toml);
            debug_assert!(errors.is_empty(), "{}: {errors:?}", library.name);
            (library.name, table.into_inner())
        });
        parsed.collect()
    })
}

/// The rules of a policy or of a call.
pub(super) fn guards(desk: &mut Desk<'_>, view: &View<'_>) -> Guards {
    Guards {
        timeout: view.read(desk, "timeout", duration),
        deadline: view.read(desk, "deadline", duration),
        propagate_deadline: view.read(desk, "propagate_deadline", flag),
        retries: rule(desk, view, "retries", retries),
        circuit_breaker: rule(desk, view, "circuit_breaker", circuit_breaker),
        bulkhead: rule(desk, view, "bulkhead", bulkhead),
        rate_limit: rule(desk, view, "rate_limit", rate_limit),
        hedge: rule(desk, view, "hedge", hedge),
        concurrency_limit: concurrency_limit(desk, view),
        adaptive_throttle: rule(desk, view, "adaptive_throttle", |desk, view| {
            Some(AdaptiveThrottle {
                k: view.or_default(desk, "k", number),
                window: view.or_default(desk, "window", duration),
            })
        }),
        cancels: view.word(desk, "cancels", &CANCELS),
        order: None,
    }
}

/// A rule: a table, or "none".
pub(crate) fn rule<T>(
    desk: &mut Desk<'_>,
    view: &View<'_>,
    name: &str,
    read: impl Fn(&mut Desk<'_>, &View<'_>) -> Option<T>,
) -> Rule<T> {
    let value = view.get(name)?;
    let place = view.place_if_own(name, value);
    if value.get_ref().as_str() == Some("none") {
        return Some(Given { value: None, place });
    }
    if !value.get_ref().is_table() {
        let help = format!("write for example {name} = {{ … }}, or {name} = \"none\" to be without");
        value::wrong_kind(desk, name, value, "a table", &help);
        return None;
    }
    let inner = view.rule(desk, name, value)?;
    Some(Given { value: Some(read(desk, &inner)?), place })
}

#[expect(clippy::unnecessary_wraps, reason = "read as rules that may be wrong are")]
pub(super) fn retries(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Retries> {
    Some(Retries {
        max: view.or_default(desk, "max", count),
        on: view.or_default(desk, "on", failures),
        backoff: view.or_default(desk, "backoff", law),
        backoff_max: view.maybe(desk, "backoff_max", duration),
        backoff_factor: view.or_default(desk, "backoff_factor", number),
        jitter: view.or_default(desk, "jitter", jitter),
        budget: view.maybe(desk, "budget", budget::budget),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "read as rules that may be wrong are")]
fn circuit_breaker(desk: &mut Desk<'_>, view: &View<'_>) -> Option<CircuitBreaker> {
    let looks: Vec<&str> =
        ["window", "window_calls", "consecutive"].into_iter().filter(|key| view.wrote(key)).collect();
    if let [first, second, ..] = looks[..] {
        let message = format!("`{first}` and `{second}`: a breaker looks at one of them");
        let complaint = Complaint::error(code::CONTRADICTION, message).at(view.place_of(second));
        desk.push(complaint.help("a time window, a number of calls, or failures in a row; keep one"));
    }
    // What the policy says itself replaces what its library looks at.
    let own = looks.first().copied();
    let looks_at = |key: &str| own.is_none_or(|own| own == key);
    let nothing = || Given::default(None);
    let first_failure = maybe(view.word(desk, "half_open", &[("rate", false), ("first_failure", true)]));
    // Failures in a row have no rate, whatever the library of the policy looks at.
    let rateless = own == Some("consecutive") && first_failure.value == Some(false);
    if rateless && view.wrote("half_open") {
        let message = "`half_open = \"rate\"` and `consecutive`: failures in a row have no rate";
        let complaint = Complaint::error(code::CONTRADICTION, message).at(view.place_of("half_open"));
        desk.push(complaint.help("leave half_open out: the first failed probe trips the breaker again"));
    }
    Some(CircuitBreaker {
        failure_rate: view.or_default(desk, "failure_rate", share),
        slow_call: view.maybe(desk, "slow_call", duration),
        slow_rate: view.or_default(desk, "slow_rate", share),
        window: view.or_default(desk, "window", duration),
        window_calls: if looks_at("window_calls") { view.maybe(desk, "window_calls", count) } else { nothing() },
        consecutive: if looks_at("consecutive") { view.maybe(desk, "consecutive", count) } else { nothing() },
        min_calls: view.or_default(desk, "min_calls", count),
        open_for: view.or_default(desk, "open_for", duration),
        open_for_max: view.maybe(desk, "open_for_max", duration),
        half_open_calls: view.or_default(desk, "half_open_calls", count),
        first_failure: if rateless { Given::default(None) } else { first_failure },
        on: view.maybe(desk, "on", failures),
        outside: maybe(view.word(desk, "counts", &[("tries", false), ("calls", true)])),
        per_replica: view.choice(desk, "per", &[("callee", false), ("replica", true)]),
    })
}

/// A word that need not be there.
fn maybe<T>(word: Option<Given<T>>) -> Given<Option<T>> {
    word.map_or_else(|| Given::default(None), |given| Given { value: Some(given.value), place: given.place })
}

#[expect(clippy::unnecessary_wraps, reason = "read as rules that may be wrong are")]
fn bulkhead(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Bulkhead> {
    Some(Bulkhead {
        max_concurrent: view.or_default(desk, "max_concurrent", count),
        max_wait: view.or_default(desk, "max_wait", duration),
        until_answered: view.choice(desk, "held_until", &[("given_up", false), ("answered", true)]),
    })
}

pub(super) fn rate_limit(desk: &mut Desk<'_>, view: &View<'_>) -> Option<RateLimit> {
    if !view.has("rate") {
        view.missing(desk, "rate", "write rate_limit = { rate = \"100/s\", burst = 20 }");
    }
    let at_door = view.vocab.find("per").is_some();
    Some(RateLimit {
        algorithm: view.choice(desk, "algorithm", &ALGORITHMS),
        burst: view.maybe(desk, "burst", number),
        refill: view.choice(desk, "refill", &REFILLS),
        window: view.or_default(desk, "window", duration),
        max_wait: if at_door { Given::default(Span::ZERO) } else { view.or_default(desk, "max_wait", duration) },
        per_client: if at_door { view.choice(desk, "per", &PER) } else { Given::default(false) },
        rate: view.read(desk, "rate", rate)?,
    })
}

pub(super) fn shed(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Shed> {
    if !view.has("queue_longer_than") {
        view.missing(desk, "queue_longer_than", "write shed = { queue_longer_than = \"100ms\" }");
    }
    Some(Shed { queue_longer_than: view.read(desk, "queue_longer_than", duration)? })
}

fn hedge(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Hedge> {
    if !view.has("after") {
        view.missing(desk, "after", "write hedge = { after = \"50ms\", max = 1 }");
    }
    Some(Hedge {
        max: view.or_default(desk, "max", count),
        tied: view.or_default(desk, "tied", flag),
        after: view.read(desk, "after", law)?,
    })
}

pub(super) fn concurrency_limit(desk: &mut Desk<'_>, view: &View<'_>) -> Rule<ConcurrencyLimit> {
    let name = "concurrency_limit";
    let value = view.get(name)?;
    if let Some(word) = value.get_ref().as_str().filter(|word| *word != "none") {
        let Some((_, kind)) = LIMITS.iter().find(|(known, _)| *known == word) else {
            let Some(Shape::OneOr(_, words)) = vocab::POLICY.find(name).map(|key| key.shape) else { return None };
            unknown_word(desk, name, value, word, words);
            return None;
        };
        let initial = View::absent(&vocab::CONCURRENCY_LIMIT).or_default(desk, "initial", count);
        let limit = ConcurrencyLimit {
            kind: Given::default(*kind),
            initial,
            min: Given::default(None),
            max: Given::default(None),
        };
        return Some(Given { value: Some(limit), place: view.place_if_own(name, value) });
    }
    rule(desk, view, name, |desk, view| {
        Some(ConcurrencyLimit {
            kind: view.choice(desk, "kind", &LIMITS),
            initial: view.or_default(desk, "initial", count),
            min: view.maybe(desk, "min", count),
            max: view.maybe(desk, "max", count),
        })
    })
}

fn failures(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Outcome>> {
    let words =
        words(desk, key, value, FAILURES, |word| Outcome::FAILURES.into_iter().find(|outcome| outcome.word() == word))?;
    if words.is_empty() {
        value::bad(desk, key, value, "an empty list: nothing would be meant; name the failures, or leave it out");
    }
    (!words.is_empty()).then_some(words)
}

fn order(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Stage>> {
    let stages = words(desk, key, value, vocab::STAGES, |word| {
        STAGES.iter().find(|(known, _)| *known == word).map(|(_, stage)| *stage)
    })?;
    let twice = stages.iter().enumerate().any(|(i, stage)| stages[..i].contains(stage));
    if twice || !stages.contains(&Stage::Retry) || !stages.contains(&Stage::Timer) {
        value::bad(desk, key, value, "each stage once, and `retries` and `timeout` among them: where they would stand");
        return None;
    }
    let at = |stage| stages.iter().position(|other| *other == stage);
    if at(Stage::Timer) < at(Stage::Retry) {
        value::bad(desk, key, value, "`timeout` is per try, so it stands behind `retries`; a deadline spans all tries");
        return None;
    }
    Some(stages)
}

/// A list of words; unknown ones are complained about and left out.
fn words<T>(
    desk: &mut Desk<'_>,
    key: &str,
    value: &Value<'_>,
    known: &'static [vocab::Word],
    find: impl Fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for item in array(desk, key, value)? {
        let word = text(desk, key, item)?;
        let Some(meant) = find(&word) else {
            unknown_word(desk, key, item, &word, known);
            return None;
        };
        all.push(meant);
    }
    Some(all)
}

fn jitter(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Jitter> {
    if let DeValue::String(word) = value.get_ref() {
        if let Some((_, jitter)) = JITTERS.iter().find(|(known, _)| *known == word.as_ref()) {
            return Some(*jitter);
        }
        if !word.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let Some(Shape::WordOrShare(words)) = vocab::RETRIES.find("jitter").map(|key| key.shape) else {
                return None;
            };
            unknown_word(desk, key, value, word, words);
            return None;
        }
    }
    let share = share(desk, key, value)?;
    // A jitter of nothing is none, so that each is printed in one way.
    Some(if share == 0.0 { Jitter::None } else { Jitter::Share(share) })
}

impl<'t> View<'t> {
    /// The table of a rule, and below it that of the library.
    pub(super) fn rule(&self, desk: &mut Desk<'_>, name: &str, value: &'t Value<'t>) -> Option<View<'t>> {
        let vocab: &'static Table = match self.vocab.find(name).map(|key| key.shape) {
            Some(Shape::OneOr(vocab, _)) => vocab,
            _ => unreachable!("{name} is a rule"),
        };
        let own = self.wrote(name);
        let table = value::table(desk, name, value)?;
        let view = View::open_quietly(desk, vocab, table, value.span(), own);
        let below = if own { self.below(name).and_then(|value| value.get_ref().as_table()) } else { None };
        Some(view.over(below))
    }
}
