//! The roles that target files fill and scenarios refer to. A name outside these lists must start with `x-`.

/// A role and what fills it.
pub type Role = (&'static str, &'static str);

/// Roles of clients.
pub const CLIENTS: &[Role] = &[
    ("exchanger", "confidential client that may exchange the `user` token"),
    ("service", "confidential client that is the actor in delegation"),
    ("second", "second confidential client that may exchange tokens"),
    ("forbidden", "confidential client that is registered but not allowed this grant"),
    ("public", "client without credentials"),
    ("observer", "resource server that may introspect issued tokens"),
    (
        "private_key_jwt",
        "client that authenticates with a JWT signed by its private key and may exchange the `user` token",
    ),
    (
        "client_secret_jwt",
        "client that authenticates with a JWT keyed with its secret and may exchange the `user` token",
    ),
    (
        "special_characters",
        "client whose id or secret holds characters that must be encoded before Basic and that may exchange the `user` token",
    ),
    ("disabled", "confidential client that is registered and disabled, its credentials right"),
    (
        "dpop_bound",
        "client registered for DPoP-bound access tokens only (RFC 9449 section 5.2) that may exchange the `user` token",
    ),
];

/// Roles of tokens.
pub const TOKENS: &[Role] = &[
    ("user", "access token of a user: the subject token of most scenarios"),
    ("second_user", "access token of another user"),
    ("client_subject", "access token that a client got for itself"),
    ("service", "token of the actor"),
    ("second_service", "token of another actor"),
    ("third_service", "token of a third actor"),
    ("id_token", "ID token of the user"),
    ("refresh_token", "refresh token of the user"),
    ("opaque", "access token of the user that is no JWT"),
    ("expired", "genuine access token of the user that has expired"),
    ("expired_actor", "genuine actor token that has expired"),
    ("not_yet_valid", "genuine access token whose `nbf` lies ahead"),
    ("other_client", "access token of the user issued to another client, not meant for the exchanger"),
    (
        "shared_audience",
        "access token of the user issued to the second client and meant for the exchanger too",
    ),
    ("single_use", "access token that can be exchanged once"),
    ("may_act", "access token of the user whose `may_act` names the `service` actor"),
    ("may_act_other", "access token of the user whose `may_act` names someone else"),
    (
        "may_act_issuer",
        "access token of the user whose `may_act` names the `service` subject at another issuer",
    ),
    ("may_act_malformed", "access token of the user whose `may_act` is no object"),
    ("disabled_user", "access token of a user who was disabled after it was issued"),
    ("disabled_actor", "token of an actor that was disabled after it was issued"),
    ("disabled_client_subject", "access token that a client got for itself before it was disabled"),
    ("ended_session", "access token of a user whose session has ended since"),
    ("deleted_client", "access token of the user issued to a client that was deleted since"),
    ("bound", "access token of the user bound to the DPoP key `subject`"),
    ("narrow", "access token of the user with the `narrow` scopes only"),
    (
        "other_client_may_act",
        "access token of the user issued to another client whose `may_act` names the `exchanger` client",
    ),
    ("may_act_client", "access token of the user whose `may_act` names the `exchanger` client"),
    ("other_client_id_token", "ID token of the user issued to another client"),
    ("other_tenant", "access token of another tenant (realm, domain) of the same server"),
    ("scopeless", "access token of the user without any scope"),
    ("revoked_actor", "actor token that was revoked before the run"),
    ("foreign", "JWT of a trusted other issuer"),
    ("foreign_actor", "JWT of a trusted other issuer for an actor"),
    ("logout_token", "back-channel logout token signed by the server"),
    ("security_event", "security event token signed by the server"),
    ("id_jag", "identity assertion authorization grant signed by the server"),
    ("transaction_token", "transaction token signed by the server"),
    ("dpop_proof_token", "JWT of type dpop+jwt signed by the server"),
    ("client_assertion", "client assertion of a registered client"),
];

/// Roles of audiences and resources.
pub const TARGETS: &[Role] = &[
    ("allowed", "a target that the exchanger may name"),
    ("second", "another target that the exchanger may name"),
    ("name", "a logical name that is no URI (audiences only)"),
    ("forbidden", "a target that the server knows and the exchanger may not name"),
    ("authorization_server", "another authorization server, as the audience of an identity assertion grant"),
    ("trust_domain", "the trust domain that transaction tokens are for"),
    ("unknown", "a well-formed target that the server does not know; `generated` makes one up"),
];

/// Roles of scope sets.
pub const SCOPES: &[Role] = &[
    ("subject", "the scopes of the `user` token"),
    ("narrow", "a strict subset of them"),
    ("extra", "a scope that the `user` token lacks and the client may have"),
    ("forbidden", "a scope that the server knows and the client may not have"),
    ("unknown", "a scope that the server does not know; `generated` makes one up"),
];

/// Whether a name is in a list or marked as the user's own.
pub fn is_role(list: &[Role], name: &str) -> bool {
    name.starts_with("x-") || list.iter().any(|(known, _)| *known == name)
}
