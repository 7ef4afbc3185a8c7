//! Whose fault a failure was, in a sentence: from the client inwards.

use super::number::{count, time};
use super::text::clean;
use super::waterfall::ms;
use crate::experiment::trace::{Kind, Span, Trace};
use crate::model::{Cause, Outcome};

/// Who failed, from the client inwards: whose answer it was that made each caller fail, what its connection came to, or on
/// whom it gave up; and which faults were on there then.
pub(super) fn why(trace: &Trace) -> Option<String> {
    let root = trace.spans.first().filter(|root| root.open || !trace.outcome.is_good())?;
    let mut story =
        Story { trace, at: 0, caller: clean(&root.name), gone: root.open.then_some(root.to), parts: Vec::new() };
    while story.step() {}
    let Story { at, caller, gone, mut parts, .. } = story;
    if gone.is_some() && trace.spans[at].open && at > 0 {
        parts.push(format!("{caller} never answered"));
    } else if let Some(cause) = gone.and_then(|then| spent_on(&trace.spans[at], then)) {
        parts.push(format!("{caller} was at `{}` just then", cause.word()));
    }
    if parts.is_empty() {
        let word = if root.open { "no answer" } else { trace.outcome.word() };
        parts.push(format!("{caller} had `{word}` from nobody it called"));
    }
    Some(format!("why: {}", parts.join("; ")))
}

/// How far it has been told.
struct Story<'a> {
    trace: &'a Trace,
    /// The span whose end is to be explained.
    at: usize,
    /// Who that is.
    caller: String,
    /// When somebody gave up: below that, it is told whom each was waiting for just then.
    gone: Option<u64>,
    parts: Vec<String>,
}

impl Story<'_> {
    /// Tells of one span more; whether there may be another below it.
    fn step(&mut self) -> bool {
        let last = self.guilty();
        if let Some(spurned) = self.trace.spans[self.at].spurned.as_ref().filter(|_| self.gone.is_none())
            && last.is_none_or(|at| ended(&self.trace.spans[at]) <= spurned.at)
        {
            let (word, node, faults) = (spurned.outcome.word(), clean(&spurned.node), on(&spurned.faults));
            self.parts.push(format!("{} had `{word}` from {node}{faults}", self.caller));
            return false;
        }
        let Some(next) = last else { return false };
        let span = &self.trace.spans[next];
        let tried = self.trace.spans[self.at].guard;
        match span.kind {
            Kind::Branch | Kind::Message => {}
            _ if tried => self.parts.extend(self.last_try(span)),
            _ => self.parts.push(self.told(next)),
        }
        if span.kind != Kind::Branch {
            self.caller = clean(&span.name);
        }
        self.gone = self.gone.or(span.abandoned);
        self.at = next;
        // Of a callee that was reset it does not matter whom it was waiting for.
        span.gone != Some(Outcome::Reset)
    }

    /// Of the spans below, the last that failed; below one that was given up, the last that was waited for just then.
    fn guilty(&self) -> Option<usize> {
        // What came of a message is nobody's answer.
        let asked = |span: &Span| span.kind != Kind::Message;
        let failed = |span: &Span| !span.outcome.is_good() || span.abandoned.is_some() || span.open;
        let here = |span: &Span| match self.gone {
            Some(then) => span.from <= then && (then < span.to || span.open),
            None => failed(span),
        };
        let below = self
            .trace
            .spans
            .iter()
            .enumerate()
            .filter(|(_, span)| span.parent == Some(self.at) && asked(span) && here(span));
        below.max_by_key(|(at, span)| (ended(span), *at)).map(|(at, _)| at)
    }

    /// What a call came to for its caller.
    fn told(&self, at: usize) -> String {
        let span = &self.trace.spans[at];
        let (caller, name, faults) = (&self.caller, clean(&span.name), on(&span.faults));
        let Some(then) = span.abandoned.filter(|_| self.gone.is_none()) else {
            let tries = self.trace.spans.iter().filter(|other| span.guard && other.parent == Some(at)).count();
            let tries = if tries > 1 { format!(" after {} tries", count(tries as u64)) } else { String::new() };
            return match self.gone {
                Some(_) => format!("{caller} was waiting for {name}{faults}"),
                None => format!("{caller} had `{}` from {name}{tries}{faults}", span.outcome.word()),
            };
        };
        let after = time(ms(then.saturating_sub(span.from)));
        match span.gone.unwrap_or(Outcome::Timeout) {
            gone @ (Outcome::Timeout | Outcome::Deadline) => {
                format!("{caller} gave up on {name} after {after} (`{}`){faults}", gone.word())
            }
            Outcome::Succeeded => format!("{caller} went on without {name} after {after}"),
            Outcome::Canceled => format!("{caller} was told to stop waiting for {name} after {after}{faults}"),
            gone => format!("{caller} had `{}` from {name} after {after}{faults}", gone.word()),
        }
    }

    /// What the last try came to, where that is more than what became of its call.
    fn last_try(&self, span: &Span) -> Option<String> {
        let then = span.abandoned.filter(|_| self.gone.is_none());
        let word = span.gone.filter(|_| then.is_some()).unwrap_or(span.outcome);
        let told = span.faults.iter().all(|name| self.trace.spans[self.at].faults.contains(name));
        let new: &[String] = if told { &[] } else { &span.faults };
        match (then, word) {
            (Some(then), Outcome::Timeout | Outcome::Deadline) => {
                let after = time(ms(then.saturating_sub(span.from)));
                Some(format!("its last try was given up after {after}{}", on(new)))
            }
            _ if self.gone.is_some() || word == self.trace.spans[self.at].outcome || word.is_good() => None,
            _ => Some(format!("its last try had `{}`{}", word.word(), on(new))),
        }
    }
}

/// On what a span's own time was spent at a moment.
fn spent_on(span: &Span, then: u64) -> Option<Cause> {
    span.segments.iter().find(|s| s.from < then && then <= s.to).map(|s| s.cause)
}

/// When whoever waited for a span went on.
fn ended(span: &Span) -> u64 {
    span.abandoned.unwrap_or(span.to)
}

/// Faults that were on, in brackets.
fn on(faults: &[String]) -> String {
    let names: Vec<String> = faults.iter().map(|name| format!("`{}`", clean(name))).collect();
    match names.len() {
        0 => String::new(),
        1 => format!(" (fault {})", names[0]),
        _ => format!(" (faults {})", names.join(", ")),
    }
}
