//! What fits and what would make it better: the answer in a sentence, the ways out, who tells whom what.

use crate::diag::nouns;
use crate::experiment::advise::{
    Advice, Again, By, Class, Fit, Interaction, Kind, Look, Moved, Outcome, Subject, Undone, Whole,
};
use crate::experiment::compare::{Difference, Figures, Verdict};
use crate::experiment::study::Head;
use crate::experiment::summary::Estimate;
use crate::report::compare::{apart_ms, apart_share};
use crate::report::number::{NONE, percent, plain, time};
use crate::report::page::{Figure, Page, how, of_what, shortened};
use crate::report::sheet::{Cell, Sheet, Tone};
use crate::report::text::clean;

/// A share that changes by less is none, as where ways are ranked.
const WORTH: f64 = 0.05;

/// Rows of a table for a screen.
const ROWS: usize = 14;

/// The page; `every`: all rows, and those interactions that fit.
pub fn page(advice: &Advice, every: bool) -> Page {
    let mut tables = vec![(ways_title(advice), ways(advice, every))];
    tables.push(("the file as a whole".into(), whole(advice)));
    tables.push(("who tells whom".into(), interactions(advice, every)));
    Page {
        answer: answer(advice),
        heading: heading(advice),
        warnings: warnings(advice),
        tables,
        notes: notes(advice),
        figures: figures(advice),
    }
}

fn ways_title(advice: &Advice) -> String {
    format!("ways out, tried: {}", advice.client.as_deref().map(clean).unwrap_or_default())
}

/// What to do, or that there is nothing to do.
pub fn answer(advice: &Advice) -> String {
    let Some(best) = advice.ways.first() else { return by_rules(advice) };
    let tried = advice.ways.len() - 1;
    let all =
        if tried == 1 { "the one way that was tried".to_owned() } else { format!("the {tried} ways that were tried") };
    if best.class == Class::AsItIs {
        return match tried {
            0 if !advice.missing.is_empty() => format!("interrupted before anything was tried; {}", by_rules(advice)),
            0 => format!("there is nothing to be tried; {}", by_rules(advice)),
            1 => format!(
                "leave it as it is: {all} makes nothing better that is not paid for elsewhere{}",
                against(advice)
            ),
            _ => {
                let none = "makes anything better that is not paid for elsewhere";
                format!("leave it as it is: none of {all} {none}{}", against(advice))
            }
        };
    }
    let gains = told(best, advice.ways.iter().find(|one| one.kind.is_none()));
    let again = advice.again.as_ref().map(afresh).unwrap_or_default();
    let reads = best.reads_back.as_ref().map(|why| format!("; but {}", clean(why))).unwrap_or_default();
    format!("{} gains most of {all}: {gains}{again}{reads}{}", clean(&best.way), besides(advice))
}

/// What the rules would change of the whole file besides the best way, and what became of that.
fn besides(advice: &Advice) -> String {
    let odd = advice.whole.iter().filter(|one| matches!(one.fit, Fit::Change | Fit::MoreThanNeeded));
    let best = advice.ways.first().and_then(|best| best.kind);
    let other = odd.into_iter().find(|one| best.is_none_or(|best| !kinds(one.subject).contains(&best)));
    other.map_or_else(String::new, |one| {
        format!(
            "; by the rules, {} would be better off with {}, {}",
            clean(&one.there),
            an(one.pattern),
            became_of(whole_tried(advice, one), advice)
        )
    })
}

/// Ways that are about the whole file.
fn kinds(subject: Subject) -> &'static [Kind] {
    match subject {
        Subject::Discovery => &[Kind::NoMesh, Kind::Mesh, Kind::Names],
        Subject::Entry => &[Kind::Gateway, Kind::NoGateway],
    }
}

/// The way that does what a rule of the whole file asks for.
fn whole_tried<'a>(advice: &'a Advice, one: &Whole) -> Option<&'a Outcome> {
    advice.ways.iter().find(|way| way.kind.is_some_and(|kind| kinds(one.subject).contains(&kind)))
}

