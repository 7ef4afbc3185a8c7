//! Queues and what their brokers do; databases.
