//! The calls of a node, wherever they stand in its steps.

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Keys under which a step holds further steps.
const INNER: [&str; 5] = ["parallel", "split", "steps", "fallback", "on_miss"];

/// What a call says of its way and its place; all else are rules for waiting for its answer, which a message does not.
const PLAIN: [&str; 9] =
    ["call", "transport", "request", "response", "uses_reply", "idempotent", "times", "probability", "optional"];

/// What a route says of itself; all else is about the call that it leads to.
const ROUTE: [&str; 6] = ["path", "name", "to", "steps", "auth", "cache"];

/// The key under which what is done in a row stands.
pub(super) const STEPS: &str = ROUTE[3];

/// A call as written.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Whom.
    pub(super) target: String,
    /// Steps after it, in the same list.
    pub(super) after: usize,
    /// The size of its answer, where that is said.
    pub(super) response: Option<String>,
    /// Rules that it says.
    pub(super) guards: Vec<String>,
    /// Whether it needs its answer.
    pub(super) uses_reply: bool,
}

/// The lists of steps of a node.
pub(super) struct Sites<'d> {
    lists: Vec<&'d mut Item>,
}

impl<'d> Sites<'d> {
    /// Of a service or gateway: of its endpoints and its consumers.
    pub(super) fn of(document: &'d mut DocumentMut, name: &str) -> Self {
        let mut lists = Vec::new();
        for family in ["services", "gateways"] {
            // Asked first: a key that is not there must not be made.
            let there = document.get(family).and_then(Item::as_table_like).is_some_and(|all| all.contains_key(name));
            if there {
                let all = document.get_mut(family).and_then(Item::as_table_like_mut);
                lists = all.and_then(|all| all.get_mut(name)).map_or_else(Vec::new, lists_of);
                break;
            }
        }
        Self { lists }
    }

    /// The calls whose target fits.
    pub(super) fn find(&mut self, fits: impl Fn(&str) -> bool) -> Vec<Call> {
        let mut found = Vec::new();
        for list in &mut self.lists {
            each_list(list, &mut |step, after| {
                if let Some(call) = call(step, after).filter(|call| fits(&call.target)) {
                    found.push(call);
                }
            });
        }
        found
    }

    /// Every step, wherever it stands.
    pub(super) fn each(&mut self, visit: &mut impl FnMut(&mut dyn TableLike)) {
        for list in &mut self.lists {
            each_list(list, &mut |step, _| match step {
                Step::Value(value) => value.as_inline_table_mut().into_iter().for_each(|table| visit(table)),
                Step::Table(table) => visit(*table),
            });
        }
    }

    /// Puts a step after each that fits, in the same list.
    pub(super) fn follow(&mut self, fits: &impl Fn(&dyn TableLike) -> bool, next: &InlineTable) {
        self.lists.iter_mut().for_each(|list| follow(list, fits, next));
    }

    /// Changes, in each list, the last step that fits `first` before one that fits `then`. What stands in a transaction, or is done by
    /// chance or beside other things, is left.
    pub(super) fn told_after(
        &mut self,
        first: &impl Fn(&dyn TableLike) -> bool,
        then: &impl Fn(&dyn TableLike) -> bool,
        change: &mut impl FnMut(&mut dyn TableLike),
    ) {
        for list in &mut self.lists {
            in_row(list, &mut |steps| {
                let Some((at, _)) = steps.pair(first, then) else { return };
                steps.get_mut(at).into_iter().for_each(&mut *change);
            });
        }
    }

    /// Takes the steps that fit `then` out of those lists, and hands back one of them.
    pub(super) fn taken_after(
        &mut self,
        first: &impl Fn(&dyn TableLike) -> bool,
        then: &impl Fn(&dyn TableLike) -> bool,
    ) -> Option<InlineTable> {
        let mut taken = None;
        for list in &mut self.lists {
            in_row(list, &mut |steps| {
                if let Some((_, at)) = steps.pair(first, then) {
                    taken = steps.take(at).or(taken.take());
                }
            });
        }
        taken
    }

    /// Of the steps of a list that fit, the first alone stays, in every list.
    pub(super) fn once(&mut self, fits: &impl Fn(&dyn TableLike) -> bool) {
        for list in &mut self.lists {
            once(list, fits);
        }
    }

    /// Changes every call of this target.
    pub(super) fn change(&mut self, target: &str, change: impl Fn(&mut dyn TableLike)) {
        for list in &mut self.lists {
            unfold(list, target);
            each_list(list, &mut |step, _| change_one(step, target, &change));
        }
    }
}

/// The lists of steps of one node.
fn lists_of(node: &mut Item) -> Vec<&mut Item> {
    let Some(table) = node.as_table_like_mut() else { return Vec::new() };
    let mut lists = Vec::new();
    for (key, item) in table.iter_mut() {
        match key.get() {
            // A consumer or a route is a table that holds steps, as a step may be: the same walk finds them.
            "steps" | "consumes" | "routes" => lists.push(item),
            "endpoints" => {
                let Some(all) = item.as_table_like_mut() else { continue };
                lists.extend(all.iter_mut().filter_map(|(_, endpoint)| endpoint.as_table_like_mut()?.get_mut("steps")));
            }
            _ => {}
        }
    }
    lists
}