/// What became of what a rule asks for, with its figures.
fn became_of(way: Option<&Outcome>, advice: &Advice) -> String {
    let Some(way) = way else { return "which was not tried".into() };
    let figures = || {
        let all = told(way, advice.ways.iter().find(|one| one.kind.is_none()));
        let mean = &way.client.mean_ms;
        // Where the slowest hundredth hides what a hop costs, the mean does not.
        let hidden = mean.is_significant() && !way.client.p99_ms.is_significant();
        if hidden { format!("mean {}, {all}", apart_ms(mean.difference)) } else { all }
    };
    match way.class {
        Class::Better => format!("which gains, too ({})", figures()),
        Class::Trade => format!("which is a trade here ({})", figures()),
        Class::Worse => format!("which makes it worse here ({})", figures()),
        Class::Nothing | Class::AsItIs => format!("which buys nothing here ({})", figures()),
    }
}

/// What fresh seeds showed of the best, which had been chosen by others: its own figures, not those that it was chosen by.
fn afresh(again: &Again) -> String {
    let apart = again.blast[0].ends().zip(again.blast[1].ends()).is_some_and(|(a, b)| a.1 < b.0 || b.1 < a.0);
    let mut parts = of_client(&again.client);
    if apart {
        parts.push(format!("outages {}", or_none(again.blast[1])));
    }
    let figures = if parts.is_empty() { "neither p99, success nor outages differ".into() } else { parts.join(", ") };
    let seed = again.seed;
    if again.holds {
        format!("; again on fresh seeds (from {seed}): {figures}")
    } else {
        format!("; not so on fresh seeds (from {seed}): {figures}")
    }
}

/// What the rules would change although nothing that was tried gains by it, and what became of that.
fn against(advice: &Advice) -> String {
    let odd = |fit: Fit| matches!(fit, Fit::Change | Fit::MoreThanNeeded);
    let tried = |one: &Interaction| {
        let kind = match one.pattern {
            "queue" => Kind::Queue,
            "stream" => Kind::Stream,
            _ => return became_of(None, advice),
        };
        let same = |way: &&Outcome| way.edge.as_ref() == Some(&one.edge) || way.together.contains(&one.edge);
        became_of(advice.ways.iter().filter(|way| way.kind == Some(kind)).find(same), advice)
    };
    let edges = advice.interactions.iter().filter(|one| odd(one.fit));
    let edges = edges.map(|one| (clean(&one.edge), one.pattern, tried(one)));
    let wholes = advice.whole.iter().filter(|one| odd(one.fit));
    let wholes = wholes.map(|one| (clean(&one.there), one.pattern, became_of(whole_tried(advice, one), advice)));
    let all: Vec<(String, &str, String)> = edges.chain(wholes).collect();
    let Some((what, pattern, tried)) = all.first() else { return String::new() };
    let more = if all.len() > 1 { format!("; {} more below", all.len() - 1) } else { String::new() };
    format!("; by the rules, {what} would be better off with {}, {tried}{more}", an(pattern))
}

/// A pattern with its article, where it has one.
fn an(pattern: &str) -> String {
    if ["queue", "stream"].contains(&pattern) { format!("a {pattern}") } else { pattern.to_owned() }
}

/// The answer where nothing was run.
fn by_rules(advice: &Advice) -> String {
    let odd = |fit: Fit| matches!(fit, Fit::Change | Fit::MoreThanNeeded);
    let edges = advice.interactions.iter().filter(|one| odd(one.fit)).map(|one| (clean(&one.edge), one.pattern));
    let wholes = advice.whole.iter().filter(|one| odd(one.fit)).map(|one| (one.there.clone(), one.pattern));
    let all: Vec<(String, &str)> = edges.chain(wholes).collect();
    match all.first() {
        None if advice.interactions.is_empty() && advice.whole.is_empty() => {
            "there is nothing to judge: nobody tells anybody anything".into()
        }
        None if advice.interactions.is_empty() => {
            "there is no interaction to judge: no service tells another anything".into()
        }
        None => "every interaction is told in a way that fits".into(),
        Some((what, pattern)) => {
            let more = if all.len() > 1 { format!("; {} more below", all.len() - 1) } else { String::new() };
            format!("by the rules, {what} would be better off with {}{more}", an(pattern))
        }
    }
}

