//! Ways to damage a token. Most keep everything but one thing right, so that only one check can explain a
//! refusal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! tampers {
    ($($variant:ident $name:literal $jwt:literal $does:literal,)*) => {
        /// A damage done to a token that was right.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Tamper {
            $(#[doc = $does] #[serde(rename = $name)] $variant,)*
        }

        impl Tamper {
            /// Every damage.
            pub const ALL: &'static [Tamper] = &[$(Tamper::$variant,)*];

            /// The name in files.
            pub fn name(self) -> &'static str {
                match self { $(Tamper::$variant => $name,)* }
            }

            /// What it does.
            pub fn does(self) -> &'static str {
                match self { $(Tamper::$variant => $does,)* }
            }

            /// Whether it needs a JWT (others work on any token).
            pub fn needs_jwt(self) -> bool {
                match self { $(Tamper::$variant => $jwt,)* }
            }
        }
    };
}

tampers! {
    SignatureBit "signature-bit" true "One bit of the signature is flipped.",
    SignatureEmpty "signature-empty" true "The signature is empty, `alg` stays.",
    SignatureZero "signature-zero" true "The signature is all zero bytes (an ECDSA signature with r = s = 0).",
    PayloadSubject "payload-subject" true "`sub` names someone else, the signature stays.",
    PayloadLifetime "payload-lifetime" true "`exp` lies a year later, the signature stays.",
    HeaderChanged "header-changed" true "The header has one member more, the signature stays.",
    AlgNone "alg-none" true "`alg` is `none`, the signature is empty.",
    AlgNoneTitle "alg-none-title" true "`alg` is `None`, the signature is empty.",
    AlgNoneUpper "alg-none-upper" true "`alg` is `NONE`, the signature is empty.",
    AlgNoneMixed "alg-none-mixed" true "`alg` is `nOnE`, the signature is empty.",
    AlgNoneSigned "alg-none-signed" true "`alg` is `none`, the old signature is kept.",
    Hs256PublicPem "hs256-public-pem" true "HS256 keyed with the issuer's public key in PEM.",
    Hs256PublicPemTrimmed "hs256-public-pem-trimmed" true "HS256 keyed with the issuer's public key in PEM without its last newline.",
    Hs256PublicJwk "hs256-public-jwk" true "HS256 keyed with the issuer's public JWK as JSON text.",
    EmbeddedJwk "embedded-jwk" true "Signed by a stranger's key that the header carries in `jwk`.",
    UntrustedKey "untrusted-key" true "Signed by a stranger's key under the issuer's key id.",
    UntrustedKeyUnknownKid "untrusted-key-unknown-kid" true "Signed by a stranger's key under a key id that no one knows.",
    UntrustedIssuer "untrusted-issuer" true "`iss` is a stranger's, signed by the stranger's key.",
    KidTraversal "kid-traversal" true "`kid` is a path out of the key folder, the signature stays.",
    KidInjection "kid-injection" true "`kid` is an SQL fragment, the signature stays.",
    KidLong "kid-long" true "`kid` has 10,000 characters, the signature stays.",
    CritUnknown "crit-unknown" true "`crit` names an unknown extension, the signature stays.",
    OnePart "one-part" true "Only the payload is sent.",
    TwoParts "two-parts" true "The signature and its dot are gone.",
    FourParts "four-parts" true "A fourth part follows.",
    HeaderNotObject "header-not-object" true "The header is a JSON string.",
    HeaderNotUtf8 "header-not-utf8" true "The header is not UTF-8.",
    PayloadEmpty "payload-empty" true "The payload is empty, the signature stays.",
    JsonSerialization "json-serialization" true "The JWS is written in its JSON serialization.",
    Truncated "truncated" false "The last character is gone.",
    TruncatedHalf "truncated-half" false "The second half is gone.",
    AppendedCharacter "appended-character" false "One character follows.",
    AppendedDot "appended-dot" false "A dot follows.",
    AppendedPadding "appended-padding" false "Two `=` follow.",
    LeadingSpace "leading-space" false "A space stands in front.",
    EmbeddedNewline "embedded-newline" false "A newline stands in the middle.",
    UpperCase "upper-case" false "All letters are upper case.",
}
