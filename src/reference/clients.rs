//! Everything that is registered at the server: clients, users, scopes and targets. All fixed, so that
//! a target file can name them.

/// The grants of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    Password,
    ClientCredentials,
    Refresh,
    Exchange,
}

impl Grant {
    pub(super) const ALL: [Self; 4] =
        [Self::Password, Self::ClientCredentials, Self::Refresh, Self::Exchange];

    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ClientCredentials => "client_credentials",
            Self::Refresh => "refresh_token",
            Self::Exchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// By HTTP Basic or in the body.
    Secret(&'static str),
    /// `private_key_jwt` with the key `client-es256`.
    PrivateKeyJwt,
    /// `client_secret_jwt`, HS256.
    SecretJwt(&'static str),
    /// A public client.
    None,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: &'static str,
    pub(super) credential: Credential,
    pub(super) grants: &'static [Grant],
    pub(super) scopes: &'static [&'static str],
    /// Disabled since its tokens were issued: the first grants still answer, but it may not exchange, and no
    /// exchange may act for it, take it as the actor, or take what was issued to it.
    pub(super) disabled: bool,
    /// Registered for DPoP-bound access tokens only (RFC 9449 §5.2).
    pub(super) bound_only: bool,
    /// The clients of the operator itself may exchange each other's access tokens.
    pub(super) family: bool,
    /// May ask the introspection endpoint about tokens of others.
    pub(super) resource_server: bool,
}

const ALL_SCOPES: &[&str] = &["read", "write", "admin", "openid", "profile", "offline_access"];
const SERVICE_SCOPES: &[&str] = &["read", "write", "openid", "profile"];
const NO_EXCHANGE: &[Grant] = &[Grant::Password, Grant::ClientCredentials];

const fn client(id: &'static str, credential: Credential, grants: &'static [Grant]) -> Client {
    Client {
        id,
        credential,
        grants,
        scopes: ALL_SCOPES,
        disabled: false,
        bound_only: false,
        family: true,
        resource_server: false,
    }
}

const fn service(id: &'static str, secret: &'static str) -> Client {
    Client { scopes: SERVICE_SCOPES, ..client(id, Credential::Secret(secret), &Grant::ALL) }
}

pub(super) static CLIENTS: [Client; 13] = [
    client("app", Credential::Secret("app-secret"), &Grant::ALL),
    client("second-app", Credential::Secret("second-app-secret"), &Grant::ALL),
    Client { family: false, ..client("outsider", Credential::Secret("outsider-secret"), &Grant::ALL) },
    service("service-a", "service-a-secret"),
    service("service-b", "service-b-secret"),
    client("forbidden", Credential::Secret("forbidden-secret"), NO_EXCHANGE),
    Client {
        disabled: true,
        ..client("disabled-app", Credential::Secret("disabled-app-secret"), &Grant::ALL)
    },
    client("spa", Credential::None, &[Grant::Password, Grant::Refresh, Grant::Exchange]),
    Client { resource_server: true, ..client("rs", Credential::Secret("rs-secret"), &[]) },
    Client { bound_only: true, ..client("bound-app", Credential::Secret("bound-app-secret"), &Grant::ALL) },
    client("signer", Credential::PrivateKeyJwt, &Grant::ALL),
    client("hmac", Credential::SecretJwt("hmac-secret-of-at-least-32-bytes!"), &Grant::ALL),
    // Both need form-encoding before they go into a Basic header.
    client("odd:id+%~&", Credential::Secret("s:e c%r+&t"), &Grant::ALL),
];

pub(super) fn find_client(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.id == id)
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) password: &'static str,
    /// Disabled, or logged out, after login: grants still answer, but no exchange may act for the user any more.
    pub(super) disabled: bool,
}

static USERS: [User; 5] = [
    User { name: "alice", password: "alice-password", disabled: false },
    User { name: "bob", password: "bob-password", disabled: false },
    User { name: "carol", password: "carol-password", disabled: false },
    User { name: "dora", password: "dora-password", disabled: true },
    User { name: "emil", password: "emil-password", disabled: true },
];

pub(super) fn find_user(name: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.name == name)
}

/// What a grant gets when it asks for no scope.
pub(super) const DEFAULT_SCOPES: &[&str] = &["read", "write"];

/// What the exchange of an ID token may give at most: it proves a login, not a permission.
pub(super) const IDENTITY_SCOPES: &[&str] = &["openid", "profile"];

/// The audience of a token that nobody asked to aim anywhere else.
pub(super) const DEFAULT_AUDIENCE: &str = "https://api.example.com";

/// Targets that can be named by URI, as `resource` or as `audience`.
pub(super) const RESOURCES: &[&str] = &["https://api.example.com", "https://backend.example.com"];

/// Targets that have a logical name, for `audience` only. Clients that exchange are among them, so
/// that a service can be handed a token that it may exchange further.
pub(super) const LOGICAL_AUDIENCES: &[&str] = &["api", "backend", "service-a", "service-b", "second-app"];

/// The authorization server for which identity assertion grants are made.
pub(super) const OTHER_SERVER: &str = "https://resource-as.example.com";

/// The domain in which transaction tokens travel.
pub(super) const TRUST_DOMAIN: &str = "trust-domain.example.com";

/// The one other issuer whose tokens are accepted, as `urn:ietf:params:oauth:token-type:jwt` only.
pub(super) const FOREIGN_ISSUER: &str = "https://idp.example.net";

#[cfg(test)]
mod tests {
    use super::{CLIENTS, Credential, find_client};

    #[test]
    fn client_ids_are_unique() {
        for client in &CLIENTS {
            assert!(std::ptr::eq(find_client(client.id).unwrap(), client));
        }
    }

    #[test]
    fn the_hmac_secret_is_long_enough_for_hs256() {
        let hmac = find_client("hmac").unwrap();
        assert!(matches!(hmac.credential, Credential::SecretJwt(secret) if secret.len() >= 32));
    }
}
