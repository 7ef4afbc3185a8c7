//! Input that means harm, and honest limits.