/// What a way changes against the file as it is, in a few words.
fn told(one: &Outcome, base: Option<&Outcome>) -> String {
    let mut parts = of_client(&one.client);
    if one.blast_differs {
        parts.push(format!("outages {}", or_none(one.blast)));
    }
    let effects = one.flows.iter().filter(|(_, figures)| figures.p99_ms.is_significant());
    parts.extend(effects.map(|(flow, figures)| format!("{} p99 {}", clean(flow), apart_ms(figures.p99_ms.difference))));
    // A merge makes fewer services of fewer: that is no gain to be told of.
    let n_eff = |one: Option<&Outcome>| one.filter(|one| one.kind != Some(Kind::Merge)).and_then(|one| one.n_eff);
    if let Some((is, was)) = n_eff(Some(one)).zip(n_eff(base)).filter(|(is, was)| (is / was).ln().abs() >= WORTH) {
        parts.push(format!("{is:.1} services in effect instead of {was:.1}"));
    }
    if let Some(Moved { node, lost: [was, is] }) = &one.moved {
        let (node, was, is) = (clean(node), percent(*was), percent(*is));
        parts.push(format!("when {node} gets another address {is} of all requests are lost instead of {was}"));
    }
    if parts.is_empty() { "nothing beyond chance".into() } else { parts.join(", ") }
}

/// What the client feels beyond chance.
fn of_client(figures: &Figures) -> Vec<String> {
    let of = [("p99", &figures.p99_ms), ("success", &figures.success_rate)];
    let beyond = of.into_iter().filter(|(_, difference)| difference.is_significant());
    beyond
        .map(|(word, difference)| match word {
            "success" => format!("{word} {}", apart_share(difference.difference)),
            _ => format!("{word} {}", apart_ms(difference.difference)),
        })
        .collect()
}

fn or_none(blast: Estimate) -> String {
    blast.value.map_or_else(|| NONE.into(), |value| format!("{value:.2}"))
}

fn heading(advice: &Advice) -> Vec<String> {
    let Head { scenario, tool, note, .. } = &advice.head;
    let mut all = of_what(scenario, tool, note);
    if !advice.ways.is_empty() {
        all.extend(how(&advice.head));
        all.push("common random numbers, replication by replication".into());
        all.extend(advice.shortened.into_iter().flat_map(shortened));
    }
    all
}

fn warnings(advice: &Advice) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(first) = advice.missing.first() {
        all.push(format!("interrupted: {} not tried, such as {}", advice.missing.len(), clean(first)));
    }
    if !advice.ways.is_empty() && advice.head.replications < 2 {
        all.push("one replication has no intervals: run at least two".into());
    }
    all
}

/// What each way comes to.
fn ways(advice: &Advice, every: bool) -> Sheet {
    let columns = [
        ("way", 9),
        ("p99", 8),
        ("success", 6),
        ("outages", 7),
        ("services", 6),
        ("verdict", 9),
        ("effect p99", 5),
        ("parts", 4),
        ("cores", 3),
        ("an hour", 2),
    ];
    // What it costs besides is told below for the best, and for all with -v: a name that is cut says nothing.
    let mut sheet = Sheet::new(if every { &columns } else { &columns[..6] });
    let shown = if every { usize::MAX } else { ROWS };
    // The file as it is is among those that are shown, whatever its place.
    let keep = |at: usize, one: &Outcome| at < shown || one.kind.is_none();
    let (rows, left): (Vec<_>, Vec<_>) = advice.ways.iter().enumerate().partition(|(at, one)| keep(*at, one));
    for (_, one) in rows {
        let row = row(one);
        sheet.push(&clean(&one.way), row.into_iter().take(sheet.columns.len() - 1));
    }
    sheet.note = (!left.is_empty()).then(|| format!("{} more not shown; all with -v", left.len()));
    sheet
}

