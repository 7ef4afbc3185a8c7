//! Intervals that hold.
