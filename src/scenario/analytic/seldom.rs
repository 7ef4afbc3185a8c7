//! What comes seldom and is large when it comes: among many requests one that asks for as much as all others together, or a
//! rate that jumps. Nothing that is under way tells that it will come.

use super::super::law_mean::mean;
use super::forecast;
use crate::random::dist::{Dist, Law};
use crate::scenario::Checked;
use crate::scenario::written::{Arrivals, Endpoint, Load, Step, Verb};

/// Squared coefficients of variation above this are those of heavy tails; an exponential has 1.
const WIDE: f64 = 4.0;

/// What is less likely than this comes seldom.
const SELDOM: f64 = 0.01;

/// What asks for so many times as much as the rest on average is large.
const LARGE: f64 = 10.0;

/// What comes seldom and is large, in words: `work at desk`, `the rate of users`.
pub fn surprises(checked: &Checked) -> Vec<String> {
    let scenario = &checked.scenario;
    let mut all = Vec::new();
    for (name, client) in &scenario.clients {
        if jumps(&client.load) {
            all.push(format!("the rate of {name}"));
        }
    }
    let rates = forecast(scenario).programs;
    for (name, node) in &scenario.nodes {
        let asked: Vec<(f64, f64)> =
            node.programs().map(|program| (rate(&rates, name, program), own(program))).collect();
        let (often, sum) = asked.iter().fold((0.0, 0.0), |(n, sum), (rate, own)| (n + rate, sum + rate * own));
        let usual = if often > 0.0 { sum / often } else { 0.0 };
        let rare_one = asked.iter().any(|(rate, own)| *rate > 0.0 && *rate < SELDOM * often && *own > LARGE * usual);
        if rare_one || node.programs().any(|program| is_surprising(program, usual)) {
            all.push(format!("work at {name}"));
        }
    }
    let mut heavy = false;
    let network = &scenario.network;
    for law in [&network.same_host, &network.same_zone, &network.cross_zone, &network.cross_region] {
        heavy |= is_heavy(&law.value);
    }
    network.links.iter().filter_map(|link| link.latency.as_ref()).for_each(|law| heavy |= is_heavy(&law.value));
    all.extend(heavy.then(|| "the network".to_owned()));
    all
}

fn rate(rates: &[(String, String, f64)], node: &str, program: &Endpoint) -> f64 {
    let own = rates.iter().find(|(of, name, _)| of == node && *name == program.name.value);
    own.map_or(0.0, |(.., rate)| *rate)
}

/// Whether more comes for a while, and nothing that is there says when.
fn jumps(load: &Load) -> bool {
    let Load::Open { arrivals, batch, .. } = load else { return false };
    let wide = match &arrivals.value {
        Arrivals::Bursty { .. } | Arrivals::Replay { .. } => true,
        Arrivals::Gaps(law) => is_heavy(law),
        Arrivals::Poisson | Arrivals::Constant => false,
    };
    wide || batch.value.as_ref().is_some_and(is_heavy)
}

/// What one run of a program asks for itself on average, ns: its own work and waits, what comes seldom left out.
fn own(program: &Endpoint) -> f64 {
    let mut sum: f64 = program.work.value.iter().chain(&program.wait.value).map(mean).sum();
    each(&program.steps, 1.0, &mut |often, law| sum += if often < SELDOM { 0.0 } else { often * mean(law) });
    sum
}

fn is_surprising(program: &Endpoint, usual: f64) -> bool {
    let mut any = program.work.value.iter().chain(&program.wait.value).any(is_heavy);
    each(&program.steps, 1.0, &mut |often, law| {
        any |= is_heavy(law) || often < SELDOM && mean(law) > LARGE * usual;
    });
    any
}

/// Works and waits of steps, each with how likely it is.
fn each(steps: &[Step], often: f64, visit: &mut impl FnMut(f64, &Law)) {
    for step in steps {
        let often = often * step.probability.value;
        match &step.verb {
            Verb::Work(law) | Verb::Wait(law) => visit(often, law),
            Verb::Split(arms) => {
                let all: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().for_each(|arm| each(&arm.steps, often * arm.weight.value / all, &mut *visit));
            }
            _ => inside(step, &mut |inner| each(inner, often, &mut *visit)),
        }
    }
}

