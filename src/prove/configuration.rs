//! The reference server as more than one product: some scenarios are for servers that lack a feature.

use crate::{reference::Feature, spec::Capability, target::Target};

/// One way to run the reference server, and what its target then declares.
pub(super) struct Configuration {
    /// What the server lacks.
    pub(super) without: &'static [Feature],
    /// Capabilities that its target does not declare.
    undeclared: &'static [Capability],
    /// Capabilities that its target declares beyond those of the file.
    declared: &'static [Capability],
}

/// The first does all that the server can. The others exercise what is left.
pub(super) const CONFIGURATIONS: [Configuration; 3] = [
    Configuration { without: &[], undeclared: &[], declared: &[] },
    Configuration {
        without: &[
            Feature::Dpop,
            Feature::PublicClients,
            Feature::IssuesJwt,
            Feature::IssuesIdToken,
            Feature::IssuesRefreshToken,
            Feature::IdTokenSubject,
            Feature::RefreshTokenSubject,
            Feature::JwtAccessTokens,
        ],
        undeclared: &[
            Capability::Dpop,
            Capability::PublicClient,
            Capability::IssuesJwt,
            Capability::IssuesIdToken,
            Capability::IssuesRefreshToken,
            Capability::IdTokenSubject,
            Capability::RefreshTokenSubject,
            Capability::JwtAccessToken,
            Capability::Rfc9068,
        ],
        declared: &[Capability::OpaqueTokens],
    },
    Configuration { without: &[Feature::Delegation], undeclared: &[Capability::Delegation], declared: &[] },
];

impl Configuration {
    /// What to tell of the server to those who test it.
    pub(super) fn target(&self, full: &Target) -> Target {
        let mut target = full.clone();
        target.spec.capabilities.retain(|capability| !self.undeclared.contains(capability));
        target.spec.capabilities.extend(self.declared);
        target
    }
}
