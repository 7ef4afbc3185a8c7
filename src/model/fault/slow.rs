//! `slow`: work on replicas takes `factor` times as long: a noisy neighbour, a throttled CPU, a disk that dies slowly.
//!
//! Work in progress is stretched too. What a slow replica adds is `fault` in the ledger. Faults that overlap multiply.
