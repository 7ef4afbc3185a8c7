//! What counts alone can say, put beside what is known already: they tell rates and failures, and steps and times where nobody else
//! does. Traces and declared graphs have an order, counts have none.

use std::collections::BTreeMap;

use super::found::{Client, Endpoint, Found, From, Go, Node, Step};

impl Found {
    /// A call that was counted. Where steps are known that lead there it is one of them.
    pub(super) fn measured_call(&mut self, from: &str, go: Go) {
        // Whoever only begins is a client, and has no steps.
        if self.clients.contains_key(from) {
            return;
        }
        let to = go.node.clone();
        let node = self.node(from);
        let mut steps = node.endpoints.values().chain(node.consumes.values()).flat_map(|own| &own.steps);
        if steps.any(|step| step.goes().iter().any(|go| go.node == to)) {
            return;
        }
        if node.endpoints.len() > 1 {
            return self.flag(format!(
                "{from} -> {to} was counted ({}), and no step leads there: which of {from}'s endpoints it belongs to counts do not say, so it is left out",
                go.origin
            ));
        }
        let only = node.endpoints.keys().next().cloned().unwrap_or_default();
        self.endpoint(from, &only).steps.push(Step::Go(go));
    }

    /// A share of failures that was counted: of all that a node does alike, for counts do not tell it apart.
    pub(super) fn measured_errors(&mut self, name: &str, share: &From<f64>) {
        let all = self.node(name).does();
        let several = all.len() > 1;
        for own in all {
            let mut share = share.clone();
            share.origin += if several { "; of all endpoints alike" } else { "" };
            own.error_rate = Some(share);
            own.fails_last = None;
        }
    }

    /// A time that was counted in buckets, or is a mean: where spans told none.
    pub(super) fn measured_work(&mut self, name: &str, law: &From<String>) {
        for own in self.node(name).does().into_iter().filter(|own| own.work.is_none()) {
            own.work = Some(law.clone());
        }
    }

    /// Who begins, each with how many requests. Who calls what in which shares others tell better; how many a second, nobody.
    pub(super) fn measured_users(&mut self, entries: &[(String, f64)], per_second: bool, origin: &str) {
        let mut rest: BTreeMap<&str, f64> = BTreeMap::new();
        for (name, requests) in entries {
            match self.clients.get_mut(name) {
                Some(client) if !client.calls.is_empty() => client.take_rate(*requests, per_second, origin),
                _ => *rest.entry(name).or_default() += requests,
            }
        }
        let all: f64 = rest.values().sum();
        if all <= 0.0 {
            return;
        }
        let begins = |client: &Client| client.calls.iter().any(|(node, ..)| rest.contains_key(node.as_str()));
        if let Some(client) = self.clients.values_mut().find(|client| begins(client)) {
            client.divide(&rest);
            client.take_rate(all, per_second, origin);
        } else if self.clients.values().all(|client| client.calls.is_empty()) {
            let calls = rest.iter().map(|(to, n)| ((*to).to_owned(), String::new(), n / all)).collect();
            let rate = per_second.then(|| From::new(all, origin));
            let origin = "whoever calls those whom nobody in the input calls".to_owned();
            self.clients.insert("users".into(), Client { calls, rate, origin });
        }
    }
}

impl Node {
    /// All that it does; what it does when it is called, where nothing is known yet.
    fn does(&mut self) -> Vec<&mut Endpoint> {
        if self.endpoints.is_empty() && self.consumes.is_empty() {
            self.endpoints.entry(String::new()).or_default();
        }
        self.endpoints.values_mut().chain(self.consumes.values_mut()).collect()
    }
}

impl Client {
    fn take_rate(&mut self, requests: f64, per_second: bool, origin: &str) {
        if per_second {
            self.rate = Some(From::new(requests, origin));
        }
    }

    /// Each node gets as much as was counted for it, in the known shares of its endpoints; nothing changes where the nodes differ.
    fn divide(&mut self, entries: &BTreeMap<&str, f64>) {
        let mut known: BTreeMap<String, f64> = BTreeMap::new();
        for (node, _, share) in &self.calls {
            *known.entry(node.clone()).or_default() += share;
        }
        if !known.keys().map(String::as_str).eq(entries.keys().copied()) {
            return;
        }
        let all: f64 = entries.values().sum();
        for (node, _, share) in &mut self.calls {
            *share *= entries[node.as_str()] / all / known[node.as_str()].max(f64::MIN_POSITIVE);
        }
    }
}

impl Go {
    /// A call whose failure its caller lives with, or not.
    pub(super) fn tolerated(mut self, lives: bool) -> Self {
        self.tolerated = lives;
        if lives {
            self.origin += "; it fails more often than its caller, which goes on";
        }
        self
    }
}
