//! `budget` of retries: a share, or one of five forms as a table.

use super::super::check::zero;
use super::super::declare::{Kind, words};
use super::super::print::time;
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::{Shape, Table, key};
use super::super::written::Place;
use crate::diag::{Complaint, code};
use crate::model::policy::{BudgetSpec, Per};

words! {
    for Per {
        Success = "success", "Every good try puts in the deposit.";
        Call = "call", "Every call puts in the deposit.";
    }
}

/// `budget`.
static BUDGET: Table = Table {
    name: "budget",
    doc: "One of five forms: Linkerd's share of the calls of late, a bucket of tokens, gRPC's tokens, no retries while too \
          much fails, Envoy's share of what is in flight.",
    keys: &[
        &[
            key("share", Shape::Share, "Linkerd's: retries per call of the last `ttl`."),
            key("min_per_second", Shape::Number, "Retries per second that are always allowed.").or("0.0"),
            key("ttl", Shape::Duration, "How long a call pays for retries.").or("\"10s\""),
        ],
        &[
            key("deposit", Shape::Number, "Tokens: so many are put in."),
            key("per", Per::SHAPE, "What puts them in.").or("\"success\""),
            key("cap", Shape::Number, "Tokens at most, and at the start."),
            key("cost", Shape::Number, "Tokens a retry takes.").or("1.0"),
            key("timeout_cost", Shape::Number, "Tokens a retry after a timeout takes. Default: `cost`."),
            key("refund", Shape::Flag, "Whether a retry that succeeds gives back what it took (AWS SDK).").or("false"),
        ],
        &[
            key("max_tokens", Shape::Number, "gRPC's: tokens at most, and at the start; a failed try takes one."),
            key("token_ratio", Shape::Number, "Tokens a good try puts back. Retries need more than half."),
        ],
        &[key("failure_rate", Shape::Share, "No retries while more tries than this share of the calls have failed.")],
        &[
            key("budget_percent", Shape::Share, "Envoy's: retries at once per try in flight."),
            key("min_retry_concurrency", Shape::Whole, "Retries at once that are always allowed.").or("3"),
        ],
    ],
};

/// The forms: what each is called, the key without which it is none, and its other keys.
const FORMS: [(&str, &str, &[&str]); 5] = [
    ("a share of calls", "share", &["min_per_second", "ttl"]),
    ("tokens", "deposit", &["cap", "per", "cost", "timeout_cost", "refund"]),
    ("gRPC's tokens", "max_tokens", &["token_ratio"]),
    ("a breaker of retries", "failure_rate", &[]),
    ("Envoy's share of what is in flight", "budget_percent", &["min_retry_concurrency"]),
];

/// A share of calls, or a table.
pub(crate) enum Budget {}

impl Kind for Budget {
    type Value = BudgetSpec;
    const SHAPE: Shape = Shape::Or(&[Shape::Share, Shape::One(&BUDGET)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<BudgetSpec> {
        if !value.get_ref().is_table() {
            let share = read::share(desk, key, value)?;
            return Some(linkerd(desk, &View::absent(&BUDGET), share));
        }
        let inner = read::table(desk, key, value)?;
        let view = View::open(desk, &BUDGET, inner, value.span());
        match form(desk, &view, value)? {
            0 => view.read(desk, "share", read::share).map(|share| linkerd(desk, &view, share.value)),
            1 => tokens(desk, &view),
            2 => {
                let max_tokens = required(desk, &view, "max_tokens")?;
                Some(BudgetSpec::Half { max_tokens, token_ratio: required(desk, &view, "token_ratio")? })
            }
            3 => view
                .read(desk, "failure_rate", read::share)
                .map(|rate| BudgetSpec::Healthy { failure_rate: rate.value }),
            _ => Some(BudgetSpec::Active {
                share: view.read(desk, "budget_percent", read::share)?.value,
                min: view.or_default(desk, "min_retry_concurrency", read::count).value,
            }),
        }
    }
    fn print(spec: &BudgetSpec) -> String {
        format!("{{ {} }}", parts(spec).join(", "))
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
            desk.push(complaint.help(format!("begin with one of {}", read::listed(&mains))));
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
        min_per_second: view.or_default(desk, "min_per_second", read::number).value,
        ttl: view.or_default(desk, "ttl", read::duration).value,
    }
}

fn tokens(desk: &mut Desk<'_>, view: &View<'_>) -> Option<BudgetSpec> {
    let deposit = required(desk, view, "deposit")?;
    let cost = view.or_default(desk, "cost", read::number).value;
    Some(BudgetSpec::Tokens {
        deposit,
        per: view.or_default(desk, "per", Per::read).value,
        cap: required(desk, view, "cap")?,
        cost,
        timeout_cost: view.read(desk, "timeout_cost", read::number).map_or(cost, |given| given.value),
        refund: view.or_default(desk, "refund", read::flag).value,
    })
}

fn required(desk: &mut Desk<'_>, view: &View<'_>, key: &str) -> Option<f64> {
    if !view.has(key) {
        view.missing(desk, key, "this form of a budget needs it; `hoptax explain budget` lists the forms");
    }
    view.read(desk, key, read::number).map(|given| given.value)
}

fn parts(spec: &BudgetSpec) -> Vec<String> {
    match spec {
        BudgetSpec::Share { share, min_per_second, ttl } => vec![
            format!("share = {share:?}"),
            format!("min_per_second = {min_per_second:?}"),
            format!("ttl = {}", time(ttl)),
        ],
        BudgetSpec::Tokens { deposit, per, cap, cost, timeout_cost, refund } => vec![
            format!("deposit = {deposit:?}"),
            format!("per = {}", Per::print(per)),
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

/// Complains about budgets that allow nothing.
pub(super) fn ranges(spec: &BudgetSpec, place: Option<&Place>, complaints: &mut Vec<Complaint>) {
    match *spec {
        BudgetSpec::Tokens { cap, cost, .. } if cap < cost => {
            let message = format!("a retry costs {cost} tokens, but there are never more than {cap}");
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(place.cloned()));
        }
        BudgetSpec::Half { max_tokens, .. } => {
            zero(max_tokens == 0.0, "max_tokens", place, "no retry would ever be allowed", complaints);
        }
        BudgetSpec::Share { share, min_per_second, ttl } => {
            let never = share * ttl.as_secs_f64() == 0.0 && min_per_second == 0.0;
            zero(never, "budget", place, "no retry would ever be allowed", complaints);
        }
        _ => {}
    }
}