/// The steps right inside one.
fn inside(step: &Step, visit: &mut dyn FnMut(&[Step])) {
    match &step.verb {
        Verb::Parallel { branches, .. } => {
            branches.iter().for_each(|branch| visit(std::slice::from_ref(&branch.step)));
        }
        Verb::Transaction { steps, .. } | Verb::Cache { on_miss: steps, .. } | Verb::Remember { steps, .. } => {
            visit(steps);
        }
        Verb::Call(call) | Verb::Query(call) => call.fallback.iter().for_each(|fallback| visit(&fallback.value)),
        _ => {}
    }
}

fn is_heavy(law: &Law) -> bool {
    match law {
        Law::Pareto { .. } => true,
        Law::Weibull { shape, .. } if *shape < 1.0 => true,
        Law::Mix(parts) => {
            let usual: f64 = parts.iter().map(|(share, law)| share * mean(law)).sum();
            parts.iter().any(|(share, law)| is_heavy(law) || *share < SELDOM && mean(law) > LARGE * usual)
                || Dist::new(law).is_ok_and(|dist| dist.scv() > WIDE)
        }
        law => Dist::new(law).is_ok_and(|dist| dist.scv() > WIDE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    fn of(client: &str, desk: &str) -> Vec<String> {
        let text = format!(
            "version = 1\n[clients.users]\ncalls = \"desk\"\n{client}\n[services.desk]\n{desk}\n[services.slow]\nwork = \"1ms\"\n"
        );
        let checked = crate::scenario::load(&Source::text("seldom", &text), &[]).unwrap_or_else(|_| panic!("{text}"));
        surprises(&checked)
    }

    #[test]
    fn what_is_seldom_and_large_is_named() {
        let (rate, work) = ("rate = \"9/s\"", "work = { mean = \"50ms\" }");
        assert!(of(rate, work).is_empty());
        assert!(of(rate, "work = { p50 = \"8ms\", p99 = \"60ms\" }").is_empty());
        let desk = ["work at desk"];
        assert_eq!(of(rate, "work = { dist = \"lognormal\", mean = \"50ms\", cv = 8 }"), desk);
        assert_eq!(of(rate, "work = { dist = \"pareto\", min = \"10ms\", max = \"60s\", alpha = 1.5 }"), desk);
        // One in a million takes a minute: its variance hardly shows.
        let mix =
            "work = { mix = [{ share = \"99.9999%\", mean = \"50ms\" }, { share = \"0.0001%\", value = \"60s\" }] }";
        assert_eq!(of(rate, mix), desk);
        assert_eq!(of(rate, &format!("{work}\nsteps = [{{ work = \"60s\", probability = 0.000001 }}]")), desk);
        let split =
            "steps = [{ split = [{ weight = 1, steps = [{ work = \"60s\" }] }, { weight = 100000, steps = [] }] }]";
        assert_eq!(of(rate, &format!("{work}\n{split}")), desk);
        assert!(of(rate, &format!("{work}\nsteps = [{{ work = \"60ms\", probability = 0.001 }}]")).is_empty());
        let bursty = "arrivals = \"bursty\"\nbursty = { low = \"5/s\", high = \"35/s\", stay_low = \"500s\", stay_high = \"30s\" }";
        assert_eq!(of(bursty, work), ["the rate of users"]);
    }

    #[test]
    fn so_is_an_endpoint_that_is_seldom_asked() {
        let text = "version = 1\n[clients.users]\ncalls = [{ to = \"desk.look\", share = \"99.99%\" }, { to = \"desk.export\", share = \"0.01%\" }]\nrate = \"9/s\"\n[services.desk.endpoints.look]\nwork = \"20ms\"\n[services.desk.endpoints.export]\nwork = \"40s\"\n";
        let checked = crate::scenario::load(&Source::text("seldom", text), &[]).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(surprises(&checked), ["work at desk"]);
    }
}
