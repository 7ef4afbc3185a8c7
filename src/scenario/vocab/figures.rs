//! Words that stand in the output and in no scenario file: columns, verdicts, causes, codes. Each with what it counts.

use super::studies::STUDIES;

/// Words of one kind that mean the same.
pub(super) struct Figure {
    /// How it is written: as a column, and in JSON and CSV where that is another word.
    pub(super) words: &'static [&'static str],
    /// Where it stands.
    pub(super) place: &'static str,
    /// What it means.
    pub(super) doc: &'static str,
}

pub(super) const fn f(words: &'static [&'static str], place: &'static str, doc: &'static str) -> Figure {
    Figure { words, place, doc }
}

pub(super) const CLIENTS: &str = "clients, flows, endpoints and edges";
pub(super) const NODES: &str = "nodes";
pub(super) const QUEUES: &str = "queues and groups";
pub(super) const POLICIES: &str = "policies";
pub(super) const FAULTS: &str = "faults";
const ANSWER: &str = "the first sentences of a report";
const SLOS: &str = "promises";
pub(super) const COMPARE: &str = "comparisons";
pub(super) const LEDGER: &str = "the ledger";
pub(super) const COUPLING: &str = "coupling";
pub(super) const DIAGNOSIS: &str = "a diagnosis";
const SWEEP: &str = "sweep";

