//! `traffic`: a client sends `factor` times as much: a sale, a crawler, a marketing mail.
//!
//! The target is a client with a rate or phases; while the fault is on the rate is multiplied.
