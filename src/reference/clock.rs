//! The server's idea of now, in whole seconds since the epoch, as JWT NumericDates count.

use std::time::{SystemTime, UNIX_EPOCH};

/// A clock before 1970 reads as zero: every token is then not yet valid, which is the safe side.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_secs()).ok())
        .unwrap_or(0)
}
