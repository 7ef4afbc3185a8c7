//! Questions to the name's server that are out, and who waits for their answers. See
//! [`discovery::Resolver`](crate::model::discovery::Resolver).

use crate::kernel::Phase;
use crate::model::discovery::{Kind, Resolver};
use crate::model::id::NONE;
use crate::model::plan::{Call, Plan};
use crate::model::{LinkId, NodeId, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::names::Names;

/// A question that is out.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    link: LinkId,
    /// Who believes the answer; `NONE`: whoever asked is dead.
    memory: u32,
    lineage: Lineage,
    /// How often it was asked before.
    nth: u32,
    answered: bool,
    /// Tries that wait for the answer.
    pub(crate) waiting: Vec<u32>,
}

/// All questions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions {
    /// By link: whether those who look its callee's name up wait for that.
    asking: Vec<bool>,
    all: Vec<Question>,
    free: Vec<u32>,
    /// By memory: the question whose answer it will keep; `NONE` where none is out.
    shared: Vec<u32>,
}

/// Names the draws of a question: so many for each time that it is asked.
const ASKED: u64 = 1 << 34;

impl Questions {
    /// None; with a resolver, of links whose callers may have to ask.
    pub(crate) fn new(plan: &Plan, memories: usize, lasting: &[bool]) -> Self {
        if plan.discovery.kind != Kind::Dns || plan.discovery.resolver.is_none() {
            return Self::default();
        }
        let mut asking: Vec<bool> =
            plan.links.iter().zip(lasting).map(|(link, lasting)| link.book && !lasting).collect();
        for call in plan.calls.iter().filter(|call| !may_ask(plan, call)) {
            asking[call.link.index()] = false;
        }
        // Clients outside are many.
        for (link, asks) in plan.links.iter().zip(&mut asking) {
            *asks &= plan.node(link.from).kind != "client";
        }
        Self { asking, shared: vec![NONE; memories], ..Self::default() }
    }

    /// Whether nobody waits for an answer.
    pub(crate) fn are_quiet(&self) -> bool {
        self.all.iter().all(|question| question.waiting.is_empty())
    }

    /// Whether a try waits for an answer.
    pub(crate) fn is_waited_for_by(&self, at: u32) -> bool {
        self.all.iter().any(|question| question.waiting.contains(&at))
    }

    /// A try no longer waits for an answer.
    pub(crate) fn forget(&mut self, at: u32) {
        self.all.iter_mut().for_each(|question| question.waiting.retain(|waiting| *waiting != at));
    }

    /// A caller's replica has died: what it asked for nobody will learn.
    pub(crate) fn bury(&mut self, memory: u32) {
        for question in self.all.iter_mut().filter(|question| question.memory == memory) {
            question.memory = NONE;
        }
        if let Some(shared) = self.shared.get_mut(memory as usize) {
            *shared = NONE;
        }
    }

    fn put(&mut self, question: Question) -> u32 {
        if let Some(at) = self.free.pop() {
            self.all[at as usize] = question;
            return at;
        }
        self.all.push(question);
        self.all.len() as u32 - 1
    }
}

/// Whether a call may have to wait for a name: not a query, which takes a connection that is there, nor one whose breakers must know
/// whom it goes to.
fn may_ask(plan: &Plan, call: &Call) -> bool {
    let rules = plan.rules.get(call.rules as usize);
    let breakers = rules.and_then(|rules| rules.breaker).is_some_and(|breaker| breaker.per_replica);
    call.lender == NONE && !call.primary && !call.spares_primary && !breakers
}

impl Names {
    /// Whether who looks a callee's name up, and has no answer, has to ask and to wait.
    #[inline]
    pub(crate) fn has_to_ask(&self, link: LinkId, memory: usize, now: Time) -> bool {
        let asks = self.questions.asking.get(link.index()).is_some_and(|asks| *asks);
        asks && self.memories[memory].book.as_ref().is_some_and(|book| book.is_over(now))
    }

