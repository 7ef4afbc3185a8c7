//! How an answer says how it went: an HTTP status, or gRPC's in the trailers.

use hoptax::model::Outcome;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};

/// gRPC's status.
const GRPC: &str = "grpc-status";

/// Each way to end that a callee can tell of, with its HTTP status and gRPC's code.
const WAYS: [(Outcome, u16, u16); 6] = [
    (Outcome::Succeeded, 200, 0),
    (Outcome::Error, 500, 13),
    (Outcome::Overloaded, 503, 14),
    (Outcome::RateLimited, 429, 8),
    (Outcome::Deadline, 504, 4),
    (Outcome::Canceled, 499, 1),
];

fn way(outcome: Outcome) -> (Outcome, u16, u16) {
    WAYS.into_iter().find(|way| way.0 == outcome).unwrap_or(WAYS[1])
}

/// As an HTTP status.
pub(crate) fn http(outcome: Outcome) -> StatusCode {
    StatusCode::from_u16(way(outcome).1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// As trailers of gRPC.
pub(crate) fn trailers(outcome: Outcome) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC, HeaderValue::from(way(outcome).2));
    trailers
}

/// What an HTTP status says.
pub(crate) fn of_http(status: StatusCode) -> Outcome {
    WAYS.into_iter().find(|way| way.1 == status.as_u16()).map_or(Outcome::Error, |way| way.0)
}

/// What trailers of gRPC say.
pub(crate) fn of_trailers(trailers: &HeaderMap) -> Option<Outcome> {
    let code: u16 = trailers.get(GRPC)?.to_str().ok()?.parse().ok()?;
    Some(WAYS.into_iter().find(|way| way.2 == code).map_or(Outcome::Error, |way| way.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for (outcome, ..) in WAYS {
            assert_eq!(of_http(http(outcome)), outcome);
            assert_eq!(of_trailers(&trailers(outcome)), Some(outcome));
        }
    }
}
