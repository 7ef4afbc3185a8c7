//! Stable codes: other programs and people look them up, so a number is never given to something else.

/// A stable code, shown as `E101 unknown-key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// `E101`.
    pub number: &'static str,
    /// `unknown-key`.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
}

/// One constant per code, and the list of all of them.
macro_rules! codes {
    ($($ident:ident = $number:literal $name:literal: $doc:literal,)*) => {
        /// The codes by name.
        pub mod code {
            use super::Code;
            $(#[doc = $doc] pub const $ident: Code = Code { number: $number, name: $name, doc: $doc };)*
        }
        /// All codes, in order.
        pub const CODES: &[Code] = &[$(code::$ident),*];
    };
}

codes! {
    SYNTAX = "E001" "syntax": "The text is not TOML.",
    EMPTY = "E002" "empty": "The file says nothing.",
    NOT_A_FILE = "E003" "not-a-file": "The path is a directory or something else that is not a file.",
    NOT_UTF8 = "E004" "not-utf-8": "The file is not UTF-8 text.",
    TOO_LARGE = "E005" "too-large": "The file is far larger than any scenario.",
    UNREADABLE = "E006" "unreadable": "A file that the scenario names cannot be read or does not hold what it should.",
    UNKNOWN_KEY = "E101" "unknown-key": "The key is not part of the vocabulary of its table.",
    NOT_YET = "E102" "not-supported-yet": "The word is part of the vocabulary, but this version cannot run it.",
    WRONG_KIND = "E103" "wrong-kind": "The value is of another kind than its key wants: a number for a text, a table for a list.",
    BAD_VALUE = "E104" "bad-value": "The value cannot be understood: a missing unit, a share above 100 %, a negative rate.",
    MISSING_KEY = "E105" "missing-key": "A key without which the table means nothing is not there.",
    UNKNOWN_WORD = "E106" "unknown-word": "The value is none of the words that its key knows.",
    BAD_NAME = "E107" "bad-name": "A name must be kebab- or snake-case.",
    BAD_VERSION = "E108" "version": "The file must begin with `version = 1`.",
    MISPLACED = "E109" "misplaced": "The key is known but belongs elsewhere.",
    UNKNOWN_PATH = "E110" "unknown-path": "A path of `--set` or of a variant leads to nothing.",
    BAD_VARIANT = "E111" "bad-variant": "A variant, once applied, is not a valid scenario.",
    UNKNOWN_NAME = "E201" "unknown-name": "The name is not defined anywhere in the file.",
    NAME_TWICE = "E202" "name-twice": "All nodes and clients share one namespace; a name stands for one thing.",
    UNKNOWN_ENDPOINT = "E203" "unknown-endpoint": "The node has no such endpoint.",
    WRONG_TARGET = "E204" "wrong-target": "The node exists but cannot be used this way.",
    OUT_OF_RANGE = "E205" "out-of-range": "The number cannot be: zero replicas, zero users, a zero duration.",
    OPEN_AND_CLOSED = "E206" "open-and-closed": "A client is either open (a rate) or closed (users), not both.",
    LOAD = "E207" "load": "The client's load is not fully or not uniquely described.",
    SHARES = "E208" "shares": "Shares or weights do not add up.",
    ENDLESS = "E209" "endless-cycle": "Calls go round in a circle that can never end.",
    TOO_MANY_STEPS = "E210" "too-many-steps": "The steps, `times` multiplied out, are too many.",
    WAIT_FOR = "E211" "wait-for": "`wait_for` asks for more branches than there are.",
    PREEMPTION = "E212" "preemption": "Only lifo and priority lines can take a worker away.",
    DISTRIBUTION = "E213" "distribution": "No distribution has these parameters.",
    TOO_LONG_A_RUN = "E214" "too-long-a-run": "The run would need more events than `max_events` allows.",
    NOTHING_TO_DO = "E215" "nothing-to-do": "No client calls anything, so nothing would happen.",
    FAULT_TARGET = "E216" "fault-target": "The fault happens to something that does not exist, or that it cannot happen to.",
    FAULT_TIME = "E217" "fault-time": "A fault has either a time or random times, not both and not neither.",
    FAULT_WORDS = "E218" "fault-words": "A word that means nothing for this kind of fault, or one that it needs.",
    NO_TABLE = "E219" "no-table": "A lock on a table needs a table that the database describes.",
    DEAD_LETTER_CYCLE = "E221" "dead-letter-cycle": "Dead letters come back to the queue where they died.",
    NOT_ONE_ROW = "E222" "not-one-row": "A conditional write looks at the version of one row.",
    NO_ROUTE = "E223" "no-route": "A gateway that routes to nothing, or a path that no route takes.",
    SHADOWED = "E224" "shadowed-route": "The routes before it take every path of a route; the first that fits is taken.",
    CONTRADICTION = "E230" "contradiction": "Two rules of a policy contradict each other.",
    TOO_MUCH_MEMORY = "E231" "too-much-memory": "The run would need more memory than it may use; --max-memory allows more.",
    TOO_MANY = "E232" "too-many": "More of them than one run can have.",
    SLO_TARGET = "E301" "slo-target": "The SLO is about something that does not exist.",
    SLO_SYNTAX = "E302" "slo-syntax": "The SLO's expression cannot be understood.",
    SLO_METRIC = "E303" "slo-metric": "The figure is not measured for this target.",
    LIMITS_IGNORED = "W401" "limits-ignored": "An in-process call runs on the caller's worker; the callee's own limits do not apply.",
    OVERLOADED = "W402" "overloaded": "More work is offered than the node can do; its line grows without end.",
    TIMEOUTS_INVERT = "W403" "timeouts-invert": "A callee may still wait for its own callee when its caller has given up.",
    LATENCY_ONLY = "W404" "latency-only": "An SLO on the mean or the longest latency is met by failing fast; it needs one on success beside it.",
    WHOLE_SPAN = "W405" "whole-span": "The percentiles look like those of whole spans, which include waiting for others.",
    PHASES_SHORT = "W406" "phases-short": "The phases end before the run does; the last rate holds.",
    UNUSED = "W407" "unused": "Nothing uses it.",
    PROCESS_DEFAULT = "W408" "default-in-process": "A call that cannot be in-process crosses the network although the default says in-process.",
    HELD_ACROSS_CALL = "W409" "held-across-a-call": "A database connection, or a table, is held while another service works.",
    TOO_MANY_CONNECTIONS = "W410" "too-many-connections": "The pools of all callers together hold more connections than the database takes.",
    PINNED = "W411" "pinned": "Connections are balanced, not requests, so all requests of a caller go to one replica.",
    NESTED = "W412" "nested-transaction": "A transaction inside one of the same database takes a second connection of the pool.",
    LOCK_WITHOUT_END = "W413" "lock-without-end": "A lock on a whole table waits for as long as it takes, and everybody behind it.",
    LATE_FAULT = "W420" "late-fault": "The fault begins after the measured time and changes nothing.",
    NOT_CONSUMED = "W421" "not-consumed": "Messages are published that nobody consumes.",
    IDLE_MEMBERS = "W422" "idle-members": "A group has more members than the topic has partitions.",
    DELIVERED_TWICE = "W423" "delivered-twice": "A consumer holds more messages than it can handle before they are delivered again.",
    REPLY_LOST = "W424" "reply-lost": "A call that became a message brings no answer back.",
    MOVED_FOR_GOOD = "W427" "moved-for-good": "With a fixed list of replicas nobody learns where a node has moved to.",
    REVERSED = "W428" "reversed": "A promise that more failures would keep: its bound is on the wrong side.",
    CAUGHT_AT_BUILD = "W429" "caught-at-build": "A breaking change that a compiled contract does not let through.",
    NO_EFFECT = "W430" "no-effect": "A rule of a policy that can never matter beside the others.",
    RETRY_STORM = "W431" "retry-storm": "Retries without a wait and without a budget multiply the load on a callee that fails.",
    METASTABLE = "W432" "metastable": "Retries after timeouts may keep a node overloaded after the cause has gone.",
    MULTIPLIED = "W433" "multiplied-tries": "The application tries a call again, and the proxy below it each of these tries.",
    NEVER_QUEUES = "N501" "never-queues": "The node has so many workers that nothing ever waits there.",
    FIT = "N502" "fit": "Three or more percentiles are fitted by a monotone curve.",
    NO_CONTENTION = "N503" "no-contention": "A table or a write that contends with nothing.",
    ONE_BODY = "N504" "one-body": "Over HTTP/1.1 the messages of a stream arrive together.",
    FEW_CONNECTIONS = "N505" "few-connections": "The caller works on more requests at once than it has connections.",
    AUTOSCALED = "N510" "autoscaled": "The replicas of the node follow the load; what is assumed of them at the beginning.",
    BLACK_HOLE = "N520" "black-hole": "What is meant by a black hole: a process that hangs, or a network that drops.",
    SINGLE_POINT = "N530" "single-point": "All that a client asks comes in by one gateway, whose outage is then its own.",
    SHARED_MESSAGES = "N507" "shared-messages": "Several services take the messages of one queue: each message goes to one of them.",
    NO_POOL = "N506" "no-pool": "A transaction whose caller has no pool to the database holds no connection.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        for (i, a) in CODES.iter().enumerate() {
            assert!(CODES[i + 1..].iter().all(|b| a.number != b.number && a.name != b.name), "{}", a.number);
        }
    }
}
