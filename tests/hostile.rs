//! Servers that answer with anything but what they should: for each a verdict, within the time limit, in bounded
//! memory, with nothing on the terminal that a terminal would execute.

mod raw;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use raw::{Act, JSON, RawServer, Received, Reply, head};
use txspec::{
    judge::{Cause, FailClass, Verdict},
    run::{Context, Options, ScenarioResult, Session},
    scenario::Suite,
    spec::Catalogue,
    target::{Target, load_text},
    token::b64,
};

/// `limits.request_timeout` of every target here.
const LIMIT: Duration = Duration::from_secs(2);
/// What a debug build on a busy machine may take beyond it.
const SLACK: Duration = Duration::from_secs(4);
const MIB: usize = 1024 * 1024;

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::embedded().unwrap()));
static SUITE: LazyLock<Arc<Suite>> = LazyLock::new(|| Arc::new(Suite::embedded(&CATALOGUE).unwrap()));

/// Scenarios that see the hostile answer: a plain success, a chain, an optional parameter, and refusals of three kinds.
const PROBES: [&str; 6] = [
    "lifetime",
    "subject-token-again",
    "scope-subset",
    "subject-missing",
    "basic-wrong-secret",
    "subject-5000",
];

/// What the plain exchange makes of the answer.
enum Seen {
    /// No response: inconclusive.
    NoAnswer,
    /// A violation of this requirement.
    Violation(&'static str, FailClass),
    /// A refusal where a token was due: no verdict of conformance, whatever it is.
    Refusal,
    /// Nothing is wrong with it.
    Fine,
}

macro_rules! cases {
    ($($name:ident: $seen:expr, $reply:expr;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            judged(stringify!($name), $seen, $reply).await;
        })+

        /// Every hostile answer, by name.
        fn all() -> Vec<(&'static str, fn() -> Reply)> {
            vec![$((stringify!($name), || $reply)),+]
        }
    };
}

