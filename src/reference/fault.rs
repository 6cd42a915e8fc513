//! The ids of the faults, and the set of those that are switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

macro_rules! fault_ids {
    ($($name:ident = $id:literal,)+) => {
        /// One named fault. What each does is described in `fixtures/faults.yaml`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum FaultId {
            $($name,)+
        }

        impl FaultId {
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(super) fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }
        }
    };
}

fault_ids! {
    // The form of a successful response (generic oracle G-OK)
    SuccessWithStatus201 = "success-with-status-201",
    SuccessByRedirect = "success-by-redirect",
    SuccessAsHtml = "success-as-html",
    SuccessWithoutContentType = "success-without-content-type",
    BodyWrappedInObject = "body-wrapped-in-object",
    BodyWrappedInArray = "body-wrapped-in-array",
    DuplicateResponseMember = "duplicate-response-member",
    BodyWithByteOrderMark = "body-with-byte-order-mark",
    BodyNotUtf8 = "body-not-utf8",
    EmptyAccessToken = "empty-access-token",
    AccessTokenAsObject = "access-token-as-object",
    AccessTokenInOtherMember = "access-token-in-other-member",
    AccessTokenWithIllegalCharacters = "access-token-with-illegal-characters",
    OmitsIssuedTokenType = "omits-issued-token-type",
    NullIssuedTokenType = "null-issued-token-type",
    EmptyIssuedTokenType = "empty-issued-token-type",
    IssuedTokenTypeBareWord = "issued-token-type-bare-word",
    IssuedTokenTypeIsBearer = "issued-token-type-is-bearer",
    OmitsTokenType = "omits-token-type",
    EmptyTokenType = "empty-token-type",
    TokenTypeIsUrn = "token-type-is-urn",
    UnknownTokenType = "unknown-token-type",
    NaForAccessToken = "na-for-access-token",
    NaMisspelt = "na-misspelt",
    BearerForIdToken = "bearer-for-id-token",
    BearerForRefreshToken = "bearer-for-refresh-token",
    OmitsExpiresIn = "omits-expires-in",
    ExpiresInAsString = "expires-in-as-string",
    ExpiresInFraction = "expires-in-fraction",
    ExpiresInZero = "expires-in-zero",
    ExpiresInNegative = "expires-in-negative",
    ExpiresInDiffersFromExp = "expires-in-differs-from-exp",
    ScopeMemberIsArray = "scope-member-is-array",
    ScopeMemberWithQuotes = "scope-member-with-quotes",
    NoCacheControl = "no-cache-control",
    CacheControlPrivate = "cache-control-private",
    NoPragma = "no-pragma",
    ErrorMemberInSuccess = "error-member-in-success",
    AddsRefreshToken = "adds-refresh-token",

    // What was issued, and what it is called
    EchoesRequestedTokenType = "echoes-requested-token-type",
    IdTokenLabelledAccessToken = "id-token-labelled-access-token",
    OpaqueTokenLabelledJwt = "opaque-token-labelled-jwt",
    JwtRequestGivesAccessToken = "jwt-request-gives-access-token",
    IdTokenInOwnMember = "id-token-in-own-member",
    RefreshTokenInOwnMember = "refresh-token-in-own-member",
    ExchangedRefreshTokenUnusable = "exchanged-refresh-token-unusable",
    UnknownRequestedTypeIgnored = "unknown-requested-type-ignored",
    UnknownRequestedTypeEchoed = "unknown-requested-type-echoed",
    AlwaysLabelsJwt = "always-labels-jwt",
    MissingRequestedTypeCrashes = "missing-requested-type-crashes",
    MissingRequestedTypeRefused = "missing-requested-type-refused",
    RequestedAccessTokenRefused = "requested-access-token-refused",
    IdTokenForOtherAudience = "id-token-for-other-audience",
    SameTokenForIdenticalRequest = "same-token-for-identical-request",
    SameTokenWithinASecond = "same-token-within-a-second",
    JtiRepeats = "jti-repeats",
    HandsSubjectTokenBack = "hands-subject-token-back",
    IssuesGuessableTokens = "issues-guessable-tokens",

    // The form of an error response (generic oracle G-ERR)
    ErrorWithStatus200 = "error-with-status-200",
    ErrorWithStatus401 = "error-with-status-401",
    ErrorWithStatus403 = "error-with-status-403",
    ErrorWithStatus500 = "error-with-status-500",
    ErrorByRedirect = "error-by-redirect",
    HtmlErrorPage = "html-error-page",
    ErrorAsPlainText = "error-as-plain-text",
    EmptyErrorBody = "empty-error-body",
    ErrorWrappedInArray = "error-wrapped-in-array",
    ErrorWrappedInObject = "error-wrapped-in-object",
    DuplicateErrorMember = "duplicate-error-member",
    OmitsErrorMember = "omits-error-member",
    ErrorMemberIsObject = "error-member-is-object",
    ErrorCodeWithQuotes = "error-code-with-quotes",
    ErrorDescriptionWithQuotes = "error-description-with-quotes",
    ErrorDescriptionWithNewline = "error-description-with-newline",
    ErrorDescriptionNotAscii = "error-description-not-ascii",
    ErrorDescriptionWithBackslash = "error-description-with-backslash",
    ErrorUriWithSpace = "error-uri-with-space",
    EchoesSubjectTokenInError = "echoes-subject-token-in-error",
    AccessTokenInErrorBody = "access-token-in-error-body",
    ErrorsWithoutCacheControl = "errors-without-cache-control",

    // The right refusal with the wrong code or status (decision table 0.7)
    MissingSubjectTokenWrongCode = "missing-subject-token-wrong-code",
    MissingSubjectTokenCrashes = "missing-subject-token-crashes",
    MissingSubjectTypeWrongCode = "missing-subject-type-wrong-code",
    UnknownSubjectTypeWrongCode = "unknown-subject-type-wrong-code",
    UnknownActorTypeWrongCode = "unknown-actor-type-wrong-code",
    UnknownRequestedTypeWrongCode = "unknown-requested-type-wrong-code",
    OversizeSubjectTokenCrashes = "oversize-subject-token-crashes",
    MissingActorTypeWrongCode = "missing-actor-type-wrong-code",
    LoneActorTypeWrongCode = "lone-actor-type-wrong-code",
    InvalidGrantForBadSubject = "invalid-grant-for-bad-subject",
    InvalidTokenForBadSubject = "invalid-token-for-bad-subject",
    UnregisteredCodeForBadSubject = "unregistered-code-for-bad-subject",
    ServerErrorForBadSubject = "server-error-for-bad-subject",
    InvalidClientForBadSubject = "invalid-client-for-bad-subject",
    InvalidGrantForBadActor = "invalid-grant-for-bad-actor",
    InvalidTokenForBadActor = "invalid-token-for-bad-actor",
    ServerErrorForBadActor = "server-error-for-bad-actor",
    AccessDeniedForPolicy = "access-denied-for-policy",
    InvalidGrantForPolicy = "invalid-grant-for-policy",
    RepeatedParameterWrongCode = "repeated-parameter-wrong-code",
    BadResourceWrongCode = "bad-resource-wrong-code",
    UnknownTargetWrongCode = "unknown-target-wrong-code",
    AccessDeniedForTarget = "access-denied-for-target",
    ManyTargetsCrash = "many-targets-crash",
    LongAudienceCrashes = "long-audience-crashes",
    BadScopeWrongCode = "bad-scope-wrong-code",
    BadScopeCrashes = "bad-scope-crashes",
    MissingGrantTypeWrongCode = "missing-grant-type-wrong-code",
    UnknownGrantTypeWrongCode = "unknown-grant-type-wrong-code",
    UnknownGrantTypeCrashes = "unknown-grant-type-crashes",
    ForbiddenClientWrongCode = "forbidden-client-wrong-code",
    BasicFailureWithStatus400 = "basic-failure-with-status-400",
    BasicFailureWrongCode = "basic-failure-wrong-code",
    NoWwwAuthenticate = "no-www-authenticate",
    BearerChallengeForBasic = "bearer-challenge-for-basic",
    PostFailureWrongCode = "post-failure-wrong-code",
    PostFailureWithStatus403 = "post-failure-with-status-403",
    AssertionFailureWrongCode = "assertion-failure-wrong-code",
    TwoAuthMethodsWrongCode = "two-auth-methods-wrong-code",
    ClientIdMismatchWrongCode = "client-id-mismatch-wrong-code",
    RefreshFailureWrongCode = "refresh-failure-wrong-code",
    DpopFailureWrongCode = "dpop-failure-wrong-code",
    UnknownNonceWrongCode = "unknown-nonce-wrong-code",
    DeepActChainCrashes = "deep-act-chain-crashes",
    MalformedActCrashes = "malformed-act-crashes",

    // Requests: method, encoding, parameters
    GetAccepted = "get-accepted",
    PutAccepted = "put-accepted",
    QueryParametersAccepted = "query-parameters-accepted",
    JsonBodyAccepted = "json-body-accepted",
    AnyMediaTypeAccepted = "any-media-type-accepted",
    MultipartAccepted = "multipart-accepted",
    MediaTypeCaseMatters = "media-type-case-matters",
    CharsetParameterRefused = "charset-parameter-refused",
    PlusNotDecoded = "plus-not-decoded",
    NeedlessEscapesNotDecoded = "needless-escapes-not-decoded",
    EscapedSpaceNotDecoded = "escaped-space-not-decoded",
    ParameterOrderMatters = "parameter-order-matters",
    NonAsciiParameterRefused = "non-ascii-parameter-refused",
    Utf8AudienceCrashes = "utf8-audience-crashes",
    ParameterCaseIgnored = "parameter-case-ignored",
    EmptyParameterRefused = "empty-parameter-refused",
    BareParameterRefused = "bare-parameter-refused",
    EmptyTargetIsUnknown = "empty-target-is-unknown",
    UnknownParameterRefused = "unknown-parameter-refused",
    DuplicateIdenticalAccepted = "duplicate-identical-accepted",
    DuplicateFirstWins = "duplicate-first-wins",
    DuplicateLastWins = "duplicate-last-wins",
    MissingGrantTypeAssumed = "missing-grant-type-assumed",
    EmptyGrantTypeAssumed = "empty-grant-type-assumed",
    GrantTypeCaseIgnored = "grant-type-case-ignored",
    GrantTypePrefixMatched = "grant-type-prefix-matched",
    ShortGrantTypeAccepted = "short-grant-type-accepted",
    AnyGrantTypeAccepted = "any-grant-type-accepted",
    MissingSubjectTokenMeansClient = "missing-subject-token-means-client",
    EmptySubjectTokenMeansClient = "empty-subject-token-means-client",
    DropsOversizeSubjectToken = "drops-oversize-subject-token",
    SniffsSubjectTokenType = "sniffs-subject-token-type",
    SniffsActorTokenType = "sniffs-actor-token-type",
    UnknownSubjectTypeAccepted = "unknown-subject-type-accepted",
    UnknownActorTypeAccepted = "unknown-actor-type-accepted",
    HyphenatedTokenTypeAccepted = "hyphenated-token-type-accepted",
    TokenTypeCaseIgnored = "token-type-case-ignored",
    IgnoresLoneActorTokenType = "ignores-lone-actor-token-type",
    IgnoresActorToken = "ignores-actor-token",
    RequestedSubjectHonoured = "requested-subject-honoured",
    RequestedIssuerHonoured = "requested-issuer-honoured",
    ClaimsFromParameters = "claims-from-parameters",

    // Client authentication
    WrongSecretAccepted = "wrong-secret-accepted",
    UnknownClientAccepted = "unknown-client-accepted",
    ConfidentialClientWithoutSecretAccepted = "confidential-client-without-secret-accepted",
    AnonymousExchangeAccepted = "anonymous-exchange-accepted",
    PublicClientRefused = "public-client-refused",
    BasicNotSupported = "basic-not-supported",
    BasicSchemeCaseMatters = "basic-scheme-case-matters",
    BasicNotFormDecoded = "basic-not-form-decoded",
    BasicNeedNotBeEncoded = "basic-need-not-be-encoded",
    UnreadableBasicIgnored = "unreadable-basic-ignored",
    BasicWithClientIdRefused = "basic-with-client-id-refused",
    TwoAuthMethodsAccepted = "two-auth-methods-accepted",
    ClientIdMismatchAccepted = "client-id-mismatch-accepted",
    ClientIdMismatchServesBodyClient = "client-id-mismatch-serves-body-client",
    SecretInQueryAccepted = "secret-in-query-accepted",
    AdvertisedPostRefused = "advertised-post-refused",
    ClientAssertionRefused = "client-assertion-refused",
    AssertionSubjectUnchecked = "assertion-subject-unchecked",
    AssertionSignatureUnchecked = "assertion-signature-unchecked",
    AssertionAlgNoneAccepted = "assertion-alg-none-accepted",
    AssertionExpiryUnchecked = "assertion-expiry-unchecked",
    AssertionAudienceUnchecked = "assertion-audience-unchecked",
    AssertionExtraAudienceAccepted = "assertion-extra-audience-accepted",
    AssertionForTokenEndpointAccepted = "assertion-for-token-endpoint-accepted",
    AssertionReplayAccepted = "assertion-replay-accepted",
    AssertionTypRefused = "assertion-typ-refused",
    GrantPermissionUnchecked = "grant-permission-unchecked",

    // Validation of the subject token
    ExpiredSubjectAccepted = "expired-subject-accepted",
    NotYetValidSubjectAccepted = "not-yet-valid-subject-accepted",
    NbfRefused = "nbf-refused",
    RevokedSubjectAccepted = "revoked-subject-accepted",
    UnreadableSubjectAccepted = "unreadable-subject-accepted",
    ValidSubjectRefused = "valid-subject-refused",
    ExchangedTokenRefused = "exchanged-token-refused",
    OpaqueSubjectRefused = "opaque-subject-refused",
    TrustedIssuerRefused = "trusted-issuer-refused",
    AlteredSubjectAccepted = "altered-subject-accepted",
    EmptySignatureAccepted = "empty-signature-accepted",
    ZeroSignatureAccepted = "zero-signature-accepted",
    TruncatedTokenAccepted = "truncated-token-accepted",
    AppendedTokenAccepted = "appended-token-accepted",
    AlgNoneAccepted = "alg-none-accepted",
    AlgNoneInOtherCaseAccepted = "alg-none-in-other-case-accepted",
    Hs256WithPublicKeyAccepted = "hs256-with-public-key-accepted",
    EmbeddedJwkTrusted = "embedded-jwk-trusted",
    KeyUrlInHeaderTrusted = "key-url-in-header-trusted",
    AddressInTokenFetched = "address-in-token-fetched",
    IssuerKeyNotPinned = "issuer-key-not-pinned",
    OtherTenantAccepted = "other-tenant-accepted",
    UntrustedIssuerAccepted = "untrusted-issuer-accepted",
    CritIgnored = "crit-ignored",
    KidOfOtherTypeAccepted = "kid-of-other-type-accepted",
    HostileKidCrashes = "hostile-kid-crashes",
    PaddedJwtAccepted = "padded-jwt-accepted",
    WhitespaceInJwtAccepted = "whitespace-in-jwt-accepted",
    ExtraJwtPartAccepted = "extra-jwt-part-accepted",
    JsonSerializedJwtAccepted = "json-serialized-jwt-accepted",
    TypCaseMatters = "typ-case-matters",
    FirstDuplicateClaimWins = "first-duplicate-claim-wins",
    UnknownClaimsRefused = "unknown-claims-refused",
    ForeignAudienceIgnored = "foreign-audience-ignored",
    MissingAudienceAccepted = "missing-audience-accepted",
    AudienceArrayRefused = "audience-array-refused",
    MissingExpAccepted = "missing-exp-accepted",
    StringExpAccepted = "string-exp-accepted",
    IdTokenAsAccessToken = "id-token-as-access-token",
    AccessTokenAsIdToken = "access-token-as-id-token",
    AccessTokenAsRefreshToken = "access-token-as-refresh-token",
    RefreshAndIdTokenConfused = "refresh-and-id-token-confused",
    RefreshTokenAsAccessToken = "refresh-token-as-access-token",
    OpaqueTokenAsJwt = "opaque-token-as-jwt",
    ForeignJwtAsAccessToken = "foreign-jwt-as-access-token",
    LogoutTokenAccepted = "logout-token-accepted",
    OtherJwtTypesAccepted = "other-jwt-types-accepted",
    ClientAssertionAsSubject = "client-assertion-as-subject",
    SubjectUsedUpByExchange = "subject-used-up-by-exchange",
    SubjectRevokedByExchange = "subject-revoked-by-exchange",
    RefusedExchangeUsesUpSubject = "refused-exchange-uses-up-subject",
    SecondExchangeEndsFirst = "second-exchange-ends-first",
    ActorUsedUpByExchange = "actor-used-up-by-exchange",
    SingleUseTokenRace = "single-use-token-race",
    NearlyExpiredSubjectCrashes = "nearly-expired-subject-crashes",

    // Validation of the actor token
    ExpiredActorAccepted = "expired-actor-accepted",
    NotYetValidActorAccepted = "not-yet-valid-actor-accepted",
    RevokedActorAccepted = "revoked-actor-accepted",
    UnreadableActorAccepted = "unreadable-actor-accepted",
    ValidActorRefused = "valid-actor-refused",
    ActorWithoutSubjectAccepted = "actor-without-subject-accepted",
    AlteredActorAccepted = "altered-actor-accepted",
    ActorAlgNoneAccepted = "actor-alg-none-accepted",
    UntrustedActorIssuerAccepted = "untrusted-actor-issuer-accepted",
    ActorTypeConfusionAccepted = "actor-type-confusion-accepted",

    // Policy on valid tokens
    CrossClientSubjectAccepted = "cross-client-subject-accepted",
    CrossClientIdTokenAccepted = "cross-client-id-token-accepted",
    DisabledPrincipalAccepted = "disabled-principal-accepted",
    MayActIgnored = "may-act-ignored",
    MayActIgnoredWithoutActor = "may-act-ignored-without-actor",
    MayActChecksSubOnly = "may-act-checks-sub-only",
    MalformedMayActIgnored = "malformed-may-act-ignored",
    MayActRefused = "may-act-refused",
    CopiesMayAct = "copies-may-act",
    MayActWithExp = "may-act-with-exp",

    // Sender constraint: DPoP
    CertificateBindingIgnored = "certificate-binding-ignored",
    BoundSubjectWithoutProofAccepted = "bound-subject-without-proof-accepted",
    BoundSubjectReboundToOtherKey = "bound-subject-rebound-to-other-key",
    BoundSubjectGivesUnboundToken = "bound-subject-gives-unbound-token",
    BoundTokenAsBearer = "bound-token-as-bearer",
    DpopIgnored = "dpop-ignored",
    OnlyAccessTokensAreBound = "only-access-tokens-are-bound",
    DpopTokenWithoutCnf = "dpop-token-without-cnf",
    DpopWrongThumbprint = "dpop-wrong-thumbprint",
    BindsWithoutProof = "binds-without-proof",
    DpopAlgNoneAccepted = "dpop-alg-none-accepted",
    DpopSignatureUnchecked = "dpop-signature-unchecked",
    DpopTypUnchecked = "dpop-typ-unchecked",
    DpopPrivateKeyAccepted = "dpop-private-key-accepted",
    DpopHtmUnchecked = "dpop-htm-unchecked",
    DpopHtuUnchecked = "dpop-htu-unchecked",
    DpopHtuNotNormalised = "dpop-htu-not-normalised",
    DpopIatUnchecked = "dpop-iat-unchecked",
    DpopMissingJtiAccepted = "dpop-missing-jti-accepted",
    DpopReplayAccepted = "dpop-replay-accepted",
    DpopTwoProofsAccepted = "dpop-two-proofs-accepted",

    // Targets
    AudienceIgnored = "audience-ignored",
    ResourceIgnored = "resource-ignored",
    TargetAddedToSubjectAudience = "target-added-to-subject-audience",
    DefaultAudienceIsEverything = "default-audience-is-everything",
    SecondTargetDropped = "second-target-dropped",
    RepeatedResourceRefused = "repeated-resource-refused",
    RepeatedAudienceRefused = "repeated-audience-refused",
    AudienceSplitAtSpaces = "audience-split-at-spaces",
    AudienceWithResourceRefused = "audience-with-resource-refused",
    AudienceMustBeUri = "audience-must-be-uri",
    UnknownAudienceMinted = "unknown-audience-minted",
    UnknownResourceMinted = "unknown-resource-minted",
    TargetMatchedByPrefix = "target-matched-by-prefix",
    UnknownTargetIgnored = "unknown-target-ignored",
    FragmentInResourceAccepted = "fragment-in-resource-accepted",
    EmptyFragmentInResourceAccepted = "empty-fragment-in-resource-accepted",
    RelativeResourceAccepted = "relative-resource-accepted",

    // Scope
    NarrowsScopeSilently = "narrows-scope-silently",
    DropsAScopeSilently = "drops-a-scope-silently",
    ReportsScopeNotGranted = "reports-scope-not-granted",
    NarrowScopeIgnored = "narrow-scope-ignored",
    ScopeWidenedToClient = "scope-widened-to-client",
    ActorBringsEveryScope = "actor-brings-every-scope",
    TargetBringsEveryScope = "target-brings-every-scope",
    ForeignScopePassedOn = "foreign-scope-passed-on",
    DefaultScopeIsThatOfClient = "default-scope-is-that-of-client",
    UnknownScopeGranted = "unknown-scope-granted",
    ScopeCaseIgnored = "scope-case-ignored",
    ScopeOrderMatters = "scope-order-matters",
    MalformedScopeAccepted = "malformed-scope-accepted",
    IdTokenSubjectGetsEveryScope = "id-token-subject-gets-every-scope",
    ScopeClaimIsArray = "scope-claim-is-array",
    OmitsScopeClaim = "omits-scope-claim",

    // Who the token is for, and who acts
    SubIsClient = "sub-is-client",
    SubIsClientInChain = "sub-is-client-in-chain",
    SubIsActor = "sub-is-actor",
    SwapsSubjectAndActor = "swaps-subject-and-actor",
    CollapsesDelegation = "collapses-delegation",
    ActIsString = "act-is-string",
    ActIsArray = "act-is-array",
    ActIsEmptyObject = "act-is-empty-object",
    ActWithoutSub = "act-without-sub",
    ActWithExp = "act-with-exp",
    ActNamesClient = "act-names-client",
    ReversesActChain = "reverses-act-chain",
    LosesActChain = "loses-act-chain",
    NestsChainOfActor = "nests-chain-of-actor",
    ActChainAsArray = "act-chain-as-array",
    DropsActWithoutActor = "drops-act-without-actor",
    ActFromClientWithoutActor = "act-from-client-without-actor",
    ActFromRequestParameter = "act-from-request-parameter",
    KeepsForeignClaimsInAct = "keeps-foreign-claims-in-act",
    MalformedActAccepted = "malformed-act-accepted",
    ActChainTruncated = "act-chain-truncated",
    ClientIdOfSubjectToken = "client-id-of-subject-token",
    OmitsClientIdClaim = "omits-client-id-claim",
    OmitsJtiClaim = "omits-jti-claim",
    OmitsExpClaim = "omits-exp-claim",
    OmitsAudience = "omits-audience",
    AudienceIsWildcard = "audience-is-wildcard",
    AuthTimeIsNow = "auth-time-is-now",
    RaisesAcr = "raises-acr",
    WrongIssuerClaim = "wrong-issuer-claim",
    ForeignIssuerKept = "foreign-issuer-kept",
    ExpClaimIsString = "exp-claim-is-string",
    SubClaimIsNumber = "sub-claim-is-number",
    AudClaimIsObject = "aud-claim-is-object",
    TypIsPlainJwt = "typ-is-plain-jwt",
    IssuesAlgNone = "issues-alg-none",
    SignedWithUnpublishedKey = "signed-with-unpublished-key",
    UnknownKidInHeader = "unknown-kid-in-header",
    BreaksSignature = "breaks-signature",
    OutlivesSubject = "outlives-subject",
    LifetimeOfAWeek = "lifetime-of-a-week",
    PersonalDataInToken = "personal-data-in-token",

    // Introspection and revocation
    IntrospectionWithoutAuth = "introspection-without-auth",
    IntrospectionForAnyClient = "introspection-for-any-client",
    UnknownTokenActive = "unknown-token-active",
    UnknownTokenIsIntrospectionError = "unknown-token-is-introspection-error",
    InactiveWithDetails = "inactive-with-details",
    HintRestrictsSearch = "hint-restricts-search",
    AlteredTokenActive = "altered-token-active",
    RevokedTokenActive = "revoked-token-active",
    ExpiredTokenActive = "expired-token-active",
    NotYetValidTokenActive = "not-yet-valid-token-active",
    IssuedTokenInactive = "issued-token-inactive",
    IntrospectionOmitsAct = "introspection-omits-act",
    IntrospectionActDiffers = "introspection-act-differs",
    IntrospectionNamesOtherClient = "introspection-names-other-client",
    IntrospectionMayActIsString = "introspection-may-act-is-string",
    IntrospectionOmitsCnf = "introspection-omits-cnf",
    IntrospectionScopeIsArray = "introspection-scope-is-array",
    IntrospectionExpIsString = "introspection-exp-is-string",
    IntrospectionActiveIsString = "introspection-active-is-string",
    RevocationEndsExchangedTokens = "revocation-ends-exchanged-tokens",
    RevocationReachesSubjectTokens = "revocation-reaches-subject-tokens",
    ActorRevocationReachesSubjects = "actor-revocation-reaches-subjects",
    AnyoneMayRevoke = "anyone-may-revoke",
    RepeatedRevocationRefused = "repeated-revocation-refused",

    // Refresh after an exchange
    RefreshWidensScope = "refresh-widens-scope",
    RefreshWidensAudience = "refresh-widens-audience",
    RefreshTokenOfOtherClientAccepted = "refresh-token-of-other-client-accepted",
    RefreshDropsAct = "refresh-drops-act",
    RefreshNotRotated = "refresh-not-rotated",
    RefreshKeyUnchecked = "refresh-key-unchecked",

    // Metadata and keys
    MetadataIssuerMismatch = "metadata-issuer-mismatch",
    MetadataIssuerWithQuery = "metadata-issuer-with-query",
    MetadataGrantNotAdvertised = "metadata-grant-not-advertised",
    MetadataWithoutGrantTypes = "metadata-without-grant-types",
    MetadataEmptyArray = "metadata-empty-array",
    MetadataDpopEmpty = "metadata-dpop-empty",
    MetadataDpopAlgNone = "metadata-dpop-alg-none",
    NoMetadata = "no-metadata",
    MetadataAsText = "metadata-as-text",
    MetadataWithoutTokenEndpoint = "metadata-without-token-endpoint",
    MetadataWithoutResponseTypes = "metadata-without-response-types",
    MetadataAlgNone = "metadata-alg-none",
    MetadataWithoutAuthAlgs = "metadata-without-auth-algs",
    MetadataWithoutRs256 = "metadata-without-rs256",
    MetadataHidesPost = "metadata-hides-post",
    MetadataHidesBasic = "metadata-hides-basic",
    MetadataPlainHttp = "metadata-plain-http",
    MetadataDocumentsDiffer = "metadata-documents-differ",
    TokenEndpointWithFragment = "token-endpoint-with-fragment",
    JwksWithoutSigningKey = "jwks-without-signing-key",
    JwksLeaksPrivateKey = "jwks-leaks-private-key",
}

