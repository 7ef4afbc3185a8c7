use std::fmt::Write as _;

use super::*;
use crate::diag::Source;
use crate::experiment::study::{Options, load};

fn checked(text: &str) -> Checked {
    let text = format!("version = 1\n{text}");
    load(&Source::text("shop", text), None, &Options::default()).unwrap_or_else(|trouble| panic!("{trouble}"))
}

fn n_eff(text: &str) -> f64 {
    diagnose(&checked(text)).n_eff.unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// A client and a gateway before `n` services; `more` says what stands in each.
fn behind_a_gateway(n: usize, more: impl Fn(usize) -> String) -> String {
    let routes: Vec<String> = (0..n).map(|at| format!("{{ path = \"/{at}/*\", to = \"s{at}\" }}")).collect();
    let calls: Vec<String> =
        (0..n).map(|at| format!("{{ to = \"edge:/{at}/x\", share = {} }}", 1.0 / n as f64)).collect();
    let mut text = format!(
        "[clients.people]\nrate = \"10/s\"\ncalls = [{}]\n[gateways.edge]\nroutes = [{}]\n",
        calls.join(", "),
        routes.join(", ")
    );
    (0..n).for_each(|at| write!(text, "[services.s{at}]\n{}\n", more(at)).unwrap());
    text
}

const ALONE: &str = "deploys_with = []\nlibraries = {}";

#[test]
fn ten_independent_behind_one_gateway_are_ten() {
    let found = diagnose(&checked(&behind_a_gateway(10, |_| ALONE.into())));
    assert_eq!((found.services, found.n_eff, found.units.len()), (10, Some(10.0), 0));
    assert!(found.not_assessed.is_empty() && found.pairs.is_empty(), "{:?}", found.not_assessed);
    assert!(found.signs.iter().take(4).all(|sign| sign.severity == Severity::None), "{:?}", found.signs);
}

#[test]
fn all_bound_are_one_by_each_of_the_four_parts() {
    let deploy = behind_a_gateway(6, |at| format!("deploys_with = [\"s{}\"]", (at + 1) % 6));
    let data = behind_a_gateway(6, |_| "steps = [{ query = \"db\", table = \"orders\", mode = \"write\" }]".into())
        + "[databases.db]\n";
    let logic = behind_a_gateway(6, |_| "libraries = { common = \"logic\" }".into());
    let chain = |at: usize| if at < 5 { format!("steps = [\"s{}\"]", at + 1) } else { String::new() };
    for text in [deploy, data, logic, behind_a_gateway(6, chain)] {
        assert!(near(n_eff(&text), 1.0), "{text}");
    }
}

#[test]
fn three_units_of_four_are_three() {
    let unit = |at: usize| {
        let others: Vec<String> =
            (0..12).filter(|other| other / 4 == at / 4 && *other != at).map(|other| format!("\"s{other}\"")).collect();
        format!("deploys_with = [{}]", others.join(", "))
    };
    let found = diagnose(&checked(&behind_a_gateway(12, unit)));
    assert!(near(found.n_eff.unwrap(), 3.0));
    assert_eq!(found.units.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
    // Twelve of twelve, four at a time.
    assert_eq!(found.signs[0].severity, Severity::Severe);
    assert_eq!(found.signs[0].says, "12 services of 12 can only be released with others, in 3 releases");
}

#[test]
fn merging_what_is_all_bound_leaves_one() {
    let all = behind_a_gateway(4, |at| if at < 3 { format!("steps = [\"s{}\"]", at + 1) } else { String::new() });
    let merged = behind_a_gateway(1, |_| String::new());
    assert!(near(n_eff(&all), 1.0) && near(n_eff(&merged), 1.0));
}

/// What is called as a function is a part of its caller, with all that it has; what several have so binds them as a library does.
#[test]
fn a_function_is_a_part_of_its_caller() {
    let shop = |call: &str, more: &str| {
        format!(
            "[clients.a]\ncalls = \"orders\"\nrate = \"1/s\"\n[services.orders]\nsteps = [{{ call = \"users\"{call} }}]\n\
             [services.users]\nsteps = [{{ query = \"db\", table = \"users\", mode = \"write\" }}]\nlibraries = {{ rules = \"logic\" }}\n\
             [services.stock]\nlibraries = {{}}\n{more}[databases.db]\n"
        )
    };
    let function = ", transport = \"in-process\"";
    // Three services of which two are one; merged, they are two, and nothing binds the two.
    assert!(near(n_eff(&shop("", "")), 9.0 / 5.0));
    let merged = diagnose(&checked(&shop(function, "")));
    assert_eq!((merged.services, merged.n_eff, merged.units.len(), merged.pairs.len()), (2, Some(2.0), 0, 0));
    assert_eq!(merged.paths[0].longest, ["orders"]);
    // Its table and its library are its caller's.
    let table = "steps = [{ query = \"db\", table = \"users\" }]\n";
    assert!(near(n_eff(&shop(function, table)), 1.0));
    assert!(near(n_eff(&shop(function, "").replace("libraries = {}", "libraries = { rules = \"logic\" }")), 1.0));
    // Two that have it have the same rules: a library by another name.
    let copied = diagnose(&checked(&shop(function, "steps = [{ call = \"users\", transport = \"in-process\" }]\n")));
    assert_eq!((copied.services, copied.n_eff), (2, Some(1.0)));
    assert_eq!((copied.pairs[0].logic.share, copied.pairs[0].logic.by.as_str()), (Some(1.0), "users"));
    assert_eq!(copied.signs[3].severity, Severity::Moderate);
    let evidence = &copied.signs[3].evidence;
    assert!(evidence.iter().any(|one| one.says.starts_with("users (logic)")), "{evidence:?}");
}

/// Merging what is all bound leaves one, whatever stands beside it: n of what is left.
#[test]
fn merging_by_functions_leaves_what_is_beside_it() {
    let text = |call: &str| {
        let chain = |at: usize| match at {
            0..3 => format!("{ALONE}\nsteps = [{{ call = \"s{}\"{call} }}]", at + 4),
            3 => ALONE.to_owned(),
            _ => String::new(),
        };
        behind_a_gateway(4, chain) + "[services.s4]\n[services.s5]\n[services.s6]\n"
    };
    // Three pairs and one alone, of seven services: 49 ÷ 13; four once each pair is one.
    assert!(near(n_eff(&text("")), 49.0 / 13.0));
    let merged = diagnose(&checked(&text(", transport = \"in-process\"")));
    assert_eq!((merged.services, merged.n_eff), (4, Some(4.0)));
}

/// Calls that may be missed, calls by chance, a shared table and a library.
const MIXED: &str = r#"
[clients.people]
calls = [{ to = "orders.buy", share = "25%" }, { to = "orders.look", share = "75%" }]
rate = "10/s"
[services.orders.endpoints.buy]
steps = [{ call = "payments" }, { query = "db", table = "orders", mode = "write" }]
[services.orders.endpoints.look]
steps = [{ call = "users", probability = "40%" }, { call = "prices", fallback = [] }]
[services.payments]
[services.users]
[services.prices]
[services.reports]
consumes = [{ from = "sold", steps = [{ query = "db", table = "orders" }, "prices"] }]
[queues.sold]
[databases.db]
"#;

#[test]
fn shares_are_of_what_the_caller_receives() {
    let found = diagnose(&checked(MIXED));
    let loss = |one: &str, other: &str| {
        let found = found.pairs.iter().find(|pair| pair.one == one && pair.other == other);
        found.map_or(0.0, |pair| pair.loss.share.unwrap())
    };
    assert!(near(loss("orders", "payments"), 0.25) && near(loss("orders", "users"), 0.3));
    // What has a fallback is no loss, nor is a message that goes back to its queue.
    assert!(near(loss("orders", "prices"), 0.0) && near(loss("prices", "reports"), 0.0));
    let data = found.pairs.iter().find(|pair| pair.data.share == Some(1.0)).unwrap();
    assert_eq!((data.one.as_str(), data.other.as_str(), data.data.by.as_str()), ("orders", "reports", "db.orders"));
    // 25 ÷ (5 + 2 · (0.25 + 0.3 + 1)).
    assert!(near(found.n_eff.unwrap(), 25.0 / 8.1));
}

#[test]
fn names_and_their_order_change_nothing() {
    let plain = n_eff(MIXED);
    let renamed = MIXED.replace("orders.", "zz-orders.").replace("services.orders", "services.zz-orders");
    assert!(near(n_eff(&renamed), plain));
    let (clients, rest) = MIXED.split_at(MIXED.find("[services.payments]").unwrap());
    assert!(near(n_eff(&format!("{rest}{clients}")), plain));
}

#[test]
fn what_nobody_says_is_not_assessed() {
    let said = behind_a_gateway(3, |at| format!("team = \"t{at}\"\n{ALONE}"));
    let silent = behind_a_gateway(3, |_| String::new());
    let (said, silent) = (diagnose(&checked(&said)), diagnose(&checked(&silent)));
    assert_eq!((said.not_assessed.len(), said.teams), (0, Some(3)));
    assert_eq!((silent.not_assessed, silent.teams), (vec!["deploy units".to_owned(), "libraries".to_owned()], None));
    for at in [0, 3, 4] {
        assert_eq!((said.signs[at].severity, silent.signs[at].severity), (Severity::None, Severity::NotAssessed));
    }
}

#[test]
fn one_fact_changes_the_sign_that_it_is_about() {
    let base = behind_a_gateway(4, |at| {
        let table = format!("steps = [{{ query = \"db\", table = \"t{at}\", mode = \"write\" }}]");
        format!("team = \"t{at}\"\n{ALONE}\n{table}")
    }) + "[databases.db]\n";
    let before = diagnose(&checked(&base));
    let once = |from: &str, to: &str| base.replacen(from, to, 1);
    let changed = [
        (0, once("deploys_with = []", "deploys_with = [\"s1\"]")),
        (1, base.replace("table = \"t1\"", "table = \"t0\"")),
        (
            2,
            base.replace("table = \"t0\", mode = \"write\" }", "table = \"t0\", mode = \"write\" }, \"s1\"")
                .replace("table = \"t1\", mode = \"write\" }", "table = \"t1\", mode = \"write\" }, \"s2\""),
        ),
        (3, base.replace("libraries = {}", "libraries = { common = \"logic\" }")),
    ];
    for (sign, text) in changed {
        let after = diagnose(&checked(&text));
        for at in 0..4 {
            let same =
                before.signs[at].severity == after.signs[at].severity && before.signs[at].says == after.signs[at].says;
            // A call more is told with the chains, whatever they are.
            assert_eq!(same, at != sign, "{sign}: {:?} {:?}", before.signs[at], after.signs[at]);
        }
        // Whose it is has not changed; what N_eff is, is told beside it.
        assert_eq!(before.signs[4].severity, after.signs[4].severity);
        assert!(after.n_eff < before.n_eff, "{sign}");
    }
    // Who owns it binds nothing, and is told by the last sign alone.
    let after = diagnose(&checked(&once("team = \"t1\"", "team = \"t0\"")));
    assert_eq!((&after.signs[..4], after.n_eff), (&before.signs[..4], before.n_eff));
    assert!(after.signs[4] != before.signs[4]);
}

#[test]
fn a_change_says_what_did_it() {
    let old = checked(MIXED);
    let new = checked(&MIXED.replace("[services.users]", "[services.users]\nsteps = [\"payments\"]"));
    let change = change(&old, &new);
    assert_eq!((change.causes.len(), change.causes[0].fact.as_str()), (1, "edge users -> payments"));
    assert_eq!(change.causes[0].how, "new");
    // Alone it does all that was done.
    assert!(near(change.causes[0].effect, change.after.unwrap() - change.before.unwrap()));
    assert!(change.causes[0].effect < -0.1);
}

#[test]
fn few_or_none_are_no_error() {
    assert_eq!(diagnose(&checked("[clients.a]\ncalls = \"b\"\nrate = \"1/s\"\n[externals.b]\n")).n_eff, None);
    assert_eq!(n_eff("[clients.a]\ncalls = \"b\"\nrate = \"1/s\"\n[services.b]\n"), 1.0);
}

/// Three services; `of` says how the first calls the second, `table` whether it shares one with the third.
fn two_of_three(of: &str, table: bool) -> String {
    let query = |mode: &str| format!("{{ query = \"db\", table = \"t\"{mode} }}");
    let [writes, reads] = if table { [query(", mode = \"write\""), query("")] } else { [String::new(), String::new()] };
    let comma = if table { "," } else { "" };
    format!(
        "[clients.web]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nsteps = [{of}{comma} {writes}]\n[services.b]\n\
         [services.c]\nsteps = [{reads}]\n[databases.db]\n"
    )
}

/// Done by chance, three times: drawn each time, so that 1 − 0.9³ of the requests meet it.
#[test]
fn what_is_done_by_chance_and_several_times_is_drawn_each_time() {
    let found = diagnose(&checked(&two_of_three("{ call = \"b\", probability = \"10%\", times = 3 }", false)));
    assert!(near(found.pairs[0].loss.share.unwrap(), 1.0 - 0.9f64.powi(3)), "{:?}", found.pairs);
}

/// By hand: 9 ÷ (3 + 2 Σ b).
#[test]
fn what_is_different_is_told_as_it_is_now_less_as_it_was() {
    let effect = |old: &str, new: &str, fact: &str| {
        let change = change(&checked(old), &checked(new));
        let cause = change.causes.iter().find(|cause| cause.fact == fact);
        cause.map(|cause| (cause.how, (cause.effect * 1e9).round() / 1e9))
    };
    let edge = "edge a -> b";
    let once = two_of_three("\"b\"", false);
    // Called twice instead of once: as bound as before, whatever else is new.
    let twice = "{ call = \"b\", times = 2 }";
    assert_eq!(effect(&once, &two_of_three(twice, false), edge), Some(("different", 0.0)));
    assert_eq!(effect(&once, &two_of_three(twice, true), edge), Some(("different", 0.0)));
    assert_eq!(
        effect(&once, &two_of_three(twice, true), "table db.t"),
        Some(("new", ((9.0 / 7.0 - 1.8) * 1e9f64).round() / 1e9))
    );
    // Half of the time only: a bond of 0.5 instead of 1.
    let half = two_of_three("{ call = \"b\", probability = \"50%\" }", false);
    assert_eq!(effect(&once, &half, edge), Some(("different", 0.45)));
    assert_eq!(effect(&half, &once, edge), Some(("different", -0.45)));
    // It may be missing now: nothing binds any more.
    let branch = |more: &str| two_of_three(&format!("{{ parallel = [{{ call = \"b\"{more} }}] }}"), false);
    assert_eq!(effect(&branch(""), &branch(", optional = true"), edge), Some(("different", 1.2)));
    // Another reader of a table that a writes and c reads: b is bound to a already, and readers do not bind each other. Where b
    // writes it, c is bound to b, too.
    let told = two_of_three("\"b\"", true);
    let third = |mode: &str| {
        let query = format!("[services.b]\nsteps = [{{ query = \"db\", table = \"t\"{mode} }}]\n");
        told.replace("[services.b]\n", &query)
    };
    assert_eq!(effect(&told, &third(""), "table db.t"), Some(("different", 0.0)));
    let bound = ((1.0 - 9.0 / 7.0) * 1e9f64).round() / 1e9;
    assert_eq!(effect(&told, &third(", mode = \"write\""), "table db.t"), Some(("different", bound)));
    // A library with rules that b has now, and c had: of a and c, then of all three.
    let with = |b: &str| {
        let libraries = |of: &str| format!("libraries = {{ {of} }}\n");
        let logic = libraries("rules = \"logic\"");
        two_of_three("", false)
            .replace("[services.a]\n", &format!("[services.a]\n{logic}"))
            .replace("[services.b]\n", &format!("[services.b]\n{}", libraries(b)))
            .replace("[services.c]\n", &format!("[services.c]\n{logic}"))
    };
    assert_eq!(effect(&with(""), &with("rules = \"logic\""), "library rules"), Some(("different", -0.8)));
}

/// A caller comes back to itself in 15 of 100: 1.3 calls each time around, 1.3 ÷ (1 − 0.15) in all.
#[test]
fn what_a_circle_costs_is_counted() {
    let text = "[clients.web]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nsteps = [{ call = \"b\", probability = \"30%\" }]\n\
                [services.b]\nsteps = [{ call = \"a\", probability = \"50%\" }]\n";
    let calls = diagnose(&checked(text)).paths[0].calls;
    assert!((calls - 1.3 / 0.85).abs() < 1e-6, "{calls}");
}

/// Whether a cache that knows its keys alone keeps a caller from what is behind it, no file says.
#[test]
fn what_hangs_on_a_cache_is_not_assessed() {
    let text = |cache: &str| {
        format!(
            "[clients.web]\ncalls = \"b\"\nrate = \"1/s\"\n[services.b]\n{ALONE}\nsteps = [{{ cache = \"k\", on_miss = [\"c\"] }}]\n\
             [services.c]\n{ALONE}\n[caches.k]\n{cache}\n"
        )
    };
    let unknown = diagnose(&checked(&text("keys = 100000\nttl = \"100ms\"")));
    assert_eq!((unknown.pairs.len(), unknown.not_assessed.as_slice()), (0, ["requests lost".to_owned()].as_slice()));
    // One that says its share does.
    let known = diagnose(&checked(&text("hit_rate = 0.75")));
    assert!(near(known.n_eff.unwrap(), 4.0 / 2.5) && known.not_assessed.is_empty(), "{known:?}");
}

/// A release of the file that breaks a contract speaks for sign 1, whatever `deploys_with` says; over gRPC the build finds it. It is
/// no bond: nothing is released together because of it alone.
#[test]
fn a_release_that_breaks_a_contract_contradicts_who_says_that_he_is_alone() {
    let text = |more: &str, transport: &str| {
        format!(
            "[clients.web]\ncalls = \"orders\"\nrate = \"10/s\"\n[services.orders]\n{more}\n\
             steps = [{{ call = \"users\", transport = \"{transport}\" }}]\n[services.users]\n{more}\n\
             [[faults]]\nkind = \"deploy\"\ntarget = \"users\"\nat = \"5s\"\nduration = \"2s\"\nbreaking = true\n"
        )
    };
    let sign = |text: &str| diagnose(&checked(text)).signs.swap_remove(0);
    let said = sign(&text("deploys_with = []", "rest"));
    assert_eq!(said.severity, Severity::Moderate);
    assert!(said.says.contains("but a release that breaks a contract takes its callers with it"), "{said:?}");
    assert!(said.evidence[0].says.contains("orders misunderstand it") && said.evidence[0].line.is_some(), "{said:?}");
    assert_eq!(sign(&text("", "rest")).severity, Severity::Moderate);
    let built = sign(&text("deploys_with = []", "grpc"));
    assert_eq!(built.severity, Severity::None);
    assert!(built.evidence[0].says.contains("the build of orders finds it"), "{built:?}");
    assert_eq!(sign(&text("", "grpc")).severity, Severity::NotAssessed);
    let harmless = text("deploys_with = []", "rest").replace("breaking = true", "breaking = false");
    assert_eq!((sign(&harmless).severity, sign(&harmless).evidence.len()), (Severity::None, 0));
}

/// One count of services in a row, in the sign and for each client: gateways are none.
#[test]
fn a_gateway_is_no_service_in_a_row() {
    let found = diagnose(&checked(&behind_a_gateway(3, |at| {
        if at < 2 { format!("steps = [\"s{}\"]", at + 1) } else { String::new() }
    })));
    assert_eq!((found.paths[0].services, found.paths[0].longest.len()), (3, 4));
    assert!(found.signs[2].says.starts_with("3 services in a row at most behind a gateway"), "{}", found.signs[2].says);
}