cases! {
    silence_ends_at_the_time_limit: Seen::NoAnswer, Reply::acts(vec![Act::Wait(Duration::from_secs(60))]);
    an_endless_body_is_cut: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed), {
        let start = [head(200, &JSON), br#"{"access_token":""#.to_vec()].concat();
        Reply::acts(vec![Act::Write(start), Act::Forever(vec![b'a'; 64 * 1024], Duration::ZERO)])
    };
    an_endless_chunked_body_is_cut: Seen::NoAnswer, {
        let start = head(200, &[JSON[0], ("transfer-encoding", "chunked")]);
        let chunk = [b"8000\r\n".to_vec(), vec![b' '; 0x8000], b"\r\n".to_vec()].concat();
        Reply::acts(vec![Act::Write(start), Act::Forever(chunk, Duration::from_millis(150))])
    };
    a_dripping_body_ends_at_the_time_limit: Seen::NoAnswer,
        Reply::acts(vec![Act::Write(head(200, &JSON)), Act::Forever(b" ".to_vec(), Duration::from_millis(100))]);
    dripping_headers_end_at_the_time_limit: Seen::NoAnswer,
        Reply::acts(vec![Act::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Act::Forever(b"x".to_vec(), Duration::from_millis(100))]);
    endless_headers_end: Seen::NoAnswer,
        Reply::acts(vec![Act::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Act::Forever(vec![b'x'; 64 * 1024], Duration::ZERO)]);
    a_reset_before_the_response_is_no_answer: Seen::NoAnswer, Reply::acts(vec![Act::Reset]);
    a_reset_within_the_body_is_no_answer: Seen::NoAnswer, {
        let start = [head(200, &[JSON[0], ("content-length", "1000")]), br#"{"access_"#.to_vec()].concat();
        Reply::acts(vec![Act::Write(start), Act::Wait(Duration::from_millis(20)), Act::Reset])
    };
    a_socket_half_closed_at_once_is_no_answer: Seen::NoAnswer, Reply::acts(vec![Act::HalfClose]);
    a_socket_half_closed_within_the_body_is_no_answer: Seen::NoAnswer, {
        let start = [head(200, &[JSON[0], ("content-length", "1000")]), good().into_bytes()].concat();
        Reply::acts(vec![Act::Write(start), Act::HalfClose])
    };
    a_closed_connection_is_no_answer: Seen::NoAnswer, Reply::acts(Vec::new());
    a_header_line_of_64_kib_is_borne: Seen::Fine, {
        let long = "x".repeat(64 * 1024);
        Reply::http(200, &[JSON[0], JSON[1], ("x-long", &long)], good())
    };
    a_thousand_headers_are_no_answer: Seen::NoAnswer, {
        let many: String = (0..1000).fold(String::new(), |mut text, i| {
            let _ = write!(text, "x-{i}: {i}\r\n");
            text
        });
        Reply::raw(format!("HTTP/1.1 200 OK\r\n{many}content-length: 2\r\n\r\n{{}}"))
    };
    invalid_utf8_is_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, [good().as_bytes(), b"\xff\xfe\x80"].concat());
    invalid_utf8_in_a_header_is_borne: Seen::Fine, {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\nx-odd: \xff\x80\xc3\r\n".to_vec();
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n{}", good().len(), good()).as_bytes());
        Reply::raw(bytes)
    };
    a_byte_order_mark_is_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, format!("\u{feff}{}", good()));
    utf16_is_malformed: Seen::Refusal,
        Reply::json(200, good().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    duplicate_members_are_malformed: Seen::Violation("OA-3.2-no-repeat-response", FailClass::Malformed),
        Reply::json(200, good().replace('}', r#","access_token":"another-token"}"#));
    ten_thousand_duplicate_members_are_malformed: Seen::Violation("OA-3.2-no-repeat-response", FailClass::Malformed),
        Reply::json(200, format!("{{{}{}", r#""access_token":"t","#.repeat(10_000), &good()[1..]));
    json_of_100000_levels_is_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, format!(r#"{{"access_token":"t","x":{}"#, "[".repeat(100_000)));
    members_nested_100000_deep_are_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, r#"{"access_token":"#.repeat(60_000));
    unclosed_members_of_a_megabyte_are_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, r#"{"access_token":x"#.repeat(60_000));
    more_values_than_any_response_holds_are_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, format!(r#"{{"access_token":"t","x":[{}0]}}"#, "{},".repeat(330_000)));
    a_number_beyond_all_bounds_is_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, good().replace("300", "1e999"));
    a_number_beyond_64_bits_is_no_lifetime: Seen::Violation("TX-2.2.1-expires_in-number", FailClass::WrongForm),
        Reply::json(200, good().replace("300", "123456789012345678901234567890"));
    the_largest_lifetime_is_borne: Seen::Fine,
        Reply::json(200, good().replace("300", "9223372036854775807"));
    the_smallest_lifetime_is_borne: Seen::Violation("TX-2.2.1-expires_in-number", FailClass::WrongForm),
        Reply::json(200, good().replace("300", "-9223372036854775808"));
    times_beyond_all_bounds_in_a_token_are_borne: Seen::Fine, {
        let far = r#"{"sub":"alice","exp":1e300,"iat":-9223372036854775808,"nbf":9223372036854775807}"#;
        Reply::json(200, success(&jwt(far), "300"))
    };
    the_end_of_all_times_is_borne: Seen::Fine,
        Reply::json(200, success(&jwt(r#"{"sub":"alice","exp":9223372036854775807}"#), "-9223372036854775807"));
    the_beginning_of_all_times_is_borne: Seen::Fine,
        Reply::json(200, success(&jwt(r#"{"sub":"alice","exp":-9223372036854775808}"#), "9223372036854775807"));
    an_act_chain_of_10000_is_borne: Seen::Fine, {
        let deep = format!(r#"{{"sub":"alice","act":{}{}}}"#, r#"{"sub":"a","act":"#.repeat(10_000), "1".to_owned() + &"}".repeat(10_000));
        Reply::json(200, success(&jwt(&deep), "300"))
    };
    an_act_chain_of_100_is_borne: Seen::Fine, {
        let deep = format!(r#"{{"sub":"alice","act":{}{}}}"#, r#"{"sub":"a","act":"#.repeat(100), "1".to_owned() + &"}".repeat(100));
        Reply::json(200, success(&jwt(&deep), "300"))
    };
    a_compressed_bomb_stays_compressed: Seen::Refusal,
        Reply::http(200, &[JSON[0], JSON[1], ("content-encoding", "gzip")], gzip_bomb());
    a_redirect_to_the_same_host_is_a_refusal: Seen::Refusal, Reply::http(307, &[("location", "/stolen")], "");
    a_redirect_to_another_host_is_a_refusal: Seen::Refusal,
        Reply::http(308, &[("location", "http://localhost:9/stolen")], "");
    a_redirect_to_a_file_is_a_refusal: Seen::Refusal, Reply::http(302, &[("location", "file:///etc/passwd")], "");
    a_redirect_nowhere_is_a_refusal: Seen::Refusal, Reply::http(303, &[("location", "\u{1f4a3}://[")], "");
    a_flood_of_informational_responses_ends_at_the_time_limit: Seen::NoAnswer,
        Reply::acts(vec![Act::Forever(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100), Duration::ZERO)]);
    a_flood_of_early_hints_ends_at_the_time_limit: Seen::NoAnswer, {
        let hint = format!("HTTP/1.1 103 Early Hints\r\nlink: <{}>\r\n\r\n", "x".repeat(4096));
        Reply::acts(vec![Act::Forever(hint.into_bytes(), Duration::ZERO)])
    };
    a_content_length_too_long_is_no_answer: Seen::NoAnswer,
        Reply::raw([head(200, &[JSON[0], JSON[1], ("content-length", "100000")]), good().into_bytes()].concat());
    a_content_length_too_long_on_an_open_connection_ends_at_the_time_limit: Seen::NoAnswer, {
        let start = [head(200, &[JSON[0], JSON[1], ("content-length", "100000")]), good().into_bytes()].concat();
        Reply::acts(vec![Act::Write(start), Act::Wait(Duration::from_secs(60))])
    };
    a_content_length_too_short_is_malformed: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed), Reply {
        keep: true,
        ..Reply::raw([head(200, &[JSON[0], JSON[1], ("content-length", "60")]), good().into_bytes()].concat())
    };
    a_second_response_behind_the_first_answers_nothing: Seen::Violation("TX-2.2.1-token_type-required", FailClass::Malformed), {
        let smuggled = Reply::http(400, &JSON, r#"{"error":"invalid_request"}"#);
        let first = Reply::http(200, &JSON, r#"{"access_token":"first"}"#);
        Reply { keep: true, acts: [first.acts, smuggled.acts].concat() }
    };
    two_content_lengths_are_no_answer: Seen::NoAnswer,
        Reply::raw([head(200, &[JSON[0], ("content-length", "10"), ("content-length", "200")]), good().into_bytes()].concat());
    a_negative_content_length_is_no_answer: Seen::NoAnswer,
        Reply::raw([head(200, &[JSON[0], ("content-length", "-1")]), good().into_bytes()].concat());
    a_chunk_of_all_memory_is_no_answer: Seen::NoAnswer, {
        let start = head(200, &[JSON[0], ("transfer-encoding", "chunked")]);
        Reply::raw([start, b"fffffffffffffff0\r\n".to_vec(), good().into_bytes()].concat())
    };
    a_content_length_of_all_memory_is_no_answer: Seen::NoAnswer,
        Reply::raw([head(200, &[JSON[0], ("content-length", "18446744073709551615")]), good().into_bytes()].concat());
    a_token_of_10_mb_is_cut: Seen::Violation("TX-2.2.1-json-toplevel", FailClass::Malformed),
        Reply::json(200, success(&"t".repeat(10 * MIB), "300"));
    a_token_of_900_kb_is_borne: Seen::Fine, Reply::json(200, success(&"t".repeat(900 * 1024), "300"));
    a_jwt_of_900_kb_is_borne: Seen::Fine, {
        let big = format!(r#"{{"sub":"alice","x":"{}"}}"#, "x".repeat(600 * 1024));
        Reply::json(200, success(&jwt(&big), "300"))
    };
    a_token_of_dots_is_borne: Seen::Fine, Reply::json(200, success(&"ey.".repeat(300_000), "300"));
    control_characters_are_malformed: Seen::Refusal, Reply::json(400, dangerous());
    control_characters_in_a_success_are_malformed: Seen::Violation("OA-8.1-type-name", FailClass::Malformed), {
        let text = serde_json::to_string(DANGER).unwrap();
        Reply::json(200, format!(r#"{{"access_token":"t","token_type":{text},"issued_token_type":{text},"scope":{text},"expires_in":{text},"error":{text}}}"#))
    };
    control_characters_in_claims_are_borne: Seen::Fine, {
        let text = serde_json::to_string(DANGER).unwrap();
        let claims = format!(r#"{{"sub":{text},"iss":{text},"aud":[{text}],"scope":{text},"act":{{"sub":{text}}},"exp":{text}}}"#);
        Reply::json(200, success(&jwt(&claims), "300"))
    };
    control_characters_in_headers_are_borne: Seen::Refusal, {
        let mut bytes = b"HTTP/1.1 401 \xe2\x80\xae\r\ncontent-type: application/json\r\nwww-authenticate: Basic realm=\"\xe2\x80\xae\xc2\x9b31m\"\r\n".to_vec();
        bytes.extend_from_slice(b"content-length: 26\r\n\r\n{\"error\":\"invalid_client\"}");
        Reply::raw(bytes)
    };
    a_description_of_all_characters_is_malformed: Seen::Refusal, {
        let all: String = (0x1_0000..0x4_8000).filter_map(char::from_u32).collect();
        Reply::json(400, format!(r#"{{"error":"invalid_request","error_description":"{all}"}}"#))
    };
    an_error_code_of_a_megabyte_is_borne: Seen::Refusal,
        Reply::json(400, format!(r#"{{"error":"{}"}}"#, "e".repeat(1_000_000)));
    a_page_is_a_refusal: Seen::Refusal,
        Reply::http(200, &[("content-type", "text/html")], "<!doctype html><script>alert(1)</script>");
    an_empty_success_is_a_refusal: Seen::Refusal, Reply::json(200, "");
    no_content_is_a_refusal: Seen::Refusal, Reply::raw("HTTP/1.1 204 No Content\r\n\r\n");
    status_999_is_a_refusal: Seen::Refusal, Reply::json(999, r#"{"error":"invalid_request"}"#);
    status_000_is_no_answer: Seen::NoAnswer, Reply::raw("HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n");
    switching_protocols_is_no_token: Seen::Refusal,
        Reply::raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n");
    bytes_that_are_not_http_are_no_answer: Seen::NoAnswer, Reply::raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 SSH-2.0".to_vec());
}

/// ESC sequences, C0 and C1 controls, reading order, invisible characters, and what ends a line elsewhere.
const DANGER: &str = "\u{1b}]0;owned\u{7} \u{1b}[2J\u{1b}[31m \u{8}\u{8} \r \u{0} \u{7f} \u{9b}31m \u{202e}txet\u{202c} \u{2066}\u{2069} \u{200f}\u{200b}\u{feff} \u{2028}\u{2029} \u{e0041}";

fn dangerous() -> String {
    let text = serde_json::to_string(DANGER).unwrap();
    format!(r#"{{"error":{text},"error_description":{text},"error_uri":{text},{text}:{text}}}"#)
}

fn jwt(claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", b64(r#"{"alg":"ES256","typ":"at+jwt"}"#), b64(claims))
}

fn success(token: &str, expires_in: &str) -> String {
    format!(
        r#"{{"access_token":"{token}","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":{expires_in}}}"#
    )
}

/// A response as it should be.
fn good() -> String {
    success(&jwt(r#"{"iss":"https://as.example","sub":"alice","aud":"api","scope":"read"}"#), "300")
}

/// One megabyte of gzip that would become 160 MB: one zero, and a million times "the last byte 258 times again".
fn gzip_bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_huffman(0b0011_0000, 8);
    for _ in 0..620_000 {
        bits.push_huffman(0b1100_0101, 8);
        bits.push_huffman(0, 5);
    }
    bits.push_huffman(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.bytes);
    out.extend([0u8; 8]);
    out
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for i in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::from(value >> i & 1 == 1);
            let last = self.bytes.len() - 1;
            self.bytes[last] |= bit << (self.used % 8);
            self.used += 1;
        }
    }

    fn push_huffman(&mut self, code: u32, count: u32) {
        for i in (0..count).rev() {
            self.push(code >> i & 1, 1);
        }
    }
}

const SECRET: &str = "hostile-client-secret";

/// A target file for a token endpoint.
fn target_text(address: &str, more: &str) -> String {
    format!(
        r#"
name: hostile
clients:
  exchanger: {{ id: app, secret: {SECRET} }}
tokens:
  user: {{ from: {{ static: "{}" }} }}
capabilities: [scope, jwt_access_token]
scopes: {{ subject: [read, write], narrow: [read] }}
limits: {{ request_timeout: 2s, concurrency: 8, budget: 20000 }}
{}
"#,
        jwt(r#"{"sub":"alice","scope":"read write","exp":4102444800}"#),
        if more.is_empty() {
            format!("endpoints: {{ token: \"{address}/token\" }}\nmetadata: none")
        } else {
            more.to_owned()
        },
    )
}

fn target(address: &str) -> Arc<Target> {
    let text = target_text(address, "");
    Arc::new(load_text("hostile.yaml", &text, &|_| None, &CATALOGUE).unwrap_or_else(|e| panic!("{e:?}")))
}

/// Runs the probes against a server that granted the plain exchange and then turned hostile.
async fn judged(name: &str, seen: Seen, reply: Reply) {
    let hostile = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&hostile);
    let stolen = Arc::new(AtomicBool::new(false));
    let theft = Arc::clone(&stolen);
    let server = RawServer::start(move |request: &Received| {
        if request.path != "/token" {
            theft.store(true, Ordering::SeqCst);
        }
        if switch.load(Ordering::SeqCst) { reply.clone() } else { Reply::json(200, good()) }
    })
    .await;
    let context =
        Context::prepare(Arc::clone(&SUITE), target(&server.url()), Arc::clone(&CATALOGUE)).await.unwrap();
    let session = Session::new(Arc::new(context), Options::default(), Vec::new());
    let control = session.run(SUITE.get("impersonation").unwrap()).await;
    assert_eq!(control.verdict, Verdict::Pass, "{:?}", control.failures());
    hostile.store(true, Ordering::SeqCst);

    let started = Instant::now();
    let probes = PROBES.map(|id| SUITE.get(id).unwrap());
    let results = futures_util::future::join_all(probes.iter().map(|s| session.run(s))).await;
    let time = started.elapsed();
    session.recheck_controls(1).await;
    let end = session.finish();

    for result in &results {
        assert_ne!(result.verdict, Verdict::Error, "{}: {:?}", result.id, result.reason);
        assert_ne!(result.verdict, Verdict::NotApplicable, "{}: {:?}", result.id, result.reason);
        for exchange in &result.exchanges {
            let took = Duration::from_millis(exchange.duration_ms);
            assert!(took < LIMIT + SLACK, "{name}: {} took {took:?}", result.id);
        }
    }
    assert_eq!(end.scenarios.len(), PROBES.len() + 1);
    // Nothing that rests on a control which ended hostile may pass.
    for result in end.scenarios.iter().filter(|r| SUITE.get(&r.id).is_some_and(|s| s.is_negative())) {
        if !matches!(seen, Seen::Fine | Seen::Violation(..)) {
            assert_ne!(result.verdict, Verdict::Pass, "{name}: {} passes", result.id);
        }
    }
    seen_by_the_plain_exchange(name, &seen, &results[0]);
    assert!(!stolen.load(Ordering::SeqCst), "{name}: a redirect was followed");
    println!("{name}: {:.2} s", time.as_secs_f64());
    // A chain sends two requests, and a request that found no connection is sent once more.
    assert!(time < 2 * (LIMIT + SLACK), "{name}: {time:?}");
}

fn seen_by_the_plain_exchange(name: &str, seen: &Seen, result: &ScenarioResult) {
    let exchange = result.exchanges.last().unwrap();
    let error = exchange.transport_error.clone();
    match seen {
        Seen::NoAnswer => {
            assert!(error.is_some(), "{name}: {:?}", exchange.response.as_ref().map(|r| r.status));
            assert_eq!(
                (result.verdict, result.cause),
                (Verdict::Inconclusive, Some(Cause::Transport)),
                "{name}: {error:?}"
            );
        }
        Seen::Violation(requirement, class) => {
            let found =
                result.findings.iter().find(|f| f.verdict == Verdict::Fail && f.requirement == *requirement);
            assert_eq!(
                found.and_then(|f| f.class),
                Some(*class),
                "{name}: {error:?} {:#?}",
                result.failures()
            );
        }
        Seen::Refusal => {
            assert!(error.is_none(), "{name}: {error:?}");
            assert!(!matches!(result.verdict, Verdict::Pass), "{name}: {:?}", result.findings);
        }
        Seen::Fine => {
            assert!(error.is_none(), "{name}: {error:?}");
            assert!(
                result
                    .findings
                    .iter()
                    .any(|f| f.requirement == "TX-2.2.1-json-toplevel" && f.verdict == Verdict::Pass),
                "{name}"
            );
        }
    }
}

// --- The binary -----------------------------------------------------------------------------------------------------

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Ran {
    output: Output,
    /// Peak resident memory in bytes; 0 where it cannot be seen.
    peak: u64,
    time: Duration,
}

/// Runs the binary and watches its memory.
async fn txspec(folder: &Folder, target: &str, arguments: &[&str]) -> Ran {
    let file = folder.0.join("target.yaml");
    fs::write(&file, target).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command
        .args(&arguments[..1])
        .arg("--target")
        .arg(&file)
        .args(&arguments[1..])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let child = command.spawn().unwrap();
    tokio::task::spawn_blocking(move || {
        let pid = child.id();
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        let watch = std::thread::spawn(move || {
            let mut peak = 0;
            while !flag.load(Ordering::SeqCst) {
                peak = peak.max(resident_peak(pid).unwrap_or(0));
                std::thread::sleep(Duration::from_millis(3));
            }
            peak
        });
        let output = Child::wait_with_output(child).unwrap();
        let time = started.elapsed();
        done.store(true, Ordering::SeqCst);
        Ran { output, peak: watch.join().unwrap(), time }
    })
    .await
    .unwrap()
}

/// `VmHWM`: it only grows, so that the last look before the end is enough.
fn resident_peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// What a terminal would act upon, with what stands around it.
fn executable(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let at = text.char_indices().find(|(_, c)| !matches!(c, '\n' | '\t') && txspec::report::is_unsafe(*c))?.0;
    let from = text[..at].char_indices().rev().nth(60).map_or(0, |(i, _)| i);
    Some(text[from..].chars().take(120).collect::<String>().escape_debug().to_string())
}

fn assert_harmless(name: &str, ran: &Ran) {
    for (stream, bytes) in [("stdout", &ran.output.stdout), ("stderr", &ran.output.stderr)] {
        assert_eq!(executable(bytes), None, "{name}: {stream} would steer a terminal");
    }
    let all = [ran.output.stdout.as_slice(), ran.output.stderr.as_slice()].concat();
    assert!(!String::from_utf8_lossy(&all).contains("panicked"), "{name}: {}", String::from_utf8_lossy(&all));
    assert!(ran.output.status.code().is_some(), "{name}: ended by a signal: {}", ran.output.status);
    assert_ne!(ran.output.status.code(), Some(70), "{name}");
}

#[test]
fn the_terminal_check_sees_what_a_terminal_would_execute() {
    for bad in ["\u{1b}[31m", "\r", "\u{8}", "\u{9b}", "\u{202e}", "\u{2066}"] {
        assert!(executable(format!("text {bad}").as_bytes()).is_some(), "{bad:?}");
    }
    assert_eq!(executable("plain\n\ttext é".as_bytes()), None);
}

/// The whole suite against a server that is hostile in every way in turn, in one process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_hostile_set_stays_within_memory_and_off_the_terminal() {
    let replies: Vec<Reply> = all().into_iter().map(|(_, reply)| reply()).collect();
    let count = replies.len();
    let server = RawServer::start(move |request: &Received| match request.number {
        0 => Reply::json(200, good()),
        n => replies[(n - 1) % count].clone(),
    })
    .await;
    let folder = Folder::new("set");
    let ran = txspec(&folder, &target_text(&server.url(), ""), &["run", "--report-dir", "reports"]).await;
    assert_harmless("the whole set", &ran);
    let requests = server.requests();
    assert!(requests > count, "only {requests} requests for {count} hostile answers");
    let report = fs::read_to_string(folder.0.join("reports/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let verdicts: Vec<&str> =
        report["scenarios"].as_array().unwrap().iter().map(|s| s["verdict"].as_str().unwrap()).collect();
    assert!(verdicts.len() > 300 && !verdicts.contains(&"error"), "{verdicts:?}");
    let longest = report["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|s| s["exchanges"].as_array().unwrap())
        .map(|e| e["duration_ms"].as_u64().unwrap())
        .max()
        .unwrap();
    println!(
        "{count} hostile answers, {requests} requests, {:.1} s, longest exchange {longest} ms, peak {} MB",
        ran.time.as_secs_f64(),
        ran.peak / 1_000_000
    );
    if ran.peak == 0 {
        eprintln!("SKIPPED: peak memory cannot be seen here (no /proc/PID/status)");
    } else {
        assert!(ran.peak < 200_000_000, "peak memory {} MB", ran.peak / 1_000_000);
    }
}

/// Hostile from the first request on: the preflight says so, and nothing else happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_hostile_at_once_fails_the_preflight() {
    let names = [
        "silence_ends_at_the_time_limit",
        "an_endless_body_is_cut",
        "control_characters_are_malformed",
        "control_characters_in_headers_are_borne",
        "a_redirect_to_another_host_is_a_refusal",
        "an_error_code_of_a_megabyte_is_borne",
    ];
    for (name, reply) in all().into_iter().filter(|(n, _)| names.contains(n)) {
        let reply = reply();
        let server = RawServer::start(move |_: &Received| reply.clone()).await;
        let folder = Folder::new(name);
        let target = target_text(&server.url(), "");
        let ran = txspec(&folder, &target, &["run", "--no-report", "impersonation"]).await;
        assert_harmless(name, &ran);
        assert_eq!(
            ran.output.status.code(),
            Some(6),
            "{name}: {}",
            String::from_utf8_lossy(&ran.output.stderr)
        );
        assert!(ran.output.stderr.len() < 4096, "{name}: {} bytes of error", ran.output.stderr.len());
    }
}

/// A page that is served with 200 is no token endpoint: the run ends before it judges, and says what came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_no_token_endpoint() {
    let page = Reply::http(200, &[("content-type", "text/html")], "<html><body>Welcome</body></html>");
    let server = RawServer::start(move |_: &Received| page.clone()).await;
    let target = target_text(&server.url(), "");
    for (command, status) in [(&["run", "--no-report", "impersonation"][..], 6), (&["doctor"][..], 6)] {
        let ran = txspec(&Folder::new(&format!("page-{}", command[0])), &target, command).await;
        let said = [ran.output.stdout.as_slice(), ran.output.stderr.as_slice()].concat();
        let said = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.output.status.code(), Some(status), "{said}");
        let words = "answered 200, but with no JSON object with access_token (content type text/html)";
        assert!(said.contains(words), "{said}");
    }
}

/// The set-up walk shows more of what a server says than the run does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_shows_hostile_text_harmlessly() {
    for name in [
        "control_characters_are_malformed",
        "control_characters_in_a_success_are_malformed",
        "control_characters_in_headers_are_borne",
    ] {
        let reply = all().into_iter().find(|(n, _)| *n == name).unwrap().1();
        let server = RawServer::start(move |_: &Received| reply.clone()).await;
        let target = target_text(&server.url(), &format!("issuer: \"{}\"", server.url()))
            .replace("static:", "password: { client: exchanger, username: alice, password: alice-secret } #");
        let folder = Folder::new(&format!("doctor-{name}"));
        for more in ["", "endpoints"] {
            let target = if more.is_empty() { target.clone() } else { target_text(&server.url(), "") };
            assert_harmless(name, &txspec(&folder, &target, &["doctor"]).await);
        }
    }
}

/// Metadata, key sets and token sources that are hostile: where the token endpoint cannot be had, the run ends with
/// code 6 and a reason; it never sends credentials elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_metadata_ends_the_run_with_a_reason() {
    let thief = RawServer::start(|_: &Received| Reply::json(200, good())).await;
    let other = thief.url();
    let doc = |token: &str| {
        format!(r#"{{"issuer":"ISSUER","token_endpoint":{}}}"#, serde_json::to_string(token).unwrap())
    };
    let danger = serde_json::to_string(DANGER).unwrap();
    let cases: Vec<(&str, Reply, &str)> = vec![
        ("a page", Reply::http(200, &[("content-type", "text/html")], "<html>"), "not a JSON document"),
        ("a redirect", Reply::http(302, &[("location", &other)], ""), "redirects"),
        ("another host", Reply::json(200, doc("http://as.example.com/token")), "another machine"),
        ("another address", Reply::json(200, doc("http://169.254.169.254/token")), "another machine"),
        ("another scheme", Reply::json(200, doc("file:///etc/passwd")), "file URL"),
        ("a script", Reply::json(200, doc("javascript:alert(1)")), "javascript URL"),
        ("no URL", Reply::json(200, doc(DANGER)), "not a URL"),
        (
            "another issuer",
            Reply::json(
                200,
                format!(r#"{{"issuer":"https://elsewhere.example","token_endpoint":"{other}/token"}}"#),
            ),
            "another issuer",
        ),
        (
            "an issuer to be afraid of",
            Reply::json(200, format!(r#"{{"issuer":{danger},"token_endpoint":"{other}/token"}}"#)),
            "another issuer",
        ),
        ("no token_endpoint", Reply::json(200, r#"{"issuer":"ISSUER"}"#), "no token_endpoint"),
        (
            "a token_endpoint that is no text",
            Reply::json(200, r#"{"issuer":"ISSUER","token_endpoint":[1]}"#),
            "no token_endpoint",
        ),
        ("an array", Reply::json(200, "[]"), "not a JSON object"),
        ("a deep document", Reply::json(200, "[".repeat(100_000)), "not a JSON document"),
        (
            "an endless document",
            {
                Reply::acts(vec![
                    Act::Write(head(200, &JSON)),
                    Act::Forever(vec![b' '; 64 * 1024], Duration::ZERO),
                ])
            },
            "larger than the limit",
        ),
        (
            "a dripping document",
            {
                Reply::acts(vec![
                    Act::Write(head(200, &JSON)),
                    Act::Forever(b" ".to_vec(), Duration::from_millis(100)),
                ])
            },
            "no complete response",
        ),
        ("silence", Reply::acts(vec![Act::Wait(Duration::from_secs(60))]), "no complete response"),
    ];
    let runs = cases.into_iter().map(|(name, reply, reason)| async move {
        let posted = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&posted);
        let server = RawServer::start(move |request: &Received| {
            if request.method != "GET" {
                seen.store(true, Ordering::SeqCst);
            }
            let own = format!("http://{}", request.header("host"));
            let mut reply = reply.clone();
            for act in &mut reply.acts {
                if let Act::Write(bytes) = act
                    && bytes.windows(6).any(|w| w == b"ISSUER")
                {
                    let body = String::from_utf8_lossy(bytes)
                        .split_once("\r\n\r\n")
                        .unwrap()
                        .1
                        .replace("ISSUER", &own);
                    return Reply::json(200, body);
                }
            }
            reply
        })
        .await;
        let folder = Folder::new(&name.replace(' ', "-"));
        let target = target_text("", &format!("issuer: \"{}\"", server.url()));
        let ran = txspec(&folder, &target, &["run", "--no-report", "impersonation"]).await;
        let error = String::from_utf8_lossy(&ran.output.stderr).into_owned();
        assert_harmless(name, &ran);
        assert_eq!(ran.output.status.code(), Some(6), "{name}: {error}");
        assert!(error.contains(reason), "{name}: {error}");
        assert!(error.len() < 4096, "{name}: {error}");
        assert!(!posted.load(Ordering::SeqCst), "{name}: credentials were sent");
        assert!(ran.peak < 200_000_000, "{name}: peak memory {} MB", ran.peak / 1_000_000);
        println!("{name}: {:.2} s, peak {} MB", ran.time.as_secs_f64(), ran.peak / 1_000_000);
    });
    futures_util::stream::iter(runs).buffer_unordered(4).collect::<Vec<()>>().await;
    assert_eq!(thief.requests(), 0, "a redirect was followed, or another issuer's document believed");
}

/// A key set that cannot be used is a fact about the server, no end of the run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_key_set_leaves_signatures_open() {
    let sets: Vec<(&str, Reply)> = vec![
        (
            "10 MB",
            Reply::json(200, format!(r#"{{"keys":[{}]}}"#, vec![r#"{"kty":"RSA"}"#; 700_000].join(","))),
        ),
        (
            "900 KB",
            Reply::json(
                200,
                format!(
                    r#"{{"keys":[{}]}}"#,
                    vec![r#"{"kty":"EC","crv":"P-256","x":"","y":"!"}"#; 20_000].join(",")
                ),
            ),
        ),
        ("keys that are none", Reply::json(200, r#"{"keys":{"a":[]}}"#)),
        ("an array", Reply::json(200, "[null]")),
        ("silence", Reply::acts(vec![Act::Wait(Duration::from_secs(60))])),
    ];
    for (name, reply) in sets {
        let server =
            RawServer::start(
                move |request: &Received| {
                    if request.path == "/jwks" { reply.clone() } else { Reply::json(200, good()) }
                },
            )
            .await;
        let text = target_text(
            "",
            &format!(
                "metadata: none\nendpoints: {{ token: \"{0}/token\", jwks: \"{0}/jwks\" }}",
                server.url()
            ),
        )
        .replace("jwt_access_token]", "jwt_access_token, jwks]");
        let target =
            load_text("hostile.yaml", &text, &|_| None, &CATALOGUE).unwrap_or_else(|e| panic!("{e:?}"));
        let started = Instant::now();
        let context =
            Context::prepare(Arc::clone(&SUITE), Arc::new(target), Arc::clone(&CATALOGUE)).await.unwrap();
        let result = context.result(SUITE.get("signature").unwrap()).await;
        let time = started.elapsed();
        assert!(time < 3 * (LIMIT + SLACK), "{name}: {time:?}");
        let signature = result.findings.iter().find(|f| f.requirement == "JW-issued-signature").unwrap();
        assert_ne!(signature.verdict, Verdict::Pass, "{name}");
        assert_ne!(result.verdict, Verdict::Error, "{name}");
        println!("{name}: {:.2} s, {:?}", time.as_secs_f64(), signature.verdict);
    }
}
