//! What the server offers beyond the plain exchange.

use schemars::JsonSchema;
use serde::Deserialize;

/// A feature that the server can be started without: some behaviour shows only where something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Actor tokens.
    Delegation,
    /// DPoP (RFC 9449).
    Dpop,
    /// Exchanges by public clients.
    PublicClients,
    /// `requested_token_type` jwt.
    IssuesJwt,
    /// `requested_token_type` id_token.
    IssuesIdToken,
    /// `requested_token_type` refresh_token. Without it, a refresh token comes beside the access token.
    IssuesRefreshToken,
    /// ID tokens as subject tokens.
    IdTokenSubject,
    /// Refresh tokens as subject tokens.
    RefreshTokenSubject,
    /// Access tokens in the form of JWTs. Without it, they are random strings.
    JwtAccessTokens,
}