fn row(one: &Outcome) -> Vec<Cell> {
    let effect = one.flows.values().map(|figures| &figures.p99_ms).max_by(|a, b| {
        let of = |difference: &Difference| difference.difference.value.unwrap_or(0.0).abs();
        of(a).total_cmp(&of(b))
    });
    let as_it_is = one.kind.is_none();
    let milliseconds = |difference: &Difference| {
        let itself = || difference.base.value.map_or_else(|| NONE.into(), time).into();
        if as_it_is { itself() } else { cell(difference, apart_ms(difference.difference)) }
    };
    let success = &one.client.success_rate;
    let itself = || success.base.value.map_or_else(|| NONE.into(), percent).into();
    let success = if as_it_is { itself() } else { cell(success, apart_share(success.difference)) };
    let unknown = one.blast.value.is_none();
    let same = !one.blast_differs && !as_it_is && !unknown;
    let outages = if same { Cell::toned("=", Tone::Faint) } else { or_none(one.blast).into() };
    vec![
        milliseconds(&one.client.p99_ms),
        success,
        outages,
        one.n_eff.map_or_else(|| NONE.to_owned(), |n| format!("{n:.1}")).into(),
        word(one.class),
        effect.map_or_else(|| Cell::toned("", Tone::Faint), milliseconds),
        one.moving_parts.to_string().into(),
        one.cores.map_or_else(|| NONE.to_owned(), plain).into(),
        one.cost_per_hour.map_or_else(|| NONE.to_owned(), plain).into(),
    ]
}

fn cell(difference: &Difference, apart: String) -> Cell {
    match difference.verdict {
        Verdict::Same | Verdict::NoSignificantDifference => Cell::toned("=", Tone::Faint),
        Verdict::NotComparable | Verdict::Unknown => Cell::toned(NONE, Tone::Faint),
        Verdict::Lower | Verdict::Higher => apart.into(),
    }
}

fn word(class: Class) -> Cell {
    match class {
        Class::Better => Cell::toned("better", Tone::Good),
        Class::AsItIs => Cell::toned("as it is", Tone::Strong),
        Class::Trade => Cell::toned("a trade", Tone::Odd),
        Class::Nothing => Cell::toned("buys nothing", Tone::Faint),
        Class::Worse => Cell::toned("worse", Tone::Bad),
    }
}

fn whole(advice: &Advice) -> Sheet {
    let mut sheet = Sheet::new(&[("about", 9), ("there", 6), ("fits", 8), ("verdict", 7), ("because", 3)]);
    for one in &advice.whole {
        let subject = match one.subject {
            Subject::Discovery => "finding each other",
            Subject::Entry => "coming in",
        };
        sheet.push(subject, [clean(&one.there).into(), one.pattern.into(), fit(one.fit), one.why.clone().into()]);
    }
    sheet
}

fn fit(fit: Fit) -> Cell {
    match fit {
        Fit::Fits => Cell::toned("fits", Tone::Good),
        Fit::Either => Cell::toned("either", Tone::Faint),
        Fit::MoreThanNeeded => Cell::toned("more than needed", Tone::Odd),
        Fit::Change => Cell::toned("change", Tone::Bad),
    }
}

/// What does not fit first; what does, with `every` alone.
fn interactions(advice: &Advice, every: bool) -> Sheet {
    let mut sheet = Sheet::new(&[("edge", 9), ("by", 5), ("rate", 4), ("fits", 8), ("verdict", 7), ("because", 3)]);
    let odd = |one: &&Interaction| matches!(one.fit, Fit::Change | Fit::MoreThanNeeded);
    let (first, then): (Vec<&Interaction>, Vec<&Interaction>) = advice.interactions.iter().partition(odd);
    let room = ROWS.saturating_sub(first.len());
    let shown = if every { then.len() } else { room.min(then.len()) };
    for one in first.iter().chain(&then[..shown]) {
        let by = match (one.by, &one.transport) {
            (By::Queue, _) => "queue".to_owned(),
            (By::Topic, _) => "stream".to_owned(),
            (By::Entry | By::Call, over) => over.as_deref().map(clean).unwrap_or_default(),
        };
        let often = one.rate_per_s.map_or_else(|| NONE.to_owned(), |rate| format!("{}/s", plain(rate)));
        let row = [by.into(), often.into(), one.pattern.into(), fit(one.fit), one.why.clone().into()];
        sheet.push(&clean(&one.edge), row);
    }
    let left = then.len() - shown;
    sheet.note = (left > 0).then(|| format!("{left} more that fit; all with -v"));
    sheet
}