/// The words.
const FIGURES: &[Figure] = &[
    f(
        &["tax"],
        ANSWER,
        "What of the mean request is not work: networks, queues, handshakes, tries that failed, waits before others. Where it \
         went, the ledger says.",
    ),
    f(
        &["bottleneck"],
        ANSWER,
        "What gives way first as load grows: what is offered more than it can do; else, of the nodes that are at least 85 % used, \
         the one that waits for no other such node; else a line in which at least 30 % of a client's mean is spent. Where there is \
         none of these the busiest node is named.",
    ),
    f(
        &["answered well"],
        ANSWER,
        "Requests that succeeded ÷ requests that arrived; who failed and who was never answered did not.",
    ),
    f(
        &["where the time went", "sum"],
        LEDGER,
        "The mean request by what it waited for, and the requests around the 99th percentile; the parts add up to the latency, \
         there is no \"other\".",
    ),
    f(
        &["of the answered"],
        CLIENTS,
        "The latency of those that were answered well, where so many failed that percentiles over all are never.",
    ),
    f(
        &["no interval"],
        CLIENTS,
        "Where runs are too short for an honest interval: how many times longer they must be for one.",
    ),
    f(
        &["two camps", "camps"],
        "runs",
        "Some replications do one thing and the others another, so that their mean is what no single run shows.",
    ),
    f(
        &["replicas apart", "apart", "each"],
        NODES,
        "How the replicas of a node differ, for nodes that have several: one row (in JSON, of each replica its visits, how many of them \
         it failed, workers held and how long it kept them on average, over all replications).",
    ),
    f(
        &["busiest", "idlest"],
        NODES,
        "The share of a node's visits that came to the replica with most of them, and to the one with fewest; of each replication its \
         own, on average. Alike: 1 ÷ replicas. A replica that all connections lead to has all.",
    ),
    f(
        &["slowest ms", "quickest ms", "sojourn_mean_ms"],
        NODES,
        "How long a visit stayed on average at the replica where that is longest, and shortest.",
    ),
    f(&["failing most"], NODES, "The largest share of its visits that a replica failed, and which one that is."),
    f(
        &["count", "arrived"],
        CLIENTS,
        "Requests that were meant to set out in the measured time (clients, flows) or that arrived in it, over all \
         replications together.",
    ),
    f(&["success", "success_rate"], CLIENTS, "Requests that were answered well ÷ requests that arrived."),
    f(
        &["p50", "p90", "p95", "p99", "p99.9", "p999"],
        CLIENTS,
        "Percentiles of the latency: so many per cent of the requests took at most this long. They have no interval where the \
         run is too short for an honest one.",
    ),
    f(
        &["mean", "mean_ms"],
        CLIENTS,
        "The mean latency of answered requests, with half the width of its 95 % interval after ±.",
    ),
    f(
        &["unanswered", "not done", "in_flight_at_end", "oldest_unanswered_s"],
        CLIENTS,
        "Requests that had no end when the run stopped waiting, and the age of the oldest. They count as failed: a system that \
         hangs must not look better than one that says no.",
    ),
    f(
        &["attempts_per_request", "tries each"],
        "edges",
        "Tries per call, retries and hedges included: 1 where the first try always serves.",
    ),
    f(&["late_replies"], CLIENTS, "Answers that came after the caller had given up."),
    f(
        &["wasted_work_s", "workers for nobody", "wasted_share", "of capacity"],
        "layers",
        "Time that workers spent on what nobody waited for any more: as workers that did nothing else, and as a share of all \
         there are.",
    ),
    f(
        &["duplicate_effects", "done twice"],
        CLIENTS,
        "Effects that happened again for the same request or message: told of the client behind it and the flows that begin \
         there, and of the call and its endpoint, or of the delivery (`mails -> mailer`), by which it came.",
    ),
    f(
        &["partial_answers", "partial_share", "partial"],
        "endpoints",
        "Answers of an endpoint that left without the answer of some `optional` branch, which had failed or was late; and \
         their share of all that it gave.",
    ),
    f(
        &["reads", "stale_reads", "stale_share", "stale"],
        NODES,
        "Of a database whose replicas lag (`replication_lag`): its reads, those that a replica answered which did not show all \
         that was written, and their share.",
    ),
    f(&["used", "utilization"], NODES, "Busy workers ÷ workers over time; with `cores` busy cores ÷ cores."),
    f(
        &["busy", "mean_busy"],
        NODES,
        "Workers held, on average: by work, or by waiting for a callee. Far above `working`, workers wait.",
    ),
    f(
        &["working", "mean_working"],
        NODES,
        "Workers that do something themselves, on average: the rest of `busy` waits.",
    ),
    f(
        &["queue", "mean_queue"],
        NODES,
        "Requests in line for a worker, on average over the measured time. In the ledger: time in a line.",
    ),
    f(
        &["wait p99", "wait p50", "wait_ms", "p_wait"],
        NODES,
        "Time in the lines of a node, of those who had to join one (`p_wait`: their share); of a queue: from published to \
         delivered.",
    ),
    f(
        &["sojourn_ms"],
        NODES,
        "From arrival at the node to its reply, the network between caller and node left out: columns p50 and p99 of nodes.",
    ),
    f(&["refused"], NODES, "Requests that found the line full, or were shed."),
    f(
        &["per user request", "tries_per_request"],
        "layers",
        "Requests that reach a node for each that a user sent: what fan-out and retries make of it.",
    ),
    f(
        &["amplification"],
        SLOS,
        "Requests that reach a node for each that a user sent. Three layers of four tries make 64.",
    ),
    f(
        &["published", "ready", "mean_depth", "most", "max_depth", "unacked"],
        QUEUES,
        "Messages sent; waiting, on average \
        and at most (`most`); and delivered but not yet acknowledged (`unacked`).",
    ),
    f(&["again", "redelivered", "duplicates"], QUEUES, "Messages that were delivered, or consumed, more than once."),
    f(
        &["dead", "dead_lettered", "lost", "left", "skipped"],
        QUEUES,
        "Messages that were set aside after too many tries; \
        that were dropped, expired or rejected; that were still there when the run ended; that a group jumped over.",
    ),
    f(&["lag", "mean_lag", "max_lag", "lag_at_end"], "groups", "Messages that a group has yet to read."),
    f(
        &["delay", "delay p50", "delay p99", "delay_ms"],
        "groups",
        "From published to done by the group, linger included.",
    ),
    f(&["moves", "rebalances"], "groups", "How often partitions were given to other members."),
    f(
        &["batch", "batch_size", "batches/s"],
        "topics",
        "Records in one request to the broker, and such requests per second.",
    ),
    f(
        &["looks", "hits", "misses", "hit rate"],
        "caches",
        "Look-ups, how many found what they looked for, and their share.",
    ),
    f(&["no budget", "budget_refused"], POLICIES, "Retries that the budget did not allow."),
    f(&["limited"], POLICIES, "Calls that a limit refused before they set out."),
    f(&["ejected", "ejections"], POLICIES, "How often a replica was left out of the balance."),
    f(
        &["breaker", "trips", "opened", "open", "open_share", "half-open", "half_open_share"],
        POLICIES,
        "How often a breaker (`circuit_breaker`) opened, and the share of time it was open, or let a few through to see \
        (half-open).",
    ),
    f(
        &["replicas", "autoscaling", "metric", "target", "seen", "peak"],
        "autoscaled nodes",
        "Replicas on average and at most; the figure \
        that the autoscaler looks at, what it is to be, and what it saw on average and at most.",
    ),
    f(
        &["begins", "lasts", "struck"],
        FAULTS,
        "When a fault begins and how long it lasts, and how often it struck in all runs.",
    ),
    f(
        &["recovered", "share_recovered", "after", "recovery_s"],
        FAULTS,
        "The share of runs in which a client was served again as before the fault, and how long that took from the fault's end \
         (the median). `not seen`: the run, or what another fault did, ended before it could show.",
    ),
    f(
        &["not seen", "not_seen"],
        FAULTS,
        "The run ends before a recovery could show: neither yes nor no, and no broken promise.",
    ),
    f(
        &[
            "failed first",
            "who failed first",
            "first to give way",
            "all held from",
            "calls fail from",
            "at worst",
            "saturated_s",
            "failing_s",
            "worst_share",
        ],
        FAULTS,
        "What a fault happened to, who ran out of workers first, and for how long; when its calls began to fail (those that \
         never end fail when they set out), and the worst share of them. A node whose replicas are all down has no workers, \
         and none of them are held.",
    ),
    f(
        &["burn", "burn_rate"],
        SLOS,
        "How many times faster than allowed the error budget is used up: 1 lasts exactly for the period, 14 is gone in a \
         fourteenth of it (Google's SRE workbook, chapter 5).",
    ),
    f(&["met"], SLOS, "The whole interval of the figure keeps the promise."),
    f(
        &["undecided"],
        SLOS,
        "The bound lies within the interval: run longer, or more often. With --strict that is a failure.",
    ),
    f(
        &["never"],
        CLIENTS,
        "A percentile over all that arrived lies among those that failed or were never answered: no latency is that of so many \
        per cent.",
    ),
    f(
        &["one run"],
        CLIENTS,
        "What one more single run will show, with the share of single runs that it holds for: wider than the interval of the \
        mean over many runs.",
    ),
    f(&["at once"], FAULTS, "It was as before as soon as the fault was over."),
    f(&["no data"], SLOS, "Nothing was measured, and nothing measured keeps no promise."),
    f(
        &["settled", "did not settle"],
        "runs",
        "Whether the second half of the measured time was as full as the first. If not, \
        figures depend on how long the run is; exit code 4.",
    ),
    f(
        &["diverging", "rising"],
        "runs",
        "More and more piles up: what `rising` names was certainly fuller in the second half of the measured time, so that \
        figures depend on how long the run is; exit code 4.",
    ),
    f(
        &["overloaded"],
        "runs",
        "More is offered than can be done; in lists of failures: the line was full, or the request left \
        it unserved.",
    ),
    f(&["guard"], "runs", "A limit of `[sim]` that ended a run early: max_events, max_in_flight. Exit code 4."),
    f(&["partial"], "runs", "The run was interrupted: only the replications that had ended are told. Exit code 130."),
    f(
        &["unfinished_s"],
        "runs",
        "The run was interrupted before any replication had ended: so far the shortest of those under way had measured.",
    ),
    f(
        &["conservation", "holds"],
        "runs",
        "Whether requests add up: arrived = succeeded + failed + under way at the end.",
    ),
    f(&["events"], "runs", "Steps of the simulation: arrivals, completions, messages, timers."),
    f(
        &["replications", "intervals"],
        "runs",
        "Independent runs with seeds of their own; how far they differ gives the 95 % \
        interval of each figure.",
    ),
    f(
        &["simulated", "simulated, not measured"],
        "runs",
        "Figures follow from what the file says: they are not what a machine would measure.",
    ),
    f(
        &["mean request", "p99 requests"],
        LEDGER,
        "Where the time of the mean answered request, or of the requests around the 99th percentile, went; the parts add up.",
    ),
    f(&["cpu wait", "cpu_wait"], LEDGER, "Work that waits for cores which others use."),
    f(&["network"], LEDGER, "Messages under way, both directions."),
    f(&["connect"], LEDGER, "Connections that are opened: handshakes and their cryptography."),
    f(&["connection wait", "connection_wait"], LEDGER, "Waiting for a connection of the caller's own pool."),
    f(&["failed tries", "failed_tries"], LEDGER, "Tries that failed, or were given up, before the one that served."),
    f(&["retry wait", "retry_wait"], LEDGER, "Waiting before the next try (backoff)."),
    f(&["hedge wait", "hedge_wait"], LEDGER, "The first try, where a hedge won."),
    f(
        &[
            "error",
            "connect_failed",
            "pool_timeout",
            "canceled",
            "reset",
            "rate_limited",
            "circuit_open",
            "bulkhead_full",
            "no_endpoint",
            "abandoned",
            "deadlock",
            "lock_timeout",
        ],
        "lists of failures",
        "Why requests failed: the callee said so; no connection could be opened, or none was lent in time; somebody gave up; the \
         connection broke; a rate limit, a breaker or a bulkhead refused; no replica was known; a lock's victim; a lock that \
         did not come in time.",
    ),
    f(
        &["temporal"],
        COMPARE,
        "Coupled in time: at least 5 % of the callers' requests that arrive while the callee is down are \
        lost, or (late) are answered only after it is back.",
    ),
    f(&["spatial"], COMPARE, "Coupled in space: to add a receiver, the sender has to be edited."),
    f(
        &["survives", "weakened", "fails", "replayable"],
        COMPARE,
        "What becomes of effects while the callee is down: fewer than \
        5 % are lost, more, or at least half; replayable where a log keeps what was sent.",
    ),
    f(
        &["variance gained", "variance_gain"],
        COMPARE,
        "How many times more replications independent seeds would need for the \
        same interval: what common random numbers save.",
    ),
    f(
        &["lost"],
        COUPLING,
        "Of the requests that arrive in an outage and are served without it, the share that is not served with it. Who still \
         waits when the run stops was not served.",
    ),
    f(
        &["late"],
        COUPLING,
        "Of the same requests, the share that is served all the same, but later by more than the client minds: the bound of its \
         promise, or three times its p50 and 100 ms at least.",
    ),
    f(
        &["cost", "cost_s", "stretch"],
        COUPLING,
        "All that fails because something was down, its aftermath included, as the time in which so many requests arrive: 30 s \
         down may cost 47 s. A lower bound where it is not over when the run stops.",
    ),
    f(
        &["index"],
        COUPLING,
        "Of an edge: of its caller's requests that cross it while it is up, the share that is lost while it is down.",
    ),
    f(
        &["spill-over", "spill_over", "spills refusing", "spills hanging", "beside"],
        COUPLING,
        "Of the caller's requests that do not cross the edge (so many stand under `beside`), the share that is lost while it is \
         down: what a shared pool passes on.",
    ),
    f(&["refusing", "hanging"], COUPLING, "How something is down: what calls it hears no at once, or nothing at all."),
    f(
        &["blast", "blast radius", "expected loss", "expected_loss", "loss"],
        COUPLING,
        "Share of all traffic that is lost while something is down, or a fault is on, clients by their weight; to be expected: what \
         is lost while it is on as the file's fault has it, and for as long as a repair takes, times how often it is on.",
    ),
    f(
        &["ε", "epsilon"],
        COUPLING,
        "By how many per cent the p99 grows when a node is slower by one per cent; read off at a tenth.",
    ),
    f(&["breaks at", "breaks_at"], COUPLING, "How many times as slow a node may be before a promise breaks."),
    f(
        &["per s", "per_s"],
        SWEEP,
        "Successes per second of measured time; of a capacity the requests per second that are offered.",
    ),
    f(
        &["busiest"],
        SWEEP,
        "The node of which most is in use: workers held or cores, whichever is scarcer, mean over the runs.",
    ),
    f(&["in use", "in_use"], SWEEP, "How much of that is in use, 0 to 100 %."),
    f(&["kept", "all_kept"], SWEEP, "Share of the runs that keep every promise; of one promise, that keep it."),
    f(
        &["holds", "reach"],
        SWEEP,
        "As far as a promise holds along what is swept: where the curve of what it measures crosses its bound, and in brackets \
         where the ends of its interval do.",
    ),
    f(
        &["runs that keep all", "tried"],
        "capacity",
        "Of the runs at a load, the same seeds at every load, the share that keeps every promise, and its exact interval.",
    ),
    f(
        &["cores each", "cores_each"],
        "capacity",
        "Cores of each replica that is added, or its workers where it says no cores.",
    ),
    f(
        &["since it should have been sent", "corrected", "corrected_ms"],
        "capacity",
        "Latency of successes in a load test that sends late when no virtual user is free, from when a request should have been sent.",
    ),
    f(
        &["since it was sent", "uncorrected", "uncorrected_ms"],
        "capacity",
        "The same from when it was sent: what waited for a free virtual user is not in it (coordinated omission).",
    ),
    f(
        &["dropped_share"],
        "capacity",
        "Share of requests that a load test drops that sends only what finds a virtual user free.",
    ),
    f(
        &["border", "along"],
        SWEEP,
        "As far as a promise holds along one of two parameters, at each value of the other: the one of more values is gone along.",
    ),
    f(&["between"], SWEEP, "The two neighbouring points between which a promise stops, or begins, to hold."),
    f(&["notch"], "whatif", "A tenth, of whole numbers rounded and at least one; a quarter of a timeout."),
    f(
        &["collapses an hour", "per_hour"],
        "recover",
        "How often an hour a system goes down by itself and stays down: what splitting runs found, with its interval.",
    ),
    f(
        &["spread between runs ÷ within"],
        "recover",
        "How much more splitting runs differ from each other than each says of itself; above 3 nobody should trust them.",
    ),
    f(
        &["cheaper than plain runs"],
        "recover",
        "How many times more events plain runs would need for the same certainty.",
    ),
    f(&["trigger"], "recover", "The fault or the spike of traffic after which one looks whether everybody comes back."),
    f(
        &["back after", "back_s"],
        "recover",
        "Median time from the trigger's end until a run is as before, of those that come back.",
    ),
    f(
        &["size", "replica-seconds"],
        "hunt",
        "How large a fault is: the time that it takes away, replicas times seconds.",
    ),
    f(
        &["tried up to", "up_to_s"],
        "hunt",
        "The longest that was tried and whose outcome the run is long enough to show.",
    ),
    f(
        &["bond", "deploy", "data", "loss", "logic"],
        DIAGNOSIS,
        "What binds two services, from 0 to 1: released together, a table that both use and one writes, requests lost when the \
         other is down, a library with rules of the business; all of them together.",
    ),
    f(
        &["in a row", "needs", "served at best"],
        DIAGNOSIS,
        "Of a client's requests: services of the longest chain, gateways left out; nodes whose outage fails them; the share that is \
         served if each of these is up 99.9 % of the time.",
    ),
    f(
        &["outages"],
        "advice",
        "The share of all traffic that is lost or late while one thing is down and says nothing, summed over everything that may \
         be down.",
    ),
    f(&["fits"], "advice", "Whether the way in which one tells another is the one that the rules choose."),
    f(
        &["promise", "promises", "verdict", "SLO failed"],
        SLOS,
        "What `[[slos]]` says under `expect`, and whether it was kept: met, failed, undecided.",
    ),
    f(&["no significant difference"], COMPARE, "The 95 % interval of the difference contains zero."),
    f(
        &["common random numbers", "paired"],
        COMPARE,
        "Both sides were run under the same draws, so that the difference is taken replication by replication, and luck that is common \
         to both falls out of it.",
    ),
    f(
        &["variance gained by pairing", "variance_gain"],
        COMPARE,
        "How many times more replications it would take to know the difference as well without common random numbers.",
    ),
    f(
        &["weak"],
        "imported scenarios",
        "Fewer than 30 samples carry the figure: of fifteen, a share may be 15 % apart either way.",
    ),
    f(
        &["distance"],
        "imported scenarios",
        "The largest distance between the distribution function of a law and that of the samples that it was fitted to \
         (Kolmogorov, Smirnov).",
    ),
];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().chain(STUDIES)
}

/// What the output means by a word.
pub(super) fn figures(word: &str) -> impl Iterator<Item = &'static Figure> {
    all().filter(move |figure| figure.words.contains(&word))
}
