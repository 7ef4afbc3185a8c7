//! Reports from the field and from the documentation of real systems, as small scenarios with their right values. Each test
//! names its source. The scenarios stand beside the tests, one file a report.
//!
//! Reports of what 0.1.0 had no mechanism or no word for, and where each is held to its figure:
//!
//! | report | test |
//! |---|---|
//! | users' calls in a spike of prefetches | `refusing::the_less_important_are_refused_first` |
//! | a retry that goes to the same host | `balancing::istio_does_not_try_the_same_host_again` |
//! | Envoy's panic threshold, and Istio without it | `balancing::below_half_envoy_sends_to_all_and_istio_to_those_that_work` |
//! | a rollout that waits for its pods | `rollouts::a_rollout_takes_as_long_as_its_replicas_need`, `how_long_it_takes_is_an_outcome` |
//! | 5xx of a rollout without a pause | `rollouts::a_pause_before_it_stops_loses_nothing` |
//! | probes that share the workers | `probes::readiness_under_load_takes_replicas_out_one_after_the_other` |
//! | slow again after idle | `connections::a_warm_connection_that_was_idle_is_slow_again` |
//! | a lost segment under HTTP/2 | `connections::one_lost_segment_stalls_all_streams_of_a_connection` |
//! | gRPC does not see new replicas | `connections::new_replicas_get_nothing_over_grpc_until_a_connection_breaks` |
//! | the keep-alive race | `connections::a_request_that_meets_a_closing_connection_is_reset` |
//! | look-ups that are lost | `connections::a_lost_look_up_takes_five_seconds` |
//! | an autoscaler whose metrics are late | `scaling::late_metrics_make_a_spike_last_for_minutes` |
//! | what two sidecars cost | `mesh::two_sidecars_add_what_istio_says_where_one_of_its_rows_is_fitted` |
//! | delayed retries over dead letters | `messaging::a_circle_of_dead_letters_with_a_rejection_is_a_delayed_retry` |
//! | a migration's lock | `locks::a_migration_behind_a_report_exhausts_the_connections` |
//! | request and reply over a queue | `messaging::a_reply_comes_back_over_the_broker` |
//! | message groups | `messaging::of_one_group_one_message_is_in_flight` |
//! | reads from a replica that lags | `messaging::a_read_from_a_lagging_replica_misses_what_was_just_written` |
//! | a pooler between pools and database | `pooler::a_pooler_makes_do_with_few_connections` |
//! | scaling on lag | `scaling::nobody_is_started_who_would_have_no_partition`, `a_lag_is_worked_off_from_none_and_to_none` |

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
