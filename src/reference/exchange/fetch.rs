//! A request to an address that a token names. Only a faulty server sends one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use url::Url;

const PATIENCE: Duration = Duration::from_millis(500);

/// Whether an address can be asked at all: plain HTTP on this machine, so that no fault ever leaves it.
pub(super) fn is_plain(address: &str) -> bool {
    socket(address).is_some()
}

fn socket(address: &str) -> Option<SocketAddr> {
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "http")?;
    let ip = url.host_str()?.parse().ok().filter(std::net::IpAddr::is_loopback)?;
    Some(SocketAddr::new(ip, url.port_or_known_default()?))
}

/// Asks and throws the answer away: that it was asked for is all that shows.
pub(super) fn get(address: &str) {
    let Some(mut stream) = socket(address).and_then(|to| TcpStream::connect_timeout(&to, PATIENCE).ok())
    else {
        return;
    };
    let path = Url::parse(address).map(|url| url.path().to_owned()).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let prepared =
        stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request.as_bytes()));
    if prepared.is_ok() {
        // What comes back, or that nothing does, makes no difference.
        let _ = stream.read(&mut [0; 512]);
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_this_machine_is_ever_asked() {
        assert!(is_plain("http://127.0.0.1:8080/jwks.json"));
        for other in ["https://127.0.0.1/", "http://192.0.2.1/", "http://as.example.com/", "nothing"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
