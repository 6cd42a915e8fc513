//! The faults that refuse rightly but say it with the wrong status or code.

use super::fault::FaultId;
use super::refusal::Why;

pub(super) struct WrongCode {
    pub(super) fault: FaultId,
    pub(super) when: &'static [Why],
    pub(super) status: u16,
    pub(super) code: &'static str,
}

const fn wrong(fault: FaultId, when: &'static [Why], status: u16, code: &'static str) -> WrongCode {
    WrongCode { fault, when, status, code }
}

const SUBJECT: &[Why] = &[Why::SubjectInvalid];
const ACTOR: &[Why] = &[Why::ActorInvalid];
const POLICY: &[Why] = &[Why::Policy];
const TARGET: &[Why] = &[Why::TargetUnknown];
const SCOPE: &[Why] = &[Why::ScopeMalformed, Why::ScopeNotAllowed];

pub(super) static WRONG_CODES: [WrongCode; 41] = [
    wrong(FaultId::InvalidGrantForBadSubject, SUBJECT, 400, "invalid_grant"),
    wrong(FaultId::InvalidTokenForBadSubject, SUBJECT, 400, "invalid_token"),
    wrong(FaultId::UnregisteredCodeForBadSubject, SUBJECT, 400, "subject_token_rejected"),
    wrong(FaultId::ServerErrorForBadSubject, SUBJECT, 500, "server_error"),
    wrong(FaultId::InvalidClientForBadSubject, SUBJECT, 401, "invalid_client"),
    wrong(FaultId::InvalidGrantForBadActor, ACTOR, 400, "invalid_grant"),
    wrong(FaultId::InvalidTokenForBadActor, ACTOR, 400, "invalid_token"),
    wrong(FaultId::ServerErrorForBadActor, ACTOR, 500, "server_error"),
    wrong(FaultId::AccessDeniedForPolicy, POLICY, 403, "access_denied"),
    wrong(FaultId::InvalidGrantForPolicy, POLICY, 400, "invalid_grant"),
    wrong(FaultId::MissingSubjectTokenWrongCode, &[Why::SubjectMissing], 400, "invalid_grant"),
    wrong(FaultId::MissingSubjectTokenCrashes, &[Why::SubjectMissing], 500, "server_error"),
    wrong(FaultId::MissingSubjectTypeWrongCode, &[Why::SubjectTypeMissing], 400, "invalid_grant"),
    wrong(FaultId::UnknownSubjectTypeWrongCode, &[Why::SubjectTypeUnknown], 400, "unsupported_token_type"),
    wrong(FaultId::UnknownActorTypeWrongCode, &[Why::ActorTypeUnknown], 400, "unsupported_token_type"),
    wrong(
        FaultId::UnknownRequestedTypeWrongCode,
        &[Why::RequestedTypeUnknown, Why::RequestedTypeRefused],
        400,
        "unsupported_token_type",
    ),
    wrong(FaultId::OversizeSubjectTokenCrashes, &[Why::SubjectOversize], 500, "server_error"),
    wrong(FaultId::MissingActorTypeWrongCode, &[Why::ActorTypeMissing], 400, "invalid_grant"),
    wrong(FaultId::LoneActorTypeWrongCode, &[Why::ActorTypeAlone], 400, "invalid_grant"),
    wrong(FaultId::RepeatedParameterWrongCode, &[Why::RepeatedParameter], 400, "invalid_grant"),
    wrong(FaultId::BadResourceWrongCode, &[Why::ResourceMalformed], 400, "invalid_grant"),
    wrong(FaultId::UnknownTargetWrongCode, TARGET, 400, "invalid_grant"),
    wrong(FaultId::AccessDeniedForTarget, TARGET, 403, "access_denied"),
    wrong(FaultId::ManyTargetsCrash, &[Why::TooManyTargets], 500, "server_error"),
    wrong(FaultId::BadScopeWrongCode, SCOPE, 400, "invalid_grant"),
    wrong(FaultId::BadScopeCrashes, SCOPE, 500, "server_error"),
    wrong(FaultId::MissingGrantTypeWrongCode, &[Why::GrantTypeMissing], 400, "invalid_grant"),
    wrong(FaultId::UnknownGrantTypeWrongCode, &[Why::GrantTypeUnknown], 400, "invalid_grant"),
    wrong(FaultId::UnknownGrantTypeCrashes, &[Why::GrantTypeUnknown], 500, "server_error"),
    wrong(FaultId::ForbiddenClientWrongCode, &[Why::GrantNotAllowed], 400, "invalid_grant"),
    wrong(FaultId::BasicFailureWithStatus400, &[Why::ClientAuthBasic], 400, "invalid_client"),
    wrong(FaultId::BasicFailureWrongCode, &[Why::ClientAuthBasic], 401, "unauthorized_client"),
    wrong(FaultId::PostFailureWrongCode, &[Why::ClientAuthOther], 401, "unauthorized_client"),
    wrong(FaultId::PostFailureWithStatus403, &[Why::ClientAuthOther], 403, "invalid_client"),
    wrong(FaultId::AssertionFailureWrongCode, &[Why::ClientAssertion], 400, "invalid_grant"),
    wrong(FaultId::TwoAuthMethodsWrongCode, &[Why::TwoClientAuthMethods], 400, "invalid_grant"),
    wrong(FaultId::ClientIdMismatchWrongCode, &[Why::ClientIdMismatch], 400, "invalid_grant"),
    wrong(FaultId::RefreshFailureWrongCode, &[Why::GrantInvalid], 400, "unauthorized_client"),
    wrong(FaultId::DpopFailureWrongCode, &[Why::Proof], 400, "invalid_grant"),
    wrong(FaultId::DeepActChainCrashes, &[Why::ActTooDeep], 500, "server_error"),
    wrong(FaultId::MalformedActCrashes, &[Why::ActMalformed], 500, "server_error"),
];