/// A step on its way through the walk.
enum Step<'a> {
    Value(&'a mut Value),
    Table(&'a mut toml_edit::Table),
}

/// Steps that follow each other, in either of the two ways in which a list is written.
enum Row<'a> {
    Inline(&'a mut toml_edit::Array),
    Tables(&'a mut toml_edit::ArrayOfTables),
}

impl Row<'_> {
    fn get(&self, at: usize) -> Option<&dyn TableLike> {
        match self {
            Self::Inline(all) => all.get(at)?.as_inline_table().map(|table| table as &dyn TableLike),
            Self::Tables(all) => all.get(at).map(|table| table as &dyn TableLike),
        }
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut dyn TableLike> {
        match self {
            Self::Inline(all) => all.get_mut(at)?.as_inline_table_mut().map(|table| table as &mut dyn TableLike),
            Self::Tables(all) => all.get_mut(at).map(|table| table as &mut dyn TableLike),
        }
    }

    fn take(&mut self, at: usize) -> Option<InlineTable> {
        match self {
            Self::Inline(all) => all.remove(at).as_inline_table().cloned(),
            Self::Tables(all) => {
                let taken = all.get(at).cloned().map(Table::into_inline_table);
                all.remove(at);
                taken
            }
        }
    }

    /// The first step that fits `then`, and the last before it that fits `first`.
    fn pair(
        &self,
        first: &impl Fn(&dyn TableLike) -> bool,
        then: &impl Fn(&dyn TableLike) -> bool,
    ) -> Option<(usize, usize)> {
        let len = match self {
            Self::Inline(all) => all.len(),
            Self::Tables(all) => all.len(),
        };
        let fits = |at: &usize, which: &dyn Fn(&dyn TableLike) -> bool| self.get(*at).is_some_and(which);
        let told = (0..len).find(|at| fits(at, then))?;
        let written = (0..told).rev().find(|at| fits(at, first))?;
        Some((written, told))
    }
}

/// Lists of steps that are taken one after the other for certain: a node's own, those of its consumers and routes.
fn in_row(item: &mut Item, visit: &mut impl FnMut(&mut Row<'_>)) {
    // A step that holds others is no consumer and no route, which alone say where from.
    let whole = |table: &dyn TableLike| table.contains_key("from") || table.contains_key(ROUTE[0]);
    match item {
        Item::Value(Value::Array(all)) => {
            for table in all.iter_mut().filter_map(Value::as_inline_table_mut).filter(|table| whole(*table)) {
                if let Some(steps) = table.get_mut(ROUTE[3]).and_then(Value::as_array_mut) {
                    visit(&mut Row::Inline(steps));
                }
            }
            visit(&mut Row::Inline(all));
        }
        Item::ArrayOfTables(all) => {
            for table in all.iter_mut().filter(|table| whole(*table)) {
                table.get_mut(ROUTE[3]).into_iter().for_each(|steps| in_row(steps, visit));
            }
            visit(&mut Row::Tables(all));
        }
        _ => {}
    }
}

/// Takes all but the first that fits out of a list, and of the lists inside.
fn once(list: &mut Item, fits: &impl Fn(&dyn TableLike) -> bool) {
    match list {
        Item::Value(Value::Array(all)) => once_value(all, fits),
        Item::ArrayOfTables(all) => {
            for table in all.iter_mut() {
                for key in INNER {
                    table.get_mut(key).into_iter().for_each(|inner| once(inner, fits));
                }
            }
            let fitting: Vec<usize> = all.iter().enumerate().filter(|(_, t)| fits(*t)).map(|(at, _)| at).collect();
            fitting.iter().skip(1).rev().for_each(|at| drop(all.remove(*at)));
        }
        _ => {}
    }
}

fn once_value(all: &mut toml_edit::Array, fits: &impl Fn(&dyn TableLike) -> bool) {
    for table in all.iter_mut().filter_map(Value::as_inline_table_mut) {
        for key in INNER {
            table.get_mut(key).and_then(Value::as_array_mut).into_iter().for_each(|inner| once_value(inner, fits));
        }
    }
    let fit = |value: &Value| value.as_inline_table().is_some_and(|table| fits(table));
    let fitting: Vec<usize> = all.iter().enumerate().filter(|(_, value)| fit(value)).map(|(at, _)| at).collect();
    fitting.iter().skip(1).rev().for_each(|at| drop(all.remove(*at)));
}

/// Every step of a list and of the lists inside, with the number of steps that follow it.
fn each_list(item: &mut Item, visit: &mut impl FnMut(&mut Step<'_>, usize)) {
    match item {
        Item::Value(Value::Array(all)) => each_value(all, visit),
        Item::ArrayOfTables(all) => {
            let count = all.len();
            for (at, table) in all.iter_mut().enumerate() {
                visit(&mut Step::Table(table), count - 1 - at);
                for key in INNER {
                    if let Some(inner) = table.get_mut(key) {
                        each_list(inner, visit);
                    }
                }
            }
        }
        _ => {}
    }
}

fn each_value(all: &mut toml_edit::Array, visit: &mut impl FnMut(&mut Step<'_>, usize)) {
    let count = all.len();
    for (at, value) in all.iter_mut().enumerate() {
        visit(&mut Step::Value(value), count - 1 - at);
        let Some(table) = value.as_inline_table_mut() else { continue };
        for key in INNER {
            if let Some(inner) = table.get_mut(key).and_then(Value::as_array_mut) {
                each_value(inner, visit);
            }
        }
    }
}

/// Puts a step after each that fits, in the list and in the lists inside.
fn follow(list: &mut Item, fits: &impl Fn(&dyn TableLike) -> bool, next: &InlineTable) {
    match list {
        Item::Value(Value::Array(all)) => follow_value(all, fits, next),
        Item::ArrayOfTables(all) => {
            let mut longer = toml_edit::ArrayOfTables::new();
            for mut table in std::mem::take(all) {
                let mut inner = table.iter_mut().filter(|(key, _)| INNER.contains(&key.get()));
                inner.by_ref().for_each(|(_, list)| follow(list, fits, next));
                drop(inner);
                let fit = fits(&table);
                longer.push(table);
                if fit {
                    longer.push(next.clone().into_table());
                }
            }
            *all = longer;
        }
        _ => {}
    }
}

fn follow_value(all: &mut toml_edit::Array, fits: &impl Fn(&dyn TableLike) -> bool, next: &InlineTable) {
    for at in (0..all.len()).rev() {
        let Some(table) = all.get_mut(at).and_then(Value::as_inline_table_mut) else { continue };
        for key in INNER {
            if let Some(inner) = table.get_mut(key).and_then(Value::as_array_mut) {
                follow_value(inner, fits, next);
            }
        }
        if fits(table) {
            all.insert(at + 1, Value::InlineTable(next.clone()));
        }
    }
}

/// Routes that lead to the target do so by a step.
fn unfold(routes: &mut Item, target: &str) {
    let one = |route: &mut dyn TableLike| {
        if leads(route) != Some(target) {
            return;
        }
        let of_call = route.iter().map(|(key, _)| key.to_owned()).filter(|key| !ROUTE.contains(&key.as_str()));
        let mut step = InlineTable::new();
        step.insert(PLAIN[0], target.into());
        for key in of_call.collect::<Vec<_>>() {
            let value = route.remove(&key).and_then(|item| item.into_value().ok());
            value.into_iter().for_each(|value| drop(step.insert(&key, value)));
        }
        route.remove(ROUTE[2]);
        route
            .insert(ROUTE[3], Item::Value([Value::InlineTable(step)].into_iter().collect::<toml_edit::Array>().into()));
    };
    match routes {
        Item::Value(Value::Array(all)) => {
            all.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|route| one(route));
        }
        Item::ArrayOfTables(all) => all.iter_mut().for_each(|route| one(route)),
        _ => {}
    }
}

/// Where a route leads to without steps of its own.
fn leads(table: &dyn TableLike) -> Option<&str> {
    table.get(ROUTE[0])?;
    table.get(ROUTE[2])?.as_str()
}

/// A step as a call, or a route as one; a plain text is one.
fn call(step: &Step<'_>, after: usize) -> Option<Call> {
    let table: &dyn TableLike = match step {
        Step::Value(Value::String(target)) => {
            let target = target.value().clone();
            return Some(Call { target, after, response: None, guards: Vec::new(), uses_reply: true });
        }
        Step::Value(value) => value.as_inline_table()?,
        Step::Table(table) => *table,
    };
    let target = table.get(PLAIN[0]).and_then(Item::as_str).or_else(|| leads(table))?.to_owned();
    let said =
        table.iter().map(|(key, _)| key).filter(|key| !PLAIN.contains(key) && !ROUTE.contains(key)).map(str::to_owned);
    Some(Call {
        target,
        after,
        response: table.get("response").and_then(Item::as_str).map(str::to_owned),
        guards: said.collect(),
        uses_reply: table.get("uses_reply").and_then(Item::as_bool) != Some(false),
    })
}

fn change_one(step: &mut Step<'_>, target: &str, change: &impl Fn(&mut dyn TableLike)) {
    if call(step, 0).is_none_or(|call| call.target != target) {
        return;
    }
    match step {
        Step::Table(table) => change(*table),
        Step::Value(Value::InlineTable(table)) => change(table),
        Step::Value(value) => {
            let decor = value.decor().clone();
            let mut table = InlineTable::new();
            change(&mut table);
            **value = Value::InlineTable(table);
            *value.decor_mut() = decor;
        }
    }
}
