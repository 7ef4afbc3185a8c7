//! Policies as TOML, and what a call says inline.

use super::law::law;
use super::{Page, key, quoted, time};
use crate::model::Outcome;
use crate::model::policy::{BudgetSpec, Jitter, Per, Refill, Stage};
use crate::scenario::read::policy::{ALGORITHMS, JITTERS, LIMITS, STAGES};
use crate::scenario::written::{
    AdaptiveThrottle, Bulkhead, Cancels, CircuitBreaker, ConcurrencyLimit, Given, Guards, Hedge, Node, RateLimit,
    Retries, Rule, Scenario, Shed,
};

/// All policies.
pub(super) fn policies(scenario: &Scenario, page: &mut Page) {
    for (name, policy) in &scenario.policies {
        page.header(&format!("[policies.{}]", key(name)));
        if let Some(like) = &policy.like {
            page.given("like", like, |l| quoted(l));
        }
        let mut none = Vec::new();
        for (key, said) in all(&policy.guards) {
            match said {
                Some((value, default)) => page.line(key, value, default),
                None => none.push(key.to_owned()),
            }
        }
        page.none(&none);
    }
}

/// What a call says inline.
pub(super) fn inline(guards: &Guards) -> Vec<String> {
    let said = all(guards).into_iter().filter_map(|(key, said)| said.map(|(value, _)| format!("{key} = {value}")));
    said.collect()
}

/// What a node refuses at its door.
pub(super) fn door(node: &Node, page: &mut Page, none: &mut Vec<String>) {
    let shed = |shed: &Shed| vec![format!("queue_longer_than = {}", time(&shed.queue_longer_than.value))];
    for (key, said) in [
        ("rate_limit", rule(&node.rate_limit, |limit| rate_limit(limit, true))),
        ("shed", rule(&node.shed, shed)),
        ("concurrency_limit", rule(&node.concurrency_limit, concurrency_limit)),
    ] {
        match said {
            Some((value, default)) => page.line(key, value, default),
            None => none.push(key.to_owned()),
        }
    }
}

