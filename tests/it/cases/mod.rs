//! Reports from the field and from the documentation of real systems, as small scenarios with their right values. Each test
//! names its source. The scenarios stand beside the tests, one file a report.

mod balancing;
mod calls;
mod censored;
mod connections;
mod corpus;
mod hostile;
mod intervals;
mod kafka;
mod locks;
mod messaging;
mod modes;
mod pooler;
mod presets;
mod presets_brokers;
mod probes;
mod queues;
mod recovery;
mod refusing;
mod releases;
mod rollouts;
mod said;
mod scaling;
mod streams;
mod verdicts;
mod width;
mod zones;
