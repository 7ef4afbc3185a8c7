//! Topics and their groups.

use std::collections::BTreeMap;

use super::super::measure::{Reading, bin_width};
use super::super::summary::{Depth, Group, Topic};
use super::{CONFIDENCE, Replication, distribution};
use crate::graph;
use crate::model::Plan;
use crate::model::stream::topic;
use crate::stats::{Interval, mean_of, ratio};

/// What happened to the records of every topic.
pub(crate) fn topics(replications: &[Replication], plan: &Plan) -> BTreeMap<String, Topic> {
    let named = plan.topics.iter().enumerate();
    named.map(|(at, topic)| (plan.node(topic.node).name.clone(), of_topic(replications, plan, at, topic))).collect()
}

fn of_topic(replications: &[Replication], plan: &Plan, at: usize, topic: &topic::Topic) -> Topic {
    let feeds = || replications.iter().map(|r| &r.measure.feeds[at]);
    let sizes: Vec<(f64, f64)> = feeds().map(|f| (f.batched as f64, f.batches as f64)).collect();
    let rates: Vec<f64> =
        replications.iter().map(|r| r.measure.feeds[at].batches as f64 / r.span.as_secs_f64()).collect();
    let some = sizes.iter().any(|s| s.1 > 0.0);
    let groups = topic.groups.clone().map(|group| {
        let name = &plan.groups[group as usize].name;
        let short = graph::group(name).map_or(name.as_str(), |n| n.1);
        (short.to_owned(), of_group(replications, plan, group as usize))
    });
    Topic {
        published: feeds().map(|f| f.published).sum(),
        batch_size: if some { ratio(&sizes, CONFIDENCE) } else { Interval::NONE },
        batches_per_s: mean_of(&rates, CONFIDENCE),
        lost: feeds().map(|f| f.lost).sum(),
        groups: groups.collect(),
    }
}

fn of_group(replications: &[Replication], plan: &Plan, at: usize) -> Group {
    let each: Vec<&Reading> = replications.iter().map(|r| &r.measure.readings[at]).collect();
    let count = |of: &dyn Fn(&Reading) -> u64| each.iter().map(|r| of(r)).sum();
    let lags: Vec<f64> = replications.iter().map(|r| r.measure.readings[at].mean_lag(r.span)).collect();
    let width = bin_width(plan.duration) as f64 / 1e9;
    let bins = each.first().map_or(0, |r| r.curve.len());
    let top = |bin: usize| each.iter().map(|r| r.curve[bin] as f64).sum::<f64>() / each.len() as f64;
    Group {
        consumed: count(&|r| r.consumed),
        duplicates: count(&|r| r.duplicates),
        skipped: count(&|r| r.skipped),
        lag_at_end: count(&|r| r.lag_at_end),
        unanswered: count(&|r| r.open.count()),
        oldest_unanswered_s: super::oldest(each.iter().map(|r| &r.open)),
        max_lag: each.iter().map(|r| r.max_lag).max().unwrap_or(0),
        mean_lag: mean_of(&lags, CONFIDENCE),
        delay_ms: distribution(&each.iter().map(|r| &r.delay).collect::<Vec<_>>(), 0),
        rebalances: count(&|r| r.rebalances),
        timeline: (0..bins).map(|bin| Depth { from_s: bin as f64 * width, width_s: width, ready: top(bin) }).collect(),
    }
}
