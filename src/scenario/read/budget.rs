//! Retry budgets: a share, or one of five forms as a table.

use super::value::{number, share, table};
use super::view::{View, listed};
use super::{Desk, Value, value};
use crate::diag::{Complaint, code};
use crate::model::policy::{BudgetSpec, Per};
use crate::scenario::vocab::BUDGET;

/// The forms: what each is called, the key without which it is none, and its other keys.
const FORMS: [(&str, &str, &[&str]); 5] = [
    ("a share of calls", "share", &["min_per_second", "ttl"]),
    ("tokens", "deposit", &["cap", "per", "cost", "timeout_cost", "refund"]),
    ("gRPC's tokens", "max_tokens", &["token_ratio"]),
    ("a breaker of retries", "failure_rate", &[]),
    ("Envoy's share of what is in flight", "budget_percent", &["min_retry_concurrency"]),
];

/// A share of calls, or a table.
pub(super) fn budget(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<BudgetSpec> {
    if !value.get_ref().is_table() {
        let share = share(desk, key, value)?;
        let absent = View::absent(&BUDGET);
        return Some(linkerd(desk, &absent, share));
    }
    let inner = table(desk, key, value)?;
    let view = View::open(desk, &BUDGET, inner, value.span());
    let form = form(desk, &view, value)?;
    match form {
        0 => view.read(desk, "share", share).map(|share| linkerd(desk, &view, share.value)),
        1 => tokens(desk, &view),
        2 => {
            let max_tokens = required(desk, &view, "max_tokens")?;
            Some(BudgetSpec::Half { max_tokens, token_ratio: required(desk, &view, "token_ratio")? })
        }
        3 => view.read(desk, "failure_rate", share).map(|rate| BudgetSpec::Healthy { failure_rate: rate.value }),
        _ => Some(BudgetSpec::Active {
            share: view.read(desk, "budget_percent", share)?.value,
            min: view.or_default(desk, "min_retry_concurrency", value::count).value,
        }),
    }
}

/// Which form it is; complains about none and about a mixture.
fn form(desk: &mut Desk<'_>, view: &View<'_>, value: &Value<'_>) -> Option<usize> {
    let says = |(_, main, rest): &(&str, &str, &[&str])| view.has(main) || rest.iter().any(|key| view.has(key));
    let said: Vec<usize> = (0..FORMS.len()).filter(|form| says(&FORMS[*form])).collect();
    match said[..] {
        [one] if view.has(FORMS[one].1) => Some(one),
        [one] => {
            let (what, main, _) = FORMS[one];
            view.missing(desk, main, &format!("the other keys are those of {what}, which begins with `{main}`"));
            None
        }
        [] => {
            let mains: Vec<&str> = FORMS.iter().map(|(_, main, _)| *main).collect();
            let complaint = Complaint::error(code::MISSING_KEY, "an empty budget").at(value.span());
            desk.push(complaint.help(format!("begin with one of {}", listed(&mains))));
            None
        }
        [first, second, ..] => {
            let message = format!("a budget of two forms: {}, and {}", FORMS[first].0, FORMS[second].0);
            let complaint = Complaint::error(code::CONTRADICTION, message).at(value.span());
            desk.push(complaint.help("keep the keys of one form; `hoptax explain budget` lists them"));
            None
        }
    }
}

fn linkerd(desk: &mut Desk<'_>, view: &View<'_>, share: f64) -> BudgetSpec {
    BudgetSpec::Share {
        share,
        min_per_second: view.or_default(desk, "min_per_second", number).value,
        ttl: view.or_default(desk, "ttl", value::duration).value,
    }
}

fn tokens(desk: &mut Desk<'_>, view: &View<'_>) -> Option<BudgetSpec> {
    let deposit = required(desk, view, "deposit")?;
    let cost = view.or_default(desk, "cost", number).value;
    Some(BudgetSpec::Tokens {
        deposit,
        per: view.choice(desk, "per", &[("success", Per::Success), ("call", Per::Call)]).value,
        cap: required(desk, view, "cap")?,
        cost,
        timeout_cost: view.read(desk, "timeout_cost", number).map_or(cost, |given| given.value),
        refund: view.or_default(desk, "refund", value::flag).value,
    })
}

fn required(desk: &mut Desk<'_>, view: &View<'_>, key: &str) -> Option<f64> {
    if !view.has(key) {
        view.missing(desk, key, "this form of a budget needs it; `hoptax explain budget` lists the forms");
    }
    view.read(desk, key, number).map(|given| given.value)
}
