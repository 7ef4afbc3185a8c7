//! Coming back, or not being seen to.
