//! `[discovery]`.

use super::Desk;
use super::policy::rule;
use super::value::{count, count_or, duration, flag, share};
use super::view::View;
use crate::model::discovery::Kind;
use crate::scenario::vocab;
use crate::scenario::written::{BalancePer, Balancing, Discovery, Given, KINDS, OutlierDetection, Probes, is_watched};
use crate::units::Span;

pub(super) fn discovery(desk: &mut Desk<'_>, view: &View<'_>) -> Discovery {
    let inner = view.inner(desk, "discovery");
    let kind = inner.choice(desk, "kind", &KINDS);
    let propagation = inner.read(desk, "propagation", duration);
    let balance_per = inner.word(desk, "balance_per", &BalancePer::WORDS);
    let readiness = rule(desk, &inner, "readiness", |desk, view| Some(probes(desk, view)));
    Discovery {
        ttl: inner.or_default(desk, "ttl", duration),
        propagation: propagation.unwrap_or_else(|| Given::default(usual_propagation(kind.value))),
        readiness: readiness.unwrap_or_else(|| {
            Given::default(is_watched(kind.value).then(|| probes(desk, &View::absent(&vocab::READINESS))))
        }),
        load_balancing: inner.choice(desk, "load_balancing", &Balancing::WORDS),
        choices: inner.or_default(desk, "choices", count_or("all")),
        distinct: inner.or_default(desk, "distinct", flag),
        keys: inner.or_default(desk, "keys", count_or("calls")),
        balance_per: balance_per.unwrap_or_else(|| Given::default(usual_balance(kind.value))),
        outlier_detection: rule(desk, &inner, "outlier_detection", |desk, view| {
            Some(OutlierDetection {
                consecutive_errors: view.or_default(desk, "consecutive_errors", count),
                interval: view.or_default(desk, "interval", duration),
                base_ejection: view.or_default(desk, "base_ejection", duration),
                max_ejected: view.or_default(desk, "max_ejected", share),
                always_eject_one: view.or_default(desk, "always_eject_one", flag),
            })
        }),
        kind,
    }
}

fn probes(desk: &mut Desk<'_>, view: &View<'_>) -> Probes {
    Probes { every: view.or_default(desk, "every", duration), failures: view.or_default(desk, "failures", count) }
}

/// kube-proxy looks for changes once a second (`minSyncPeriod`); Istio waits 100 ms for more of them.
fn usual_propagation(kind: Kind) -> Span {
    match kind {
        Kind::Static | Kind::Dns => Span::ZERO,
        Kind::Kubernetes => Span(1_000_000_000),
        Kind::Mesh => Span(100_000_000),
    }
}

fn usual_balance(kind: Kind) -> BalancePer {
    if kind == Kind::Mesh { BalancePer::Request } else { BalancePer::Connection }
}