fn notes(advice: &Advice) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(best) = advice.ways.first().filter(|best| best.kind.is_some()) {
        all.extend(best.reads_back.iter().map(|why| format!("{}: {}", clean(&best.way), clean(why))));
        all.extend(best.notes.iter().map(|note| format!("{}: {}", clean(&best.way), clean(note))));
        all.push(price(best, advice));
        all.extend(best.old_state.iter().filter_map(|(flow, looks)| looked(flow, looks)));
        let open = best.open_effects.iter().filter(|(_, open)| **open >= 0.01);
        all.extend(open.map(|(flow, open)| {
            format!(
                "{}: {} promised but not yet done at any moment, on average",
                clean(flow),
                plain((open * 100.0).round() / 100.0)
            )
        }));
    }
    let worse = advice.ways.iter().filter(|one| !one.reasons.is_empty());
    // What is done on the way may be a reason as well: a database that is split, a connection that stays where it is.
    all.extend(worse.filter(|one| one.class != Class::Better).take(5).map(|one| {
        let why: Vec<String> = one.reasons.iter().chain(&one.notes).map(|why| clean(why)).collect();
        format!("why worse: {}: {}", clean(&one.way), why.join("; "))
    }));
    all.extend(advice.ways.iter().filter_map(|one| parted(one, advice)));
    all.extend(advice.ways.iter().filter_map(taken_back));
    let odd = advice.interactions.iter().filter(|one| matches!(one.fit, Fit::Change | Fit::MoreThanNeeded));
    all.extend(odd.take(5).map(|one| format!("{}: {}", clean(&one.edge), one.why)));
    let odd = advice.whole.iter().filter(|one| matches!(one.fit, Fit::Change | Fit::MoreThanNeeded));
    for one in odd {
        all.push(format!("{}: {}", clean(&one.there), one.why));
        let other = whole_tried(advice, one).filter(|way| advice.ways.first().is_some_and(|best| best.way != way.way));
        all.extend(
            other.into_iter().flat_map(|way| &way.notes).map(|note| format!("{}: {}", clean(one.pattern), clean(note))),
        );
    }
    if !advice.ways.is_empty() {
        all.push(
            "outages: the share of all traffic that is lost or late while one thing is down and says nothing, summed over \
             everything that may be; services: in effect, read off the file; = no difference beyond chance, – no figure that \
             the runs carry; better and worse: by 5 % at least (p99: Holm), ranked by the sum of the logarithms of all that \
             changes"
                .into(),
        );
    }
    if advice.ways.iter().any(|one| one.p99_undisturbed) {
        all.push(
            "p99: of the file without its faults (--save: NAME-without-faults); with them more than a hundredth is never \
             served. success: with them"
                .into(),
        );
    }
    all.extend(advice.refused.iter().map(|why| format!("not tried: {}", clean(why))));
    all
}

/// Of those who look some time after the answer, how many see the old state; nothing where hardly anybody does.
fn looked(flow: &str, looks: &[Look]) -> Option<String> {
    let seen: Vec<String> = looks
        .iter()
        .filter(|look| look.share >= 0.0005)
        .map(|look| match look.after_ms {
            ms if ms > 0.0 => format!("{} {} after it", percent(look.share), time(ms)),
            _ => format!("{} at the answer", percent(look.share)),
        })
        .collect();
    let told = || format!("{}: who looks sees the old state: {}", clean(flow), seen.join(", "));
    (!seen.is_empty()).then(told)
}