impl FaultId {
    pub(super) fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.id() == id)
    }
}

/// The faults of one server, each with how often it changed an answer.
#[derive(Debug)]
pub(super) struct Faults {
    enabled: Vec<bool>,
    fired: Vec<AtomicU64>,
    /// Which faults would have changed an answer, had they been switched on; only kept when probing.
    reached: Option<Vec<AtomicBool>>,
}

impl Faults {
    pub(super) fn new(faults: &[FaultId], probe: bool) -> Self {
        Self {
            reached: probe.then(|| FaultId::ALL.iter().map(|_| AtomicBool::new(false)).collect()),
            enabled: FaultId::ALL.iter().map(|known| faults.contains(known)).collect(),
            fired: FaultId::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn any(&self) -> bool {
        self.reached.is_some() || self.enabled.contains(&true)
    }

    /// The faults that were asked about since the last call.
    pub(super) fn take_reached(&self) -> BTreeSet<String> {
        let reached = self.reached.iter().flatten();
        FaultId::ALL
            .iter()
            .zip(reached)
            .filter(|(_, flag)| flag.swap(false, Ordering::Relaxed))
            .map(|(fault, _)| fault.id().to_owned())
            .collect()
    }

    /// Whether a fault is switched on, without counting it as fired.
    pub(super) fn has(&self, fault: FaultId) -> bool {
        if let Some(flag) = self.reached.as_ref().and_then(|all| all.get(fault as usize)) {
            flag.store(true, Ordering::Relaxed);
        }
        self.enabled.get(fault as usize) == Some(&true)
    }

    pub(super) fn on(&self, fault: FaultId) -> bool {
        let enabled = self.has(fault);
        if let Some(count) = self.fired.get(fault as usize).filter(|_| enabled) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        enabled
    }

    pub(super) fn fired(&self) -> BTreeMap<String, u64> {
        FaultId::ALL
            .iter()
            .zip(&self.fired)
            .map(|(fault, count)| (fault.id().to_owned(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultId, Faults};

    #[test]
    fn only_enabled_faults_are_on_and_counted() {
        let faults = Faults::new(&[FaultId::AlgNoneAccepted], false);
        assert!(faults.on(FaultId::AlgNoneAccepted));
        assert!(!faults.on(FaultId::EmptyAccessToken));
        assert_eq!(faults.fired().into_iter().collect::<Vec<_>>(), [("alg-none-accepted".to_owned(), 1)]);
    }

    #[test]
    fn every_id_can_be_parsed_and_is_in_kebab_case() {
        for fault in FaultId::ALL {
            assert_eq!(FaultId::parse(fault.id()), Some(*fault));
            assert!(
                fault
                    .id()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
    }
}
