//! The reference authorization server and its faults.