    /// A try of a caller's replica waits for the answer to a question: one that is out, where answers are kept, or its own.
    pub(crate) fn ask_for<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, link: LinkId, memory: usize) {
        let keeps = core.plan.discovery.ttl > Span::ZERO;
        let out = self.questions.shared[memory];
        if keeps && out != NONE {
            return self.questions.all[out as usize].waiting.push(at);
        }
        let lineage = core.frames[at].lineage;
        let question = Question { link, memory: memory as u32, lineage, nth: 0, answered: false, waiting: vec![at] };
        let nth = self.questions.put(question);
        if keeps {
            self.questions.shared[memory] = nth;
        }
        self.put_question(core, nth);
    }

    /// A question sets out, for the first time or again.
    fn put_question<P: Probe>(&mut self, core: &mut Core<'_, P>, nth: u32) {
        let Some(resolver) = core.plan.discovery.resolver else { return };
        let question = &mut self.questions.all[nth as usize];
        let dark = self.dark[core.plan.link(question.link).to.index()] > 0;
        let (after, answered) = inquire(core, resolver, question.lineage, question.nth, dark);
        question.answered = answered;
        core.agenda.push(core.now + after, Phase::Arrival, Rare::Named(nth).event());
    }

    /// An answer comes, or should have come. Who waited for it goes on if it is the last of it; says whether they know the name now,
    /// and who believes it.
    pub(crate) fn hear_answer<P: Probe>(&mut self, core: &mut Core<'_, P>, nth: u32) -> Option<(Vec<u32>, bool, u32)> {
        let question = &mut self.questions.all[nth as usize];
        question.nth += 1;
        let (answered, memory, link) = (question.answered, question.memory, question.link);
        let attempts = core.plan.discovery.resolver.map_or(0, |resolver| resolver.attempts);
        if !answered && question.nth < attempts && memory != NONE {
            self.put_question(core, nth);
            return None;
        }
        let waiting = std::mem::take(&mut question.waiting);
        self.questions.free.push(nth);
        if memory == NONE {
            return None;
        }
        if self.questions.shared[memory as usize] == nth {
            self.questions.shared[memory as usize] = NONE;
        }
        if answered {
            self.learn_name(core, core.plan.link(link).to, memory);
        }
        Some((waiting, answered, memory))
    }

    /// A caller's replica has an answer: it is good now, and for as long as it is kept.
    fn learn_name<P: Probe>(&mut self, core: &Core<'_, P>, callee: NodeId, memory: u32) {
        let memory = &mut self.memories[memory as usize];
        let Some(book) = &mut memory.book else { return };
        if let Some(addresses) = &self.answers[callee.index()] {
            book.learn(addresses, core.now);
        }
        book.keep(core.now + core.plan.discovery.ttl.max(Span(1)));
        book.asked = core.now;
        memory.look();
    }

    /// Who waited for an answer has gone on with it: where nothing is kept it is good for nobody else.
    pub(crate) fn forget_name<P: Probe>(&mut self, core: &Core<'_, P>, memory: u32) {
        if core.plan.discovery.ttl == Span::ZERO
            && let Some(book) = &mut self.memories[memory as usize].book
        {
            book.keep(core.now);
        }
    }

    /// How long a resolver that works beside the requests takes until it has an answer, however often it asks.
    pub(crate) fn resolves_in<P: Probe>(core: &Core<'_, P>, lineage: Lineage) -> Span {
        /// After so many questions in a row that get no answer it has one.
        const MOST: u32 = 64;
        let Some(resolver) = core.plan.discovery.resolver else { return Span::ZERO };
        let mut sum = Span::ZERO;
        for nth in 0..MOST {
            let (after, answered) = inquire(core, resolver, lineage, nth, false);
            sum += after;
            if answered {
                break;
            }
        }
        sum
    }
}

/// How long the nth time takes that a name is asked for, and whether it is answered.
fn inquire<P: Probe>(core: &Core<'_, P>, resolver: Resolver, lineage: Lineage, nth: u32, dark: bool) -> (Span, bool) {
    let takes = core.vary(resolver.takes, lineage, Purpose::Probe, nth);
    let mut draw = Draw::new(core.seed, lineage, Purpose::Probe, ASKED + u64::from(nth));
    resolver.asks(takes, dark, &mut draw)
}
