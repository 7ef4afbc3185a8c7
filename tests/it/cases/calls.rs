//! Calls, links, policies, autoscaling.
