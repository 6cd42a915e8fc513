//! The catalogue: what RFC 8693 and the specifications it inherits from say, one row a statement.