/// A key, and its value and whether it is a default, if it is said.
type Said = (&'static str, Option<(String, bool)>);

fn all(guards: &Guards) -> Vec<Said> {
    fn given<T>(given: Option<&Given<T>>, told: impl Fn(&T) -> String) -> Option<(String, bool)> {
        given.map(|given| (told(&given.value), given.is_default()))
    }
    vec![
        ("timeout", given(guards.timeout.as_ref(), time)),
        ("deadline", given(guards.deadline.as_ref(), time)),
        ("propagate_deadline", given(guards.propagate_deadline.as_ref(), bool::to_string)),
        ("retries", rule(&guards.retries, retries)),
        ("circuit_breaker", rule(&guards.circuit_breaker, circuit_breaker)),
        ("bulkhead", rule(&guards.bulkhead, bulkhead)),
        ("rate_limit", rule(&guards.rate_limit, |limit| rate_limit(limit, false))),
        ("hedge", rule(&guards.hedge, hedge)),
        ("concurrency_limit", rule(&guards.concurrency_limit, concurrency_limit)),
        ("adaptive_throttle", rule(&guards.adaptive_throttle, adaptive_throttle)),
        ("cancels", given(guards.cancels.as_ref(), |c| cancels(*c))),
        ("order", given(guards.order.as_ref(), |stages| list(stages.iter().map(|stage| stage_word(*stage))))),
    ]
}

pub(super) fn cancels(cancels: Cancels) -> String {
    quoted(if cancels == Cancels::No { "no" } else { "queued" })
}

/// A rule as a table, or "none".
#[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
pub(super) fn rule<T>(rule: &Rule<T>, told: impl Fn(&T) -> Vec<String>) -> Option<(String, bool)> {
    let given = rule.as_ref()?;
    let value =
        given.value.as_ref().map_or_else(|| quoted("none"), |value| format!("{{ {} }}", told(value).join(", ")));
    Some((value, given.is_default()))
}

pub(super) fn retries(rule: &Retries) -> Vec<String> {
    let mut parts = vec![
        format!("max = {}", rule.max.value),
        format!("on = {}", outcomes(&rule.on.value)),
        format!("backoff = {}", law(&rule.backoff.value)),
    ];
    parts.extend(rule.backoff_max.value.map(|max| format!("backoff_max = {}", time(&max))));
    parts.push(format!("backoff_factor = {:?}", rule.backoff_factor.value));
    parts.push(format!("jitter = {}", jitter(rule.jitter.value)));
    parts.extend(rule.budget.value.map(|spec| format!("budget = {{ {} }}", budget(&spec).join(", "))));
    parts
}

fn jitter(jitter: Jitter) -> String {
    match jitter {
        Jitter::Share(share) => format!("{share:?}"),
        plain => quoted(JITTERS.iter().find(|(_, known)| *known == plain).map_or("none", |(word, _)| word)),
    }
}

fn budget(spec: &BudgetSpec) -> Vec<String> {
    match spec {
        BudgetSpec::Share { share, min_per_second, ttl } => vec![
            format!("share = {share:?}"),
            format!("min_per_second = {min_per_second:?}"),
            format!("ttl = {}", time(ttl)),
        ],
        BudgetSpec::Tokens { deposit, per, cap, cost, timeout_cost, refund } => vec![
            format!("deposit = {deposit:?}"),
            format!("per = {}", quoted(if *per == Per::Success { "success" } else { "call" })),
            format!("cap = {cap:?}"),
            format!("cost = {cost:?}"),
            format!("timeout_cost = {timeout_cost:?}"),
            format!("refund = {refund}"),
        ],
        BudgetSpec::Half { max_tokens, token_ratio } => {
            vec![format!("max_tokens = {max_tokens:?}"), format!("token_ratio = {token_ratio:?}")]
        }
        BudgetSpec::Healthy { failure_rate } => vec![format!("failure_rate = {failure_rate:?}")],
        BudgetSpec::Active { share, min } => {
            vec![format!("budget_percent = {share:?}"), format!("min_retry_concurrency = {min}")]
        }
    }
}

fn circuit_breaker(rule: &CircuitBreaker) -> Vec<String> {
    let mut parts = Vec::new();
    match (rule.consecutive.value, rule.window_calls.value) {
        (Some(failures), _) => parts.push(format!("consecutive = {failures}")),
        (None, Some(calls)) => parts.push(format!("window_calls = {calls}")),
        (None, None) => parts.push(format!("window = {}", time(&rule.window.value))),
    }
    if rule.consecutive.value.is_none() {
        parts.push(format!("failure_rate = {:?}", rule.failure_rate.value));
        // Of a window of fewer calls, all are enough.
        let most = rule.window_calls.value.unwrap_or(u32::MAX);
        parts.push(format!("min_calls = {}", rule.min_calls.value.min(most)));
    }
    if let Some(slow) = rule.slow_call.value {
        parts.push(format!("slow_call = {}", time(&slow)));
        parts.push(format!("slow_rate = {:?}", rule.slow_rate.value));
    }
    parts.push(format!("open_for = {}", time(&rule.open_for.value)));
    parts.extend(rule.open_for_max.value.map(|max| format!("open_for_max = {}", time(&max))));
    parts.push(format!("half_open_calls = {}", rule.half_open_calls.value));
    let probing = |first| quoted(if first { "first_failure" } else { "rate" });
    parts.extend(rule.first_failure.value.map(|first| format!("half_open = {}", probing(first))));
    parts.extend(rule.on.value.as_ref().map(|on| format!("on = {}", outcomes(on))));
    let counts = |outside| quoted(if outside { "calls" } else { "tries" });
    parts.extend(rule.outside.value.map(|outside| format!("counts = {}", counts(outside))));
    parts.push(format!("per = {}", quoted(if rule.per_replica.value { "replica" } else { "callee" })));
    parts
}

fn bulkhead(rule: &Bulkhead) -> Vec<String> {
    vec![
        format!("max_concurrent = {}", rule.max_concurrent.value),
        format!("max_wait = {}", time(&rule.max_wait.value)),
        format!("held_until = {}", quoted(if rule.until_answered.value { "answered" } else { "given_up" })),
    ]
}

fn rate_limit(rule: &RateLimit, at_door: bool) -> Vec<String> {
    let word = ALGORITHMS.iter().find(|(_, known)| *known == rule.algorithm.value).map_or("", |(word, _)| word);
    let mut parts = vec![format!("rate = \"{}\"", rule.rate.value), format!("algorithm = {}", quoted(word))];
    parts.extend(rule.burst.value.map(|burst| format!("burst = {burst:?}")));
    let refill = if rule.refill.value == Refill::Continuous { "continuous" } else { "discrete" };
    parts.push(format!("refill = {}", quoted(refill)));
    parts.push(format!("window = {}", time(&rule.window.value)));
    parts.push(if at_door {
        format!("per = {}", quoted(if rule.per_client.value { "client" } else { "replica" }))
    } else {
        format!("max_wait = {}", time(&rule.max_wait.value))
    });
    parts
}

fn hedge(rule: &Hedge) -> Vec<String> {
    vec![
        format!("after = {}", law(&rule.after.value)),
        format!("max = {}", rule.max.value),
        format!("tied = {}", rule.tied.value),
    ]
}

fn concurrency_limit(rule: &ConcurrencyLimit) -> Vec<String> {
    let word = LIMITS.iter().find(|(_, known)| *known == rule.kind.value).map_or("", |(word, _)| word);
    let mut parts = vec![format!("kind = {}", quoted(word)), format!("initial = {}", rule.initial.value)];
    parts.extend(rule.min.value.map(|min| format!("min = {min}")));
    parts.extend(rule.max.value.map(|max| format!("max = {max}")));
    parts
}

fn adaptive_throttle(rule: &AdaptiveThrottle) -> Vec<String> {
    vec![format!("k = {:?}", rule.k.value), format!("window = {}", time(&rule.window.value))]
}

fn stage_word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(_, known)| *known == stage).map_or("", |(word, _)| word)
}

fn outcomes(all: &[Outcome]) -> String {
    list(all.iter().map(|outcome| outcome.word()))
}

fn list(words: impl Iterator<Item = &'static str>) -> String {
    format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", "))
}