/// What crashes between a commit and its message do, told of the first way that has one on each edge, its outbox beside it.
fn parted(one: &Outcome, advice: &Advice) -> Option<String> {
    let plain = one.crashes.as_ref().filter(|crashes| !crashes.outbox)?;
    let same = |other: &&Outcome| other.edge == one.edge && other.crashes.is_some();
    let is_plain = |other: &&Outcome| other.crashes.as_ref().is_some_and(|crashes| !crashes.outbox);
    let first = advice.ways.iter().filter(same).find(is_plain)?;
    if first.way != one.way {
        return None;
    }
    let boxed = advice.ways.iter().filter(same).find(|other| other.outbox.is_some());
    let boxed = boxed.and_then(|other| Some((other, other.crashes.as_ref()?)));
    let effect = |other: &Outcome| {
        Some(other.flows.get(&plain.flow)?.p99_ms.other.value? - one.flows.get(&plain.flow)?.p99_ms.other.value?)
    };
    let boxed = boxed.map(|(other, crashes)| {
        let later = effect(other).map_or_else(String::new, |ms| format!(", and its p99 is {} later", time(ms)));
        format!("; with an outbox it loses {} and doubles {}{later}", each(crashes.lost), each(crashes.doubled))
    });
    Some(format!(
        "{}: a crash of {} loses {} of {} ({} by hand: rate × time from its write to its message), of {} crashes{}",
        clean(&one.way),
        clean(&plain.sender),
        each(plain.lost),
        clean(&plain.flow),
        hundredths(plain.between),
        plain.crashes,
        boxed.unwrap_or_default()
    ))
}

/// What is answered well and taken back.
fn taken_back(one: &Outcome) -> Option<String> {
    let Undone { sender, receiver, share, p50_ms, p99_ms } = one.undone.as_ref()?;
    let told = |ms: &Estimate| ms.value.map_or_else(|| NONE.into(), time);
    Some(format!(
        "{}: where {receiver} refuses for good, {sender} has answered well and takes it back: {} of all requests, half of them within \
         {}, p99 {}; as it is, the caller hears it in its answer",
        clean(&one.way),
        share.value.map_or_else(|| NONE.into(), percent),
        told(p50_ms),
        told(p99_ms),
        receiver = clean(receiver),
        sender = clean(sender),
    ))
}

/// So many by each crash, with its interval.
fn each(estimate: Estimate) -> String {
    let Some(value) = estimate.value else { return NONE.into() };
    match estimate.half_width() {
        Some(half) if half > 0.0 => format!("{} ±{}", hundredths(value), hundredths(half)),
        _ if value == 0.0 => "none".into(),
        _ => hundredths(value),
    }
}

/// Two digits that count.
fn hundredths(value: f64) -> String {
    if value >= 1.0 {
        format!("{value:.1}")
    } else if value >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

/// What the best costs besides.
fn price(best: &Outcome, advice: &Advice) -> String {
    let base = advice.ways.iter().find(|one| one.kind.is_none());
    let parts = base.map_or(0, |base| base.moving_parts);
    let cores = |one: Option<&Outcome>| one.and_then(|one| one.cores).map_or_else(|| NONE.to_owned(), plain);
    let cost = |one: Option<&Outcome>| one.and_then(|one| one.cost_per_hour);
    let money = cost(Some(best))
        .zip(cost(base))
        .map(|(best, base)| format!(", {} an hour instead of {}", plain(best), plain(base)));
    let money = money.unwrap_or_default();
    let effect = best.flows.iter().filter(|(_, figures)| figures.p99_ms.is_significant());
    let effect = effect.map(|(flow, figures)| format!("; {} p99 {}", clean(flow), apart_ms(figures.p99_ms.difference)));
    let apart =
        |one: Option<&Outcome>| one.and_then(|one| one.n_eff).map_or_else(|| NONE.to_owned(), |n| format!("{n:.1}"));
    format!(
        "it takes {} {} instead of {parts}, {} cores instead of {}{}, and makes {} services in effect of {}{}",
        best.moving_parts,
        nouns(best.moving_parts as u64, "part"),
        cores(Some(best)),
        cores(base),
        money,
        apart(Some(best)),
        apart(base),
        effect.collect::<String>()
    )
}

fn figures(advice: &Advice) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut add = |one: &Outcome, metric: &str, unit, value| {
        all.push(Figure { section: "ways", name: one.way.clone(), metric: metric.into(), unit, value, count: None });
    };
    for one in &advice.ways {
        for (metric, difference) in one.client.all() {
            add(one, metric, if metric.ends_with("_ms") { "ms" } else { "1" }, difference.difference);
        }
        add(one, "blast", "1", one.blast);
        add(one, "moving_parts", "1", Estimate::point(one.moving_parts as f64));
        if let Some(cost) = one.cost_per_hour {
            add(one, "cost_per_hour", "1", Estimate::point(cost));
        }
        add(one, "gain", "1", Estimate::point(one.gain));
    }
    all
}
