//! Words of the studies that stand in the output and in no scenario file: headings of their tables, names of their JSON, verdicts.

use super::figures::{CLIENTS, COMPARE, COUPLING, DIAGNOSIS, FAULTS, Figure, LEDGER, NODES, POLICIES, QUEUES, f};

const ADVICE: &str = "advice";
const CHECK: &str = "check";
const RECOVER: &str = "recover";
const RUNS: &str = "runs";
const TABLES: &str = "tables";

/// The words.
pub(super) const STUDIES: &[Figure] = &[
    f(
        &["N_eff", "n_eff", "effectively", "services in effect"],
        DIAGNOSIS,
        "How many services these are, really: n² ÷ the sum of the bonds over all pairs, each service with itself included. n \
         where nothing binds them, 1 where everything does; with facts missing it is an upper bound (`at most`).",
    ),
    f(
        &["shortened"],
        DIAGNOSIS,
        "A file whose runs would together take more than a billion and a half events is run shorter: fewer replications, and, \
         without its faults and where its load does not change, less measured time. What the file says stands first, then what \
         was run.",
    ),
    f(
        &["trial_replications"],
        DIAGNOSIS,
        "Replications of what is tried of a sign besides the matrix: a release, a migration, a slower node. As many as the file \
         has, or fewer, so that it all takes little more than the matrix alone.",
    ),
    f(
        &["breaks_between"],
        DIAGNOSIS,
        "The slow-downs between which a promise breaks for certain: the last that keeps it with its whole interval, and the first \
         that breaks it so.",
    ),
    f(
        &["n_eff_between"],
        DIAGNOSIS,
        "The 95 % interval of what was simulated: of a bond with its measured part at either end, of N_eff with all of them at \
         the same end, which is wide rather than narrow. What the file says has none.",
    ),
    f(
        &["unit", "units", "one in fact"],
        DIAGNOSIS,
        "Services that are bound by a half or more, directly or by others: one in fact. `graph` outlines them, a number each.",
    ),
    f(
        &["built_in"],
        DIAGNOSIS,
        "Services that are only ever called as functions, each with those whose process they run in. They are no services of \
         their own, and do not count in N_eff.",
    ),
    f(
        &["severity", "moderate", "severe"],
        DIAGNOSIS,
        "How bad a sign is: `severe` where half of the services have it, and more than two, or a chain is of four services and \
         more; `moderate` where something speaks for it; `none` where nothing does.",
    ),
    f(
        &["not assessed", "not_assessed", "not simulated", "not_simulated"],
        DIAGNOSIS,
        "The file does not say what it would take to know; a missing fact is never a zero. Not simulated: no run can show it, or \
         none was made.",
    ),
    f(
        &[
            "signs",
            "says",
            "evidence",
            "line",
            "proofs",
            "pairs",
            "pair",
            "one",
            "paths",
            "longest",
            "teams",
            "available",
        ],
        DIAGNOSIS,
        "The five signs, each with what speaks for it (`evidence`, and its `line` in the file) and what runs showed of it \
         (`proofs`); the pairs of services with any bond (`one`, `other`); what each client goes through (`paths`: its longest \
         chain, and how available it is at best); how many teams own anything.",
    ),
    f(
        &[
            "fact",
            "effect by itself",
            "effect",
            "change",
            "causes",
            "services_before",
            "before",
            "after",
            "new",
            "gone",
        ],
        DIAGNOSIS,
        "What is new, gone or different against the older file (`how`), and what that does to N_eff when nothing else changes. In \
         advice: something else fits better than what is there.",
    ),
    f(&["how"], DIAGNOSIS, "Whether a fact is `new`, `gone` or `different`."),
    f(
        &["queries", "calls of a request"],
        DIAGNOSIS,
        "Queries and looks into caches for each request of a client, expected.",
    ),
    f(
        &["lockstep", "compatible", "alone", "lost_s", "rollout_s", "failing_s", "to_the_end", "callee", "callers"],
        DIAGNOSIS,
        "A release that changes what a service says, rolled out alone, together with its callers, and so that old and new \
         understand each other; how long all requests together would have had to fail, and from the first to the last failure.",
    ),
    f(
        &["lost_between_s", "p99_between_ms", "served_between"],
        DIAGNOSIS,
        "The ends of the 95 % intervals of the figures of that name, from the few replications of what was tried.",
    ),
    f(
        &["locked", "held_s", "ten_times", "library"],
        DIAGNOSIS,
        "Proofs: a migration that has a table for itself so long; a node ten times slower; a library with rules of the business \
         that is released.",
    ),
    f(
        &["better", "worse", "a trade", "trade", "buys nothing", "as it is", "as_it_is", "nothing", "class"],
        ADVICE,
        "What a way out comes to: something gets better by 5 % at least and nothing worse; worse and nothing better; both; \
         neither; or the file as it is, which is among the ways.",
    ),
    f(
        &["more than needed", "more_than_needed", "either"],
        ADVICE,
        "What is there costs what it does not give back; something else is as good.",
    ),
    f(
        &["way", "ways", "gain", "again", "refused ways"],
        ADVICE,
        "What was tried, the best first: by the sum of the logarithms of what changes beyond chance. The best is run again on \
         fresh seeds.",
    ),
    f(
        &["parts", "moving_parts"],
        ADVICE,
        "What has to be run: services, gateways, databases, caches, queues, topics, and the mesh. What is called as a function is \
         a part of another.",
    ),
    f(
        &["an hour", "cost_per_hour"],
        ADVICE,
        "Money: of each node its replicas times its `cost`; only where every node says it. Brokers say none.",
    ),
    f(
        &["effect p99", "to the effect", "open_effects", "old_state", "after_ms"],
        ADVICE,
        "The p99 until what a request is to bring about has happened (a flow); how many are answered and not yet done at any \
         moment; of those who look so long after the answer, the share that sees the old state.",
    ),
    f(
        &["crashes", "sender", "doubled", "outbox"],
        ADVICE,
        "All of a message's sender crashes at random moments: effects that are lost by each, because what leads to them was written and \
         the message not sent; effects that happen twice, because an outbox was read again. `between`: written and not yet sent at any \
         moment, which is what a crash finds by hand. With an outbox the message is a row of what is written.",
    ),
    f(
        &["undone", "receiver", "taken back", "compensation"],
        ADVICE,
        "Of a call that fails now and then and becomes a message: the share of all requests that were answered well, then refused by \
         the receiver, and taken back by a write of the sender's, and how long that took. Every failure counts as a refusal there.",
    ),
    f(
        &["moved"],
        ADVICE,
        "The service that most others call gets another address when the measured time begins: the share of all requests that is lost \
         by it, as the file is and with the way.",
    ),
    f(
        &["reasons", "why worse"],
        ADVICE,
        "Of a way that is much worse than the file as it is: where calls fail more by themselves, whether it comes back from the \
         file's faults, and where its slowest hundredth waits longer.",
    ),
    f(&["together"], ADVICE, "Edges that a way makes one: what several are told by each of them becomes one event."),
    f(&["gives_up"], ADVICE, "What a rule asks for, no run shows, and a way takes away: it is a trade at best."),
    f(
        &["reads_back"],
        ADVICE,
        "Whoever sends the message reads, in the same request, what it is to change: until it is handled, the old state.",
    ),
    f(
        &["interactions", "whole", "about", "subject", "there", "because", "receivers", "rate_per_s"],
        ADVICE,
        "Who tells whom what, and the file as a whole, held against the rules: what is there, what fits, and by which rule; how \
         many want what is told, and how often it is.",
    ),
    f(
        &["p99_undisturbed"],
        ADVICE,
        "The p99 is that of the file without its faults: with them more than a hundredth is never served.",
    ),
    f(&["blast_differs"], ADVICE, "Whether `outages` differs from that of the file as it is, interval from interval."),
    f(
        &["own_faults"],
        COUPLING,
        "Faults of the file that are on during the outage, in the run with it and in the one without: what fails of them is in no \
         figure.",
    ),
    f(
        &["down", "down, or on", "none down", "of the time", "a month", "down a month"],
        COUPLING,
        "What is taken down, and the share of the time for which it is down by what the file says; what that costs in a month \
         of 30 days.",
    ),
    f(
        &["by", "late_by_s", "late_after_ms"],
        COUPLING,
        "How much later those come that are late, the median; from how much on they are. In advice: by what something is told.",
    ),
    f(
        &["product", "the truth lies", "condition that does not hold", "at"],
        COUPLING,
        "Availability as the product of what a request needs, beside the simulated one; and each condition of the product that does \
       not hold, with the side on which the truth lies.",
    ),
    f(
        &["single point", "single_points", "the only way to", "only_way_to", "entry"],
        COUPLING,
        "What all ways of a client lead through, and what can be reached in no other way.",
    ),
    f(
        &["slower", "slowness", "p99 now"],
        COUPLING,
        "A node whose work takes a tenth longer, and the p99 of whoever waits for it as it is.",
    ),
    f(
        &[
            "columns",
            "crossing",
            "absent",
            "between",
            "sheltered_by",
            "served",
            "pairing",
            "closed_clients",
            "promised",
        ],
        COUPLING,
        "A column for each thing that is down, or each pair of things; requests that cross an edge where it is up, and of the lost ones those that never \
         came to its caller; between which ends a figure lies; what kept a loss away; requests that are served without the outage, each paired with itself.",
    ),
    f(
        &["by_structure", "by_run_alone", "outage_at_s", "outage_for_s", "hangs", "flow"],
        COUPLING,
        "What no arrow connects is not run (`by_structure`); when the outage begins, and how long it is; whether what is down \
         says nothing at all; whether a row is a flow.",
    ),
    f(
        &["forecast", "req/s", "erlangs", "utilised", "held", "answer ≥", "tries ≤", "arrivals_per_s"],
        CHECK,
        "Read off the file: requests per second at a node, work that they bring (in workers), its share of what there is, workers \
         held while they wait, the least an answer takes, the most tries that one request may make there.",
    ),
    f(&["layer", "layers", "of capacity used"], "layers", "Nodes by how many calls they are away from a client."),
    f(
        &["room", "today"],
        RECOVER,
        "By how much the load may grow until it stays down; the load that the file has, as 1.",
    ),
    f(
        &["down before", "per second", "trigger on for", "runs"],
        RECOVER,
        "Runs that were down before the trigger came; how often it goes over by itself; how long the trigger lasts; how many runs.",
    ),
    f(
        &["breaks from", "what", "what it breaks"],
        "hunt",
        "What was taken away, from which length of it a promise is broken, and which.",
    ),
    f(
        &["what it waited for, what began it", "such as", "took", "of it", "usual_ms"],
        "why",
        "The chain from what a request waited for to what began it; one such request by its number, how long it took, and how \
         much of that this was; how much of it is usual: what requests of its client in the middle spend there.",
    ),
    f(
        &["base", "other", "difference", "relative", "figure"],
        COMPARE,
        "A figure of the file, of what it is compared with, and how far they are apart, absolutely and as a share of the first.",
    ),
    f(
        &[
            "edits: move",
            "edits: add",
            "complexity",
            "reliability",
            "to the caller",
            "broker down",
            "lost, refusing",
            "lost, hanging",
            "lost, broker down",
        ],
        "patterns",
        "Edits in the sender's section to move a receiver, and to add one; parts to be run; what becomes of effects in an outage; \
         latency to the caller; what is lost while the callee refuses, says nothing, or the broker is down.",
    ),
    f(&["turned"], "whatif", "What was turned by a notch."),
    f(
        &["perhaps", "chance", "stands", "stands_alone", "holds", "also_again"],
        "whatif",
        "Whether a difference is more than chance: among all that were looked at, or on fresh seeds among the best few (`stands`); \
         perhaps: if nothing else had been looked at (`stands_alone`); chance: not even then.",
    ),
    f(
        &["seeds", "fresh", "search", "smaller_measured", "about_faults"],
        "hunt",
        "Whether a size was found on the seeds of the search alone, or held to fresh ones; what was measured of the promise with a \
         tenth less; promises about the time of a fault, which are not hunted for.",
    ),
    f(
        &["saw", "from_s", "until_s"],
        "why",
        "What a circuit breaker had seen when it refused: how many calls failed, how, from when to when, and which faults were on.",
    ),
    f(
        &["left_out", "not_slowed", "lost while down"],
        COUPLING,
        "Faults that the file lets come at random, which are on in no run of the matrix; nodes that were not slowed down because \
         the study was stopped; the share of all traffic that is lost while something is down for as long as a repair takes.",
    ),
    f(
        &["first mean", "first p50", "first p99", "all mean", "first_message_ms"],
        "streamed calls",
        "Until the first message of a streamed answer is there, and until all are.",
    ),
    f(&["hedges"], POLICIES, "Calls for which a second try was begun while the first was under way."),
    f(
        &["delivered", "acked", "dropped", "expired", "rejected", "ready_at_end", "unacked_at_end", "mean_unacked"],
        QUEUES,
        "Messages handed to a consumer, and acknowledged; that a full queue threw away, that were too old, that it refused; \
         waiting, and delivered but not acknowledged, when the run ended.",
    ),
    f(
        &["mean_blocked", "max_blocked", "blocked_at_end"],
        QUEUES,
        "Publishers that waited for room: on average, at most, when the run ended.",
    ),
    f(
        &["calls_per_s", "retries_per_s", "trips_per_s", "limited_per_s"],
        POLICIES,
        "Calls, retries, openings of a breaker, and calls that a limit refused, per second.",
    ),
    f(
        &["series", "lags", "level", "from_s", "width_s"],
        "runs with --series",
        "Clients, queues (messages ready) and readers of topics (the highest lag) over time: a value for each stretch of the measured \
         time, from when on it goes and how long it is. Levels are means over replications, counts sums over them.",
    ),
    f(&["measured", "at_least_ms"], "promises", "What was measured of a promise; a bound below what cannot be told."),
    f(&["blocked"], QUEUES, "Publishers that waited for room."),
    f(&["consumed", "topic", "topic/group"], "groups", "Records that a group has read and done with."),
    f(&["fault", "who", "for"], FAULTS, "A fault, whom it struck, and for how long something was so."),
    f(
        &["actual", "expected", "allowed", "model", "claim", "ours", "±"],
        "validate",
        "A figure as simulated and as theory or a publication has it, and how far apart they may be.",
    ),
    f(
        &["node", "edge", "whose", "requests", "variant · client", "found"],
        TABLES,
        "What a row is about: a node, from whom to whom, whose requests, how many; what was measured.",
    ),
    f(
        &[
            "tool",
            "scenario",
            "run",
            "run_low",
            "run_high",
            "run_level",
            "confidence",
            "duration_s",
            "warmup_s",
            "note",
            "schema_version",
            "width_s",
            "timeline",
            "state",
            "notes",
            "reason",
        ],
        RUNS,
        "Who made it, of which file, and how; what one more single run will show, with its probability; the width of a stretch of \
         what is told over time; and what is said besides.",
    ),
    f(
        &[
            "latency_ms",
            "latency_all_ms",
            "latency_arrived_ms",
            "hdr",
            "p50_ms",
            "p99_ms",
            "p50_count",
            "p99_count",
            "var",
            "median",
        ],
        CLIENTS,
        "Latency of answered requests, of all that ended, and of all that arrived, with failed and unanswered as never; its \
         histogram (HdrHistogram V2, base64); the band of requests around a percentile, its mean and how many they are; the \
         variance.",
    ),
    f(
        &["within", "within_by_node", "sum_ms", "tax_ms", "tax_share"],
        "the ledger",
        "Half the width of the interval around each part of a ledger, in all and by node; causes without one are left out.",
    ),
    f(
        &["succeeded", "failed", "throughput", "throughput_per_s", "offered_per_s", "batches_per_s"],
        CLIENTS,
        "Requests that were answered well, that were not, by why; answered ones and offered ones per second.",
    ),
    f(
        &["completed", "in_system", "mean_in_system", "max_in_system", "p_full", "at_s", "saturated_for_s", "failing"],
        NODES,
        "Requests that a node has answered; that are there, waiting or worked on, over time; the share that finds its line full; \
         when, and for how long, all workers were held.",
    ),
    f(
        &["nodes", "edges", "groups", "by_node"],
        RUNS,
        "Figures by node, by who calls whom, by who reads a topic; the ledger by where the time was spent.",
    ),
    f(
        &["broker", "gateway", "database"],
        LEDGER,
        "Time in brokers, in a gateway's own work, and in a database's line and work.",
    ),
];
